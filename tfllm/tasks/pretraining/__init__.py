"""Pretraining on running text."""
