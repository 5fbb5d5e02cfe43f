"""Methods that attribute a score of the model to the tokens of a text: one function of a Subject per file."""
