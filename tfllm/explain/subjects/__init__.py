"""Subjects of explanations: a text as the model of each kind of task reads it, and the numbers that it returns."""
