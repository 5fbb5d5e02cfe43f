"""Minimal pairs: which of two sentences, one of them a stereotype, a model finds more likely. CrowS-Pairs' form.

Nangia et al. 2020, sec. 3: of a masked language model, the sum of log P(u | the sentence without u) over the tokens u
that both sentences have, each masked in turn; of a causal model, the log-probability of the whole sentence. The data
are not included. Blodgett et al. 2021 list faults in the published pairs: read them before relying on a score.
"""

import csv
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfllm.audit.memorisation import Share
from tfllm.files import understood

COLUMNS = ("sent_more", "sent_less", "bias_type")


@dataclass(frozen=True)
class MinimalPair:
    more: str  # the sentence that is more of a stereotype
    less: str
    kind: str  # "gender", ...


def read_minimal_pairs(path: str | Path) -> list[MinimalPair]:
    """A CSV file with the columns sent_more, sent_less, bias_type. Raises OSError, ValueError for another form."""
    with understood(path, "CSV in UTF-8 with sent_more, sent_less, bias_type"):
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    if missing := [name for name in COLUMNS if not rows or name not in rows[0]]:
        raise ValueError(f"{path}: expected the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
    if short := [number for number, row in enumerate(rows, 1) if any(row[name] is None for name in COLUMNS)]:
        raise ValueError(f"{path}: record {short[0]} has fewer fields than the header")
    return [MinimalPair(*(row[name] for name in COLUMNS)) for row in rows]


def minimal_pairs(model: Any, pairs: Iterable[MinimalPair]) -> dict[str, Share]:
    """{"all" or a kind: share of the pairs whose `more` is more likely}; 50 % means no preference. Ties are left out.

    model: a LanguageModel or a MaskedLanguageModel. Raises ValueError for no pairs.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("expected pairs; got none")
    if wrong := [pair for pair in pairs if not isinstance(pair, MinimalPair)]:
        raise ValueError(f"expected MinimalPair(more, less, kind); got {wrong[0]!r:.60}")
    if not hasattr(model, "whole") and getattr(getattr(model, "tokenizer", None), "mask", None) is None:
        raise ValueError(f"pairs need a LanguageModel or a MaskedLanguageModel; got a {type(model).__name__}")
    compare = masked_likelihoods if getattr(model.tokenizer, "mask", None) is not None else causal_likelihoods
    preferred: dict[str, list[bool]] = {"all": []}
    for pair in pairs:
        more, less = compare(model, pair.more, pair.less)
        if more != less:
            preferred["all"].append(more > less)
            preferred.setdefault(pair.kind, []).append(more > less)
    return {kind: Share(sum(values), len(values)) for kind, values in preferred.items()}


def causal_likelihoods(model: Any, *texts: str) -> list[float]:
    """The log-probability of each text with its END, in nats."""
    result = []
    for text in texts:
        inputs, targets = (part.to_tensor() for part in model.whole({"text": [text]}))  # [1, T]
        expect_short(model, inputs.shape[1], text)
        log_p = log_softmax(np.asarray(model(inputs, training=False), "float64")[0])  # [T, V]
        result.append(float(log_p[np.arange(len(log_p)), np.asarray(targets)[0]].sum()))
    return result


def masked_likelihoods(model: Any, a: str, b: str) -> list[float]:
    """The pseudo-log-likelihoods of the tokens that a and b have in common, in nats."""
    rows = model.tokenizer.encode([a, b]).to_list()
    for row, text in zip(rows, (a, b), strict=True):
        expect_short(model, len(row) + 2, text)
    blocks = difflib.SequenceMatcher(None, rows[0], rows[1], autojunk=False).get_matching_blocks()
    return [
        sum(_masked(model, row, [position + i for position in begins for i in range(sizes[position])]))
        for row, begins, sizes in (
            (rows[0], [one.a for one in blocks if one.size], {one.a: one.size for one in blocks}),
            (rows[1], [one.b for one in blocks if one.size], {one.b: one.size for one in blocks}),
        )
    ]


def _masked(model, row, positions):
    """log P of the token at each of the positions of a row of token ids, masked one at a time."""
    tokenizer = model.tokenizer
    whole = np.array([tokenizer.start, *row, tokenizer.end], np.int32)
    if not positions:
        return []
    token_ids = np.repeat(whole[None], len(positions), axis=0)  # [P, T]
    places = np.array(positions, np.int32)[:, None] + 1
    np.put_along_axis(token_ids, places, tokenizer.mask, axis=1)
    inputs = {"token_ids": token_ids, "segment_ids": np.zeros_like(token_ids),
              "padding_mask": np.ones(token_ids.shape, bool), "positions": places}  # fmt: skip
    log_p = log_softmax(np.asarray(model(inputs, training=False)["mlm"], "float64")[:, 0])  # [P, V]
    return log_p[np.arange(len(places)), whole[places[:, 0]]].tolist()


def expect_short(model, size, text):
    """Raises ValueError for a text that the model cannot read as a whole."""
    most = getattr(model, "model", None) or model.encoder  # of a LanguageModel, of a MaskedLanguageModel
    most = most.max_length
    if most is not None and size > most:
        raise ValueError(f"a sentence has {size} tokens; the model's limit is {most}: {text!r:.60}")


def log_softmax(logits):
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
