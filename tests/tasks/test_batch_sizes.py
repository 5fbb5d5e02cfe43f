"""A batch of no text, or of less, is told before anything is computed; never an empty answer without a word."""

import pytest

from tests.tasks.letters import made
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
