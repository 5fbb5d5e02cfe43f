"""Recurrent decoders with attention, and copying from the source."""
