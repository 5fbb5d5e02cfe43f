"""A text, or two, and its label."""
