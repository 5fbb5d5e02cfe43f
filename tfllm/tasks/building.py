"""Build a task from its config, for `from_text`: learn the tokenizer and create the untrained model.

The embedding of the model may be initialised with word vectors.
"""

from dataclasses import asdict, fields
from pathlib import Path
from typing import get_type_hints

import keras
import numpy as np

from tfllm import models, text
from tfllm.layers.pretrained_embedding import replace_embedding
from tfllm.saving import parameters
from tfllm.tasks import user_data
from tfllm.tasks.task import log
from tfllm.tasks.texts import warn_names
from tfllm.vectors.pretrained import pretrained_embedding
from tfllm.vectors.widening import widened

SIDES = {"source", "target"}
TOKENIZERS = {"wordpieces": "WordPieces"}  # the names of the other classes are capitalised


class Builder:
    """A task's config, or the name of one in `sizes`, and the word vectors to initialise its model with.

    embeddings  an argument of vectors.pretrained_embedding (KeyedVectors, a mapping, a path), or a layer that it
                returned; for a model with two tokenizers: those of the source, or {"source": ..., "target": ...}; None:
                the files that the config names, if any
    trainable   its argument of that name: True, False or "missing"; None: as in the config

    Raises ValueError for an unknown name and for a model that the task does not support, and FileNotFoundError for a
    missing file of vectors, before a tokenizer is learned.
    """

    def __init__(self, config, sizes, embeddings=None, trainable=None):
        self.config, self.trainable = named(config, sizes), trainable
        self.fields = fields(next(iter(sizes.values())))  # a config of the command line has more
        self.embeddings = vectors_of(self.config) if embeddings is None else embeddings
        expect_files(self.embeddings)
        self.kind = model_of(self.config)

    def learn(self, texts, tokenizer=None):
        """Learn a tokenizer of the config's kind (or of the given name) from the texts.

        If the config has `embeddings_words`, the vocabulary also contains the first words of the vectors.
        """
        warn_names(texts)
        name = tokenizer or self.config.tokenizer
        kind, options = getattr(text, TOKENIZERS.get(name, name.capitalize())), {"lowercase": self.config.lowercase}
        if kind is not text.Bytes:
            options["vocab_size"] = self.config.vocab_size
        result, words = kind.learn(texts, **options), getattr(self.config, "embeddings_words", 0)
        if words and self.embeddings is None:
            raise ValueError(f"embeddings_words={words} needs word vectors: set embeddings")
        return widened(result, self.embeddings, words) if words else result

    def model(self, source, target=None, more=0):
        """The untrained model for one tokenizer, or for the source and target tokenizers of an encoder-decoder.

        more: additional ids after those of the tokenizer. With one tokenizer, the vectors initialise every embedding of
        the model. Raises ValueError for a dict of vectors if both sides share one matrix.
        """
        sizes = {"vocab_size": source, "input_vocab_size": source, "target_vocab_size": target or source}
        sizes = {name: one.vocab_size + more for name, one in sizes.items() if name in parameters(self.kind)}
        model = self.kind(**sizes, **asdict(self.config.model))
        if self.embeddings is not None and target is None:
            self.initialise_all(model, source)
        elif self.embeddings is not None:
            self.initialise_sides(model, source, target)
        return model

    def options(self, task, **others):
        """The constructor arguments of a task that its config contains. others: further arguments, with precedence."""
        names = {field.name for field in self.fields} & set(parameters(task)) - {"model", "tokenizer"}
        return {name: getattr(self.config, name) for name in names} | others

    def initialise_all(self, model, tokenizer):
        if isinstance(model, models.MemoryNetwork):  # the embeddings of all hops start equal
            self.initialise(model, model.embed[0], tokenizer, self.embeddings)
            for old in model.embed[1:]:
                replace_embedding(model, old, copied(model.embed[0]))
            return
        layers = [model.embed] if hasattr(model, "embed") else [model.embed_input, model.embed_target]
        for old in {id(layer): layer for layer in layers}.values():
            self.initialise(model, old, tokenizer, self.embeddings)

    def initialise_sides(self, model, source, target):
        embeddings, shared = self.embeddings, model.embed_input is model.embed_target
        if not isinstance(embeddings, dict) or not embeddings.keys() <= SIDES:
            embeddings = {"source": embeddings}  # a dict may also map words to vectors
        elif shared:
            raise ValueError(
                "shared='all' has one matrix for both languages and the softmax: pass one value as embeddings, "
                "not one for each side, or use a model with shared='output' or 'nothing'"
            )
        parts = {"source": (model.embed_input, source), "target": (model.embed_target, target)}
        for side in [side for side, value in embeddings.items() if value is not None]:
            self.initialise(model, *parts[side], embeddings[side])
            if shared:
                log.info("both languages and the softmax share one matrix of these vectors (shared='all')")

    def initialise(self, model, old, tokenizer, embeddings):
        """Replace `old`, an embedding of the model, by word vectors.

        The vectors are scaled to the standard deviation of `old`, for which the model was designed (a Transformer
        multiplies by √D, a softmax may share the matrix); a layer is used unchanged. Random numbers follow
        keras.utils.set_random_seed. Raises ValueError for `trainable` with a layer, which has its own setting, and as
        replace_embedding does.
        """
        if not isinstance(embeddings, keras.layers.Layer):
            spread = np.sqrt(np.mean(np.square(keras.ops.convert_to_numpy(old.embeddings).astype("float64"))))
            trainable = self.config.embeddings_trainable if self.trainable is None else self.trainable
            embeddings = pretrained_embedding(
                tokenizer, embeddings, old.output_dim, trainable, spread, seed=np.random.randint(2**31),
                dtype=old.dtype_policy,
            )  # fmt: skip
        elif self.trainable is not None:
            raise ValueError("an embedding layer has its own trainable rows: leave embeddings_trainable out")
        replace_embedding(model, old, embeddings)
        if embeddings.coverage is not None:
            log.info("%s: vectors for %.1f %% of the vocabulary", embeddings.name, 100 * embeddings.coverage.share())


def named(config, sizes):
    """A config, or the one of that name in `sizes`. Raises ValueError for an unknown name."""
    if not isinstance(config, str):
        return config
    if config not in sizes:
        kind = type(next(iter(sizes.values()))).__name__
        raise ValueError(f"config must be one of {list(sizes)} or a {kind}; got {config!r}")
    return sizes[config]


def model_of(config):
    """The class of `config.model` in tfllm.models. Raises ValueError for a model that the task does not support."""
    expected, result = get_type_hints(type(config))["model"], type(config.model)
    if not isinstance(config.model, expected):
        names = " or ".join(one.__name__ for one in getattr(expected, "__args__", (expected,)))
        raise ValueError(f"model of a {type(config).__name__} must be a {names}; got {config.model!r:.100}")
    return getattr(models, result.__name__.removesuffix("Config"))


def vectors_of(config):
    """The files of word vectors in a config: one, or {"source": ..., "target": ...}, or None."""
    target = getattr(config, "embeddings_target", None)
    source = getattr(config, "embeddings", None)
    return source if target is None else {"source": source, "target": target}


def expect_files(embeddings):
    """Raise FileNotFoundError for a path that is no file."""
    if isinstance(embeddings, (str, Path)) and not Path(embeddings).is_file():
        raise FileNotFoundError(f"embeddings: {embeddings} is not a file; expected word vectors")
    if isinstance(embeddings, dict) and embeddings.keys() <= SIDES:
        for value in embeddings.values():
            expect_files(value)


def copied(embedding):
    """A copy of an embedding layer with the same weights."""
    other = type(embedding).from_config(embedding.get_config())
    other.build()
    other.set_weights(embedding.get_weights())
    return other


def documents(task, texts):
    """The "text" of records, or strings, for a task of this class -> a dataset of strings."""
    return user_data.read(task.fields, texts, who=task.__name__).map(lambda record: record["text"])
