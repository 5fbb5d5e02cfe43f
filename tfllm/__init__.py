"""Language models in Keras 3 on TensorFlow, from raw text to a SavedModel that takes and returns text.

Each name below is loaded on first use: `import tfllm` costs next to nothing, and `tfllm --help` does not import
TensorFlow. If Keras is already imported, our classes are loaded at once, so that `keras.saving.load_model` knows them;
if tfllm is imported before Keras, use `tfllm.load_model`.
"""

import importlib
import os
import sys

from tfllm import startup

__version__ = "0.1.0"

_PARTS = (
    "audit", "config", "data", "evaluation", "explain", "export", "extraction", "generation", "interop", "layers",
    "losses", "metrics", "models", "reports", "serving", "tasks", "text", "training", "vectors",
)  # fmt: skip
_HOMES = {
    "BERT": "models.bert",
    "BigLanguageModel": "models.big_language_model",
    "GPT": "models.gpt",
    "Llama": "models.llama",
    "LSTMLanguageModel": "models.lstm_language_model",
    "Seq2SeqRNN": "models.seq2seq_rnn",
    "Transformer": "models.transformer",
    "DialogueGenerator": "tasks.dialogue.dialogue_generator",
    "FactAnswering": "tasks.facts.fact_answering",
    "LanguageModel": "tasks.language_model",
    "MaskedLanguageModel": "tasks.pretraining.masked_language_model",
    "QuestionAnswering": "tasks.questions.question_answering",
    "TextClassifier": "tasks.classification.text_classifier",
    "TextEmbedder": "tasks.text_embedder",
    "Summarizer": "tasks.summarizer",
    "Translator": "tasks.translator",
    "GloVe": "vectors.glove.glove",
    "Word2Vec": "vectors.word2vec",
    "pretrained_embedding": "vectors.pretrained",
}
_REGISTERED = ("tasks", "models", "layers", "text", "losses", "metrics", "training.schedules", "training.layer_decay")

__all__ = ["load_model", *_PARTS, *_HOMES]


def __getattr__(name):
    if name in _PARTS:
        return importlib.import_module(f"tfllm.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"tfllm.{_HOMES[name]}"), name)
    import difflib

    small = {known.lower(): known for known in __all__}
    near = difflib.get_close_matches(name.lower(), small, 1)
    hint = f"; did you mean {small[near[0]]!r}?" if near else ""
    raise AttributeError(f"module 'tfllm' has no attribute {name!r}{hint}")


def __dir__():
    return sorted(__all__)


def load_model(path, compile=True):
    """The task or model that `save` wrote to `path`, with its vocabulary and, if compiled, its optimizer.

    path may also be the folder of a run: then its best model is loaded (training.best). Otherwise it is the same as
    `keras.saving.load_model`, which finds our classes once they are imported: this function imports them.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: expected the folder of a run or a .keras file; it does not exist")
    import keras

    from tfllm.files import understood
    from tfllm.limits import check_keras

    _register()
    if os.path.isdir(path):
        path = importlib.import_module("tfllm.training").best(path)
    if str(path).endswith(".keras") and os.path.isfile(path):
        with understood(path, "a model of Keras and tfllm"):
            check_keras(path)
            return keras.saving.load_model(path, compile=compile)
    return keras.saving.load_model(path, compile=compile)


def _register():
    for part in _REGISTERED:
        module = importlib.import_module(f"tfllm.{part}")
        for name in getattr(module, "__all__", ()):
            getattr(module, name)


startup.prepare()
if sys.modules.get("keras"):  # None: its import is blocked
    _register()
