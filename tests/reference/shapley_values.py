"""Shapley values as they are defined: the mean over all orders of what each player adds. NumPy only."""

from itertools import permutations

import numpy as np


def shapley_values(value, size):
    """value(frozenset of players) -> number; -> [size]."""
    found, orders = np.zeros(size), list(permutations(range(size)))
    for order in orders:
        before = frozenset()
        for player in order:
            found[player] += value(before | {player}) - value(before)
            before |= {player}
    return found / len(orders)
