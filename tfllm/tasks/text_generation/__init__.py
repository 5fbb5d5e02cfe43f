"""Writing text: parts that a task has, for continuing a prompt or answering a source."""
