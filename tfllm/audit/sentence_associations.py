"""SEAT, the association test of sentence encoders: WEAT on words in plain sentences. May et al. 2019.

Every word of a test stands in each of some sentences that say little else ("This is {}."), and the vectors of the
sentences take the place of those of words. Differs: the templates are ours, the same for all words.
"""

from collections.abc import Sequence
from typing import Any

from tfllm.audit.columns import listed
from tfllm.explain.weat import Association, weat

TEMPLATES = ("This is {}.", "That is {}.", "Here is {}.", "We talk about {}.", "It is about {}.", "They mean {}.")


def seat(
    embedder: Any, x: Sequence[str], y: Sequence[str], a: Sequence[str], b: Sequence[str],
    templates: Sequence[str] = TEMPLATES, partitions: int = 100_000, seed: int = 1,
) -> Association:  # fmt: skip
    """Are sentences of the words x nearer to those of a, and those of y to b? See `explain.weat`.

    embedder: a TextEmbedder; `TextEmbedder.from_task(task)` of any task with an encoder. templates: with {} for the
    word. Raises ValueError for a template without {}, and as `weat`.
    """
    if not hasattr(embedder, "embed"):
        raise ValueError(
            f"seat needs a TextEmbedder, such as TextEmbedder.from_task(task); got a {type(embedder).__name__}"
        )
    templates = listed(templates, "templates")
    if wrong := [template for template in templates or [""] if "{}" not in template]:
        raise ValueError(f"a template needs {{}} for the word; got {wrong[0]!r}")
    words = [listed(part, name) for name, part in zip("xyab", (x, y, a, b), strict=True)]
    sets = [[template.replace("{}", word) for word in part for template in templates] for part in words]
    sentences = list(dict.fromkeys(sentence for one in sets for sentence in one))
    vectors = dict(zip(sentences, embedder.embed(sentences, verbose=0), strict=True))
    return weat(vectors, sets[0], sets[1], sets[2], sets[3], partitions, seed)
