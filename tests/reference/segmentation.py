"""The most probable cut into words of a dictionary, by trying every cut of a few atoms. Kudo 2018, eq. 1 and 2."""

import math


def every_cut(atoms):
    """All ways to join neighbours of a list of strings."""
    if not atoms:
        yield []
        return
    for size in range(1, len(atoms) + 1):
        for rest in every_cut(atoms[size:]):
            yield ["".join(atoms[:size]), *rest]


def probability(words, dictionary, atoms):
    """Σ log p of a cut, or None where a word is neither in the dictionary nor a single atom."""
    total = sum(dictionary.values())
    if any(word not in dictionary and word not in atoms for word in words):
        return None
    return sum(math.log(dictionary.get(word, 1) / total) for word in words)


def best_probability(atoms, dictionary):
    return max(p for words in every_cut(atoms) if (p := probability(words, dictionary, atoms)) is not None)
