"""The networks of a task as functions of token ids, for runtimes without strings, tables and search.

A classifier is one function, "classifier". A language model is "model", of whole texts, and "step", of one token after
those in a state. An encoder-decoder is "encoder" and "decoder", which is one step. A step returns what it takes as
state_0 under the name new_state_0. Caches begin as zeros.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import tensorflow as tf

from tfllm.models.causal import CausalModel
from tfllm.models.seq2seq_rnn import Seq2SeqRNN
from tfllm.models.transformer import Transformer
from tfllm.tasks.classification.text_classifier import TextClassifier

LONGEST = 128  # tokens, of a model without a limit


@dataclass(frozen=True)
class IdGraph:
    """function(*tensors) -> {name: tensor}; inputs: their tf.TensorSpecs, with names."""

    function: Callable
    inputs: tuple

    @cached_property
    def compiled(self):
        return tf.function(self.function, input_signature=self.inputs, autograph=False)


def id_graphs(task, fixed_sizes=False):
    """{name: IdGraph} of a task.

    fixed_sizes: one text, and as many tokens as the model takes, for runtimes that plan their memory; else the numbers
    of texts, tokens and places of a cache vary. Raises ValueError for tasks that are not a TextClassifier and have no
    model of the kinds CausalModel, Transformer or Seq2SeqRNN, and for other precisions than float32.
    """
    if task.compute_dtype != "float32":
        raise ValueError(f"the model must compute in float32 for this format; it computes in {task.compute_dtype}")
    model, rows = getattr(task, "model", None), 1 if fixed_sizes else None
    if isinstance(task, TextClassifier):
        return {"classifier": classifier(task, rows, task.length if fixed_sizes else None)}
    if isinstance(model, CausalModel):
        length = (model.max_length or task.length or LONGEST) if fixed_sizes else None
        whole = IdGraph(lambda token_ids: {"logits": model(token_ids, training=False)}, (ids(rows, length),))
        return {"model": whole, "step": causal_step(model, rows, length)}
    if isinstance(model, Transformer | Seq2SeqRNN):
        lengths = (limit(model, "pe_input"), limit(model, "pe_target")) if fixed_sizes else (None, None)
        return encoder_decoder(model, rows, *lengths)
    raise ValueError(
        "this format is for a TextClassifier, language models, and encoder-decoders without copying; "
        f"{type(task).__name__} is not supported"
    )


def limit(model, name):
    return getattr(model, name, None) or LONGEST


def ids(rows, length, name="token_ids"):
    return tf.TensorSpec([rows, length], tf.int32, name=name)


def classifier(task, rows, length):
    """The inputs of the classifier, see `text_inputs.read`; of two separate texts the names begin with text_, pair_."""
    read = task.read(*([""] for _ in task.inputs))[0]
    names = {f"{side}_{name}": (side, name) for side in read if isinstance(read[side], dict) for name in read[side]}

    def function(*tensors):
        if not names:
            return {"logits": task(dict(zip(read, tensors, strict=True)), training=False)}
        inputs = {"text": {}, "pair": {}}
        for (side, name), tensor in zip(names.values(), tensors, strict=True):
            inputs[side][name] = tensor
        return {"logits": task(inputs, training=False)}

    return IdGraph(function, tuple(ids(rows, length, name) for name in names or read))


def causal_step(model, rows, length):
    """last [B], position [], state -> logits [B, V], state."""
    state, specs = like("state", model.start, rows, length)

    def function(last, position, *parts):
        logits, after = model.step(last[:, None], tf.nest.pack_sequence_as(state, parts), position)
        return {"logits": logits} | named("new_state", after)

    return IdGraph(function, (*last_token(rows), *specs))


def encoder_decoder(model, rows, source, target):
    """encoder: token_ids [B, S] -> fixed, and the state of a recurrent decoder. decoder: last [B], position [], fixed,
    state -> logits [B, V], state."""
    is_recurrent = isinstance(model, Seq2SeqRNN)

    def encode(token_ids):
        fixed, state = model.start(token_ids, length=0)
        return named("fixed", fixed) | (named("state", state) if is_recurrent else {})

    def start(size, length):
        return model.start(tf.ones([size, length], tf.int32), length=length)

    fixed, fixed_specs = like("fixed", lambda *sizes: start(*sizes)[0], rows, source)
    state, state_specs = like("state", lambda *sizes: start(*sizes)[1], rows, target)

    def decode(last, position, *parts):
        memory = tf.nest.pack_sequence_as(fixed, parts[: len(fixed_specs)])
        before = tf.nest.pack_sequence_as(state, parts[len(fixed_specs) :])
        logits, after = model.step(last[:, None], memory, before, position)
        return {"logits": logits} | named("new_state", after)

    inputs = (*last_token(rows), *fixed_specs, *state_specs)
    return {"encoder": IdGraph(encode, (ids(rows, source),)), "decoder": IdGraph(decode, inputs)}


def last_token(rows):
    return tf.TensorSpec([rows], tf.int32, name="last"), tf.TensorSpec([], tf.int32, name="position")


def named(prefix, nest):
    return {f"{prefix}_{i}": part for i, part in enumerate(tf.nest.flatten(nest))}


def like(prefix, make, rows, length):
    """(a nest, tf.TensorSpecs of its parts) of make(rows, length), whose axes that vary get these sizes."""
    small, large = make(2, 1), make(3, 2)
    sizes = {(2, 3): rows, (1, 2): length}
    specs = [
        tf.TensorSpec([sizes.get(pair, pair[0]) for pair in zip(a.shape, b.shape, strict=True)], a.dtype, name=name)
        for (name, a), b in zip(named(prefix, small).items(), tf.nest.flatten(large), strict=True)
    ]
    return small, specs
