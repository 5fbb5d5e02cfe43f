"""The vocabulary of a model may be larger than its tokenizer's, for example padded to a multiple of 64.

The additional ids stand for no text: the tokenizer never produces them, and the model never generates them.
"""

from contextlib import nullcontext

from tfllm.generation import in_place
from tfllm.layers.attention import writing_by


def expect_rows(model, tokenizer, target=None):
    """Raise ValueError if the embedding has fewer rows than the tokenizer has tokens.

    target: the tokenizer of the target side of an encoder-decoder; default: one tokenizer for both sides.
    """
    numbers = getattr(getattr(model, "model", model), "numbers", {})  # a PointerGenerator wraps a model
    parts = [(tokenizer, numbers.get("input_vocab_size")), (target or tokenizer, numbers.get("target_vocab_size"))]
    for one, size in parts if "target_vocab_size" in numbers else [(tokenizer, model.vocab_size)]:
        if size < one.vocab_size:
            raise ValueError(
                f"the tokenizer has {one.vocab_size} tokens, but the embedding of the {type(model).__name__} has "
                f"{size} rows, and each token needs one: use the tokenizer that this model was trained with"
            )


class Stepping:
    """A model as a loop calls it: its `step`, `features` and `logits`.

    size: the number of ids that may be generated. A model with more loses the logits of the
    others. in_place: whether a step may change the state that it is given, see generation/in_place.py.
    What `model.constants`, if there is one, computes of the weights is computed here, outside the loop.
    """

    def __init__(self, model, size, in_place=False):
        self.model, self.size, self.in_place = model, size, in_place
        self.constants = model.constants() if hasattr(model, "constants") else {}

    def step(self, *inputs):
        with writing_by(in_place.update) if self.in_place else nullcontext():
            logits, state = self.model.step(*inputs, **self.constants)
        return self.first_ids(logits), state

    def features(self, *inputs):
        return self.model.features(*inputs)

    def logits(self, x):
        return self.first_ids(self.model.logits(x))

    def first_ids(self, logits):
        return logits if logits.shape[-1] == self.size else logits[..., : self.size]
