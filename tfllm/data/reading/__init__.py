"""Files and public data sets -> records of strings."""
