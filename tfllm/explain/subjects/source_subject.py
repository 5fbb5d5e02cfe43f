"""Why an encoder-decoder generated its answer, a translation or a summary: by the source and the text before."""

import tensorflow as tf

from tfllm.explain.attention_maps import names
from tfllm.explain.subjects.encoder_decoder_subject import EncoderDecoderSubject
from tfllm.explain.subjects.subject import Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.models.pointer_generator import PointerGenerator


class SourceSubject(EncoderDecoderSubject):
    """Tokens of the source, and of the target before each step; for a model that copies only those of the source."""

    @classmethod
    def of(cls, task, texts, target=None, score="log-odds", step=None, instead=None, top_k=5):
        """target: the text to explain; None: what the task generates. step: an index from 0, or a generated token;
        None: all, with a score for each. instead: a word that could be there instead. top_k: number of alternatives.
        """
        (source,) = texts
        target = task.generate(source, verbose=0) if target is None else target
        reader, writer = (getattr(task, side, None) or task.tokenizer for side in ("source", "target"))
        record = {"source": tf.constant([source]), "target": tf.constant([target])}
        parts, outputs, _ = task.example(record)
        inputs = {name: part[0].numpy().astype("int32") for name, part in parts.items()}
        spans = token_spans(reader, source)[: len(inputs["source"]) - 1]
        read = [(Token(source[begin:end], begin, end, "source"), i) for i, (begin, end) in enumerate(spans)]
        return cls.written(
            task, {"source": source, "target": target}, read, inputs, outputs[0].numpy(), writer, score, step, instead,
            top_k, names(reader, parts["source"][0]), isinstance(task.model, PointerGenerator),
        )  # fmt: skip
