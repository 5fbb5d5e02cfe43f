"""Chinese words: dictionaries, the most probable segmentation, and full-width characters."""
