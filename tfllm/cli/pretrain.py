"""`tfllm pretrain --text F ... --out RUN`: pre-train on plain text by masking parts of it.

It is `tfllm train pretrain`. The same command again, or only --out RUN, continues a run.
"""

from tfllm.cli import train


def completions():
    return {"": train.completions()["pretrain"]}


def run(arguments):
    train.train("pretrain", "tfllm pretrain", arguments)
