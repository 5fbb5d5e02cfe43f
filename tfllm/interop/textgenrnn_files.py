"""Weights and vocabulary of textgenrnn (.hdf5 and .json) -> `TextgenRNN` with the ids of our tokenizers."""

import h5py
import numpy as np

from tfllm.files import json_object, understood
from tfllm.interop.cudnn import keras_layout
from tfllm.limits import check_h5
from tfllm.models.textgenrnn import TextgenRNN

TEXT = "<s>"  # textgenrnn's token before and after a text
SPECIAL = 4  # number of ids before the tokens of a vocabulary: PAD, UNKNOWN, START and END
NEVER = -1e9


def load(weights, vocabulary, window=40):
    """The files -> (TextgenRNN, its tokens in the order of their ids).

    `tfllm.text.Characters(tokens)` is the tokenizer; for a model of words it is `Words`, which splits differently.
    In textgenrnn id 0 is both padding and unknown, and "<s>" is before and after each text. So PAD and UNKNOWN get the
    vector of 0, START and END that of "<s>"; the probability of "<s>" becomes that of END, and UNKNOWN and START have
    probability 0. All other probabilities are unchanged. `max_length` is `window`, since the file does not contain it.

    Raises ValueError if the file is not of this model (bidirectional layers, another vocabulary).
    """
    arrays = read(weights)
    ids = json_object(vocabulary)
    if sorted(map(str, ids.values())) != sorted(map(str, range(1, len(ids) + 1))):
        raise ValueError(f"{vocabulary}: {len(ids)} tokens must have the ids 1 to {len(ids)}, each exactly once")
    if (size := len(arrays["embedding"][0])) != len(ids) + 1:
        raise ValueError(
            f"{weights} has vectors of {size} ids; {vocabulary} has {len(ids)} tokens, expected one token less than ids"
        )
    tokens = sorted((token for token in ids if token != TEXT), key=ids.get)
    # the id in textgenrnn of each of our ids
    order = [0, 0, ids.get(TEXT, 0), ids.get(TEXT, 0), *(ids[token] for token in tokens)]

    embeddings, (kernel, bias) = arrays["embedding"][0][order], arrays["output"]
    kernel, bias = kernel[:, order], bias[order]
    never = [1, 2] if TEXT in ids else [1, 2, 3]
    kernel[:, never], bias[never] = 0.0, NEVER

    depth = sum(name.startswith("rnn_") for name in arrays)
    layers = [keras_layout(*arrays[f"rnn_{i + 1}"]) for i in range(depth)]
    model = TextgenRNN(len(order), embeddings.shape[1], layers[0][1].shape[0], len(layers), window)
    model.embed.embeddings.assign(embeddings)
    for part, own in zip(model.recur, layers, strict=True):
        part.set_weights(own)
    model.average.kernel.assign(arrays["attention"][0][:, 0])
    model.to_logits.set_weights([kernel, bias])
    return model, tokens


def read(path):
    """Keras' .hdf5 of weights -> {layer: its arrays}, for layers with weights. Raises ValueError if one is missing."""
    with understood(path, "weights of textgenrnn in HDF5"):
        return _read(path)


def _read(path):
    check_h5(path)
    with h5py.File(path) as file:
        arrays = {
            name: [np.array(group[key]) for key in group.attrs["weight_names"]]
            for name, group in file.items()
            if len(group.attrs.get("weight_names", ()))
        }
    sizes = {"embedding": 1, "rnn_1": 3, "attention": 1, "output": 2}
    for name, size in sizes.items():
        if len(arrays.get(name, ())) != size:
            raise ValueError(
                f"{path} is not a file of textgenrnn: layer {name!r} should have {size} arrays, it has "
                f"{len(arrays.get(name, ()))}. Bidirectional layers and context labels cannot be loaded"
            )
    return arrays
