"""A task for runtimes without strings: its networks as functions of token ids, and its tokenizer beside."""
