"""Turns of several speakers, and the next one."""
