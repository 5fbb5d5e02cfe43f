"""Chinese words: dictionaries, the likeliest cut, and full-width characters."""
