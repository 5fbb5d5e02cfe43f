"""A tiny fitted task of every kind, and texts to ask it: `made(kind)`, `columns(kind)`.

Each is made once per process, and is the same in all processes.
"""

from dataclasses import dataclass, field
from functools import cache

import keras
import numpy as np
import tensorflow as tf

from tests.conftest import eagerly
from tests.layers.parts import scatter
from tfllm import models, tasks

TEXTS, OTHERS = ["a dog runs .", "the red cat sat", "a cat", "no"], ["runs a dog", "cat", "the cat", "yes no"]
BLANK = ["", " \n"]
LONG = "the red dog of the cat sat and runs again and again on " + "a cat " * 8
MASKED = ["A [MASK] runs.", "[MASK] red dog.", "no mask", "one [MASK] [MASK]"]
TURNS = ["hello", "hello\nwhat ?", "no\nyes", "a cat\nno\nwhat ?", "no\n" + "a cat what " * 9 + "\nwhat ?"]
QUESTIONS = [
    {"context": "the dog sat . the cat ran .", "question": "who ran ?", "answers": ["cat"], "starts": [18]},
    {"context": "a dog sat", "question": "who ran ?", "answers": [], "starts": []},
]
FACTS = {
    "facts": ["Ann is in Bonn.\nBob ran.", "Bob sat."], "question": ["Where is Ann?", "Who?"], "answer": ["Bonn", "Bob"]
}  # fmt: skip
TRANSFORMER = models.TransformerConfig(1, 8, 2, 8, pe_input=24, pe_target=12, rate=0.1)
LUONG = models.Seq2SeqRNNConfig(1, 8, 8, pe_input=24, pe_target=12, attention="luong", rate=0.1)
BAHDANAU = models.Seq2SeqRNNConfig(2, 6, 8, pe_input=24, pe_target=12, attention="bahdanau", shared="nothing", rate=0.1)
GPT = models.GPTConfig(32, 1, 8, 2, 8, 0.1)
ROTARY = models.GPTConfig(None, 1, 16, 4, rate=0.1, positions="rotary", num_kv_heads=2, tied=False)
BERT = models.BERTConfig(16, 1, 8, 2, 8, 0.1)
CNN = models.TextCNNConfig(8, (2,), 8)
LSTM = models.LSTMLanguageModelConfig(8, 8)
BIG_RNN = models.BigLanguageModelConfig(8, 16, 1, "rnn", "gru", num_heads=2)
BIG_CNN = models.BigLanguageModelConfig(8, 16, 2, "cnn", num_heads=2)


def vectors(*words, width=5):
    draw = np.random.default_rng(0)
    return {word: draw.normal(0, 2, width).astype("float32") for word in words}


def translator(model, **options):
    config = tasks.TranslatorConfig("words", joint=not options, model=model)
    return tasks.Translator.from_text(TEXTS, OTHERS, config, **options), (TEXTS, OTHERS)


def summarizer(model, copy):
    config = tasks.SummarizerConfig(model=model, copy=copy, coverage=1.0 if copy and model is LUONG else None)
    return tasks.Summarizer.from_text(TEXTS, OTHERS, config), (TEXTS, OTHERS)


def language_model(model, **options):
    texts = [*TEXTS, "é中 zz"]
    config = tasks.LanguageModelConfig("words" if options else "characters", length=12, model=model)
    return tasks.LanguageModel.from_text(texts, config, **options), (texts,)


def dialogue(model):
    output = ["hello\nwhat ?\na cat", "no\nyes"]
    config = tasks.DialogueGeneratorConfig("words", history_length=20, reply_length=4, model=model)
    return tasks.DialogueGenerator.from_text(output, config), (output,)


def classifier(texts=TEXTS, labels=("dog", "cat", "cat", "no"), model=CNN, **options):
    config = tasks.TextClassifierConfig(length=12, model=model, **options)
    return tasks.TextClassifier.from_text(texts, list(labels), config), (texts, list(labels))


def pairs_classifier(model, **options):
    return classifier(list(zip(TEXTS, OTHERS, strict=True)), model=model, **options)


def question_answering(model, tokenizer):
    config = tasks.QuestionAnsweringConfig(
        tokenizer, 100, length=16, stride=4, question_length=4, answer_length=3, model=model
    )
    return tasks.QuestionAnswering.from_text(QUESTIONS, config), (QUESTIONS,)


def fact_answering(model):
    facts = tf.data.Dataset.from_tensor_slices(FACTS)
    return tasks.FactAnswering.from_text(facts, tasks.FactAnsweringConfig(answer_length=4, model=model)), (facts,)


def masked_language_model(next_sentence):
    texts = ["A dog runs. The cat sat. No.", "One. The red dog."] * 2
    config = tasks.MaskedLanguageModelConfig(60, next_sentence=next_sentence, length=12, model=BERT)
    return tasks.MaskedLanguageModel.from_text(texts, config), (texts,)


def denoiser():
    config = tasks.DenoiserConfig("words", length=10, model=TRANSFORMER)
    return tasks.Denoiser.from_text(TEXTS, config), (TEXTS,)


def embedder(model, pooling, **options):
    task, data = classifier(model=model, **options)
    task.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    task.fit(*data, epochs=1, verbose=0)
    return tasks.TextEmbedder.from_task(task, pooling=pooling), None


@dataclass(frozen=True)
class Kind:
    """make() -> (task, its training data); asked: columns of texts, each followed by BLANK; structure: arguments of
    `signatures`; empty: the answer to an empty text; seed, spread: of the random weights, such that different texts
    have different answers; slow: 5 s of CPU or more.
    """

    make: object
    asked: tuple
    structure: dict = field(default_factory=dict)
    empty: dict = field(default_factory=dict)
    seed: int = 3
    spread: float = 1.0
    slow: bool = False


def writes(make, decoding, asked=(*TEXTS, LONG), seed=3, spread=3.0):
    return Kind(make, (asked,), {"decoding": decoding}, seed=seed, spread=spread, slow=True)


def judges(make, asked=((*TEXTS, LONG),), empty=None, slow=False):
    return Kind(make, asked, empty={"label": "", "score": 0.0, "cut": 0} if empty is None else empty, slow=slow)


GREEDY, CONTINUED = tasks.Decoding(beam_width=1), tasks.Continuation(max_length=24)
MERGED = tasks.Summarizing(1, min_length=2, max_length=4, no_repeat_ngram_size=1, long="merge")
ASKED = ["the dog sat . the cat ran .", "a dog sat", LONG], ["who ran ?", "who ?", "who sat and who ran again ?"]
STORIES = [*FACTS["facts"], "Bob ran.\n" * 9 + "Ann is in Bonn."], [*FACTS["question"], "Where is Ann?"]
PROMPTS = ["a dog", "é中", "the red cat", "zz top", "no"]
NO_ANSWER = {"text": "", "start": -1, "end": -1, "score": 1.0, "no_answer": 1.0}
NO_FACT = {"text": "", "probability": 0.0, "cut": 0}
UNSEEN = [*TEXTS, "zebra xylophone", LONG]  # words that can only be copied
BOTH = {"source": vectors("a", "dog", "cat"), "target": vectors("cat", "yes", width=8)}

KINDS = {
    "translator": writes(lambda: translator(TRANSFORMER), tasks.Decoding(beam_width=4), seed=4),
    "recurrent translator": writes(
        lambda: translator(BAHDANAU, embeddings=BOTH, embeddings_trainable="missing"), GREEDY, spread=6.0
    ),
    "summarizer": writes(lambda: summarizer(TRANSFORMER, True), tasks.Summarizing(2), UNSEEN, seed=14),
    "summarizer without copies": writes(lambda: summarizer(TRANSFORMER, False), tasks.Summarizing(1), seed=4),
    "recurrent summarizer": writes(lambda: summarizer(LUONG, True), MERGED, UNSEEN),
    "gpt": writes(lambda: language_model(GPT), CONTINUED, PROMPTS),
    "rotary gpt": writes(lambda: language_model(ROTARY), CONTINUED, PROMPTS),
    "lstm": writes(
        lambda: language_model(LSTM, embeddings=vectors("a", "dog"), embeddings_trainable=False), CONTINUED, PROMPTS
    ),
    "big rnn": writes(lambda: language_model(BIG_RNN), CONTINUED, PROMPTS),
    "big cnn": writes(lambda: language_model(BIG_CNN), CONTINUED, PROMPTS),
    "dialogue of one stream": writes(lambda: dialogue(GPT), tasks.Replying(), TURNS, seed=5),
    "dialogue of pairs": writes(lambda: dialogue(TRANSFORMER), tasks.Replying(), TURNS, seed=9),
    "recurrent dialogue": writes(lambda: dialogue(LUONG), tasks.Replying(beam_width=2), TURNS),
    "classifier": judges(classifier),
    "classifier of pairs": judges(lambda: pairs_classifier(BERT, tokenizer="wordpieces"), (TEXTS, OTHERS), slow=True),
    "recurrent classifier of pairs": judges(lambda: pairs_classifier(models.TextRNNConfig(8, 6)), (TEXTS, OTHERS)),
    "gpt classifier of pairs": judges(lambda: pairs_classifier(GPT), (TEXTS, OTHERS)),
    "classifier of several labels": judges(
        lambda: classifier(labels=["a|b", "a", "b", ""], kind="multi", model=models.MeanOfVectorsConfig(8, 8, 1))
    ),
    "lstm classifier": judges(lambda: classifier(model=LSTM, pooling="max")),
    "big rnn classifier": judges(lambda: classifier(model=BIG_RNN, pooling="mean")),
    "regression": judges(lambda: classifier(labels=[1, 2.5, 0, -1], kind="regression", model=GPT)),
    "cnn regression": judges(lambda: classifier(labels=[1, 2.5, 0, -1], kind="regression")),
    "reader": Kind(
        lambda: question_answering(models.BiDAFConfig(8, 8, 1), "words"), ASKED, {"n_best": 3}, NO_ANSWER, slow=True
    ),
    "reader of one text": Kind(
        lambda: question_answering(BERT, "wordpieces"), ASKED, {"n_best": 3}, NO_ANSWER, slow=True
    ),
    "memory network": Kind(lambda: fact_answering(models.MemoryNetworkConfig(2, 8, 8)), STORIES, empty=NO_FACT),
    "writer of facts": Kind(lambda: fact_answering(LUONG), STORIES, empty=NO_FACT, spread=3.0, slow=True),
    "transformer writer of facts": Kind(
        lambda: fact_answering(TRANSFORMER), STORIES, empty=NO_FACT, spread=3.0, slow=True
    ),
    "masked language model": Kind(lambda: masked_language_model(True), (MASKED,), {"top_k": 3}),
    "masked language model of blocks": Kind(lambda: masked_language_model(False), (MASKED,), {"top_k": 2}),
    "denoiser": Kind(denoiser, (["a [MASK] runs .", "the [MASK] cat [MASK]", "no gap"],), spread=3.0, slow=True),
    "embedder": judges(lambda: embedder(BERT, "encoder", tokenizer="wordpieces"), empty={"cut": 0}),
    "mean embedder": judges(lambda: embedder(models.MeanOfVectorsConfig(8), "mean"), empty={"cut": 0}),
}


def columns(kind):
    """A list of texts for each input; the last two records are empty."""
    return [[*texts, *BLANK] for texts in KINDS[kind].asked]


@cache
def made(kind):
    """-> the task, compiled and fitted, then with random weights, so that its answers are of all sorts."""
    keras.utils.set_random_seed(1)
    with eagerly():
        task, data = KINDS[kind].make()
        if data is not None:
            task.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
            task.fit(*data, epochs=1, verbose=0)
    for weight in scatter(task, seed=KINDS[kind].seed).trainable_weights:
        weight.assign(KINDS[kind].spread * weight)
    return task


def signatures(kind):
    """{name: Signature} of the task, without the one that XLA compiles, which takes 10 s."""
    task, structure = made(kind), KINDS[kind].structure
    names = [name for name in task.signatures(**structure) if name != "serving_xla"]
    return {name: task.signature(name, **structure) for name in names}
