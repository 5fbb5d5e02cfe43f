"""Pennington, Socher, Manning 2014, sec. 3 and 4.2, one pair of places at a time, in fractions. Pure Python."""

from collections import Counter
from fractions import Fraction


def vocabulary(texts, min_count):
    """Lists of words -> words that occur `min_count` times, by falling frequency, then by the alphabet."""
    found = Counter(word for words in texts for word in words)
    return sorted((word for word in found if found[word] >= min_count), key=lambda word: (-found[word], word))


def cooccurrence(texts, window, min_count=1, symmetric=True, distance_weighting=True):
    """{(word, other): Fraction}; not symmetric: only where `word` stands before `other`."""
    known = set(vocabulary(texts, min_count))
    table = Counter()
    for words in texts:
        words = [word for word in words if word in known]
        for place, word in enumerate(words):
            for other_place, other in enumerate(words):
                distance = other_place - place
                if distance == 0 or abs(distance) > window or (distance < 0 and not symmetric):
                    continue
                table[word, other] += Fraction(1, abs(distance)) if distance_weighting else Fraction(1)
    return table
