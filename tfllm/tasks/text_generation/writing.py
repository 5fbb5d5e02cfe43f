"""What all tasks share that generate text: answer, generate, stream, and the signatures of a decoding."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import tensorflow as tf

from tfllm.generation import contains_any, readable, stream
from tfllm.tasks import user_data
from tfllm.tasks.compiled import compiled
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task
from tfllm.tasks.text_generation.decoding import Decoding, of_options, signature, split

SAMPLED = {  # inputs of the signature `sample`: dtype, and the value that disables each
    "temperature": ("float32", 0), "top_k": ("int32", 0), "top_p": ("float32", 1), "min_p": ("float32", 0),
    "seed": ("int32", 0),
}  # fmt: skip


class Writing(Task):
    """Abstract base class of text generation. A final class has a `writer`: CausalWriter or Seq2SeqWriter.

    The random numbers of a text depend on the seed and on the index of the text in the list, not on the other texts:
    the same seed and the same list give the same answers in Python, after reloading, and in the SavedModel.
    """

    decoding = Decoding  # the dataclass with the decoding options

    @property
    def writer(self):
        raise NotImplementedError(f"{type(self).__name__} must define a writer")

    def report(self, result, decoding):
        """Hook: called with {name: array [N]}, the further outputs of `candidates`; may log a warning about truncated
        texts.
        """

    def examined(self, texts):
        """Hook: the part of the texts [B] in which phrases of `refused` are looked for."""
        return texts

    def answer(self, texts, decoding=None):
        """strings [B] -> {"text": [B], "score": [B], ...}: the best of `candidates`."""
        return first(self.candidates(texts, 1, decoding))

    def candidates(self, texts, n_best=1, decoding=None, jit_compile=False, row=0):
        """strings [B] -> {"text": [B, n_best], "score": [B, n_best], "cut": [B], ...}, valid UTF-8, best first.

        n_best: the number of beams, or of samples, to return. score: log-probability of the output; of a beam search
        divided by the length penalty. cut: number of truncated tokens of the text. decoding: its numbers may be scalar
        tensors. row: the index of the first text. jit_compile: compile the search with XLA, one program for each of a
        few padded lengths (about 10 s at the first use of each). Raises ValueError if the decoding cannot return n_best
        texts.
        """
        decoding = decoding or self.decoding()
        self.writer.check(decoding, n_best)
        if not jit_compile or not tf.executing_eagerly():
            return self.unless_refused(texts, n_best, decoding, row, decoding if jit_compile else None)
        structure, numbers = split(decoding)
        return self.search(n_best, self.writer.xla_structure(structure, decoding), True)(
            tf.convert_to_tensor(texts), row=row, **numbers
        )

    def unless_refused(self, texts, n_best, decoding, row, xla_structure):
        """The writer's candidates; where a text is refused, `refusal` with score 0."""
        result = self.writer.candidates(texts, n_best, decoding, row, xla_structure)
        if not decoding.refused:
            return result
        refused = contains_any(self.examined(texts), decoding.refused)[:, None]
        answers = {"text": tf.where(refused, decoding.refusal, result["text"])}
        return result | answers | {"score": tf.where(refused, 0.0, result["score"])}

    @compiled
    def search(self, n_best, structure, jit_compile):
        """`candidates` as a Signature; its scalars are the numbers that `split` takes out of the decoding."""

        def candidates(texts, row=0, **numbers):
            xla_structure = structure if jit_compile else None
            return self.unless_refused(texts, n_best, replace(structure, **numbers), row, xla_structure)

        scalars = {name: tf.zeros([], spec.dtype) for name, spec in signature(structure).items()}
        return Signature(candidates, scalars=scalars, takes_row=structure.temperature is not None)

    def generate(self, texts: Any, *, n_best: int | None = None, batch_size: int = 32, verbose: int | str = "auto",
                 row: int = 0, num_return_sequences: int = 1, jit_compile: bool = False,
                 **decoding: Any) -> Any:  # fmt: skip
        """A string -> the generated text; a list -> a list, in order; a dataset -> a generator.

        n_best: returns a list of that many (text, score) for each text, best first, see `candidates`.
        num_return_sequences: likewise, without the scores.
        decoding: the fields of the task's `decoding`, such as beam_width=5 or temperature=0.8. Another value of a
        number needs no compilation. Many batches show a progress bar. Truncated texts log a warning.
        row: the index of the first text, if a list is split. jit_compile: see `candidates`.
        """
        decoding, n = of_options(self.decoding, decoding), num_return_sequences if n_best is None else n_best
        self.writer.check(decoding, n)
        structure, numbers = split(decoding)
        run = self.search(n, self.writer.xla_structure(structure, decoding) if jit_compile else structure, jit_compile)

        def convert(result):
            self.report({name: part for name, part in result.items() if name not in ("text", "score")}, decoding)
            several = [[text.decode("utf-8", "replace") for text in row] for row in result["text"]]
            if n_best is not None:
                return [list(zip(*row, strict=True)) for row in zip(several, result["score"].tolist(), strict=True)]
            return several if n > 1 else [text for (text,) in several]

        return self.run(run, texts, convert=convert, batch_size=batch_size, verbose=verbose, row=row, **numbers)

    def stream(self, text: str, row: int = 0, **decoding: Any) -> Iterator[str]:
        """Yield the generated text in chunks as it is made; each chunk is a str that is not empty.

        Joined, the chunks equal the output of `generate`. A chunk never ends inside a character, and no chunk contains
        text that a stop string removes later. Greedy by default. Raises ValueError for beam search, whose text is known
        only at the end.
        """
        text, search = user_data.one_text(text, self.asks[0]), of_options(self.decoding, {"beam_width": 1} | decoding)
        if search.beam_width > 1:
            raise ValueError(f"a beam search cannot be streamed: expected beam_width=1; got {search.beam_width}")
        self.writer.check(search, 1)
        if search.refused and bool(contains_any(self.examined(tf.constant([text])), search.refused)[0]):
            if search.refusal:
                yield search.refusal
            return
        if self.writer.has_empty_answer(tf.constant([text])):
            return
        structure, numbers = split(search)
        begin, run = self.streaming(structure)
        prefilled = begin(tf.constant([text]), numbers)
        self.report({name: part.numpy() for name, part in prefilled.notes.items()}, search)
        if beginning := prefilled.text.numpy()[0].decode("utf-8", "replace"):
            yield beginning
        more = partial(run, prefilled.fixed, tf.constant(row), numbers)
        new = (ids[0].tolist() for ids in stream(more, prefilled.progress))
        yield from readable(self.writer.written(prefilled, new), getattr(search, "stops", ()))

    @compiled
    def streaming(self, structure):
        """Two tf.functions: (strings [1], numbers) -> Prefilled, and (fixed, row, numbers, now, until) -> now."""

        def begin(texts, numbers):
            return self.writer.begin(texts, replace(structure, **numbers))

        def run(fixed, row, numbers, now, until):
            return self.writer.loop(replace(structure, **numbers), fixed, row).run(now, until)

        return (
            tf.function(begin, autograph=False, reduce_retracing=True),
            tf.function(run, autograph=False, reduce_retracing=True),
        )

    def signatures(self, decoding: Decoding | None = None, n_best: int = 4) -> dict[str, Signature]:
        """The signatures of a decoding: {name: Signature}.

        serving_default: {"text", "score", ...} [N]. n_best (beam search only): the same with shape [N, n_best].
        serving_xla: as serving_default, compiled by XLA. sample: samples; its scalar inputs are those of `SAMPLED`, and
        max_length if the task counts tokens. temperature 0, top_k 0, top_p 1 and min_p 0 disable the option.
        """
        decoding = decoding or self.decoding()
        result = {"serving_default": Signature(partial(self.answer, decoding=decoding))}
        if decoding.beam_width > 1:
            n_best = min(n_best, decoding.beam_width)
            result["n_best"] = Signature(partial(self.candidates, n_best=n_best, decoding=decoding))
        if self.writer.has_xla(decoding):
            result["serving_xla"] = Signature(lambda texts: first(self.candidates(texts, 1, decoding, True)))
        if decoding.beam_width == 1 and not decoding.contrastive:
            result["sample"] = self.sampling(decoding)
        return result

    def sampling(self, decoding):
        """The signature `sample`: `answer` by this decoding, with the sampling options as inputs."""
        length_field, usual = self.writer.length_field, asdict(decoding) | {"seed": decoding.seed % 2**31}
        scalars = {name: tf.constant(off if usual[name] is None else usual[name], kind)
                   for name, (kind, off) in SAMPLED.items()}  # fmt: skip
        if length_field:
            scalars["max_length"] = tf.constant(self.writer.longest(decoding), "int32")

        def sample(texts, max_length=None, row=0, **numbers):
            numbers |= {"max_new_tokens": None, length_field: max_length} if length_field else {}
            return first(self.candidates(texts, 1, replace(decoding, **numbers), row=row))

        return Signature(sample, scalars=scalars, takes_row=True)


def first(candidates):
    """The best candidates: [B, N] -> [B]. Tensors with one value for each text are returned unchanged."""
    return {name: part[:, 0] if part.shape.rank == 2 else part for name, part in candidates.items()}
