"""An untrained model whose embedding begins with word vectors: what `embeddings=` of every task does."""

from pathlib import Path

import keras
import numpy as np

from tfllm.layers.pretrained_embedding import replace_embedding
from tfllm.tasks.task import log
from tfllm.vectors.pretrained import pretrained_embedding


def expect_files(*embeddings):
    """FileNotFoundError for a path among them where no file is: told before a tokenizer is learned for it."""
    for value in embeddings:
        if isinstance(value, (str, Path)) and not Path(value).is_file():
            raise FileNotFoundError(f"embeddings: {value} is no file; expected word vectors")
        if isinstance(value, dict) and value.keys() <= {"source", "target"}:
            expect_files(*value.values())


def initialise(model, old, tokenizer, embeddings, trainable=None, otherwise=True):
    """Word vectors stand in the place of `old`, an embedding of the model.

    embeddings  what vectors.pretrained_embedding takes (KeyedVectors, a mapping, a path), or the layer that it gave
    trainable   its argument of that name: True, False or "missing"; None: as `otherwise` says

    The vectors are scaled to the spread that `old` has, which its model was made for (a Transformer multiplies by √D, a
    softmax may have the same matrix); a layer is taken as it is. What is drawn follows keras.utils.set_random_seed.
    ValueError for `trainable` beside a layer, which knows what it trains, and as replace_embedding says.
    """
    if not isinstance(embeddings, keras.layers.Layer):
        spread = np.sqrt(np.mean(np.square(keras.ops.convert_to_numpy(old.embeddings).astype("float64"))))
        embeddings = pretrained_embedding(
            tokenizer, embeddings, old.output_dim, otherwise if trainable is None else trainable, spread,
            seed=np.random.randint(2**31), dtype=old.dtype_policy,
        )  # fmt: skip
    elif trainable is not None:
        raise ValueError("a layer knows which of its rows are trained: leave embeddings_trainable out")
    replace_embedding(model, old, embeddings)
    if embeddings.coverage is not None:
        log.info("%s: vectors for %.1f %% of the vocabulary", embeddings.name, 100 * embeddings.coverage.share())


def initialise_sides(model, source, target, config, embeddings=None, trainable=None):
    """The embeddings of an encoder-decoder, `embed_input` and `embed_target`, for the tokenizers of its two sides.

    embeddings: for the source, or {"source": ..., "target": ...}; None: what the config names, if it does.
    ValueError for a dict where the model has one matrix for both sides.
    """
    shared = model.embed_input is model.embed_target
    if embeddings is None and config.embeddings_target is None:
        embeddings = config.embeddings
    elif embeddings is None:
        embeddings = {"source": config.embeddings, "target": config.embeddings_target}
    if not isinstance(embeddings, dict) or not embeddings.keys() <= {"source", "target"}:
        embeddings = {"source": embeddings}  # a dict may also be one of words
    elif shared:
        raise ValueError(
            "shared='all' has one matrix for both languages and the softmax: give one value as embeddings, "
            "not one for each side, or a model with shared='output' or 'nothing'"
        )
    parts = {"source": (model.embed_input, source), "target": (model.embed_target, target)}
    for side in [side for side, value in embeddings.items() if value is not None]:
        initialise(model, *parts[side], embeddings[side], trainable, config.embeddings_trainable)
        if shared:
            log.info("these vectors are for both languages and the softmax, which have one matrix (shared='all')")
