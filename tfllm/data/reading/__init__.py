"""Files and public sources -> records of strings."""
