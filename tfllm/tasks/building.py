"""What `from_text` of every task does with its config: the tokenizer is learned, the untrained model made for it.

The embedding of the model may begin with word vectors.
"""

from dataclasses import asdict, fields
from pathlib import Path
from typing import get_type_hints

import keras
import numpy as np

from tfllm import models, text
from tfllm.layers.pretrained_embedding import replace_embedding
from tfllm.saving import parameters
from tfllm.tasks import records as gate
from tfllm.tasks.task import log
from tfllm.tasks.texts import warn_names
from tfllm.vectors.pretrained import pretrained_embedding
from tfllm.vectors.widening import widened

SIDES = {"source", "target"}
TOKENIZERS = {"wordpieces": "WordPieces"}  # the others are spelt as their class, but for the capital


class Builder:
    """A task's config, or the one of that name in `sizes`, and the word vectors that its model is to begin with.

    embeddings  what vectors.pretrained_embedding takes (KeyedVectors, a mapping, a path), or the layer that it gave;
                of a model with two tokenizers: for the source, or {"source": ..., "target": ...}; None: what the config
                names, if it does
    trainable   its argument of that name: True, False or "missing"; None: as the config says

    ValueError for another name, and for a model that the task has not; FileNotFoundError for a path of vectors where
    no file is: told before a tokenizer is learned for it.
    """

    def __init__(self, config, sizes, embeddings=None, trainable=None):
        self.config, self.trainable = named(config, sizes), trainable
        self.fields = fields(next(iter(sizes.values())))  # those of the command line's config stand behind them
        self.embeddings = vectors_of(self.config) if embeddings is None else embeddings
        expect_files(self.embeddings)
        self.kind = model_of(self.config)

    def learn(self, texts, tokenizer=None):
        """A tokenizer with a vocabulary of the texts, of the config's kind or of the one of this name.

        Where the config says so (`embeddings_words`), also with the first words of the vectors.
        """
        warn_names(texts)
        name = tokenizer or self.config.tokenizer
        kind, options = getattr(text, TOKENIZERS.get(name, name.capitalize())), {"lowercase": self.config.lowercase}
        if kind is not text.Bytes:
            options["vocab_size"] = self.config.vocab_size
        found, words = kind.learn(texts, **options), getattr(self.config, "embeddings_words", 0)
        if words and self.embeddings is None:
            raise ValueError(f"embeddings_words={words}: of which vectors? embeddings names none")
        return widened(found, self.embeddings, words) if words else found

    def model(self, source, target=None, more=0):
        """The untrained model for one tokenizer, or for those of the two sides of an encoder-decoder.

        more: ids that the model has behind the tokenizer's. Vectors are for every embedding of a model with one
        tokenizer. ValueError for a dict of them where both sides have one matrix.
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
        """What the constructor of a task takes from its config: the fields that have the names of its parameters.

        others: arguments of it above those.
        """
        names = {field.name for field in self.fields} & set(parameters(task)) - {"model", "tokenizer"}
        return {name: getattr(self.config, name) for name in names} | others

    def initialise_all(self, model, tokenizer):
        if isinstance(model, models.MemoryNetwork):  # the embeddings of its hops begin alike
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
            embeddings = {"source": embeddings}  # a dict may also be one of words
        elif shared:
            raise ValueError(
                "shared='all' has one matrix for both languages and the softmax: give one value as embeddings, "
                "not one for each side, or a model with shared='output' or 'nothing'"
            )
        parts = {"source": (model.embed_input, source), "target": (model.embed_target, target)}
        for side in [side for side, value in embeddings.items() if value is not None]:
            self.initialise(model, *parts[side], embeddings[side])
            if shared:
                log.info("these vectors are for both languages and the softmax, which have one matrix (shared='all')")

    def initialise(self, model, old, tokenizer, embeddings):
        """Word vectors stand in the place of `old`, an embedding of the model.

        They are scaled to the spread that `old` has, which its model was made for (a Transformer multiplies by √D, a
        softmax may have the same matrix); a layer is taken as it is. What is drawn follows
        keras.utils.set_random_seed. ValueError for `trainable` beside a layer, which knows what it trains, and as
        replace_embedding says.
        """
        if not isinstance(embeddings, keras.layers.Layer):
            spread = np.sqrt(np.mean(np.square(keras.ops.convert_to_numpy(old.embeddings).astype("float64"))))
            trainable = self.config.embeddings_trainable if self.trainable is None else self.trainable
            embeddings = pretrained_embedding(
                tokenizer, embeddings, old.output_dim, trainable, spread, seed=np.random.randint(2**31),
                dtype=old.dtype_policy,
            )  # fmt: skip
        elif self.trainable is not None:
            raise ValueError("a layer knows which of its rows are trained: leave embeddings_trainable out")
        replace_embedding(model, old, embeddings)
        if embeddings.coverage is not None:
            log.info("%s: vectors for %.1f %% of the vocabulary", embeddings.name, 100 * embeddings.coverage.share())


def named(config, sizes):
    """A config, or the one of that name in `sizes`. ValueError for another name."""
    if not isinstance(config, str):
        return config
    if config not in sizes:
        kind = type(next(iter(sizes.values()))).__name__
        raise ValueError(f"config must be one of {list(sizes)} or a {kind}; got {config!r}")
    return sizes[config]


def model_of(config):
    """The class of a task's `config.model`: the one of its name in tfllm.models, without "Config".

    ValueError for a model that is none of those which the task's config has.
    """
    expected, found = get_type_hints(type(config))["model"], type(config.model)
    if not isinstance(config.model, expected):
        names = " or ".join(one.__name__ for one in getattr(expected, "__args__", (expected,)))
        raise ValueError(f"model of a {type(config).__name__} must be a {names}; got {config.model!r:.100}")
    return getattr(models, found.__name__.removesuffix("Config"))


def vectors_of(config):
    """The files of word vectors that a config names: one, or {"source": ..., "target": ...}; None: no file."""
    target = getattr(config, "embeddings_target", None)
    source = getattr(config, "embeddings", None)
    return source if target is None else {"source": source, "target": target}


def expect_files(embeddings):
    """FileNotFoundError for a path where no file is."""
    if isinstance(embeddings, (str, Path)) and not Path(embeddings).is_file():
        raise FileNotFoundError(f"embeddings: {embeddings} is no file; expected word vectors")
    if isinstance(embeddings, dict) and embeddings.keys() <= SIDES:
        for value in embeddings.values():
            expect_files(value)


def copied(embedding):
    """A second one like it."""
    other = type(embedding).from_config(embedding.get_config())
    other.build()
    other.set_weights(embedding.get_weights())
    return other


def documents(task, texts):
    """The "text" of records, or strings, for a task of this class: a dataset of strings."""
    return gate.read(task.fields, texts, who=task.__name__).map(lambda record: record["text"])
