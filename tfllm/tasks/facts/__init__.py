"""Questions about a list of facts."""
