"""The greatest flow through a graph, by Ford & Fulkerson 1956: paths are filled until there is none. NumPy only."""

import numpy as np


def greatest_flow(capacity, source, sink):
    """capacity [N, N] whole numbers -> a whole number."""
    left, total = np.array(capacity), 0
    while True:
        before, queue = {source: None}, [source]
        while queue and sink not in before:
            node = queue.pop(0)
            for other in np.flatnonzero(left[node]):
                if other not in before:
                    before[other] = node
                    queue.append(other)
        if sink not in before:
            return total
        path, node = [], sink
        while before[node] is not None:
            path.append((before[node], node))
            node = before[node]
        amount = min(left[edge] for edge in path)
        for one, other in path:
            left[one, other] -= amount
            left[other, one] += amount
        total += amount
