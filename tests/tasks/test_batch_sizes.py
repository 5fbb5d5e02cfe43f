"""Errors for a batch size, or a number of results, below 1; never a silently empty answer."""

import pytest

from tests.tasks import tiny
from tests.tasks.text_generation.letters import made
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


@pytest.mark.parametrize(
    "option, error, message",
    [
        ({"epochs": "x"}, ValueError, "epochs must be a whole number, 0 or more; got 'x'"),
        ({"epochs": -1}, ValueError, "epochs must be a whole number, 0 or more; got -1"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number, 1 or more; got 0"),
        ({"batch_tokens": 2.5}, ValueError, "batch_tokens must be a whole number, 1 or more; got 2.5"),
        ({"shapes": 0}, ValueError, "shapes must be a whole number, 1 or more; got 0"),
        ({"epoch": 3}, TypeError, "fit has no option 'epoch'; did you mean 'epochs'"),
        ({"callbacks": [3]}, TypeError, "callbacks must be keras.callbacks.Callback or a list of them; got 3"),
        ({"validation_split": 2.0}, ValueError, "validation_split must be between 0 and 1; got 2.0"),
    ],
)
def test_bad_options_of_fit_are_refused_before_a_text_is_tokenised(option, error, message, monkeypatch):
    task = TextClassifier(MeanOfVectors(7, 4), WORDS, ["x", "y"])
    monkeypatch.setattr(task, "example", None)
    for more in ({}, {"validation_data": (["a"], ["x"])}):
        if "validation_split" not in option or not more:
            with pytest.raises(error, match=message):
                task.fit(["a", "b"], ["x", "y"], **option, **more)


@pytest.mark.slow
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
