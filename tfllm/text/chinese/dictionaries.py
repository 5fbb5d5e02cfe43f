"""Dictionaries of Chinese words and their counts: read from a file, from jieba, or learned from text. Runs once."""

import importlib.util
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import tensorflow as tf

from tfllm.files import understood
from tfllm.limits import lines
from tfllm.text.chinese.best_cut import BestCut
from tfllm.text.learning import batches, sample

HAN = re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")
RUNS = 100_000  # runs of Chinese characters to learn words from; more are sampled down to this many
LONGEST, LEAST, COHESION, FREEDOM = 4, 3, 3.0, 0.8  # limits of a learned word: characters, count, nats, nats


def read_dictionary(path):
    """{word: count} of a text file or .gz: per line a word, its count (1 if absent), and anything else, which is
    ignored.

    Reads jieba's dict.txt and its users' dictionaries. Raises ValueError with the line of a wrong count,
    FileNotFoundError.
    """
    with understood(path, "words and their counts, in UTF-8"):
        return _read(Path(path))


def _read(path):
    result = {}
    for number, line in enumerate(lines(path), start=1):
        if not (parts := line.decode("utf-8-sig" if number == 1 else "utf-8").split()):
            continue
        word, count = parts[0], parts[1] if len(parts) > 1 and parts[1][0] in "+-.0123456789" else "1"
        try:
            result[word] = float(count)
        except ValueError:
            expected = f"expected a word and its count, got {line.decode().strip()!r:.60}"
            raise ValueError(f"{path}, line {number}: {expected}") from None
    return checked({word: count for word, count in result.items() if count}, path)


def jieba_dictionary():
    """{word: count} of the installed package jieba (MIT): 349,000 words, mostly of simplified Chinese.

    Raises ImportError if jieba is not installed; jieba itself is not imported.
    """
    result = importlib.util.find_spec("jieba")
    if result is None:
        raise ImportError("jieba's dictionary needs the package jieba: pip install 'tfllm[chinese]'")
    return read_dictionary(Path(result.origin).with_name("dict.txt"))


def learn_dictionary(texts, size=20_000, lowercase=False):
    """{word: count} of at most `size` words, learned from raw Chinese text alone.

    A word is a character, or 2 to 4 characters seen at least 3 times with high cohesion and freedom:
        cohesion  min over its two parts of log p(ab) / (p(a) p(b)) >= 3 (Sproat & Shih 1990)
        freedom   the lower of the entropies of the characters before and after it >= 0.8 nats (Jin & Tanaka-Ishii 2006)
    Counts are those of the most probable segmentation into these words. Texts without Chinese give {}.
    """
    runs = sample(_runs(texts, lowercase), RUNS)
    if not runs:
        return {}
    counts, before, behind = _grams(runs)
    total = sum(counts[word] for word in counts if len(word) == 1)
    words = {word: float(count) for word, count in counts.items() if len(word) == 1}
    for word, count in counts.items():
        if 1 < len(word) <= LONGEST and count >= LEAST:
            parts = [counts[word[:at]] * counts[word[at:]] for at in range(1, len(word))]
            if math.log(count * total / max(parts)) >= COHESION and min(before[word], behind[word]) >= FREEDOM:
                words[word] = float(count)
    cut, seen = BestCut(words), Counter()
    for start in range(0, len(runs), 4096):
        seen.update(cut(tf.constant(runs[start : start + 4096])).flat_values.numpy().tolist())
    seen = {word.decode(): float(count) for word, count in seen.items()}
    kept = [word for word in seen if len(word) == 1 or seen[word] >= LEAST]
    return {word: seen[word] for word in sorted(kept, key=lambda word: (-seen[word], word))[:size]}


def _runs(texts, lowercase):
    for batch in batches(texts, lowercase):
        for text in batch.numpy():
            yield from HAN.findall(text.decode("utf-8", "replace"))


def _grams(runs):
    """Runs -> (counts of the n-grams, entropies of the characters before them, and after them).

    Each end of a run counts as a distinct character.
    """
    counts, edges = Counter(), (Counter(), Counter())
    for run in runs:
        for n in range(1, LONGEST + 2):
            counts.update(run[at : at + n] for at in range(len(run) - n + 1))
            if 1 < n <= min(len(run), LONGEST):
                edges[0][run[:n]] += 1
                edges[1][run[-n:]] += 1
    around = defaultdict(list), defaultdict(list)
    for gram, count in counts.items():
        if len(gram) > 2:
            around[0][gram[1:]].append(count)
            around[1][gram[:-1]].append(count)
    entropies = Counter(), Counter()
    for side in (0, 1):
        for gram in around[side].keys() | edges[side].keys():
            result = around[side][gram] + [1] * edges[side][gram]
            total = sum(result)
            entropies[side][gram] = math.log(total) - sum(count * math.log(count) for count in result) / total
    return counts, *entropies


def checked(dictionary, name="dictionary"):
    """The dictionary with counts as floats. Raises ValueError if a word or a count is invalid."""
    for word, count in dictionary.items():
        if not isinstance(word, str) or not word or word.split() != [word]:
            raise ValueError(f"{name}: a word must be a str without white space, got {word!r}")
        if not isinstance(count, (int, float)) or not 0 < count < math.inf:
            raise ValueError(f"{name}: {word!r} must have a count above 0, got {count!r}")
    return {word: float(count) for word, count in dictionary.items()}
