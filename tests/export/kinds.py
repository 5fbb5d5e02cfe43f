"""A tiny task of every kind, fitted for one batch, so that it has an optimizer with slots and metrics: `made(kind)`."""

import keras
import tensorflow as tf

from tfllm import models, tasks

TEXTS, OTHERS = ["a dog runs .", "the red cat sat", "a cat", "no"], ["runs a dog", "cat", "the cat", "yes no"]
QUESTIONS = [
    {"context": "the dog sat . the cat ran .", "question": "who ran ?", "answers": ["cat"], "starts": [18]},
    {"context": "a dog sat", "question": "who ran ?", "answers": [], "starts": []},
]
FACTS = {
    "facts": ["Ann is in Bonn.\nBob ran.", "Bob sat."], "question": ["Where is Ann?", "Who?"], "answer": ["Bonn", "Bob"]
}  # fmt: skip
PAIRS = {
    "transformer": models.TransformerConfig(1, 8, 2, 8, pe_input=24, pe_target=12, rate=0.1),
    "rnn": models.Seq2SeqRNNConfig(1, 8, 8, pe_input=24, pe_target=12, attention="luong", rate=0.1),
}
GPT = models.GPTConfig(32, 1, 8, 2, 8, 0.1)
BERT = models.BERTConfig(16, 1, 8, 2, 8, 0.1)
CNN = models.TextCNNConfig(8, (2,), 8)
LSTM = models.LSTMLanguageModelConfig(8, 8)


def translator(kind):
    config = tasks.TranslatorConfig("words", model=PAIRS[kind])
    return tasks.Translator.from_text(TEXTS, OTHERS, config), (TEXTS, OTHERS)


def summarizer(kind, copy):
    config = tasks.SummarizerConfig(model=PAIRS[kind], copy=copy, coverage=1.0 if copy and kind == "rnn" else None)
    return tasks.Summarizer.from_text(TEXTS, OTHERS, config), (TEXTS, OTHERS)


def language_model(model):
    config = tasks.LanguageModelConfig("words", length=12, model=model)
    return tasks.LanguageModel.from_text(TEXTS, config), (TEXTS,)


def dialogue(model):
    said = ["hello\nwhat ?\na cat", "no\nyes"]
    config = tasks.DialogueGeneratorConfig("words", history_length=20, reply_length=4, model=model)
    return tasks.DialogueGenerator.from_text(said, config), (said,)


def classifier(texts=TEXTS, labels=("dog", "cat", "cat", "no"), model=CNN, **options):
    config = tasks.TextClassifierConfig(length=12, model=model, **options)
    return tasks.TextClassifier.from_text(texts, list(labels), config), (texts, list(labels))


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


def denoiser(kind):
    config = tasks.DenoiserConfig("words", length=10, model=PAIRS[kind])
    return tasks.Denoiser.from_text(TEXTS, config), (TEXTS,)


def embedder():
    task, data = classifier(model=BERT, tokenizer="wordpieces")
    task.fit(*data, epochs=1, verbose=0)
    return tasks.TextEmbedder.from_task(task, pooling="encoder"), None


KINDS = {
    "translator": lambda: translator("transformer"),
    "summarizer": lambda: summarizer("transformer", True),
    "summarizer without copies": lambda: summarizer("transformer", False),
    "recurrent translator": lambda: translator("rnn"),
    "recurrent summarizer": lambda: summarizer("rnn", True),
    "gpt": lambda: language_model(GPT),
    "lstm": lambda: language_model(LSTM),
    "dialogue of one stream": lambda: dialogue(GPT),
    "dialogue of pairs": lambda: dialogue(PAIRS["transformer"]),
    "classifier": classifier,
    "classifier of pairs": lambda: classifier(
        list(zip(TEXTS, OTHERS, strict=True)), model=BERT, tokenizer="wordpieces"
    ),
    "classifier of several labels": lambda: classifier(labels=["a|b", "a", "b", ""], kind="multi"),
    "regression": lambda: classifier(labels=[1, 2.5, 0, -1], kind="regression", model=GPT),
    "reader": lambda: question_answering(models.BiDAFConfig(8, 8, 1), "words"),
    "reader of one text": lambda: question_answering(BERT, "wordpieces"),
    "memory network": lambda: fact_answering(models.MemoryNetworkConfig(2, 8, 8)),
    "writer of facts": lambda: fact_answering(PAIRS["rnn"]),
    "masked language model": lambda: masked_language_model(True),
    "masked language model of blocks": lambda: masked_language_model(False),
    "denoiser": lambda: denoiser("transformer"),
    "embedder": embedder,
}
EMPTY = {  # what is served of a text without a word
    "classifier": {"label": "", "score": 0.0, "cut": 0},
    "classifier of pairs": {"label": "", "score": 0.0, "cut": 0},
    "classifier of several labels": {"label": "", "score": 0.0, "cut": 0},
    "regression": {"label": "", "score": 0.0, "cut": 0},
    "reader": {"text": "", "start": -1, "end": -1, "score": 1.0, "no_answer": 1.0},
    "reader of one text": {"text": "", "start": -1, "end": -1, "score": 1.0, "no_answer": 1.0},
    "memory network": {"text": "", "probability": 0.0, "cut": 0},
    "writer of facts": {"text": "", "probability": 0.0, "cut": 0},
    "embedder": {"cut": 0},
}


def made(kind):
    """-> the task, compiled and fitted."""
    keras.utils.set_random_seed(1)
    task, data = KINDS[kind]()
    if data is not None:
        task.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
        task.fit(*data, epochs=1, verbose=0)
    return task
