"""The tasks that can be trained, a file each; `table` knows them all."""
