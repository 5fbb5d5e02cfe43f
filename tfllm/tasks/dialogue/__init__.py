"""Dialogues: turns of several speakers, and a model that generates the next turn."""
