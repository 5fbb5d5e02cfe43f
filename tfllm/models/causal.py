"""What every causal language model is: token_ids -> features -> logits of each next token, by one forward pass.

A final model says how features are made, with or without a state (`features`), and what the state of an empty text is
(`start`). Training, scoring and decoding one token at a time follow from these.
"""

from tfllm.models.inputs import Model


class CausalModel(Model):
    """Abstract. token_ids [B, T] -> logits [B, T, V] of the token after each; no place sees a later one.

    vocab_size: V. max_length: the most tokens it can take, or None where there is no limit.
    """

    max_length = None

    def start(self, rows, length):
        """The state of `rows` empty texts, which will have at most `length` tokens: a nest of tensors, rows first."""
        raise NotImplementedError(f"{type(self).__name__} must say what state decoding carries")

    def features(self, token_ids, state=None, position=0, training=None):
        """token_ids [R, T], standing at `position` .. `position` + T - 1 -> (x [R, T, D], state).

        With a state from `start` or from an earlier call, what came before is in it. Without: a text from its
        beginning, and the state that comes back is None.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how it reads")

    def logits(self, x):
        """x [R, T, D] -> [R, T, V]."""
        raise NotImplementedError(f"{type(self).__name__} must say how features become logits")

    def call(self, token_ids, training=None):
        return self.logits(self.features(token_ids, training=training)[0])

    def step(self, last, state, position):
        """last [R, 1], the token at `position` -> (logits of the next [R, V], state)."""
        x, state = self.features(last, state, position)
        return self.logits(x)[:, 0], state
