"""Does pre-training help? `python benchmarks/bert_pretraining.py [SETTING ...] --out RESULTS.jsonl`.

A small BERT is pre-trained on 7,000 English descriptions of Debian packages (masks only, and with pairs), in the folder
RESULTS-SETTING, as by `tfllm pretrain`, which continues an interrupted run. Its loss on the validation descriptions is
shown next to the entropy of the masked tokens. Then a TextClassifier learns from 100 and from 500 texts, with each
seed, from the pre-trained encoder and from a random one of the same size, which language a package is for: eight kinds,
by the prefix of the package's name; words that reveal it are removed from the text. The learning rate and the epoch
with the lowest validation loss count. A run that is in RESULTS.jsonl is not repeated; without a setting only the table
is printed.

The data is expected in $TFLLM_DATA/debian_desc.
"""

import argparse
import gzip
import os
import re
import time
from functools import partial
from itertools import product
from pathlib import Path

import keras
import numpy as np
from results import Results

import tfllm
from tfllm import training
from tfllm.cli.tasks.masked_lm import Training
from tfllm.models.bert import BERT
from tfllm.models.configs import BERTConfig
from tfllm.training import Recipe

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data"))
MODEL = BERTConfig(max_length=128, num_layers=2, d_model=128, num_heads=4, dff=512)
OBJECTIVES = {"mlm": 15, "mlm_nsp": 15}  # epochs of pre-training
TEXTS, SEEDS, EPOCHS, RATES = (100, 500), (1, 2, 3), 20, (1e-4, 5e-4)  # of the classifiers
KINDS = {  # the prefix of a package's name: its label
    "python3-": "Python", "golang-": "Go", "node-": "JavaScript", "r-": "R", "ruby-": "Ruby", "libghc-": "Haskell",
    "librust-": "Rust", "fonts-": "font",
}  # fmt: skip
TELLING = re.compile(
    r"\b(python\w*|py\w+|golang|go|node\w*|npm|javascript|js|r|cran|gnu|ruby\w*|gems?|haskell|ghc|hackage|rust\w*|"
    r"crates?|cargo|fonts?|typefaces?)\b", re.I,
)  # fmt: skip


def descriptions(part):
    """[(package, description)]"""
    with gzip.open(DATA / "debian_desc" / f"summ_en_{part}.tsv.gz", "rt", encoding="utf-8") as file:
        rows = (line.rstrip("\n").split("\t") for line in file)
        return [(row[0], row[3]) for row in rows]


def packages(part):
    """(texts, labels) of the packages for one of the languages, without the words that reveal it."""
    result = [
        (TELLING.sub(" ", text), kind)
        for name, text in descriptions(part)
        for start, kind in KINDS.items() if name.startswith(start)
    ]  # fmt: skip
    return tuple(zip(*result, strict=True))


def pretrained(objective, folder):
    """Train the run's folder to its end; -> (the best model, core seconds of this call)."""
    began = time.process_time()
    train, valid = ([text for _, text in descriptions(part)] for part in ("train", "valid"))
    recipe = Recipe(epochs=OBJECTIVES[objective], learning_rate=1.5e-3, monitor="val_loss")
    settings = Training(objective=objective, vocab_size=4000, batch_tokens=1024, model=MODEL, recipe=recipe)
    if (folder / "last.keras").exists():
        task, epoch = training.resume(folder, tfllm.load_model)
    else:
        training.start(folder, settings)
        task, epoch = settings.begin(train), 0
    if epoch < recipe.epochs:
        settings.fit(task, epoch, folder, train, valid)
    return tfllm.load_model(training.best(folder)), time.process_time() - began


def fine_tuned(load, size, seed, begin):
    """-> {"accuracy": on the test set, ...}, for the rate and the epoch with the lowest validation loss."""
    began = time.process_time()
    texts, labels = packages("train")
    order = np.random.default_rng(seed).permutation(len(texts))[:size]
    texts, labels = [texts[i] for i in order], [labels[i] for i in order]
    valid, test = (tuple(map(list, packages(part))) for part in ("valid", "test"))
    tried = []
    for rate in RATES:
        mlm = load()  # fine-tuning changes its encoder
        keras.utils.set_random_seed(seed)
        encoder = mlm.encoder if begin == "pre-trained" else BERT(**mlm.encoder.numbers)
        classifier = tfllm.TextClassifier.from_encoder(
            encoder, mlm.tokenizer, sorted(set(labels)), length=128, pooling="mean"
        )
        classifier.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), jit_compile=False)
        stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
        losses = classifier.fit(
            texts, labels, validation_data=valid, epochs=EPOCHS, batch_tokens=1024, shapes=2, seed=seed, verbose=0,
            callbacks=[stop],
        ).history["val_loss"]  # fmt: skip
        tried.append((min(losses), rate, int(np.argmin(losses)) + 1, classifier))
    _, rate, epoch, classifier = min(tried, key=lambda run: run[0])
    result = dict(zip(("loss", "accuracy"), classifier.evaluate(*test, verbose=0), strict=False))
    return {
        "accuracy": result["accuracy"], "test_loss": result["loss"], "rate": rate, "epoch": epoch,
        "most_frequent": max(test[1].count(label) for label in set(test[1])) / len(test[1]),
        "core_seconds": time.process_time() - began,
    }  # fmt: skip


def table(results):
    print("\n| pre-training | loss | unigram entropy | accuracy | next sentence | core seconds |")
    print("|---|---:|---:|---:|---:|---:|")
    for row in (row for row in results if row["task"] == "pre-training"):
        pairs = "" if row["next_sentence"] is None else f"{row['next_sentence']:.3f}"
        print(f"| {row['objective']} | {row['loss']:.3f} | {row['unigram_entropy']:.3f} | {row['accuracy']:.3f} | "
              f"{pairs} | {row['core_seconds']:.0f} |")  # fmt: skip
    print("\n| texts | begins with | seeds | accuracy | test loss | epoch |\n|---:|---|---:|---:|---:|---:|")
    for size, objective in product(TEXTS, OBJECTIVES):
        for begin in ("random", "pre-trained"):
            key = {"task": "packages", "texts": size, "objective": objective, "begin": begin}
            if rows := [row for row in results if key.items() <= row.items()]:
                columns = ([row[name] for row in rows] for name in ("accuracy", "test_loss", "epoch"))
                cells = " | ".join(f"{np.mean(part):.3f} ± {np.std(part):.3f}" for part in columns)
                print(f"| {size} | {begin} ({objective}) | {len(rows)} | {cells} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", choices=[*OBJECTIVES, []], metavar="SETTING", help=", ".join(OBJECTIVES))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    stored = Results(options.out)
    for objective in options.settings:
        folder = options.out.parent / f"{options.out.stem}-{objective}"
        mlm, seconds = pretrained(objective, folder)
        if not stored.has(task="pre-training", objective=objective):
            score = mlm.score([text for _, text in descriptions("valid")])
            stored.add({"task": "pre-training", "objective": objective, "loss": score.loss, "accuracy": score.accuracy,
                 "unigram_entropy": score.unigram_entropy, "next_sentence": score.next_sentence_accuracy,
                 "core_seconds": seconds})  # fmt: skip
        for size, seed, begin in product(TEXTS, SEEDS, ("random", "pre-trained")):
            key = {"task": "packages", "texts": size, "objective": objective, "begin": begin, "seed": seed}
            if not stored.has(**key):
                stored.add(key | fine_tuned(partial(tfllm.load_model, training.best(folder)), size, seed, begin))
    table(stored.rows)


if __name__ == "__main__":
    main()
