"""The labelled texts of benchmarks/classification.py: lists of records {"text"[, "pair"], "label"}.

Expected in $TFLLM_DATA: sst/trees (Stanford Sentiment Treebank), movie_reviews/rt-polarity.all, glue/cola, glue/rte.
"""

import csv
import os
from pathlib import Path

import numpy as np

from tfllm.data import sst

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data"))


def sst2(part, phrases=False):
    """SST-2: the movie reviews that are not neutral; with all their phrases, or whole sentences only."""
    return listed(sst(DATA / "sst" / "trees" / f"{part}.txt.gz", classes=2, phrases=phrases))


def movie_reviews():
    """10,662 sentences, positive and negative, in an order drawn once for all folds."""
    lines = (DATA / "movie_reviews" / "rt-polarity.all").read_text("latin-1").splitlines()
    records = [{"text": line[2:].strip(), "label": ("negative", "positive")[int(line[0])]} for line in lines]
    return [records[i] for i in np.random.default_rng(1).permutation(len(records))]


def cola(*parts):
    """Sentences of linguistics, acceptable or not."""
    rows = (row for part in parts for row in tsv(DATA / "glue" / "cola" / f"{part}.tsv"))
    return [{"text": row[3], "label": ("unacceptable", "acceptable")[int(row[1])]} for row in rows]


def rte(part):
    """Pairs: does the first entail the second?"""
    rows = list(tsv(DATA / "glue" / "rte" / f"{part}.tsv"))[1:]
    return [{"text": row[1], "pair": row[2], "label": row[3]} for row in rows]


def tsv(path):
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def listed(records):
    return [{name: value.decode() for name, value in record.items()} for record in records.as_numpy_iterator()]


def fold(records, i, of=10):
    """(train, validation, test): every tenth is for testing, every tenth of the others for early stopping."""
    test = records[i::of]
    rest = [record for k, record in enumerate(records) if k % of != i]
    return [r for k, r in enumerate(rest) if k % 10], rest[::10], test
