"""Why a task that writes its answers about facts gave its answer: words of the facts, of the question, and before."""

import numpy as np
import tensorflow as tf

from tfllm.explain.subjects.encoder_decoder_subject import EncoderDecoderSubject
from tfllm.explain.subjects.fact_tokens import read_tokens
from tfllm.explain.subjects.token_spans import token_spans


class WrittenFactSubject(EncoderDecoderSubject):
    """Tokens of the facts and the question that the encoder reads, and of the answer before each step."""

    @classmethod
    def of(cls, task, texts, target=None, score="log-odds", step=None, instead=None, top_k=5):
        """texts: facts and question (str). target: an answer; None: that of the task. step, instead, top_k: as in
        `SourceSubject`. Raises ValueError for empty texts and an answer that is longer than the task's.
        """
        story, question = texts
        facts, rows, asked = read_tokens(task, story, question)
        source = task.reader.read(facts, tf.constant([question]))[0]["source"][0].numpy().astype("int32")
        ends = np.cumsum([len(row) + 1 for row in rows])  # each fact has an END
        places = [
            (token, begin + i) for row, begin in zip(rows, [0, *ends], strict=False) for i, token in enumerate(row)
        ]
        places += [(token, int(ends[-1]) + i) for i, token in enumerate(asked)]
        left_out = int(ends[-1]) + len(asked) + 1 - len(source)  # first words of a story that is too long
        read = [(token, place - left_out) for token, place in places if place >= left_out]
        answer = task.generate(story, question) if target is None else target
        spans, most = token_spans(task.tokenizer, answer), task.answer_length - 1
        if len(spans) > most and target is not None:
            raise ValueError(f"the answer has {len(spans)} tokens; the limit of the task is {most}")
        answer = answer[: spans[most - 1][1]] if len(spans) > most else answer  # without END, at the limit
        example, outputs = task.reader.example({}, tf.constant([answer]))
        ids = outputs[0].numpy().astype("int32")
        inputs = {"source": source, "target": example["target"][0].numpy().astype("int32")}
        return cls.written(task, {"facts": story, "question": question, "answer": answer}, read, inputs, ids,
                           task.tokenizer, score, step, instead, top_k)  # fmt: skip
