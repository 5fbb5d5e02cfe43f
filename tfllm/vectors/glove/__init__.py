"""GloVe: counting co-occurrences of words, and fitting vectors to the counts."""
