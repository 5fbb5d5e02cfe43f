"""Why a memory network gave its answer: words of the facts and of the question."""

import numpy as np
import tensorflow as tf

from tfllm.explain.subjects.fact_tokens import read_tokens
from tfllm.explain.subjects.subject import Subject
from tfllm.text import UNKNOWN


class FactSubject(Subject):
    """score "log-odds": ln p / (1 - p) of the answer; "probability"; "logit". A word is left out by padding."""

    deletes = False  # facts have a fixed length

    @classmethod
    def of(cls, task, texts, target=None, score="log-odds"):
        """texts: facts and question (str). target: an answer; None: that of the task. ValueError for an answer that it
        does not know, and for empty texts.
        """
        story, question = texts
        facts, rows, asked = read_tokens(task, story, question)
        inputs = {name: part[0].numpy().astype("int32")
                  for name, part in task.reader.read(facts, tf.constant([question]))[0].items()}  # fmt: skip
        answer = task.generate(story, question) if target is None else target
        token_id = int(task.reader.targets(tf.constant([answer])).flat_values[0])
        if token_id == UNKNOWN:
            raise ValueError(f"the task does not know the answer {answer!r}")
        read = rows[-task.model.max_facts :]  # older ones are not read
        tokens = [token for row in read for token in row[: task.fact_length]] + asked
        places = [("facts", number * task.fact_length + word) for number, row in enumerate(read)
                  for word in range(min(len(row), task.fact_length))]  # fmt: skip
        places += [("question", word) for word in range(len(asked))]
        return cls(
            task, texts={"facts": story, "question": question}, tokens=tuple(tokens), targets=(answer,), inputs=inputs,
            groups=(("facts",), ("question",)), positions=tuple(places), choice={"label": np.array([token_id])},
            score=score, removal="pad", details={"prediction": answer},
        )  # fmt: skip

    @staticmethod
    def numbers(task, inputs, choice, score):
        logits = tf.cast(task(inputs, training=False)[:, 0], tf.float32)[:, : task.tokenizer.vocab_size]
        log_p, label = tf.nn.log_softmax(logits), choice["label"]
        chosen = tf.gather(log_p, label, axis=1)  # [B, 1]
        if score == "probability":
            return tf.exp(chosen)
        if score == "logit":
            return tf.gather(logits, label, axis=1)
        hidden = tf.one_hot(label[0], tf.shape(logits)[1]) * -1e9
        return chosen - tf.reduce_logsumexp(log_p + hidden, axis=1, keepdims=True)

    @staticmethod
    def tables(task):
        return {name: list(task.model.embed) for name in ("facts", "question")}
