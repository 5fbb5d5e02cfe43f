"""Explanations as plots: a bar for each token, or a heat map of tokens and targets."""

import numpy as np

from tfllm import fonts
from tfllm.explain.explanation_pages import edges, shown

MOST = 60  # maximum number of bars; of longer texts those of the strongest tokens
FOR, AGAINST = "#2166ac", "#d66014"


def save(one, path):
    """Write a PNG of an Explanation and return its path."""
    if not one.tokens:
        raise ValueError("there is nothing to draw: there are no tokens")
    return fonts.saved((bars if len(one.targets) == 1 else heat)(one).figure, path)


def bars(one):
    """A bar for each token, in the order of the text, the first on top."""
    scores = one.scores
    chosen = np.sort(np.argsort(-np.abs(scores), kind="stable")[:MOST])
    axes = fonts.figure(6.4, 1.2 + 0.24 * len(chosen)).add_subplot()
    ticks = np.arange(len(chosen))
    colours = [FOR if scores[n] > 0 else AGAINST for n in chosen]
    axes.barh(ticks, scores[chosen], color=colours, height=0.75)
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.set_yticks(ticks, [fonts.short(one.tokens[n].text) for n in chosen], **fonts.labels(9))
    axes.set_ylim(len(chosen) - 0.4, -0.6)
    axes.set_xlabel(f"score, {one.score}")
    left_out = f" ({len(chosen)} of {len(scores)} tokens)" if len(chosen) < len(scores) else ""
    axes.set_title(fonts.short(f"{one.method}, for {one.targets[0]}{left_out}", 80), **fonts.labels(10))
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def heat(one):
    """Tokens across, targets down; the colours of a row are its scores, divided by the greatest of the row.

    A line stands between the tokens of the source and those that were written before.
    """
    most = np.abs(one.matrix).max(axis=1, keepdims=True, initial=0.0)
    values = one.matrix / np.where(most > 0, most, 1.0)
    tokens, targets = [shown(token.text) for token in one.tokens], [shown(target) for target in one.targets]
    axes = fonts.heatmap(values, tokens, targets, "read", "produced", "RdBu", "share of the row's greatest", (-1, 1))
    axes.set_title(fonts.short(f"{one.method}, {one.score}", 60), **fonts.labels(10))
    for n in edges(one):
        axes.axvline(n - 0.5, color="#222222", linewidth=1.2)
    return axes
