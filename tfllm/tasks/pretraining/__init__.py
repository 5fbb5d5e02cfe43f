"""Learning from running text by hiding parts of it."""
