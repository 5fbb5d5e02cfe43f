"""A model's vocabulary beside its tokenizer's: larger, where a checkpoint is padded to a multiple of 64.

The ids that only the model has stand for no text: no text is read as one of them, and none is ever said.
"""


def expect_rows(model, tokenizer, target=None):
    """ValueError for a model with fewer ids than its tokenizer has tokens.

    target: of an encoder-decoder, the tokenizer of what it says; left out, it has one for both sides.
    """
    numbers = getattr(getattr(model, "model", model), "numbers", {})  # of a PointerGenerator, of the model in it
    parts = [(tokenizer, numbers.get("input_vocab_size")), (target or tokenizer, numbers.get("target_vocab_size"))]
    for one, size in parts if "target_vocab_size" in numbers else [(tokenizer, model.vocab_size)]:
        if size < one.vocab_size:
            raise ValueError(
                f"the tokenizer has {one.vocab_size} tokens, but the embedding of the {type(model).__name__} {size} "
                "rows, and each token needs one: take the tokenizer that this model was trained with"
            )


class Sayable:
    """A model as a decoding loop asks it, with logits of its first `size` ids alone."""

    def __init__(self, model, size):
        self.model, self.size = model, size

    def step(self, *inputs):
        logits, state = self.model.step(*inputs)
        return logits[:, : self.size], state

    def features(self, *inputs):
        return self.model.features(*inputs)

    def logits(self, x):
        return self.model.logits(x)[..., : self.size]
