"""The official scripts of SQuAD, evaluate-v1.1.py and evaluate-v2.0.py, by what they do: one question at a time."""

import re
import string
from collections import Counter


def normalize(text):
    text = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    text = re.sub(r"\b(a|an|the)\b", " ", text)
    return " ".join(text.split())


def f1_old(said, right):
    """Version 1.1."""
    said, right = normalize(said).split(), normalize(right).split()
    same = sum((Counter(said) & Counter(right)).values())
    if same == 0:
        return 0
    precision, recall = 1.0 * same / len(said), 1.0 * same / len(right)
    return 2 * precision * recall / (precision + recall)


def f1_new(said, right):
    """Version 2.0."""
    a, b = normalize(said).split(), normalize(right).split()
    if len(a) == 0 or len(b) == 0:
        return int(a == b)
    return f1_old(said, right)


def version1(said, references):
    """-> (exact match, F1), each a list over questions."""
    exact = [
        max(normalize(one) == normalize(text) for text in right) for one, right in zip(said, references, strict=True)
    ]
    f1 = [max(f1_old(one, text) for text in right) for one, right in zip(said, references, strict=True)]
    return exact, f1


def version2(said, references):
    exact, f1 = [], []
    for one, right in zip(said, references, strict=True):
        right = [text for text in right if normalize(text)]
        if not right:
            right = [""]
        exact.append(max(int(normalize(text) == normalize(one)) for text in right))
        f1.append(max(f1_new(one, text) for text in right))
    return exact, f1


def has_answer(references):
    return [bool(right) for right in references]


def with_threshold(scores, chances, answerable, threshold):
    """Scores where nothing is said above the threshold."""
    return [
        (float(not has) if chance > threshold else score)
        for score, chance, has in zip(scores, chances, answerable, strict=True)
    ]


def best(said, scores, chances, answerable):
    """-> (score in percent, threshold)"""
    current = best_score = sum(not has for has in answerable)
    threshold = 0.0
    for i in sorted(range(len(said)), key=lambda i: chances[i]):
        if answerable[i]:
            difference = scores[i]
        else:
            difference = -1 if said[i] else 0
        current += difference
        if current > best_score:
            best_score, threshold = current, chances[i]
    return 100.0 * best_score / len(scores), threshold
