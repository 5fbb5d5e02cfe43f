"""Verbs that examine data before training, and models after it."""
