"""A tiny untrained task of each kind, with its columns of texts, for the tests of user data."""

import keras
import tensorflow as tf

from tfllm import models
from tfllm.tasks import (
    Denoiser,
    DenoiserConfig,
    DialogueGenerator,
    DialogueGeneratorConfig,
    FactAnswering,
    FactAnsweringConfig,
    LanguageModel,
    LanguageModelConfig,
    MaskedLanguageModel,
    MaskedLanguageModelConfig,
    Summarizer,
    SummarizerConfig,
    TextClassifier,
    TextClassifierConfig,
    Translator,
    TranslatorConfig,
    user_data,
)

TEXTS = [f"the {name} number {i} sat down" for i, name in enumerate(["cat", "dog", "bird", "fish"] * 3)]
LABELS = ["pos", "neg", "pos"] * 4
TURNS = [f"hello {text}\nhi you" for text in TEXTS]
FACTS = [f"{text} .\nit rained ." for text in TEXTS]
LSTM = models.LSTMLanguageModelConfig(4, 4, 1)
PAIRS = models.TransformerConfig(1, 8, 1, 8, rate=0.0)
TASKS = {
    "translator": (Translator, TranslatorConfig("words", model=PAIRS), {"source": TEXTS, "target": TEXTS}),
    "summarizer": (
        Summarizer, SummarizerConfig("words", copy=False, coverage=None, model=PAIRS),
        {"source": TEXTS, "target": TEXTS},
    ),
    "classifier": (
        TextClassifier, TextClassifierConfig(model=models.MeanOfVectorsConfig(4, 4, 1)),
        {"text": TEXTS, "label": LABELS},
    ),
    "lm": (LanguageModel, LanguageModelConfig("words", model=LSTM), {"text": TEXTS}),
    "masked": (
        MaskedLanguageModel,
        MaskedLanguageModelConfig(50, next_sentence=False, length=16, model=models.BERTConfig(16, 1, 8, 1, 8)),
        {"text": TEXTS},
    ),
    "denoiser": (Denoiser, DenoiserConfig("words", length=16, model=PAIRS), {"text": TEXTS}),
    "facts": (
        FactAnswering, FactAnsweringConfig(model=models.MemoryNetworkConfig(4, 1)),
        {"facts": FACTS, "question": ["where is it ?"] * 12, "answer": ["here", "there", "no"] * 4},
    ),
    "dialogue": (DialogueGenerator, DialogueGeneratorConfig("words", model=LSTM), {"dialogue": TURNS}),
}  # fmt: skip
made = {}


def task_of(name):
    """(an untrained task, its columns); one for all tests."""
    kind, config, columns = TASKS[name]
    if name not in made:
        keras.utils.set_random_seed(1)
        made[name] = kind.from_text(tf.data.Dataset.from_tensor_slices(columns), config=config)
        made[name].compile("sgd", jit_compile=False)
    return made[name], columns


def dataset(columns):
    return tf.data.Dataset.from_tensor_slices(columns)


def in_rows(data, names):
    return list(zip(*user_data.strings(data, *names), strict=True))


class Series:
    """A pandas Series to a reader: it has a dtype and a shape, and yields its values in order."""

    dtype = object

    def __init__(self, values):
        self.values, self.shape = list(values), (len(values),)

    def __iter__(self):
        return iter(self.values)
