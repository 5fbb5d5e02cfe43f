"""Real target tokens a second of `fit` with Transformer-tiny on Multi30k: `python benchmarks/training_speed.py`.

The bpe files, batches of 4,096 places, the standard recipe, with XLA and without, one after the other in each round.
The first epoch (tracing, compilation) is told apart. Padding does not count as tokens.
"""

import argparse
import statistics
import time

import keras
from multi30k import pairs, untrained

from tfllm.tasks import TranslatorConfig


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    train = pairs("bpe", "train").take(options.pairs)
    translators, seconds = {}, {}
    for name, jit_compile in (("XLA", True), ("plain", False)):
        keras.utils.set_random_seed(1)
        translators[name] = untrained("bpe", train, TranslatorConfig(tokenizer="words"))
        translators[name].compile(jit_compile=jit_compile)
        clock = Clock()
        translators[name].fit(train, epochs=1, verbose=0, callbacks=clock)
        seconds[name] = []
        print(f"{name}: first epoch {clock.seconds[0]:.0f} s", flush=True)
    made = translators["XLA"].batches(train)
    tokens = int(made.rows[2].row_lengths().numpy().sum())
    print(made.plan, f"\n{tokens} real target tokens an epoch")
    for _ in range(options.rounds):
        for name, translator in translators.items():
            clock = Clock()
            translator.fit(train, epochs=1, verbose=0, callbacks=clock)
            seconds[name] += clock.seconds
    for name, found in seconds.items():
        rates = sorted(tokens / one for one in found)
        print(f"{name:6} {statistics.median(rates):6.0f} tokens/s  ({rates[0]:.0f} to {rates[-1]:.0f})")


if __name__ == "__main__":
    main()
