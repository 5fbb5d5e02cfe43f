"""How time and memory grow with length, batch, beam and vocabulary: `python benchmarks/growth.py --out FOLDER`.

Writes growth.json and growth.png. Each point is a process of its own with one thread, so that its largest memory is its
own; CPU seconds, the fastest of three runs after a first one. The model is a GPT of 4 layers of width 128 with random
weights. Unless it varies, its vocabulary is 1,000; it is trained on 8 texts of 64 tokens, and writes 128 tokens of one
text greedily. `lines` is the stream of training data of a language model without the training, each line a document;
`start` a first `fit` of one batch, without the import.
"""

import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine

POINTS = {
    "decode: new tokens": (64, 256, 1024),
    "decode: texts": (1, 8, 64),
    "decode: beam": (1, 4, 8),
    "decode: vocabulary": (1000, 8000, 50000),
    "train: length": (64, 256, 1024),
    "train: texts": (4, 16, 64),
    "train: vocabulary": (1000, 8000, 50000),
    "data: lines": (10_000, 100_000, 1_000_000),
    "start: fit": (1,),
}
UNITS = {"decode": "CPU ms a token", "train": "CPU ms a token", "data": "CPU µs a line", "start": "CPU s"}


def used():
    return time.process_time()


def task_of(vocabulary, length):
    from tfllm.models import GPT
    from tfllm.tasks import LanguageModel
    from tfllm.text import Characters

    tokenizer = Characters.learn(["".join(map(chr, range(0x20000, 0x20000 + vocabulary - 4)))])
    return LanguageModel(GPT(tokenizer.vocab_size, length, 4, 128, 4, rate=0.0), tokenizer)


def fastest(work, times=3):
    seconds = []
    for _ in range(times + 1):
        began = used()
        work()
        seconds.append(used() - began)
    return min(seconds[1:])


def decode(what, value):
    """CPU milliseconds for each new token of each text."""
    new, texts, beam, vocabulary = (value if what == kind else usual for kind, usual in
                                    (("new tokens", 128), ("texts", 1), ("beam", 1), ("vocabulary", 1000)))  # fmt: skip
    task = task_of(vocabulary, new + 16)
    options = {"max_new_tokens": new, "verbose": 0, "beam_width": beam}
    prompts = [chr(0x20000 + i) for i in range(texts)]
    return 1e3 * fastest(lambda: task.generate(prompts, batch_size=texts, **options)) / new / texts


def train(what, value):
    """CPU milliseconds for each token."""
    import numpy as np
    import tensorflow as tf

    length, texts, vocabulary = (
        value if what == kind else usual for kind, usual in (("length", 64), ("texts", 8), ("vocabulary", 1000))
    )
    task, updates = task_of(vocabulary, length), 4
    ids = np.random.default_rng(1).integers(4, vocabulary, (updates, texts, length)).astype("int32")
    data = tf.data.Dataset.from_tensor_slices((ids, ids, np.ones(ids.shape, "float32")))
    task.compile()
    return 1e3 * fastest(lambda: task.fit(data, verbose=0)) / ids.size


def data(what, value):
    """CPU microseconds a line."""
    import tensorflow as tf

    from tfllm.data.streams import Stream

    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        for i in range(value):
            file.write(f"line {i} of a text, as long as a sentence of a newspaper often is in English\n")
        file.flush()
        task, began = task_of(100, 64), used()
        lines = tf.data.TextLineDataset(file.name).map(lambda line: {"text": line})
        stream = Stream(lines, task.example, 64, batch_size=32, steps=1 + value // 32, seed=1)
        for _ in zip(stream.batches(), range(value // 32), strict=False):
            pass
    return 1e6 * (used() - began) / value


def start(what, value):
    began = used()
    task = task_of(1000, 64)
    task.fit([20 * "".join(map(chr, range(0x20000, 0x20003)))] * 8, verbose=0)
    return used() - began


def point(name, value):
    import tensorflow  # noqa: F401  # not a part of any time

    import tfllm.models
    import tfllm.tasks  # noqa: F401

    kind, _, what = name.partition(": ")
    result = {"decode": decode, "train": train, "data": data, "start": start}[kind](what, value)
    return {"time": result, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measured(name, value):
    one = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--point", name, str(value)]
    output = subprocess.run(command, env=os.environ | one, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {"value": value} | json.loads(output.splitlines()[-1])


def plot(results, path):
    import matplotlib.pyplot as plt

    names = [name for name in results if len(results[name]) > 1]
    lines = -(-len(names) // 4)
    columns = -(-len(names) // lines)
    figure, axes = plt.subplots(
        lines, columns, figsize=(3.8 * columns, 3.2 * lines), layout="constrained", squeeze=False
    )
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    for axis, name in zip(axes.flat, names, strict=False):
        x = [row["value"] for row in results[name]]
        axis.plot(x, [row["time"] for row in results[name]], "o-", color="tab:blue")
        axis.set(title=name, xscale="log", xticks=x, xticklabels=[f"{v:,}" for v in x], ylim=(0, None))
        axis.minorticks_off()
        axis.tick_params(axis="x", labelrotation=25)
        axis.set_ylabel(UNITS[name.partition(":")[0]], color="tab:blue")
        memory = axis.twinx()
        memory.plot(x, [row["megabytes"] for row in results[name]], "s--", color="tab:orange")
        memory.set_ylim(0, None)
        memory.set_ylabel("MB", color="tab:orange")
    figure.savefig(path, dpi=80)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("growth"))
    parser.add_argument("--only", nargs="+", choices=POINTS, default=list(POINTS))
    parser.add_argument("--smallest", action="store_true", help="one point of each, to see that everything runs")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        print(json.dumps(point(options.point[0], int(options.point[1]))))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "growth.json"
    about = {"date": str(datetime.date.today()), "machine": machine(), "results": {}}
    for name in options.only:
        values = POINTS[name][:1] if options.smallest else POINTS[name]
        about["results"][name] = []
        for value in values:
            about["results"][name].append(measured(name, value))
            print(name, about["results"][name][-1], flush=True)
            path.write_text(json.dumps(about, indent=1) + "\n")
    plot(about["results"], options.out / "growth.png")


if __name__ == "__main__":
    main()
