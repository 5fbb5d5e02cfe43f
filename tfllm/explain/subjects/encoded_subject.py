"""A subject whose texts an encoder reads: its embedding tables and its attention are those of the encoder."""

from tfllm.explain.subjects import encoded_attention, encoded_texts
from tfllm.explain.subjects.subject import Subject


class EncodedSubject(Subject):
    """Abstract. A subclass defines `numbers`."""

    @staticmethod
    def tables(task):
        return encoded_texts.tables(task)

    @staticmethod
    def attention(task, inputs):
        return encoded_attention.attention(task, inputs)

    def queries(self):
        return encoded_attention.queries(self.task, len(self.inputs["token_ids"]))
