"""The vocabulary of a model may be larger than its tokenizer's, for example padded to a multiple of 64.

The additional ids stand for no text: the tokenizer never produces them, and the model never generates them.
"""


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


class LimitedVocabulary:
    """Wraps a model for decoding, so that it outputs logits of its first `size` ids only."""

    def __init__(self, model, size):
        self.model, self.size = model, size

    def step(self, *inputs):
        logits, state = self.model.step(*inputs)
        return logits[:, : self.size], state

    def features(self, *inputs):
        return self.model.features(*inputs)

    def logits(self, x):
        return self.model.logits(x)[..., : self.size]
