"""Why a memory network gave its answer: words of the facts and of the question."""

import numpy as np
import tensorflow as tf

from tfllm.explain.subjects.subject import Subject, Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.models.memory_network import MemoryNetwork
from tfllm.tasks.facts.fact_inputs import lines, plain
from tfllm.text import UNKNOWN


class FactSubject(Subject):
    """score "log-odds": ln p / (1 - p) of the answer; "probability"; "logit". A word is left out by padding."""

    deletes = False  # facts have a fixed length

    @classmethod
    def of(cls, task, texts, target=None, score="log-odds"):
        """texts: facts and question (str). target: an answer; None: that of the task. ValueError for an answer that it
        does not know, for empty texts, and for a model that writes its answers.
        """
        if not isinstance(task.model, MemoryNetwork):
            raise ValueError(f"facts are explained for a MemoryNetwork; this task has a {type(task.model).__name__}")
        story, question = texts
        facts, asked = lines(tf.constant([story])), plain(tf.constant([question])).numpy()[0].decode()
        if not (asked and facts.flat_values.shape[0]):
            raise ValueError("there is no answer to explain: the facts or the question is empty")
        inputs = {name: part[0].numpy().astype("int32")
                  for name, part in task.reader.read(facts, tf.constant([question]))[0].items()}  # fmt: skip
        answer = task.generate(story, question) if target is None else target
        token_id = int(task.reader.targets(tf.constant([answer])).flat_values[0])
        if token_id == UNKNOWN:
            raise ValueError(f"the task does not know the answer {answer!r}")
        tokens, places, begin = [], [], 0
        kept = [fact.decode("utf-8", "replace") for fact in facts[0].numpy()]
        for number, fact in enumerate(kept, start=-len(kept)):
            begin = story.index(fact, begin)
            row = min(len(kept), task.model.max_facts) + number  # below 0: too old to be read
            for word, (first, end) in enumerate(token_spans(task.tokenizer, fact)[: task.fact_length]):
                if row >= 0:
                    tokens.append(Token(fact[first:end], begin + first, begin + end, "facts"))
                    places.append(("facts", row * task.fact_length + word))
            begin += len(fact)
        shift = question.index(asked)
        for word, (first, end) in enumerate(token_spans(task.tokenizer, asked)):
            tokens.append(Token(asked[first:end], shift + first, shift + end, "question"))
            places.append(("question", word))
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
