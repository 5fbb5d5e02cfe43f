"""Sinusoidal positions of Vaswani et al. 2017, sec. 3.5, one number at a time."""

import math

import numpy as np


def sinusoids(length, width):
    """[length, D]: PE(p, 2i) = sin(p / 10000^(2i/D)), PE(p, 2i + 1) = cos(p / 10000^(2i/D))."""
    table = np.zeros((length, width))
    for p in range(length):
        for j in range(width):
            i = j // 2
            angle = p / 10000 ** (2 * i / width)
            table[p, j] = math.sin(angle) if j % 2 == 0 else math.cos(angle)
    return table
