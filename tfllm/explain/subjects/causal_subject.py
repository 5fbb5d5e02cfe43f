"""A subject of a causal model: a language model that continues a prompt, or a dialogue of one stream."""

import keras
import numpy as np

from tfllm.explain.subjects.generated_subject import GeneratedSubject


class CausalSubject(GeneratedSubject):
    """Abstract. inputs: {"token_ids"}. A subclass defines `of`."""

    @staticmethod
    def logits(task, inputs):
        x = task.model.features(inputs["token_ids"], training=False)[0]
        with keras.StatelessScope():  # a tied softmax uses only the original rows of the embedding
            return task.model.logits(x)[..., : task.tokenizer.vocab_size]

    @staticmethod
    def tables(task):
        return {"token_ids": [task.model.embed]}

    @staticmethod
    def attention(task, inputs):
        if not hasattr(task.model, "attention"):
            raise ValueError(f"a {type(task.model).__name__} has no attention among the tokens of a text")
        return task.model.attention(inputs["token_ids"])

    def queries(self):
        """Each number belongs to its own position: [K, T]."""
        return np.eye(len(self.inputs["token_ids"]))[self.at]
