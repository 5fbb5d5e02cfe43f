"""A subject of an encoder-decoder: a source that is read, and a target that is written."""

import numpy as np
import tensorflow as tf

from tfllm.explain.attention_maps import names
from tfllm.explain.subjects.generated_subject import GeneratedSubject, chosen_steps, foil_ids
from tfllm.explain.subjects.subject import Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.models.pointer_generator import UNKNOWN, PointerGenerator
from tfllm.models.transformer import Transformer


class EncoderDecoderSubject(GeneratedSubject):
    """Abstract. inputs: {"source", "target"}, perhaps "source_ids". A subclass defines `of` by `written`."""

    @classmethod
    def written(cls, task, texts, read, inputs, ids, writer, score, step, instead, top_k, copied=(), copies=False):
        """The subject of a target.

        texts     {part: text}, the target last
        read      [(Token, position)] of the source
        inputs    {name: int array [T]};  ids  int array, the target with its END
        writer    the tokenizer of the target;  copied  names of the tokens of the source, if the model copies
        copies    True: the tokens of the target before a step are not explained
        """
        part, target = list(texts.items())[-1]
        spans = token_spans(writer, target)[: len(ids) - 1]
        written = [target[begin:end] for begin, end in spans] + [writer.tokens[writer.end].decode()]
        own = [(Token(target[begin:end], begin, end, part), i + 1) for i, (begin, end) in enumerate(spans)]
        places = [("source", *one) for one in read] + [("target", *one) for one in ([] if copies else own)]
        steps = chosen_steps(step, written)
        before = target[: spans[steps[0]][0]] if steps[0] < len(spans) else target
        foils = foil_ids(instead, writer, before, written[steps[0]], steps)
        titles = [written[k] if instead is None else f"{written[k]} and not {instead}" for k in steps]
        subject = cls(
            task, texts=texts, tokens=tuple(token for _, token, _ in places), targets=tuple(titles), inputs=inputs,
            groups=(tuple(name for name in inputs if name != "target"), ("target",)), score=score, at=np.array(steps),
            positions=tuple((name, place) for name, _, place in places), choice={"ids": ids[steps], "foils": foils},
        )  # fmt: skip
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

    @staticmethod
    def whole_attention(task, inputs):
        """-> attention of the blocks, [L, H, S, S] of the encoder, [L, H, T, T] and [L, H, T, S] of the decoder.

        That of the copying of a PointerGenerator is not included. Raises ValueError for a recurrent model.
        """
        model = task.model.model if isinstance(task.model, PointerGenerator) else task.model
        if not isinstance(model, Transformer):
            raise ValueError(f"a {type(model).__name__} has no attention among the tokens of its text")
        source, target = inputs["source"], inputs["target"]
        target = tf.where(target < model.embed_target.input_dim, target, UNKNOWN)
        _, weights = model(source, target, training=False)
        weights = model.encoder_attention(source) | weights
        kinds = {"encoder_layer{}": model.encoder, "decoder_layer{}_block1": model.decoder,
                 "decoder_layer{}_block2": model.decoder}  # fmt: skip
        return [
            np.stack([np.array(weights[kind.format(i + 1)])[0] for i in range(len(blocks))])
            for kind, blocks in kinds.items()
        ]
