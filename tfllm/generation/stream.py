"""Texts as they grow: the loop of `sample` run a few places at a time from Python, to the same tokens."""

import numpy as np

from tfllm.generation.steps import NOT_A_NUMBER


def stream(run, now, chunk=1):
    """Yields the new tokens of each text (a list of B arrays, some perhaps empty) after every `chunk` places.

    run(now, until) -> now: `Loop.run`, in a tf.function that the caller keeps. now: what `Loop.begin` gives. Joined,
    a row's arrays are what `sample` writes into it with the same parts; END is in them. Places at which every row
    still has its prompt are passed in the first run. ValueError for a chunk below 1, and for logits that are NaN.
    """
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, not {chunk}.")
    shown = now.lengths.numpy()
    until = max(int(now.position), min(shown.tolist(), default=1) - 1)
    while True:
        until += chunk
        now = run(now, np.int32(until))
        if np.isnan(now.scores.numpy()).any():
            raise ValueError(NOT_A_NUMBER)
        ids, lengths = now.token_ids.numpy(), now.lengths.numpy()
        if (lengths > shown).any():
            yield [row[old:new] for row, old, new in zip(ids, shown, lengths, strict=True)]
        shown = lengths
        if int(now.position) < until:
            return
