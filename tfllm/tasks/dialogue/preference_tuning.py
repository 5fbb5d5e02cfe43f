"""Preference tuning: a dialogue generator learns which of two replies people prefer. Rafailov et al. 2023."""

import numpy as np
import tensorflow as tf

from tfllm.data.reading.dialogues import BREAK
from tfllm.losses import LabelCrossEntropy, smoothed_cross_entropy
from tfllm.metrics import LabelAccuracy, TokenMean
from tfllm.models.causal import CausalModel
from tfllm.ragged import column, joined
from tfllm.tasks.task import Task

SIDES = ("chosen", "rejected")
CHUNK = 16  # pairs whose first probabilities are computed together


class PreferenceTuning(Task):
    """Direct preference optimisation (DPO) of a DialogueGenerator of one stream, which is trained itself.

    Records: "dialogue", the history up to the reply; "chosen" and "rejected", the better and the worse reply. A pair
    has the margin z = β (log π(chosen) / π₀(chosen) - log π(rejected) / π₀(rejected)), where π is the generator, π₀ its
    weights when this object is made, and both are probabilities of the whole reply and END given the history. The loss
    is -log σ(z), eq. 7 (sec. 4); accuracy is the share of pairs with z > 0.

    beta: β, above 0; the smaller, the farther π may go from π₀. For LoRA adapt the generator before: only what is
    trainable is copied for π₀. Save and export the generator, not this object. Raises ValueError for an
    encoder-decoder and for other values of beta.
    """

    fields = ("dialogue", *SIDES)
    allows_sample_weight = True

    def __init__(self, generator, beta=0.1, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(generator.model, CausalModel):
            raise ValueError("preference tuning needs a dialogue generator of one stream, not an encoder-decoder")
        if not beta > 0:
            raise ValueError(f"beta must be above 0, got {beta}")
        self.generator, self.beta, self.learning_rate = generator, beta, generator.learning_rate
        self.first = [variable.numpy() for variable in generator.trainable_variables]
        self.built = True

    def get_config(self):
        raise NotImplementedError("save the generator: what preference tuning adds is only needed while it runs")

    def example(self, record):
        """-> (inputs, targets 1, weights 1), ragged [B, None].

        inputs: of each side the token ids of history and reply, and weights, 1 for tokens of the reply.
        """
        history = self.generator.prompts(record["dialogue"])[0]
        inputs = {}
        for side in SIDES:
            reply = self.reply_ids(record[side])
            inputs[side] = joined(history, reply)
            inputs[f"{side}_weights"] = joined(tf.zeros_like(history, tf.float32), tf.ones_like(reply, tf.float32))
        one = column(tf.ones(history.nrows(), tf.int32))
        return inputs, one, tf.cast(one, tf.float32)

    def reply_ids(self, texts):
        """Replies, strings [B] -> the ids that the generator learns of them, with END, ragged [B, None]."""
        keep_lines, tokenizer = self.generator.template is not None, self.generator.tokenizer
        texts = tf.strings.regex_replace(texts, BREAK if keep_lines else r"\s+", "\n" if keep_lines else " ")
        texts = tf.strings.strip(texts)
        return joined(tokenizer.encode(texts)[:, : self.generator.reply_length - 1], tokenizer.end)

    def rows(self, records, verbose=0):
        """As in Task, with the input "reference" [N, 1]: log π₀(chosen) - log π₀(rejected) of each pair."""
        inputs, *rest = super().rows(records, verbose)
        now = [variable.numpy() for variable in self.generator.trainable_variables]
        self.assign(self.first)
        try:
            reference = self.references(inputs)
        finally:
            self.assign(now)
        return inputs | {"reference": column(reference)}, *rest

    def assign(self, values):
        for variable, value in zip(self.generator.trainable_variables, values, strict=True):
            variable.assign(value)

    def references(self, inputs):
        """Inputs without "reference", ragged [N, None] -> `ratios` float32 [N]."""
        ratios = tf.function(self.ratios, autograph=False, reduce_retracing=True)
        parts = [{name: part[i : i + CHUNK].to_tensor() for name, part in inputs.items()}
                 for i in range(0, inputs["chosen"].nrows(), CHUNK)]  # fmt: skip
        return np.concatenate([ratios(part).numpy()[:, 0] for part in parts])

    def ratios(self, inputs, training=False):
        """-> log π(chosen) - log π(rejected), [B, 1]."""
        chosen, rejected = (self.log_probability(inputs[side], inputs[f"{side}_weights"], training) for side in SIDES)
        return chosen - rejected

    def log_probability(self, token_ids, weights, training):
        """Natural logarithm of the probability of the tokens of weight 1. [B, T] -> [B, 1]."""
        losses = smoothed_cross_entropy(token_ids[:, 1:], self.generator.model(token_ids[:, :-1], training=training))
        return -tf.reduce_sum(losses * weights[:, 1:], axis=1, keepdims=True)

    def call(self, inputs, training=None):
        """-> the margins z of the pairs, [B, 1]."""
        return self.beta * (self.ratios(inputs, training) - inputs["reference"])

    def objective(self):
        loss = LabelCrossEntropy()
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), LabelAccuracy()]}
