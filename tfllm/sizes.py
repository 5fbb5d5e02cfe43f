"""Rules for the numeric arguments of models, tasks and their configs, by name. Imports no other library.

Models and tasks check the arguments of their constructors before they create anything, also when a file is loaded;
configs check their fields.
"""

import dataclasses
import inspect
import math
from numbers import Integral, Real

SIZE = "a whole number, 1 or more", lambda value: _whole(value) and value >= 1
COUNT = "a whole number, 0 or more", lambda value: _whole(value) and value >= 0
SIZES = (
    "one whole number or more, each 1 or more",
    lambda value: (
        isinstance(value, (list, tuple)) and len(value) > 0 and all(_whole(part) and part >= 1 for part in value)
    ),
)
RATE = "a probability below 1", lambda value: _real(value) and 0 <= value < 1
SHARE = "a share from 0 to 1", lambda value: _real(value) and 0 <= value <= 1
PART = "a share above 0 and below 1", lambda value: _real(value) and 0 < value < 1
WEIGHT = "a number, 0 or more", lambda value: _real(value) and value >= 0
ABOVE = "a number above 0", lambda value: _real(value) and value > 0
FROM_ONE = "a number, 1 or more", lambda value: _real(value) and value >= 1

RULES = (
    dict.fromkeys(
        "answer_length d_model dff embedding_dim fact_length filters head_width hidden_dim history_length "
        "input_vocab_size kernel_size length max_facts max_length num_decoder_layers num_heads num_hops num_kv_heads "
        "num_layers num_units pe_input pe_target question_length reply_length stride target_vocab_size trained_length "
        "units vocab_size window".split(), SIZE
    )
    | dict.fromkeys(["embeddings_words", "linear_start", "num_segments"], COUNT)
    | dict.fromkeys(["label_smoothing", "rate"], RATE)
    | dict.fromkeys(["corrupted", "masked"], PART)
    | dict.fromkeys(["base", "epsilon", "fast", "slow", "temperature"], ABOVE)
    | {"coverage": WEIGHT, "noise": SHARE, "factor": FROM_ONE, "span": FROM_ONE, "widths": SIZES}
)  # fmt: skip
OTHER = {("MeanOfVectors", "num_layers"): COUNT}


def check(owner: str, values: dict, what: str = ""):
    """Raises ValueError for the first of {name: value} that violates its rule; None is not checked.

    owner: the name of the class. what: the text before the name in the message.
    """
    for name, value in values.items():
        expected, good = OTHER.get((owner, name)) or RULES.get(name) or (None, None)
        if good and value is not None and not good(value):
            raise ValueError(f"{what or owner}.{name} must be {expected}; got {value!r:.60}")


class Checked:
    """Base class of a dataclass whose fields must follow the rules; raises ValueError for the first that does not."""

    def __post_init__(self):
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        check(type(self).__name__.removesuffix("Config"), values, type(self).__name__)


def check_arguments(kind: type, args: tuple, options: dict):
    """`check` the arguments of a constructor of tfllm; Python itself reports unknown arguments."""
    if not kind.__module__.startswith("tfllm."):
        return  # in classes of others the names may have another meaning
    try:
        given = inspect.signature(kind.__init__).bind_partial(None, *args, **options).arguments  # type: ignore[misc]
    except TypeError:
        return
    check(kind.__name__, given)


def _whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _real(value):
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
