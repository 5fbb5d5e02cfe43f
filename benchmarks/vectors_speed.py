"""Speed of counting and of training word vectors, compared with the authors' GloVe, glove-python and gensim's Word2Vec.

    python benchmarks/vectors_speed.py [--repeats 5] [--epochs 5] [--zipf WORDS] [--only PART-OF-A-NAME ...]

All get the same lists of words, of Multi30k (English), tiny Shakespeare and Debian's descriptions in the folder
TFLLM_DATA, or words drawn by Zipf's law: window 10, min_count 5, 50 dimensions, one thread. Runs are interleaved; the
tables have medians, and the ratio of pairs/CPU s to ours (the first).

Counting: the vocabulary and the table, from lists of words in Python; a pair is two words of one text at most 10 apart,
counted once. Training: a pair is an entry of the table, visited once per epoch; shuffling is included, compilation
(once per process) is not. Word2Vec: skip-gram, 5 negative samples, no subsampling, one epoch; a pair is a word with a
word of its (random) window. CPU seconds are those of all threads and child processes.

The peers: `pip install glovpy` runs the authors' C programs, which it downloads and builds on first import (skipped if
they are not in ~/.glopy/build); `pip install bicleaner-ai-glove` is glove-python with wheels.
"""

import argparse
import contextlib
import csv
import datetime
import gzip
import io
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from machine import machine

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data"))
WINDOW, MIN_COUNT, SIZE = 10, 5, 50


def corpus():
    """Texts (str), lower-cased."""
    texts = gzip.open(DATA / "multi30k" / "raw" / "train.en.gz", "rt", encoding="utf-8").read().splitlines()
    texts += (DATA / "tinyshakespeare" / "input.txt").read_text("utf-8").split("\n\n")
    for path in sorted((DATA / "debian_desc").glob("summ_en_train*.tsv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            texts += [row[-1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return [text.lower() for text in texts]


def zipf(size):
    """Texts of 100 words, drawn with probabilities 1 / rank from 50,000 words."""
    import numpy as np

    draw = np.random.default_rng(0)
    chances = 1 / np.arange(1, 50_001)
    ranks = draw.choice(50_000, size=size, p=chances / chances.sum())
    return [" ".join(f"w{rank}" for rank in part) for part in np.split(ranks, range(100, size, 100))]


def lengths(lists):
    """The number of known words of each text, which determines the number of pairs."""
    from collections import Counter

    result = Counter(word for words in lists for word in words)
    return [sum(result[word] >= MIN_COUNT for word in words) for words in lists]


class Corpus:
    def __init__(self, texts):
        from tfllm.vectors.sentences import Sentences

        self.texts, self.lists = texts, list(Sentences(texts))
        sizes = lengths(self.lists)
        near = [sum(max(0, size - d) for size in sizes) for d in range(1, WINDOW + 1)]
        self.words, self.pairs = sum(map(len, self.lists)), sum(near)
        self.drawn = 2 * sum(places * (WINDOW - d) / WINDOW for d, places in enumerate(near))


@contextlib.contextmanager
def quiet():
    """Hide the output of this process and of its children."""
    with open(os.devnull, "w") as null, contextlib.redirect_stdout(io.StringIO()):
        kept = [os.dup(1), os.dup(2)]
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
        try:
            yield
        finally:
            for number, old in enumerate(kept, start=1):
                os.dup2(old, number)
                os.close(old)


# Each contestant: corpus, epochs -> {"counting": (run, units), "training": (run, units)}; training after counting.


def ours(corpus, epochs):
    from tfllm.vectors import Cooccurrence, GloVe

    kept = {}

    def counting():
        kept["table"] = Cooccurrence.count(corpus.lists, window=WINDOW, min_count=MIN_COUNT, verbose=0)

    def training():
        GloVe(vector_size=SIZE, epochs=epochs).fit(kept["table"], verbose=0)
        return epochs * len(kept["table"])

    GloVe(vector_size=2, min_count=1, epochs=1).fit([["a", "b"]], verbose=0)  # compiles
    return {"counting": (counting, corpus.pairs), "training": (training, None)}


def ours_strings(corpus, epochs):
    from tfllm.vectors import Cooccurrence

    def counting():
        Cooccurrence.count(corpus.texts, window=WINDOW, min_count=MIN_COUNT, verbose=0)

    return {"counting": (counting, corpus.pairs)}


def ours_little_memory(corpus, epochs):
    from tfllm.vectors import Cooccurrence

    def counting():
        Cooccurrence.count(corpus.lists, window=WINDOW, min_count=MIN_COUNT, memory=32, verbose=0)

    return {"counting": (counting, corpus.pairs)}


def authors(corpus, epochs):
    programs = Path.home() / ".glopy" / "build"
    if not all((programs / name).exists() for name in ("vocab_count", "cooccur", "shuffle", "glove")):
        raise ImportError("the programs of glovpy are missing; `import glovpy` downloads and builds them")
    from glovpy import train

    folder = tempfile.TemporaryDirectory()  # lives as long as the two functions

    def counting():
        texts, place = train.encode_tokens(corpus.lists), Path(folder.name)
        train.collect_vocab(texts, place, MIN_COUNT)
        train.count_cooccurrences(texts, place, True, WINDOW, 1.0, True)

    def training():
        place = Path(folder.name)
        train.shuffle_cooccurrences(place, memory=1.0)
        train.train_glove(place, SIZE, threads=1, iter=epochs, initial_learning_rate=0.05, alpha=0.75)
        return epochs * ((place / "coccurr.bin").stat().st_size // 16)

    return {"counting": (counting, corpus.pairs), "training": (training, None)}


def glove_python(corpus, epochs):
    import glove

    from tfllm.vectors import Cooccurrence

    words = Cooccurrence.count(corpus.lists, window=1, min_count=MIN_COUNT, verbose=0).words
    dictionary = {word: place for place, word in enumerate(words)}
    kept = {}

    def counting():  # it has no minimum count: the vocabulary is given
        kept["corpus"] = glove.Corpus(dictionary)
        kept["corpus"].fit(corpus.lists, window=WINDOW, ignore_missing=True)

    def training():  # counts on one side, and trains one matrix
        glove.Glove(no_components=SIZE, random_state=1).fit(kept["corpus"].matrix, epochs=epochs, no_threads=1)
        return epochs * kept["corpus"].matrix.nnz

    return {"counting": (counting, corpus.pairs), "training": (training, None)}


def word2vec(corpus, epochs):
    from gensim.models import Word2Vec

    def training():
        model.train(corpus.lists, total_words=corpus.words, epochs=1)
        return corpus.drawn

    model = Word2Vec(vector_size=SIZE, window=WINDOW, min_count=MIN_COUNT, sg=1, negative=5, sample=0, workers=1)
    model.build_vocab(corpus.lists)
    return {"training": (training, None)}


WORD2VEC = "gensim Word2Vec (Cython)"
CONTESTANTS = {
    "tfllm GloVe": ours,
    "tfllm GloVe, from strings": ours_strings,
    "tfllm GloVe, memory=32": ours_little_memory,
    "glovpy (the authors' C programs)": authors,
    "glove-python (Cython)": glove_python,
    WORD2VEC: word2vec,
}


def timed(run, units):
    """(units, wall seconds, CPU seconds with those of child processes)"""
    began, before = time.perf_counter(), os.times()
    with quiet():
        result = run()
    wall, after = time.perf_counter() - began, os.times()
    return units or result, wall, sum(after[:4]) - sum(before[:4])


def measure(corpus, names, repeats, epochs):
    ready, results = {}, {"counting": {}, "training": {}}
    for name in names:
        try:
            ready[name] = CONTESTANTS[name](corpus, epochs)
        except ImportError as error:
            print(f"left out: {name}: {error}")
    for _ in range(repeats):
        for name, parts in ready.items():
            for part, work in parts.items():
                results[part].setdefault(name, []).append(timed(*work))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5, help="of GloVe")
    parser.add_argument("--zipf", type=int, help="number of random words, instead of the texts of TFLLM_DATA")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of the contestants")
    options = parser.parse_args()
    texts = Corpus(zipf(options.zipf) if options.zipf else corpus())
    names = [name for name in CONTESTANTS if any(part in name for part in options.only)]
    results = measure(texts, names, options.repeats, options.epochs)
    print(f"\n{datetime.date.today()}, {machine()}, Python {platform.python_version()}; {texts.words:,} words in")
    print(f"{len(texts.lists):,} texts, {texts.pairs:,} pairs; {options.epochs} epochs; {options.repeats} runs")
    for part, rows in results.items():
        medians = {name: list(map(statistics.median, zip(*runs, strict=True))) for name, runs in rows.items()}
        speeds = {name: units / cpu for name, (units, _, cpu) in medians.items()}
        print(f"\n| {part} | pairs | pairs/s | pairs/CPU s | of the first |\n|---|---:|---:|---:|---:|")
        for name, (units, wall, _) in medians.items():
            ratio = speeds[name] / next(iter(speeds.values()))
            print(f"| {name} | {units:,.0f} | {units / wall:,.0f} | {speeds[name]:,.0f} | {ratio:.2f} |")
        if part == "training" and WORD2VEC in medians:
            _, wall, cpu = medians[WORD2VEC]
            print(f"\n{WORD2VEC}: {texts.words / wall:,.0f} words/s, {texts.words / cpu:,.0f} words/CPU s")


if __name__ == "__main__":
    main()
