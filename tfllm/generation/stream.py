"""Streaming: the loop of `sample` run a few positions at a time from Python, with the same tokens."""

import numpy as np

from tfllm.generation.steps import NOT_A_NUMBER


def stream(run, now, chunk=1):
    """Yield the new tokens of each text (a list of B arrays, possibly empty) after every `chunk` positions.

    run(now, until) -> now: `Loop.run`, in a tf.function of the caller. now: the result of `Loop.begin`. Joined, a row's
    arrays are the tokens that `sample` generates with the same parts, with END. The first run also passes the positions
    at which every row is still in its prompt. Raises ValueError for a chunk below 1, and for NaN logits.
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
