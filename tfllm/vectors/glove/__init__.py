"""GloVe: counting which words stand near each other, and fitting vectors to the counts."""
