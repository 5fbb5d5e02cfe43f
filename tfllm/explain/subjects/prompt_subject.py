"""Why a language model generated its continuation: by the prompt and the text generated before."""

import numpy as np
import tensorflow as tf

from tfllm.explain.attention_maps import names
from tfllm.explain.subjects.causal_subject import CausalSubject
from tfllm.explain.subjects.generated_subject import chosen_steps, foil_ids
from tfllm.explain.subjects.subject import Token
from tfllm.explain.subjects.token_spans import token_spans


class PromptSubject(CausalSubject):
    """Tokens of the prompt and of its continuation, except the last; the steps are those of the continuation."""

    @classmethod
    def of(cls, task, texts, target=None, score="log-odds", step=None, instead=None, max_new_tokens=12, top_k=5):
        """target: the continuation to explain; None: what the task generates, at most `max_new_tokens`.

        step, instead, top_k: as in `SourceSubject`. Raises ValueError if there is no continuation, and for a text that
        is longer than the model's limit.
        """
        (prompt,) = texts
        if target is None:
            target = task.generate(prompt, max_new_tokens=max_new_tokens, verbose=0)[len(prompt) :]
        text, tokenizer = prompt + target, task.tokenizer
        inputs, outputs = (part[0].numpy().astype("int32")[:-1] for part in cls.rows_of(task, text))
        spans = token_spans(tokenizer, text)
        written = [k for k, (_, end) in enumerate(spans) if end > len(prompt)]
        if not written:
            raise ValueError("there is no continuation to explain: set target")
        most = task.model.max_length
        if most is not None and len(inputs) > most:
            raise ValueError(f"the prompt and its continuation have {len(inputs)} tokens; the model's limit is {most}")
        tokens = [text[begin:end] for begin, end in spans]
        steps = chosen_steps(step, [tokens[k] for k in written])
        at = np.array([written[k] for k in steps])  # token k is predicted at position k, after START and k tokens
        foils = foil_ids(instead, tokenizer, text[: spans[at[0]][0]], tokens[at[0]], steps)
        titles = [tokens[k] if instead is None else f"{tokens[k]} and not {instead}" for k in at]
        explained = [Token(tokens[k], *spans[k]) for k in range(len(spans) - 1)]
        subject = cls(
            task, texts={"text": text}, tokens=tuple(explained), targets=tuple(titles), inputs={"token_ids": inputs},
            groups=(("token_ids",),), positions=tuple(("token_ids", k + 1) for k in range(len(explained))),
            choice={"ids": outputs[at], "foils": foils}, score=score, at=at,
        )  # fmt: skip
        shown = subject.steps(lambda rows: names(tokenizer, tf.constant(rows)), top_k)
        return subject.changed(details={"prediction": target, "steps": shown})

    @staticmethod
    def rows_of(task, text):
        """-> (START and the tokens, the tokens and END), ragged [1, None]."""
        return task.whole({"text": tf.constant([text])})
