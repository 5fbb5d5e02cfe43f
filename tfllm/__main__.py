"""`python -m tfllm VERB ...`: the command `tfllm`, where it is not on the path."""

from tfllm.cli import main

main()
