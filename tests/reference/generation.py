"""Generation in plain Python and NumPy, one prefix at a time. A model is a function: tuple of ids -> logits [V]."""

import itertools

import numpy as np


def log_softmax(x):
    x = np.asarray(x, np.float64)
    return x - x.max() - np.log(np.exp(x - x.max()).sum())


def log_probability(model, ids):
    """Sum of log P(ids[t] | ids[:t])."""
    return sum(log_softmax(model(ids[:t]))[ids[t]] for t in range(len(ids)))


def penalty(length, alpha):
    """Wu et al. 2016, eq. 14."""
    return (5 + length) ** alpha / 6**alpha


def exhaustive(model, vocab_size, max_length, end, alpha):
    """Every sequence that ends in END by `max_length`, best first; then every one that never ended, best first.

    -> list of (ids, score, log-probability).
    """
    others = [i for i in range(vocab_size) if i != end]
    whole = [(*body, end) for t in range(max_length) for body in itertools.product(others, repeat=t)]
    cut = list(itertools.product(others, repeat=max_length))

    def ranked(sequences):
        found = [(ids, log_probability(model, ids)) for ids in sequences]
        return sorted(((ids, p / penalty(len(ids), alpha), p) for ids, p in found), key=lambda h: -h[1])

    return ranked(whole) + ranked(cut)


def beam(model, max_length, width, end, alpha, n_best, forbidden=(), renormalise=True):
    """Beam search with lists, never stopping early. -> n_best of (ids, score, log-probability).

    renormalise=False: what the model gives counts as log-probabilities as it is.
    """
    live, finished = [((), 0.0)], []
    for _ in range(max_length):
        grown = []
        for ids, p in live:
            log_probs = log_softmax(model(ids)) if renormalise else model(ids)
            grown += [((*ids, i), p + log_probs[i]) for i in range(len(log_probs)) if i not in forbidden]
        grown.sort(key=lambda h: -h[1])
        finished += [h for h in grown[:width] if h[0][-1] == end]
        live = [h for h in grown if h[0][-1] != end][:width]
        if not live:
            break

    def ranked(hypotheses):
        scored = [(ids, p / penalty(len(ids), alpha), p) for ids, p in hypotheses]
        return sorted(scored, key=lambda h: -h[1])

    return (ranked(finished) + ranked(live))[:n_best]


def greedy(model, prompt, length, end, forbidden=()):
    """The likeliest id until END or `length` ids in all; `prompt` counts. -> (ids, log-probability of the answer)."""
    ids, p = tuple(prompt), 0.0
    while len(ids) < length:
        log_probs = log_softmax(model(ids))
        best = max((i for i in range(len(log_probs)) if i not in forbidden), key=lambda i: log_probs[i])
        ids, p = (*ids, best), p + log_probs[best]
        if best == end:
            break
    return ids, p


def top_mass(probabilities, p):
    """The smallest set of likeliest ids whose mass reaches p. Holtzman et al. 2020, eq. 2."""
    kept, mass = set(), 0.0
    for i in sorted(range(len(probabilities)), key=lambda i: -probabilities[i]):
        if mass >= p:
            break
        kept.add(i)
        mass += probabilities[i]
    return kept


def repetition_penalty(logits, ids, penalty):
    """Keskar et al. 2019, sec. 4.1, one token at a time; what is negative is multiplied."""
    changed = np.array(logits)
    for i in set(ids):
        changed[i] = logits[i] * penalty if logits[i] < 0 else logits[i] / penalty
    return changed


def no_repeat_ngram(logits, ids, size, times=1):
    """Say each token in turn: forbidden where its n-gram is in the text as many `times` already."""
    changed, ids = np.array(logits), list(ids)
    old = [tuple(ids[t : t + size]) for t in range(len(ids) - size + 1)]
    for i in range(len(logits)):
        text = ids + [i]
        if len(text) >= size and old.count(tuple(text[-size:])) >= times:
            changed[i] = -np.inf
    return changed


def bad_words(logits, ids, words):
    """Say each token in turn: forbidden where the text would then end in a bad word."""
    changed, ids = np.array(logits), list(ids)
    for i in range(len(logits)):
        text = ids + [i]
        if any(text[-len(word) :] == list(word) for word in words):
            changed[i] = -np.inf
    return changed


def contrastive(model, prompt, length, end, k, alpha, forbidden=()):
    """Su et al. 2022, eq. 5, every text read anew. -> (ids, log-probability of the answer).

    model(ids) -> (features [T, D] of each place, logits [V] of the next).
    """

    def cosine(a, b):
        return a @ b / np.sqrt((a @ a) * (b @ b))

    ids, total = tuple(prompt), 0.0
    while len(ids) < length:
        seen, logits = model(ids)
        allowed = np.array(logits, np.float64)
        allowed[list(forbidden)] = -np.inf
        p = np.exp(log_softmax(allowed))
        worth = {}
        for v in (v for v in np.argsort(-p)[:k] if p[v] > 0):
            h = model((*ids, int(v)))[0][-1]
            worth[int(v)] = (1 - alpha) * p[v] - alpha * max(cosine(h, old) for old in seen)
        best = max(worth, key=worth.get)
        ids, total = (*ids, best), total + log_softmax(logits)[best]
        if best == end:
            break
    return ids, total
