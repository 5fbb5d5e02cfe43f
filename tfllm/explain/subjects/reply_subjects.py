"""Why a dialogue generator gave its reply: by the turns before it, and by the reply so far."""

import numpy as np
import tensorflow as tf

from tfllm.explain.attention_maps import names
from tfllm.explain.subjects.causal_subject import CausalSubject
from tfllm.explain.subjects.encoder_decoder_subject import EncoderDecoderSubject
from tfllm.explain.subjects.generated_subject import chosen_steps, foil_ids
from tfllm.explain.subjects.history_tokens import history_tokens
from tfllm.explain.subjects.subject import Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.text import START


class StreamReplySubject(CausalSubject):
    """Of a causal model: tokens of the history and of the reply before each step; the steps are those of the reply."""

    @classmethod
    def of(cls, task, texts, target=None, score="log-odds", step=None, instead=None, top_k=5):
        """texts: a dialogue (str). target: the reply; None: that of the task. step, instead, top_k: as in
        `SourceSubject`. Raises ValueError for an empty dialogue and a reply that is longer than the task's.
        """
        text, reply, ids = asked(task, texts, target)
        history, read = history_tokens(task, text)
        spans, end = token_spans(task.tokenizer, reply), task.tokenizer.tokens[task.tokenizer.end].decode()
        written = [reply[begin:end] for begin, end in spans] + [end]
        own = [(Token(reply[begin:end], begin, end, "reply"), len(history) + i) for i, (begin, end) in enumerate(spans)]
        steps = chosen_steps(step, written)
        before = reply[: spans[steps[0]][0]] if steps[0] < len(spans) else reply
        foils = foil_ids(instead, task.tokenizer, before, written[steps[0]], steps)
        titles = [written[k] if instead is None else f"{written[k]} and not {instead}" for k in steps]
        subject = cls(
            task, texts={"history": text, "reply": reply}, tokens=tuple(token for token, _ in read + own),
            targets=tuple(titles), inputs={"token_ids": np.concatenate([history, ids[:-1]]).astype("int32")},
            groups=(("token_ids",),), positions=tuple(("token_ids", place) for _, place in read + own),
            choice={"ids": ids[steps], "foils": foils}, score=score, at=len(history) - 1 + np.array(steps),
        )  # fmt: skip
        shown = subject.steps(lambda rows: names(task.tokenizer, tf.constant(rows)), top_k)
        return subject.changed(details={"prediction": reply, "steps": shown})


class PairReplySubject(EncoderDecoderSubject):
    """Of an encoder-decoder: tokens of the history that the encoder reads, and of the reply before each step."""

    @classmethod
    def of(cls, task, texts, target=None, score="log-odds", step=None, instead=None, top_k=5):
        """As in `StreamReplySubject`."""
        text, reply, ids = asked(task, texts, target)
        history, read = history_tokens(task, text)
        inputs = {"source": history, "target": np.array([START, *ids[:-1]], "int32")}
        return cls.written(task, {"history": text, "reply": reply}, read, inputs, ids, task.tokenizer, score, step,
                           instead, top_k)  # fmt: skip


def asked(task, texts, target):
    """-> (the dialogue, the reply, its ids with END)."""
    (text,) = texts
    if not text.strip():
        raise ValueError("there is no reply to explain: the dialogue is empty")
    reply = task.generate(text, verbose=0) if target is None else target
    ids = np.array([*task.tokenizer.encode([reply])[0].numpy(), task.tokenizer.end], "int32")
    if len(ids) > task.reply_length + (target is None):
        raise ValueError(f"the reply has {len(ids)} tokens with END; the limit of the task is {task.reply_length}")
    return text, reply, ids
