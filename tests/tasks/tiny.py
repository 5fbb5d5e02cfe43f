"""The smallest task of each kind, untrained, with inputs: {name: (maker, arguments of `answer`)}."""

import keras
import tensorflow as tf

from tfllm import models, tasks

TEXTS = ["a cat sat", "a dog ran", "the cat ran", "the dog sat"]
SEQ2SEQ = models.TransformerConfig(num_layers=1, d_model=8, num_heads=2, dff=8, pe_input=16, pe_target=16, rate=0.0)
RNN = models.Seq2SeqRNNConfig(embedding_dim=8, num_units=8, pe_input=16, pe_target=16, rate=0.0)
CAUSAL = models.GPTConfig(max_length=32, num_layers=1, d_model=8, num_heads=2, rate=0.0)
BERT = models.BERTConfig(max_length=16, num_layers=1, d_model=8, num_heads=2, dff=8, rate=0.0)
MEAN = models.MeanOfVectorsConfig(embedding_dim=4, rate=0.0)
READER = models.BiDAFConfig(embedding_dim=4, num_units=4, num_layers=1, rate=0.0)
FACTS = "Ann is here\nBob is there"
QUESTIONS = [{"context": f"{text} there", "question": "who ?", "answers": [text[2:5]], "starts": [2]} for text in TEXTS]


def embedder():
    return tasks.TextEmbedder.from_task(classifier())


def classifier():
    config = tasks.TextClassifierConfig(model=MEAN)
    return tasks.TextClassifier.from_text(TEXTS, ["yes", "no"] * 2, config)


def facts():
    data = {"facts": [FACTS] * 2, "question": ["where is Ann ?", "where is Bob ?"], "answer": ["here", "there"]}
    config = tasks.FactAnsweringConfig(model=models.MemoryNetworkConfig(5, 1, 4))
    return tasks.FactAnswering.from_text(tf.data.Dataset.from_tensor_slices(data), config)


MAKERS = {
    "classifier": (classifier, [TEXTS]),
    "denoiser": (
        lambda: tasks.Denoiser.from_text(TEXTS, tasks.DenoiserConfig("characters", length=12, model=SEQ2SEQ)),
        [["a [MASK] sat"]],
    ),
    "dialogue": (
        lambda: tasks.DialogueGenerator.from_text(
            ["hi\nho\nha"], tasks.DialogueGeneratorConfig("characters", reply_length=4, model=CAUSAL)
        ),
        [["hi\nho"]],
    ),
    "embedder": (embedder, [TEXTS]),
    "facts": (facts, [[FACTS], ["where is Ann ?"]]),
    "language model": (
        lambda: tasks.LanguageModel.from_text(TEXTS, tasks.LanguageModelConfig("subwords", 300, model=CAUSAL)),
        [["a cat"]],
    ),
    "masked": (
        lambda: tasks.MaskedLanguageModel.from_text(
            TEXTS, tasks.MaskedLanguageModelConfig(100, length=16, next_sentence=False, model=BERT)
        ),
        [["a [MASK] sat"]],
    ),
    "questions": (
        lambda: tasks.QuestionAnswering.from_text(QUESTIONS, tasks.QuestionAnsweringConfig(length=16, model=READER)),
        [["who ?"], ["a cat sat there"]],
    ),
    "seq2seq dialogue": (
        lambda: tasks.DialogueGenerator.from_text(
            ["hi\nho\nha"], tasks.DialogueGeneratorConfig("words", reply_length=4, model=RNN)
        ),
        [["hi\nho"]],
    ),
    "summarizer": (
        lambda: tasks.Summarizer.from_text(TEXTS, TEXTS, tasks.SummarizerConfig("words", model=RNN)),
        [["a cat sat unseen"]],
    ),
    "translator": (
        lambda: tasks.Translator.from_text(TEXTS, TEXTS, tasks.TranslatorConfig("segments", joint=False, model=RNN)),
        [TEXTS[:2]],
    ),
}  # fmt: skip


def made(name):
    """-> (the task, its inputs)."""
    keras.utils.set_random_seed(3)
    maker, asked = MAKERS[name]
    return maker(), [tf.constant(part) for part in asked]
