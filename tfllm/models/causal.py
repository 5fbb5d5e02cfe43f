"""The base class of causal language models: token_ids -> features -> logits of each next token, in one forward pass.

A subclass defines `features`, with or without a state, and `start`, the state of an empty text. Training, scoring and
decoding one token at a time follow from these.
"""

from tfllm.models.inputs import Model


class CausalModel(Model):
    """Abstract. token_ids [B, T] -> logits [B, T, V] of the token after each; no position sees a later one.

    vocab_size: V. max_length: the maximum number of tokens, or None without a limit.
    """

    max_length = None

    def start(self, rows, length):
        """The state of `rows` empty texts of at most `length` tokens: a nested structure of tensors, rows first."""
        raise NotImplementedError(f"{type(self).__name__} must define start")

    def features(self, token_ids, state=None, position=0, training=None):
        """token_ids [R, T] at positions `position` .. `position` + T - 1 -> (x [R, T, D], state).

        state: from `start` or an earlier call, it represents the tokens before. Without it, token_ids is a text from
        its start, and the returned state is None.
        """
        raise NotImplementedError(f"{type(self).__name__} must define features")

    def logits(self, x):
        """x [R, T, D] -> [R, T, V]."""
        raise NotImplementedError(f"{type(self).__name__} must define logits")

    def call(self, token_ids, training=None):
        return self.logits(self.features(token_ids, training=training)[0])

    def step(self, last, state, position):
        """last [R, 1], the token at `position` -> (logits of the next [R, V], state)."""
        x, state = self.features(last, state, position)
        return self.logits(x)[:, 0], state
