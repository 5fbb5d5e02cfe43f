"""Compiled functions of tasks: one for all numbers and threads, few in total, and none that is out of date."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from tests.tasks.dialogue.exchanges import SPEAKERS
from tests.tasks.text_generation.fading import fading
from tests.tasks.text_generation.letters import PROMPTS, endless, made
from tfllm.layers.lora import attach, detach
from tfllm.layers.pretrained_embedding import PretrainedEmbedding, replace_embedding
from tfllm.models import BiDAF, Seq2SeqRNN, Seq2SeqRNNConfig
from tfllm.tasks import (
    CausalDialogue,
    Continuation,
    Decoding,
    QuestionAnswering,
    Summarizer,
    SummarizerConfig,
    Summarizing,
    Translator,
)
from tfllm.tasks.compiled import CAPACITY, changed, compiled
from tfllm.tasks.text_generation.decoding import split
from tfllm.text import Words


def numbered(i):
    """Each number another one for each i."""
    draw = np.random.default_rng(i)
    return {
        "temperature": draw.uniform(0.1, 5), "top_k": int(draw.integers(1, 99)), "top_p": draw.uniform(0.01, 0.99),
        "min_p": draw.uniform(0.01, 0.99), "typical_p": draw.uniform(0.01, 0.99), "seed": int(draw.integers(2**62)),
        "repetition_penalty": draw.uniform(1.01, 3), "max_new_tokens": int(draw.integers(1, 4)),
    }  # fmt: skip


def test_two_hundred_settings_are_traced_once():
    lm, calls, known = endless(), [], []
    step = lm.model.step
    lm.model.step = lambda *inputs: calls.append(1) or step(*inputs)
    for i in range(200):
        options = numbered(i)
        output = lm.generate("abc", **options)
        if i % 40 == 0:
            streamed = "".join(lm.stream("abc", **options))
            known.append((len(calls), len(context.context().list_function_names())))
            expected = lm.answer(tf.constant(["abc"]), Continuation(**options))["text"].numpy()[0].decode()
            assert output == streamed == expected
            calls.clear()
    assert known[2:] == [(0, known[1][1])] * 3  # a stream is traced for a second length; then nothing is, or is kept
    run = lm.search(1, split(Continuation(**numbered(7)))[0], False)
    assert run.compiled.experimental_get_tracing_count() == 1 and len(lm._functions["search"]) == 1


def test_lengths_of_summaries_and_beams_are_numbers():
    config = SummarizerConfig(vocab_size=9, model=Seq2SeqRNNConfig(1, 4, 4, pe_input=8, pe_target=9, rate=0.0))
    task = Summarizer.from_text(["the cat saw a dog"], ["cat saw"], config)
    run = task.search(1, split(Summarizing(2, min_length=1, max_length=2))[0], False)
    for least, most in ((1, 1), (2, 4), (4, 6), (1, 99)):
        words = task.generate("the cat saw", beam_width=2, length_penalty=least / 3, min_length=least, max_length=most)
        assert least <= len(words.split()) <= min(most, 9)
    assert run.compiled.experimental_get_tracing_count() == 1 and len(task._functions["search"]) == 1


@pytest.mark.parametrize("jit_compile", [False, True])
def test_threads_trace_together_once(jit_compile):
    lm, calls, result, start = endless(), [], [None] * 4, threading.Barrier(4)
    step, output = lm.model.step, endless().generate(PROMPTS, max_length=14)
    lm.model.step = lambda *inputs: calls.append(1) or step(*inputs)

    def ask(i):
        start.wait()
        if jit_compile:
            texts = lm.candidates(tf.constant(PROMPTS), 1, Continuation(max_length=14), jit_compile=True)["text"]
            result[i] = [text.decode() for text in texts.numpy()[:, 0]]
        else:
            result[i] = lm.generate(PROMPTS, max_length=14)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    traced = len(calls)
    assert result == [output] * 4
    for most in (13, 14):  # and what is called eagerly for XLA makes no function anew
        lm.candidates(tf.constant(PROMPTS), 1, Continuation(max_length=most), jit_compile=jit_compile)
    assert not jit_compile or len(calls) == traced
    structure = split(Continuation(max_length=14))[0]
    assert lm.search(1, structure, jit_compile).compiled.experimental_get_tracing_count() == 1


def test_numbers_are_inputs_of_what_xla_compiles_of_a_translator():
    """Traced only: compiling takes longer than all other tests here."""
    words = Words(["a", "b", "c"])
    task = Translator(Seq2SeqRNN(1, 4, 4, words.vocab_size, words.vocab_size, pe_input=8, pe_target=4), words)
    for decoding in (Decoding(beam_width=1, temperature=0.5, top_k=3), Decoding(beam_width=2)):
        structure = task.writer.xla_structure(split(decoding)[0], decoding)
        traced = task.search(1, structure, True).compiled.get_concrete_function()
        names = {one.name for one in keras.tree.flatten(traced.structured_input_signature)}
        assert names >= split(decoding)[1].keys() and traced.structured_outputs["text"].shape.as_list() == [None, 1]


@keras.saving.register_keras_serializable("tests")
class Settings(keras.layers.Layer):
    def __init__(self, length=3, names=("a",), **kwargs):
        super().__init__(**kwargs)
        self.length, self.names, self.other = length, names, 0

    @compiled
    def function(self, number, more=0):
        return object()


def test_the_cache_is_small_and_keyed_by_all_settings():
    task = Settings()
    first = task.function(1)
    assert task.function(1) is first and task.function(1, more=2) is not first and task.function(2) is not first
    for number in range(2, 2 + CAPACITY):
        task.function(1), task.function(number)
    assert task.function(1) is first and len(task._functions["function"]) == CAPACITY
    assert not changed(task, "train") and not changed(task, "test")
    task.other = task.built = 1  # which no constructor names
    assert not changed(task, "train") and task.function(1) is first
    for name, value in (("length", 4), ("names", ["a", "b"]), ("inner", keras.layers.Dense(2))):
        before = task.function(1)
        setattr(task, name, value)
        assert changed(task, "train") and not changed(task, "train") and task.function(1) is not before
    assert changed(task, "test")
    task.length, task.names = 3, ("a",)
    assert Settings().function(1) is not task.function(1)


def pretrained(lm):
    new = PretrainedEmbedding(lm.model.vocab_size, lm.model.width, 0)
    replace_embedding(lm.model, lm.model.embed, new)
    new.fixed.assign(3 * np.random.default_rng(8).normal(size=new.fixed.shape))


def adapted(lm):
    for layer in attach(lm.model, 2, 4.0, ["to_logits"]).values():
        layer.b.assign(np.random.default_rng(8).normal(size=layer.b.shape))


def weighed(lm):
    lm.set_weights([-weight for weight in lm.get_weights()])


CHANGES = {
    "embedding": pretrained,
    "lora": adapted,
    "weights": weighed,
    "model": lambda lm: setattr(lm, "model", fading(13, 7)),
    "frozen": lambda lm: (setattr(lm.model.embed, "trainable", False), weighed(lm)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_no_answer_comes_from_an_old_model(name):
    lm = made()

    def output():
        text = lm.generate("abc", max_length=20)
        assert text == "".join(lm.stream("abc", max_length=20))
        assert text == lm.answer(tf.constant(["abc"]), Continuation(max_length=20))["text"].numpy()[0].decode()
        return text

    before = output()
    CHANGES[name](lm)
    assert output() != before
    if name == "lora":
        detach(lm.model)
        assert output() == before


def test_fields_of_a_task_are_never_out_of_date():
    words = Words(["a", "b", "c", "Ann", "Bill", "system", ":"])
    model = fading(words.vocab_size, seed=2, max_length=48)
    task = CausalDialogue(model, words, SPEAKERS, reply_length=4, history_length=20)
    task.model.to_logits.bias.assign(np.where(np.arange(words.vocab_size) == words.end, -99, 0))
    assert len(task.generate("a").split()) == 4 == len("".join(task.stream("a")).split())
    task.reply_length = 7
    assert len(task.generate("a").split()) == 7 == len("".join(task.stream("a")).split())
    assert task.generate("") == "" == "".join(task.stream(" \n")) and task.generate([" ", "a"])[0] == ""
    assert task.answer(tf.constant([""]))["score"].numpy() == 0


def test_changed_tasks_are_traced_again():
    config = SummarizerConfig(vocab_size=9, coverage=0.0, model=Seq2SeqRNNConfig(1, 4, 4, pe_input=6, pe_target=4))
    task = Summarizer.from_text(["the cat saw a dog"], ["cat saw"], config)
    task.compile(keras.optimizers.SGD(0.0))
    for name in ("train", "test", "predict"):
        make, result = getattr(task, f"make_{name}_function"), []
        for coverage in (0.0, 0.0, 2.0):
            task.model.coverage = coverage
            make()
            result.append(getattr(task, f"{name}_function"))
        assert result[0] is result[1] is not result[2]
    reader = QuestionAnswering(BiDAF(13, 4, 4), Words([f"w{i}" for i in range(9)]), no_answer=True)
    for name, value in (("no_answer", False), ("answer_length", 1), ("stride", 2), ("threshold", 0.1)):
        before = reader.ranking
        assert reader.ranking is before
        setattr(reader, name, value)
        assert reader.ranking is not before
