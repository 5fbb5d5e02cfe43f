"""Questions about a text, and where in it the answer stands."""
