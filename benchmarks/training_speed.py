"""Real target tokens per second of `fit` with Transformer-tiny on Multi30k: `python benchmarks/training_speed.py`.

The bpe files, batches of 4,096 positions, the standard recipe, with XLA and without, one after the other in each round.
The first epoch (tracing, compilation) is shown separately. Padding does not count as tokens.
With `--joeynmt PYTHON`, the interpreter of an environment with joeynmt (PyTorch), the same model is trained there in
each round too, and its own count of tokens per second is used.
"""

import argparse
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import keras
import yaml
from multi30k import pairs, untrained

from tfllm.tasks import TranslatorConfig
from tfllm.tasks.user_data import strings


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)


class Joey:
    """JoeyNMT's own training of the same model on the same pairs; its reports of tokens per second."""

    def __init__(self, python, train, folder):
        self.python, self.folder = python, Path(folder)
        sides = {"en": strings(train, "source")[0], "de": strings(train, "target")[0]}
        for language, lines in sides.items():
            (self.folder / f"train.{language}").write_text("\n".join(lines) + "\n", encoding="utf-8")
            (self.folder / f"dev.{language}").write_text("\n".join(lines[:20]) + "\n", encoding="utf-8")
        words = sorted({word for lines in sides.values() for line in lines for word in line.split()})
        specials = ["<unk>", "<pad>", "<s>", "</s>"]
        (self.folder / "vocabulary").write_text("\n".join(specials + words) + "\n", encoding="utf-8")
        (self.folder / "config.yaml").write_text(yaml.dump(self.config()), encoding="utf-8")

    def config(self):
        side = {
            "type": "transformer", "num_layers": 4, "num_heads": 4, "hidden_size": 128, "ff_size": 256, "dropout": 0.1,
            "embeddings": {"embedding_dim": 128, "scale": True, "dropout": 0.1}, "layer_norm": "post",
        }  # fmt: skip
        text = {"level": "word", "lowercase": False, "max_length": 250, "voc_file": str(self.folder / "vocabulary")}
        return {
            "name": "tiny", "joeynmt_version": "2.3.0", "use_cuda": False, "model_dir": str(self.folder / "model"),
            "data": {
                "train": str(self.folder / "train"), "dev": str(self.folder / "dev"), "dataset_type": "plain",
                "src": {"lang": "en"} | text, "trg": {"lang": "de"} | text,
            },
            "training": {
                "optimizer": "adam", "adam_betas": [0.9, 0.98], "learning_rate": 0.001, "label_smoothing": 0.1,
                "scheduling": "warmupinversesquareroot", "learning_rate_warmup": 1000,
                "loss": "crossentropy", "normalization": "tokens", "clip_grad_norm": 1.0, "batch_type": "token",
                "batch_size": 4096, "epochs": 1, "logging_freq": 5, "validation_freq": 100_000, "overwrite": True,
            },
            "testing": {"eval_metrics": []},
            "model": {
                "encoder": side, "decoder": side, "tied_embeddings": True, "tied_softmax": True,
                "initializer": "xavier_uniform", "embed_initializer": "xavier_uniform",
            },
        }  # fmt: skip

    def rates(self):
        """Tokens per second over each 5 updates of one epoch, except the first 5."""
        command = [self.python, "-m", "joeynmt", "train", str(self.folder / "config.yaml"), "--skip-test"]
        output = subprocess.run(command, check=True, capture_output=True, text=True)
        return [float(rate) for rate in re.findall(r"Tokens per Sec:\s+(\d+)", output.stdout + output.stderr)][1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--joeynmt", metavar="PYTHON", help="train with joeynmt as well, by this interpreter")
    options = parser.parse_args()
    train = pairs("bpe", "train").take(options.pairs)
    translators = {}
    for name, jit_compile in (("XLA", True), ("plain", False)):
        keras.utils.set_random_seed(1)
        translators[name] = untrained("bpe", train, TranslatorConfig(tokenizer="words"))
        translators[name].compile(jit_compile=jit_compile)
        clock = Clock()
        translators[name].fit(train, epochs=1, verbose=0, callbacks=clock)
        print(f"{name}: first epoch {clock.seconds[0]:.0f} s", flush=True)
    made = translators["XLA"].batches(train)
    tokens = int(made.rows[2].row_lengths().numpy().sum())
    print(made.plan, f"\n{tokens} real target tokens an epoch")
    with tempfile.TemporaryDirectory() as folder:
        joey, rates = Joey(options.joeynmt, train, folder) if options.joeynmt else None, {}
        for _ in range(options.rounds):
            for name, translator in translators.items():
                clock = Clock()
                translator.fit(train, epochs=1, verbose=0, callbacks=clock)
                rates.setdefault(name, []).append(tokens / clock.seconds[0])
            if joey:
                rates.setdefault("JoeyNMT", []).append(statistics.median(joey.rates()))
    for name, result in rates.items():
        print(f"{name:8} {statistics.median(result):6.0f} tokens/s  ({min(result):.0f} to {max(result):.0f})")


if __name__ == "__main__":
    main()
