"""Why an encoder-decoder generated its answer, a translation or a summary: by the source and the text before."""

import numpy as np
import tensorflow as tf

from tfllm.explain.attention_maps import names
from tfllm.explain.subjects.generated_subject import GeneratedSubject, chosen_steps, foil_ids
from tfllm.explain.subjects.subject import Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.models.pointer_generator import PointerGenerator


class SourceSubject(GeneratedSubject):
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
        ids, copies = outputs[0].numpy(), isinstance(task.model, PointerGenerator)
        tokens, positions = [], []
        for part, text, tokenizer, size, first in (
            ("source", source, reader, len(inputs["source"]) - 1, 0),
            ("target", target, writer, 0 if copies else len(ids) - 1, 1),
        ):
            for i, (begin, end) in enumerate(token_spans(tokenizer, text)[:size]):
                tokens.append(Token(text[begin:end], begin, end, part))
                positions.append((part, first + i))
        spans = token_spans(writer, target)[: len(ids) - 1]
        written = [target[begin:end] for begin, end in spans] + [writer.tokens[writer.end].decode()]
        steps = chosen_steps(step, written)
        before = target[: spans[steps[0]][0]] if steps[0] < len(spans) else target
        foils = foil_ids(instead, writer, before, written[steps[0]], steps)
        titles = [written[k] if instead is None else f"{written[k]} and not {instead}" for k in steps]
        subject = cls(
            task, texts={"source": source, "target": target}, tokens=tuple(tokens), targets=tuple(titles),
            inputs=inputs, groups=(tuple(name for name in inputs if name != "target"), ("target",)),
            positions=tuple(positions), choice={"ids": ids[steps], "foils": foils}, score=score, at=np.array(steps),
        )  # fmt: skip
        copied = names(reader, parts["source"][0])
        shown = subject.steps(lambda rows: names(writer, tf.constant(rows), copied), top_k)
        return subject.changed(details={"prediction": target, "steps": shown})

    @staticmethod
    def logits(task, inputs):
        fed = {name: part for name, part in inputs.items() if name != "at"}
        logits = task(fed, training=False)
        if isinstance(task.model, PointerGenerator):
            return logits
        return logits[..., : task.model.embed_target.input_dim]

    @staticmethod
    def tables(task):
        return {"source": [task.model.embed_input], "target": [task.model.embed_target]}

    @staticmethod
    def alignments(task, inputs):
        """-> the attention to the source of each decoder block, [H, T, S] each."""
        fed = (inputs[name] for name in ("source", "target"))
        more = {"source_ids": inputs["source_ids"]} if "source_ids" in inputs else {}
        weights = task.model(*fed, **more, training=False)[1]
        result = (np.array(weights[name])[0] for name in task.model.source_attention)
        return [part.reshape(-1, *part.shape[-2:]) for part in result]
