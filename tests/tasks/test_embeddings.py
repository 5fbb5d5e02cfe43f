"""Translators and language models that are initialised with word vectors, and which vectors stay fixed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tfllm.cli import main
from tfllm.layers import PretrainedEmbedding
from tfllm.models import GPTConfig, Seq2SeqRNNConfig, TransformerConfig
from tfllm.tasks import (
    DialogueGenerator,
    DialogueGeneratorConfig,
    LanguageModel,
    LanguageModelConfig,
    Translator,
    TranslatorConfig,
)
from tfllm.text import PAD, START
from tfllm.vectors import pretrained_embedding

SOURCES = ["a dog runs", "a cat sees a dog", "the bird sings", "a bird sees the cat"]
TARGETS = ["ein Hund rennt", "eine Katze sieht einen Hund", "der Vogel singt", "ein Vogel sieht die Katze"]
TRANSFORMER = TransformerConfig(1, 8, 2, 8, 16, 16, 0.0, "output")
RNN = Seq2SeqRNNConfig(1, 8, 8, rate=0.0, shared="nothing")


def table(*words, width=5, seed=0):
    draw = np.random.default_rng(seed)
    return {word: draw.normal(0, 2, width).astype("float32") for word in words}


ENGLISH = table("a", "dog", "cat", "the", "sees")
GERMAN = table("ein", "hund", "katze", "der", width=8, seed=1)


def translator(model=TRANSFORMER, joint=False, tokenizer="words", **options):
    keras.utils.set_random_seed(1)
    config = TranslatorConfig(tokenizer, 300, joint=joint, label_smoothing=0.0, model=model)
    return Translator.from_text(SOURCES, TARGETS, config, **options)


def language_model(model, **options):
    keras.utils.set_random_seed(1)
    return LanguageModel.from_text(SOURCES, LanguageModelConfig("words", model=model), **options)


def rms(values):
    return float(np.sqrt(np.mean(np.square(np.float64(values)))))


def steps(task, optimizer, *texts):
    """50 updates."""
    task.compile(optimizer, jit_compile=False)
    task.fit(task.batches(*texts, batch_size=4, shapes=1).dataset.repeat(50), verbose=0)
    assert task.optimizer.iterations == 50


@pytest.mark.parametrize(
    "model, trainable",
    [(TRANSFORMER, True), (TRANSFORMER, False), (TRANSFORMER, "missing"), (RNN, "missing")],
    ids=["all", "none", "missing", "missing, rnn"],
)
def test_after_fifty_steps_of_a_translator(model, trainable):
    task = translator(model, embeddings=ENGLISH, embeddings_trainable=trainable)
    layer, known = task.model.embed_input, np.isin(task.source.tokens, [word.encode() for word in ENGLISH])
    rows = tf.gather(tf.concat([v for v in (layer.fixed, layer.free) if v is not None], 0), layer.order)
    before, kernel = rows.numpy(), layer.project.kernel.numpy()
    steps(task, keras.optimizers.Adam(0.01), SOURCES, TARGETS)
    rows = tf.gather(tf.concat([v for v in (layer.fixed, layer.free) if v is not None], 0), layer.order)
    moved = (rows.numpy() != before).any(axis=1)
    seen = np.isin(np.arange(len(known)), task.source.encode(SOURCES).flat_values)
    assert 5 == known.sum() < seen.sum()
    if trainable is True:
        assert moved[seen].all()
    else:
        assert not moved[known].any() and moved[seen & ~known].all() == (trainable == "missing")
    assert not rows[PAD].numpy().any() and not layer.embeddings[PAD].numpy().any()
    assert (layer.project.kernel.numpy() != kernel).any()
    assert not isinstance(task.model.embed_target, PretrainedEmbedding)


@pytest.mark.parametrize("trainable", [False, "missing"])
def test_after_fifty_steps_of_a_language_model(trainable):
    """The softmax has the same matrix, so that every free row has a gradient in every step."""
    model = GPTConfig(16, 1, 8, 2, rate=0.0)
    task = language_model(model, embeddings=table(*ENGLISH, width=8), embeddings_trainable=trainable)
    layer = task.model.embed
    fixed, free = layer.fixed.numpy(), None if layer.free is None else layer.free.numpy()
    steps(task, keras.optimizers.AdamW(0.01, weight_decay=0.1, use_ema=True), SOURCES)
    np.testing.assert_array_equal(layer.fixed, fixed)
    np.testing.assert_array_equal(layer.embeddings[PAD], np.zeros(8))
    if trainable == "missing":
        assert layer.free_rows == task.tokenizer.vocab_size - 6 and (layer.free.numpy() != free).any(axis=1).all()
    assert free is not None or layer.fixed_rows == task.tokenizer.vocab_size


def test_a_reloaded_translator_has_both_word_vectors(tmp_path):
    task = translator(embeddings={"source": ENGLISH, "target": GERMAN}, embeddings_trainable="missing")
    task.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert type(again.model.embed_input) is type(again.model.embed_target) is PretrainedEmbedding
    assert again.get_config() == task.get_config() and again.model.embed_input.coverage is None


@pytest.mark.parametrize("model", [TRANSFORMER, RNN], ids=["transformer", "rnn"])
def test_the_score_of_greedy_search_is_that_of_one_pass(model, eager):
    """The sum of log-probabilities of greedy search equals that of one pass over sources with more padding."""
    task = translator(model, embeddings=ENGLISH, embeddings_trainable="missing")
    token_ids = task.prepare(tf.constant(SOURCES)).to_tensor(PAD)
    output, scores = task.writer.search(token_ids, 1, tfllm.tasks.Decoding(beam_width=1))
    output = output[:, 0]
    target = tf.pad(output[:, :-1], [[0, 0], [1, 0]], constant_values=START)
    inputs = {"source": tf.pad(token_ids, [[0, 0], [0, 3]]), "target": target}
    logs = tf.gather(tf.nn.log_softmax(task(inputs, training=False)), output, batch_dims=2)
    total = tf.reduce_sum(tf.where(output == PAD, 0.0, logs), axis=1)
    np.testing.assert_allclose(scores[:, 0], total, rtol=1e-5)
    assert np.ptp(scores) > 1e-2  # each source has its own


def test_which_side_is_meant():
    first = table("a", "dog", "hund", width=8)
    task = translator(embeddings=first)
    assert task.model.embed_input.coverage.tokenizer is task.source
    task = translator(embeddings={"target": GERMAN})
    assert task.model.embed_target.coverage.tokenizer is task.target
    assert type(task.model.embed_input) is keras.layers.Embedding
    joint = translator(TransformerConfig(1, 8, 2, 8, shared="all"), joint=True, embeddings=first).model
    assert joint.embed_input is joint.embed_target
    assert joint.embed_input.coverage.types == {"exact": 2, "case": 1, "subword": 0, "missing": 17}  # a, dog; Hund
    with pytest.raises(ValueError, match="shared='all' has one matrix for both languages"):
        translator(TransformerConfig(1, 8, 2, 8, shared="all"), joint=True, embeddings={"target": GERMAN})


def test_vectors_have_the_spread_of_the_embedding_they_replace():
    """GloVe's numbers, times √D as in a Transformer, would drown its positions; a softmax of them would be too sure."""
    plain, task = translator(), translator(embeddings=GERMAN | table(*ENGLISH, width=8))
    rows = np.array(task.model.embed_input.embeddings)[task.model.embed_input.coverage.kinds < 3]
    assert rms(rows) == pytest.approx(rms(plain.model.embed_input.embeddings), rel=0.3)
    lm = language_model(GPTConfig(16, 1, 8, 2, rate=0.0), embeddings=table(*ENGLISH, width=8))
    loss = lm.evaluate(SOURCES, verbose=0)[0]
    assert loss == pytest.approx(np.log(lm.tokenizer.vocab_size), rel=0.02)


def test_a_ready_layer_is_taken_as_it_is():
    tokenizer = language_model(GPTConfig(16, 1, 8, 2)).tokenizer  # the same text, the same vocabulary
    layer = pretrained_embedding(tokenizer, ENGLISH, width=8, trainable="missing", seed=3)
    task = language_model(GPTConfig(16, 1, 8, 2), embeddings=layer)
    assert task.model.embed is layer and layer.name == "embed"
    with pytest.raises(ValueError, match="leave embeddings_trainable out"):
        language_model(GPTConfig(16, 1, 8, 2), embeddings=layer, embeddings_trainable=True)


def test_the_seed_of_keras_determines_the_samples():
    first, second = (language_model(GPTConfig(16, 1, 8, 2), embeddings=ENGLISH).model.embed for _ in range(2))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("task", ["lm", "translation"])
def test_a_file_named_in_yaml_or_on_the_command_line(task, tmp_path, eager):
    (tmp_path / "glove.txt").write_text(
        "".join(f"{word} {' '.join(map(str, row.tolist()))}\n" for word, row in ENGLISH.items())
    )
    (tmp_path / "a.txt").write_text("\n".join(SOURCES))
    (tmp_path / "b.txt").write_text("\n".join(TARGETS))
    model = "{num_layers: 1, d_model: 8, num_heads: 2, dff: 8, rate: 0.0}"
    settings = f"tokenizer: words\nembeddings: {tmp_path / 'glove.txt'}\nmodel: {model}\nrecipe: {{epochs: 1}}\n"
    (tmp_path / "it.yaml").write_text(settings)
    files = {"lm": ["--text", "a.txt"], "translation": ["--source", "a.txt", "--target", "b.txt"]}[task]
    files = [str(tmp_path / word) if word.endswith(".txt") else word for word in files]
    main(["train", task, "--config", str(tmp_path / "it.yaml"), *files, "--embeddings-trainable", "missing",
          "--out", str(tmp_path / "RUN")])  # fmt: skip
    model = tfllm.load_model(tmp_path / "RUN" / "last.keras").model
    layer = model.embed if task == "lm" else model.embed_target  # one matrix for both sides
    assert layer.vector_dim == 5 and layer.fixed_rows == 6 and layer.free_rows > 3
    saved_config = (tmp_path / "RUN" / "config.yaml").read_text()
    assert "embeddings_trainable: missing" in saved_config and f"embeddings: {tmp_path / 'glove.txt'}" in saved_config


@pytest.mark.parametrize("embeddings", ["no.txt", {"target": "no.txt"}])
def test_a_missing_file_is_an_error_before_learning(embeddings, monkeypatch):
    monkeypatch.setattr(tfllm.text.Subwords, "learn", lambda *args, **options: pytest.fail("too late"))
    with pytest.raises(FileNotFoundError, match="no.txt"):
        Translator.from_text(["a"], ["b"], embeddings=embeddings)
    if isinstance(embeddings, str):
        with pytest.raises(FileNotFoundError, match="no.txt"):
            LanguageModel.from_text(["a"], embeddings=embeddings)


@pytest.mark.parametrize(
    "model, layers",
    [(GPTConfig(32, 1, 8, 2), ["embed"]), (Seq2SeqRNNConfig(1, 8, 8, pe_input=32), ["embed_input", "embed_target"])],
)
def test_dialogue_begins_with_vectors(model, layers):
    config = DialogueGeneratorConfig("words", reply_length=8, embeddings_trainable="missing", model=model)
    task = DialogueGenerator.from_text(["a dog runs\nthe cat sees a dog"], config, embeddings=table(*ENGLISH, width=8))
    for layer in {id(layer): layer for layer in (getattr(task.model, name) for name in layers)}.values():
        (dog,) = task.tokenizer.encode(["dog"]).flat_values.numpy()
        row, vector = np.array(layer.embeddings)[dog], table(*ENGLISH, width=8)["dog"]
        np.testing.assert_allclose(row / rms(row), vector / rms(vector), rtol=1e-4)
        assert layer.coverage.kinds[dog] < 3
