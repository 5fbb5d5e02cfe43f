"""Classification of one text, or of two."""
