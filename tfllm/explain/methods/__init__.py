"""How the score of a text is divided among its tokens: a function of a Subject a file."""
