"""Writer: prompts of any length, limits, streams; asked of a model that is a Python function."""

import asyncio
from collections import Counter

import numpy as np
import pytest

from tfllm.serving.served_model import BadRequest, Output, ServedSignature
from tfllm.serving.writers import Writer

STORY = " ".join(f"word{i}" for i in range(30))


class Model:
    """Continues prompts by STORY; tokens are START and characters. usual: the default of max_length, None without."""

    def __init__(self, usual=40, writes="continuation", story=lambda limit: STORY):
        scalars = {} if usual is None else {"max_length": np.int32(usual)}
        outputs = {"text": Output(np.dtype(object), (None,))}
        self.signatures = {"sample": ServedSignature("sample", ("texts",), scalars, outputs, None)}
        self.about, self.story, self.limits = {"facts": {"writes": writes}}, story, []

    def signature(self):
        return self.signatures["sample"]

    async def answer(self, signature, columns, scalars):
        ((prompt,),) = columns
        limit = int(scalars.get("max_length", signature.scalars.get("max_length", 40)))
        self.limits.append(limit)
        is_whole = self.about["facts"]["writes"] == "continuation"
        new = max(limit - 1 - len(prompt), 0) if is_whole else limit
        text = (prompt if is_whole else b"") + self.story(limit)[:new].encode()
        return {"text": np.array([text], object), "max_new_tokens": np.array([new])}


def asked(model, prompt, most=None):
    """(whole text, chunks)."""

    async def main():
        writers = [Writer(model, model.answer, prompt, {}, most) for _ in range(2)]
        return await writers[0].text(), [chunk async for chunk in writers[1].chunks()]

    return asyncio.run(main())


@pytest.mark.parametrize("most", [None, 1, 5, 17, 100])
@pytest.mark.parametrize("prompt", [b"", b"ab", b"x" * 39, b"x" * 60])
@pytest.mark.parametrize("writes", ["continuation", "answer"])
def test_chunks_join_to_the_text_and_max_tokens_are_new_ones(prompt, most, writes):
    whole, chunks = asked(Model(writes=writes), prompt, most)
    room = most if most else 40 - (1 + len(prompt) if writes == "continuation" else 0)
    assert whole == STORY[: max(room, 0)] == "".join(chunks)


def test_no_limit_is_asked_twice():
    model = Model()
    _, chunks = asked(model, b"ab", 30)
    assert len(chunks) > 1 and max(Counter(model.limits).values()) == 2  # once by each of the two writers


def test_models_without_a_limit_stream_their_text_at_once():
    assert asked(Model(usual=None), b"ab") == (STORY[:37], [STORY[:37]])
    with pytest.raises(BadRequest, match="fixed limit of length"):
        asked(Model(usual=None), b"ab", 3)


def test_a_text_that_changes_its_beginning_is_no_stream():
    model = Model(story=lambda limit: f"at {limit} this is another text " * 3)
    with pytest.raises(RuntimeError, match="not the beginning"):
        asked(model, b"", 60)


def test_a_model_without_text_is_refused():
    model = Model()
    model.signatures["sample"] = ServedSignature("sample", ("texts",), {}, {"score": None}, None)
    with pytest.raises(BadRequest, match="does not continue text"):
        Writer(model, model.answer, b"", {})
