"""What all tasks share that write text: answer, generate, stream, and the signatures of a decoding."""

from dataclasses import asdict, replace
from functools import partial

import tensorflow as tf

from tfllm.generation import readable, stream
from tfllm.tasks import records as gate
from tfllm.tasks.compiled import compiled
from tfllm.tasks.signature import Signature
from tfllm.tasks.task import Task
from tfllm.tasks.text_generation.decoding import Decoding, of_options, signature, split

SAMPLED = {  # inputs of the signature `sample`, and what disables each
    "temperature": ("float32", 0), "top_k": ("int32", 0), "top_p": ("float32", 1), "min_p": ("float32", 0),
    "seed": ("int32", 0),
}  # fmt: skip


class Writing(Task):
    """Abstract. A final task has a `writer`: a CausalWriter continues texts, a Seq2SeqWriter answers them.

    What is drawn for a text depends on the seed and on its number in the list, not on the texts beside it: same seed
    and same list, same answers, in Python, after reload and in the SavedModel.
    """

    decoding = Decoding  # the dataclass of how a text is searched for

    @property
    def writer(self):
        raise NotImplementedError(f"{type(self).__name__} must say what writes its texts")

    def report(self, found, decoding):
        """Hook: {name: array [N]} that `candidates` gave beside the texts; may log a warning of what was not read."""

    def answer(self, texts, decoding=None):
        """strings [B] -> {"text": [B], "score": [B], ...}: the best of `candidates`."""
        return first(self.candidates(texts, 1, decoding))

    def candidates(self, texts, n_best=1, decoding=None, jit_compile=False, row=0):
        """strings [B] -> {"text": [B, n_best], "score": [B, n_best], "cut": [B], ...}, valid UTF-8, best first.

        n_best: the best of a beam, or samples of a continuation. score: log-probability of what is written; of a beam
        search divided by its length penalty. cut: tokens of the text that were not read. ValueError for a decoding
        that cannot give as many.
        decoding: its numbers may be scalar tensors. row: the number of the first text.
        jit_compile: the search is one XLA program for each of few shapes (about 10 s at the first use of each).
        """
        decoding = decoding or self.decoding()
        self.writer.check(decoding, n_best)
        if not jit_compile or not tf.executing_eagerly():
            return self.writer.candidates(texts, n_best, decoding, row, decoding if jit_compile else None)
        structure, numbers = split(decoding)
        return self.search(n_best, self.writer.shapes(structure, decoding), True)(
            tf.convert_to_tensor(texts), row=row, **numbers
        )

    @compiled
    def search(self, n_best, structure, jit_compile):
        """`candidates` as a Signature, with the numbers that `split` parts from the decoding as its scalars."""

        def candidates(texts, row=0, **numbers):
            shapes = structure if jit_compile else None
            return self.writer.candidates(texts, n_best, replace(structure, **numbers), row, shapes)

        scalars = {name: tf.zeros([], spec.dtype) for name, spec in signature(structure).items()}
        return Signature(candidates, scalars=scalars, numbered=structure.temperature is not None)

    def generate(self, texts, *, n_best=None, batch_size=32, verbose="auto", row=0, num_return_sequences=1,
                 jit_compile=False, **decoding):  # fmt: skip
        """A string -> what is written; a list -> a list, in order; a dataset -> a generator.

        n_best: instead of each text, a list of so many (text, score), best first, see `candidates`.
        num_return_sequences: likewise, without their scores.
        decoding: the fields of the task's `decoding`, such as beam_width=5 or temperature=0.8; what is compiled serves
        all their numbers. A progress bar shows on many batches. A warning tells where some of a text was not read.
        row: the number of the first text, where a list comes in parts. jit_compile: see `candidates`.
        """
        decoding, n = of_options(self.decoding, decoding), num_return_sequences if n_best is None else n_best
        self.writer.check(decoding, n)
        structure, numbers = split(decoding)
        run = self.search(n, self.writer.shapes(structure, decoding) if jit_compile else structure, jit_compile)

        def tell(found):
            self.report({name: part for name, part in found.items() if name not in ("text", "score")}, decoding)
            several = [[text.decode("utf-8", "replace") for text in row] for row in found["text"]]
            if n_best is not None:
                return [list(zip(*row, strict=True)) for row in zip(several, found["score"].tolist(), strict=True)]
            return several if n > 1 else [text for (text,) in several]

        return self.run(run, texts, tell=tell, batch_size=batch_size, verbose=verbose, row=row, **numbers)

    def stream(self, text, row=0, **decoding):
        """Yields what is written piece by piece as it is made, each a str that is not empty.

        Joined they are what `generate` gives; no character is cut, and nothing is shown that a stop string takes back.
        Greedy, where no temperature is given. ValueError for beams, which know their text at the end only.
        """
        text, decoding = gate.one(text, self.asks[0]), of_options(self.decoding, {"beam_width": 1} | decoding)
        if decoding.beam_width > 1:
            raise ValueError(f"a beam search has no text before its end: beam_width=1, not {decoding.beam_width}")
        self.writer.check(decoding, 1)
        if self.writer.silent(tf.constant([text])):
            return
        structure, numbers = split(decoding)
        begin, run = self.growing(structure)
        prefilled = begin(tf.constant([text]), numbers)
        self.report({name: part.numpy() for name, part in prefilled.notes.items()}, decoding)
        if beginning := prefilled.text.numpy()[0].decode("utf-8", "replace"):
            yield beginning
        more = partial(run, prefilled.fixed, tf.constant(row), numbers)
        new = (ids[0].tolist() for ids in stream(more, prefilled.progress))
        yield from readable(self.writer.written(prefilled, new), getattr(decoding, "stops", ()))

    @compiled
    def growing(self, structure):
        """Two tf.functions: (strings [1], numbers) -> Prefilled, and (fixed, row, numbers, now, until) -> now."""

        def begin(texts, numbers):
            return self.writer.begin(texts, replace(structure, **numbers))

        def run(fixed, row, numbers, now, until):
            return self.writer.loop(replace(structure, **numbers), fixed, row).run(now, until)

        return (
            tf.function(begin, autograph=False, reduce_retracing=True),
            tf.function(run, autograph=False, reduce_retracing=True),
        )

    def signatures(self, decoding=None, n_best=4):
        """serving_default: {"text", "score", ...} [N] by this decoding, and n_best, of beams: the same of [N, n_best].

        serving_xla: as serving_default, compiled by XLA. sample: samples by the scalars of `SAMPLED`, and of a task
        that counts tokens, max_length; of these temperature 0, top_k 0, top_p 1 and min_p 0 mean none.
        """
        decoding = decoding or self.decoding()
        found = {"serving_default": Signature(partial(self.answer, decoding=decoding))}
        if decoding.beam_width > 1:
            n_best = min(n_best, decoding.beam_width)
            found["n_best"] = Signature(partial(self.candidates, n_best=n_best, decoding=decoding))
        if self.writer.compiles(decoding):
            found["serving_xla"] = Signature(lambda texts: first(self.candidates(texts, 1, decoding, True)))
        if decoding.beam_width == 1 and not decoding.contrastive:
            found["sample"] = self.sampling(decoding)
        return found

    def sampling(self, decoding):
        """The signature `sample`: `answer` by this decoding, but with numbers of sampling that are inputs."""
        counted, usual = self.writer.counted, asdict(decoding) | {"seed": decoding.seed % 2**31}
        scalars = {name: tf.constant(off if usual[name] is None else usual[name], kind)
                   for name, (kind, off) in SAMPLED.items()}  # fmt: skip
        if counted:
            scalars["max_length"] = tf.constant(self.writer.longest(decoding), "int32")

        def sample(texts, max_length=None, row=0, **numbers):
            numbers |= {"max_new_tokens": None, counted: max_length} if counted else {}
            return first(self.candidates(texts, 1, replace(decoding, **numbers), row=row))

        return Signature(sample, scalars=scalars, numbered=True)


def first(candidates):
    """The best of them: [B, N] -> [B]. What there is one of for each text stays."""
    return {name: part[:, 0] if part.shape.rank == 2 else part for name, part in candidates.items()}
