"""`python -m tfllm VERB ...`: the command `tfllm`, also if it is not on the path."""

from tfllm.cli import main

main()
