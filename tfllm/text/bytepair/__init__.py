"""Byte-level byte-pair encoding, as in GPT-2."""
