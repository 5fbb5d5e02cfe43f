"""`from_text`: every field of every task's config is used by its model or by its task."""

from dataclasses import asdict, dataclass, fields
from typing import get_args, get_type_hints

import pytest

from tfllm import models, tasks
from tfllm.saving import parameters
from tfllm.tasks.building import Builder, model_of

KINDS = {
    "Denoiser": tasks.DenoiserConfig, "DialogueGenerator": tasks.DialogueGeneratorConfig,
    "FactAnswering": tasks.FactAnsweringConfig, "LanguageModel": tasks.LanguageModelConfig,
    "MaskedLanguageModel": tasks.MaskedLanguageModelConfig, "QuestionAnswering": tasks.QuestionAnsweringConfig,
    "Summarizer": tasks.SummarizerConfig, "TextClassifier": tasks.TextClassifierConfig,
    "Translator": tasks.TranslatorConfig,
}  # fmt: skip
OF_THE_ROAD = {"tokenizer", "vocab_size", "lowercase", "embeddings", "embeddings_target", "embeddings_trainable",
               "embeddings_words", "model"}  # fmt: skip
OWN = {"Summarizer": {"copy", "coverage"}, "Translator": {"joint"}}


@pytest.mark.parametrize("name", KINDS)
def test_every_field_of_a_config_is_used(name):
    names = {field.name for field in fields(KINDS[name])} - OF_THE_ROAD - OWN.get(name, set())
    assert Builder("tiny", {"tiny": KINDS[name]()}).options(getattr(tasks, name)).keys() == names


@pytest.mark.parametrize("name", KINDS)
def test_every_model_of_a_config_has_a_class_of_its_name(name):
    expected = get_type_hints(KINDS[name])["model"]
    for part in get_args(expected) or (expected,):
        kind = model_of(KINDS[name](model=part()))
        assert f"{kind.__name__}Config" == part.__name__ and asdict(part()).keys() < set(parameters(kind))


def test_a_model_that_the_task_has_not():
    config = tasks.TranslatorConfig(model=models.GPTConfig())
    with pytest.raises(ValueError, match="^model of a TranslatorConfig must be a TransformerConfig or Seq2SeqRNN.*GPT"):
        tasks.Translator.from_text(["a"], ["b"], config)


def test_other_fields_of_a_config_are_ignored():
    """The command line's configs name files too: `target` is no tokenizer."""

    @dataclass(frozen=True)
    class Run(tasks.TranslatorConfig):
        target: str = "b.txt"

    options = Builder(Run(label_smoothing=0.2), {"tiny": tasks.TranslatorConfig()}).options(tasks.Translator)
    assert options == {"label_smoothing": 0.2}
