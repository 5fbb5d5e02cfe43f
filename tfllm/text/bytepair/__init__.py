"""Byte-level byte-pair encoding, as GPT-2 has it."""
