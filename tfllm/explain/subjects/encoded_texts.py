"""One text or two, as classifiers and embedders read them, with token positions: see tasks/text_inputs.py."""

import tensorflow as tf

from tfllm.explain.subjects.subject import Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.tasks import text_inputs
from tfllm.text.cleaning import blank

PARTS = ("text", "pair")


def encoded(task, texts):
    """One or two texts (str) -> the fields of a Subject: texts, tokens, inputs, groups, positions."""
    columns = [tf.constant([text]) for text in texts]
    inputs = text_inputs.read(task.encoder, task.tokenizer, task.length, *columns)[0]
    flat, special = flattened(inputs), text_inputs.has_special_tokens(task.encoder)
    spans = [[] if blank(column)[0] else token_spans(task.tokenizer, text)
             for column, text in zip(columns, texts, strict=True)]  # fmt: skip
    tokens, positions, position = [], [], int(task.tokenizer.start is not None)
    for part, text, result, size in zip(PARTS, texts, spans, sizes(task, spans, special), strict=False):
        if not special:
            position = 0
        name = "token_ids" if special or len(texts) == 1 else f"{part}/token_ids"
        for begin, end in result[:size]:
            tokens.append(Token(text[begin:end], begin, end, part))
            positions.append((name, position))
            position += 1
        position += 1  # END
    return {
        "texts": dict(zip(PARTS, texts, strict=False)), "tokens": tuple(tokens), "positions": tuple(positions),
        "inputs": flat, "groups": grouped(flat),
    }  # fmt: skip


def sizes(task, spans, special):
    """The number of tokens of each text that are read."""
    counts = [len(result) for result in spans]
    if not special:
        return [min(count, task.length) for count in counts]
    around = (task.tokenizer.start is not None) + len(spans)
    lengths = text_inputs.truncated_lengths(*(tf.constant([count]) for count in counts), capacity=task.length - around)
    return [int(length[0]) for length in lengths]


def flattened(inputs):
    """Ragged [1, None], perhaps in a dict of dicts -> {"token_ids" or "text/token_ids": int32 [T]}."""
    result = {}
    for name, part in inputs.items():
        if isinstance(part, dict):
            result |= {f"{name}/{inner}": array for inner, array in flattened(part).items()}
        else:
            result[name] = part[0].numpy().astype("int32")
    return result


def nested(inputs):
    """The inverse of `flattened`, for tensors [B, T]."""
    result = {}
    for name, part in inputs.items():
        *outer, name = name.split("/")
        (result.setdefault(outer[0], {}) if outer else result)[name] = part
    return result


def grouped(flat):
    """Names of inputs -> tuples of parallel inputs, token ids first."""
    groups = {}
    for name in flat:
        groups.setdefault(name.rpartition("/")[0], []).append(name)
    return tuple(tuple(sorted(names, key=lambda name: not name.endswith("token_ids"))) for names in groups.values())


def tables(task):
    """{name of ids: the embedding} of an encoder or a causal model."""
    embed = getattr(task.encoder, "embed", None)
    if embed is None:
        raise ValueError(f"a {type(task.encoder).__name__} has no `embed` for gradients")
    return {name: [embed] for name in ("token_ids", "text/token_ids", "pair/token_ids")}
