"""Verbs that use exported SavedModels."""
