"""Why a question answering model chose its answer: the scores of its start, of its end, or of both."""

import numpy as np
import tensorflow as tf

from tfllm.explain.subjects.subject import Subject, Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.tasks.questions.span_choice import best_spans
from tfllm.tasks.text_inputs import dense

ENDS = {"start": (1.0, 0.0), "end": (0.0, 1.0), "answer": (1.0, 1.0)}


class ReaderSubject(Subject):
    """score "log-probability": ln p of the position of the start, of the end, or the sum of both, among the positions
    of the window; "probability": its exponential. For a long context the window with the answer is explained.
    """

    kinds, deletes = ("log-probability", "probability"), False

    @classmethod
    def of(cls, task, texts, target=None, score="log-probability"):
        """texts: context and question (str). target: "answer", the default, "start" or "end". Raises ValueError for
        another target, and if there is no answer.
        """
        target = target or "answer"
        if target not in ENDS:
            raise ValueError(f"target must be one of {', '.join(ENDS)}; got {target!r}")
        context, question = texts
        windows = task.windows(tf.constant([context]), tf.constant([question]))
        rows = dense(windows.inputs)
        logits = task(rows, training=False)
        best = best_spans(logits, windows, task.answer_length, 1)
        if not bool(best.there[0, 0]):
            raise ValueError("there is no answer to explain: the context or the question is empty")
        i, j = int(best.i[0, 0]), int(best.j[0, 0])
        first, offset, sizes = (part.numpy() for part in (windows.first, windows.offset, windows.sizes))
        whole = [w for w in range(len(first)) if first[w] <= i and j < first[w] + sizes[w]]
        at = {w: (i - first[w] + offset[w], j - first[w] + offset[w]) for w in whole}
        window = max(whole, key=lambda w: float(logits[w, 0, at[w][0]] + logits[w, 1, at[w][1]]))
        inputs = {name: part[window].numpy().astype("int32") for name, part in windows.inputs.items()}
        name, asked = ("context", "question") if task.apart else ("token_ids", "token_ids")
        spans = list(zip(windows.starts[0].numpy().tolist(), windows.ends[0].numpy().tolist(), strict=True))
        known = token_spans(task.tokenizer, question)[: task.question_length]
        tokens = [Token(question[begin:end], begin, end, "question") for begin, end in known]
        positions = [(asked, k + (0 if task.apart else 1)) for k in range(len(known))]
        for k in range(sizes[window]):
            begin, end = spans[first[window] + k]
            tokens.append(Token(context[begin:end], begin, end, "context"))
            positions.append((name, int(offset[window]) + k))
        groups = (("question", "question_mask"), ("context", "context_mask", "allowed")) if task.apart else (
            tuple(sorted(inputs, key=lambda name: name != "token_ids")),)  # fmt: skip
        answer = context[spans[i][0] : spans[j][1]]
        return cls(
            task, texts={"question": question, "context": context}, tokens=tuple(tokens), positions=tuple(positions),
            targets=(f"the {target} {answer!r}",), inputs=inputs, groups=groups, at=np.array(at[window]),
            choice={"ends": np.float32(ENDS[target])}, score=score, details={"prediction": answer},
            removal="unknown" if getattr(task.tokenizer, "mask", None) is None else "mask",
        )  # fmt: skip

    @staticmethod
    def numbers(task, inputs, choice, score):
        fed = {name: part for name, part in inputs.items() if name != "at"}
        log_p = tf.nn.log_softmax(tf.cast(task(fed, training=False), tf.float32))  # [B, 2, T]
        result = tf.gather(log_p, inputs["at"][..., None], axis=2, batch_dims=2)[..., 0]  # [B, 2]
        result = tf.linalg.matvec(result, choice["ends"])[:, None]
        return tf.exp(result) if score == "probability" else result

    @staticmethod
    def tables(task):
        return {name: [task.encoder.embed] for name in ("token_ids", "context", "question")}
