"""The least time that a row of speed.py can take on this machine, by what one thread computes and copies."""

import os
import subprocess
import sys
import time


def measured_rates():
    """What one thread does in a CPU second: {"operations": additions and multiplications of float32 in a product of
    matrices, "bytes": read and written by a copy}."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    values = subprocess.run(
        [sys.executable, __file__], env=os.environ | one, check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(zip(("operations", "bytes"), map(float, values.stdout.split()), strict=True))


def floor(size, rates):
    """Seconds: the larger of the "operations" and "bytes" of a row by their rates; None if it has neither."""
    return max((size[kind] / rate for kind, rate in rates.items() if kind in size), default=None)


def fastest(work, times=5):
    seconds = []
    for _ in range(times):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def main():
    import numpy as np

    side, large = np.random.default_rng(0).normal(size=(2048, 2048)).astype("float32"), np.ones(2**26, "float32")
    product, there = np.empty_like(side), large.copy()
    print(2 * 2048**3 / fastest(lambda: np.matmul(side, side, out=product)))
    print(2 * large.nbytes / fastest(lambda: np.copyto(there, large)))


if __name__ == "__main__":
    main()
