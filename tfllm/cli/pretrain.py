"""`tfllm pretrain --text F ... --out RUN`: learn from running text by hiding parts of it; the run is used as any other.

It is `tfllm train pretrain`. The same line once more, or only --out RUN, goes on with a run.
"""

from tfllm.cli import train


def completions():
    return {"": train.completions()["pretrain"]}


def run(arguments):
    train.train("pretrain", "tfllm pretrain", arguments)
