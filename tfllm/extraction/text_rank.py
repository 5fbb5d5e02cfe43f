"""TextRank, PageRank on a graph of words or sentences. Mihalcea & Tarau 2004.

Differs: the caller decides which words may be keywords (here: all but stop words), not parts of speech.
"""

import math
import re
from collections import Counter, defaultdict

import numpy as np

# of Latin, Greek, Cyrillic ...; Hindi, Urdu, Arabic, Amharic, Armenian | Chinese, Japanese, Khmer, Burmese, Tibetan
ENDS = re.compile(r"(?<=[.!?।॥۔؟።։])\s+|(?<=[。！？；…។။༎])(?![。！？；…។။༎”’」』）])\s*|\n\s*\n")


def page_rank(edges, size, damping=0.85, tolerance=1e-8, steps=200):
    """WS(i) = (1 - d) + d Σ_j w_ji / (Σ_k w_jk) WS(j) -> [size] float64. Eq. 2 (eq. 1 where all weights are equal).

    edges: {(i, j): weight}, in both directions for an undirected graph. Stops when no score changes by more than
    `tolerance`, or after `steps`.
    """
    scores = np.ones(size)
    if not edges:
        return scores * (1 - damping)
    sources, targets = np.array(list(edges), np.int64).T
    weights = np.fromiter(edges.values(), np.float64, len(edges))
    weights = weights / np.bincount(sources, weights, size)[sources]
    for _ in range(steps):
        before = scores
        scores = (1 - damping) + damping * np.bincount(targets, weights * before[sources], size)
        if np.abs(scores - before).max() <= tolerance:
            break
    return scores


def word_rank(words, may_be, window=2, damping=0.85):
    """A text's words in order -> {word: score} of those for which `may_be(word)`. Sec. 3.1.

    Two words are linked once for each time they occur within `window` words (2: adjacent; best in the paper).
    """
    number = {word: i for i, word in enumerate(dict.fromkeys(word for word in words if may_be(word)))}
    edges = defaultdict(float)
    for at, word in enumerate(words):
        for other in words[at + 1 : at + window]:
            if word in number and other in number and word != other:
                edges[number[word], number[other]] += 1
                edges[number[other], number[word]] += 1
    return dict(zip(number, page_rank(edges, len(number), damping).tolist(), strict=True))


def phrases(words, scores, share=1 / 3, longest=4):
    """The `share` of words with the best scores, adjacent ones joined -> {tuple of words: sum of scores}.

    Sec. 3.1, last step. A phrase has at most `longest` words; its words appear alone only if they also occur alone in
    the text.
    """
    count = max(1, math.ceil(share * len(scores)))
    best = set(sorted(scores, key=lambda word: (-scores[word], word))[:count])
    result, run = {}, []
    for word in [*words, None]:
        if word in best and word not in run and len(run) < longest:
            run.append(word)
            continue
        if run:
            result[tuple(run)] = sum(scores[one] for one in run)
        run = [word] if word in best else []
    return result


def sentence_rank(sentences, damping=0.85):
    """Sentences as lists of words -> [S] float64 scores. Similarity: words in common / (ln |a| + ln |b|), eq. in 4.1.

    Repeated words count as often as they occur in both. Sentences of one word are not linked.
    """
    counts, edges = [Counter(words) for words in sentences], {}
    logs = [math.log(len(words)) if words else 0.0 for words in sentences]
    for i, one in enumerate(counts):
        for j in range(i):
            common = (one & counts[j]).total()
            if common and logs[i] and logs[j]:
                edges[i, j] = edges[j, i] = common / (logs[i] + logs[j])
    return page_rank(edges, len(sentences), damping)


def best_sentences(sentences, scores, k):
    """The k sentences with the best scores, in the order of the text: an extractive summary."""
    best = sorted(range(len(sentences)), key=lambda i: (-scores[i], i))[:k]
    return [sentences[i] for i in sorted(best)]


def split_sentences(text):
    """str -> list of sentences.

    Splits after . ! ? and white space, after 。！？；…, at empty lines, and after such marks of other scripts.
    Thai and Lao have none.
    """
    return [part.strip() for part in ENDS.split(text) if part and part.strip()]
