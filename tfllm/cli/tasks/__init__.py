"""The tasks that can be trained, one module each; `table` lists them."""
