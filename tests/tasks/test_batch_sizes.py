"""A batch of no text, or of less, and fewer than one result are told; never an empty answer without a word."""

import pytest

from tests.tasks import tiny
from tests.tasks.letters import made
from tfllm.extraction import Keywords
from tfllm.models import BiDAF, MeanOfVectors, MemoryNetwork
from tfllm.tasks import FactAnswering, QuestionAnswering, TextClassifier, TextClassifierConfig, TextEmbedder
from tfllm.text import Words

WORDS = Words(["a", "b", "c"])
TASKS = {
    "language model": lambda: (made().generate,),
    "reader": lambda: (QuestionAnswering(BiDAF(7, 4, 4), WORDS).generate, ["a", "b"]),
    "facts": lambda: (FactAnswering(MemoryNetwork(7), WORDS).generate, ["a", "b"]),
    "embedder": lambda: (TextEmbedder(MeanOfVectors(7, 4), WORDS).embed,),
    "classifier": lambda: (TextClassifier.from_text(["a", "b"], ["x", "y"], TextClassifierConfig("words")).classify,),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_has_one_text_or_more(name):
    ask, *more = TASKS[name]()
    for size in (0, -1, 2.5):
        with pytest.raises(ValueError, match=f"batch_size must be a whole number, 1 or more, got {size}"):
            ask(["a", "b"], *more, batch_size=size)


def test_there_is_one_result_or_more():
    embedder, masked = TextEmbedder(MeanOfVectors(7, 4), WORDS), tiny.made("masked")[0]
    for name, ask in (
        ("k", lambda k: embedder.search("a", ["a", "b"], k=k)),
        ("k", lambda k: Keywords("textrank").extract("a cat and a dog", k=k)),
        ("top_k", lambda k: masked.fill("a [MASK]", top_k=k)),
    ):
        for count in (0, -1, 1.5):
            with pytest.raises(ValueError, match=f"{name} must be a whole number, 1 or more, got {count}"):
                ask(count)
    ordinary = masked.tokenizer.vocab_size - len(masked.tokenizer.special_ids)
    assert len(masked.fill("a [MASK]", top_k=10**6)[0]) == ordinary  # all there are
