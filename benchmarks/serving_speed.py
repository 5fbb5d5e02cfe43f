"""Sentences per second through the SavedModel: `python benchmarks/serving_speed.py RUN raw|bpe`.

Exports the best checkpoint of a run of benchmarks/multi30k.py with beam 5 and translates the 1,000 test sentences in
batches of similar length, with the plain and with the XLA-compiled signature, interleaved. Compilation is shown
separately.
"""

import argparse
import statistics
import tempfile
import time

import tensorflow as tf
from multi30k import pairs

import tfllm
from tfllm.tasks import Decoding
from tfllm.tasks.user_data import strings


def translated(signature, batches):
    """Seconds for all batches, and the texts."""
    began = time.perf_counter()
    texts = [text for batch in batches for text in signature(batch)["text"].numpy()]
    return time.perf_counter() - began, texts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("kind", choices=("raw", "bpe"))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sources = sorted(strings(pairs(options.kind, "test"), "source")[0], key=len)
    batches = [tf.constant(sources[i : i + options.batch]) for i in range(0, len(sources), options.batch)]
    translator = tfllm.load_model(tfllm.training.best(options.run))
    with tempfile.TemporaryDirectory() as folder:
        model = tf.saved_model.load(translator.export(folder, Decoding(beam_width=5, length_penalty=1.0)))
    seconds = {"serving_default": [], "serving_xla": []}
    texts = {}
    for name in seconds:
        first, texts[name] = translated(model.signatures[name], batches)
        print(f"{name}: first pass {first:.1f} s", flush=True)
    same = sum(a == b for a, b in zip(*texts.values(), strict=True))
    print(f"{same} of {len(sources)} translations are the same")
    for _ in range(options.rounds):
        for name, result in seconds.items():
            result.append(translated(model.signatures[name], batches)[0])
    for name, result in seconds.items():
        print(f"{name:16} {len(sources) / statistics.median(result):6.1f} sentences/s, batches of {options.batch}")


if __name__ == "__main__":
    main()
