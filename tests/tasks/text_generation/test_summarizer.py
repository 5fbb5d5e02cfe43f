"""Summarizer: words that the vocabulary has not, lengths and long documents."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.parts import scatter
from tfllm.models import Seq2SeqRNNConfig, TransformerConfig
from tfllm.tasks import Summarizer, SummarizerConfig, Summarizing
from tfllm.text import END, PAD, START, UNKNOWN

TRANSFORMER = TransformerConfig(1, 16, 2, 16, pe_input=8, pe_target=7, rate=0.0)
RNN = Seq2SeqRNNConfig(1, 8, 12, pe_input=8, pe_target=7, attention="luong", rate=0.0)
PAIRS = ["the cat saw a dog"] * 3 + ["a zebra"], ["cat saw"] * 3 + ["a zebra"]
LONG = "the the unseen words of the cat saw zebra again and again"
SOURCES = ["the cat saw a dog", "a zebra sat", "", LONG, "x y z"]


def made(model, **options):
    """Large random weights, so that its answers are of all sorts."""
    summarizer = Summarizer.from_text(*PAIRS, SummarizerConfig(vocab_size=12, model=model, **options))
    for weight in scatter(summarizer.model, seed=3).trainable_weights:
        weight.assign(3 * weight)
    return summarizer


@pytest.fixture(scope="module")
def summarizer():
    return made(RNN, coverage=1.0)


def naive(summarizer, text):
    """Greedy, one full forward pass for each token; ids of unknown words and back by plain Python."""
    words, known = text.split()[:7], [token.decode() for token in summarizer.tokenizer.tokens]
    size = len(known)
    own = [known.index(w) if w in known else size + words.index(w) for w in words] + [END]
    inp, output = np.array([[i if i < size else UNKNOWN for i in own]]), [START]
    while len(output) < 8 and output[-1] != END and words:
        logits = np.array(summarizer.model(inp, np.array([output]), np.array([own]))[0])[0, -1]
        logits[[PAD, UNKNOWN, START]] = -np.inf
        output.append(int(logits.argmax()))
    return " ".join(known[i] if i < size else words[i - size] for i in output[1:] if i != END)


@pytest.mark.slow
@pytest.mark.parametrize("model", [TRANSFORMER, RNN], ids=["transformer", "rnn"])
def test_greedy_equals_the_naive_loop(model, eager):
    summarizer = made(model, coverage=1.0 if model is RNN else None)
    output = summarizer.generate(SOURCES, beam_width=1)
    assert output == [naive(summarizer, text) for text in SOURCES]
    assert len(set(output)) > 2


def test_length_limits_and_no_repeats(summarizer, eager):
    for width in (1, 3):
        output = summarizer.generate(SOURCES, beam_width=width, min_length=3, max_length=4, no_repeat_ngram_size=1)
        words = [text.split() for text in output]
        assert all(3 <= len(row) <= 4 and len(set(row)) == len(row) for i, row in enumerate(words) if i != 2), words
        assert words[2] == []  # an empty text has an empty summary
    short = summarizer.generate(SOURCES[:2], beam_width=3, length_penalty=0.0)
    long = summarizer.generate(SOURCES[:2], beam_width=3, length_penalty=9.0)
    assert sum(len(text.split()) for text in short) <= sum(len(text.split()) for text in long)


def test_truncated_texts_log_a_warning(summarizer, caplog, eager):
    answer = summarizer.answer(tf.constant(SOURCES), Summarizing(beam_width=1))
    assert answer["cut"].numpy().tolist() == [0, 0, 0, 5, 0]
    with caplog.at_level("WARNING", "tfllm"):
        summarizer.generate(SOURCES, beam_width=1)
    assert "1 of 5 texts are longer than the model's 7 tokens: 5 tokens were not read" in caplog.text
    caplog.clear()
    with caplog.at_level("WARNING", "tfllm"):
        summarizer.generate(SOURCES[:3], beam_width=1)
    assert not caplog.text
    fits = " ".join(SOURCES[3].split()[:7])
    summarizer.batches([fits, SOURCES[0]], ["a", " ".join("b" * (summarizer.model.pe_target - 1))])
    assert not caplog.text
    summarizer.batches([SOURCES[3], fits], ["a", "b"])
    assert "1 of 2 source texts have more than 8 tokens with END and are truncated" in caplog.text


def test_a_long_document_is_the_summary_of_its_parts(summarizer, eager):
    """12 words and 7 positions: two parts of six words, each summarized, and the summary of both."""
    options = {"beam_width": 1, "max_length": 3}
    words = LONG.split()
    parts = summarizer.generate([" ".join(words[:6]), " ".join(words[6:])], **options)
    assert summarizer.generate(LONG, long="merge", **options) == summarizer.generate(" ".join(parts), **options)
    assert summarizer.generate(SOURCES[:2], long="merge", **options) == summarizer.generate(SOURCES[:2], **options)
    cut = summarizer.answer(tf.constant([LONG]), Summarizing(beam_width=1, long="merge"))["cut"]
    assert cut.numpy().tolist() == [max(0, sum(len(p.split()) for p in summarizer.generate(
        [" ".join(words[:6]), " ".join(words[6:])], beam_width=1)) - 7)]  # fmt: skip


def test_an_example_numbers_unknown_words_by_position(summarizer):
    inputs, targets, weights = summarizer.example({"source": ["zig saw the zag"], "target": ["zag zog saw"]})
    size, known = summarizer.tokenizer.vocab_size, [token.decode() for token in summarizer.tokenizer.tokens]
    the, saw = known.index("the"), known.index("saw")
    assert inputs["source"].to_list() == [[UNKNOWN, saw, the, UNKNOWN, END]]
    assert inputs["source_ids"].to_list() == [[size, saw, the, size + 3, END]]
    assert targets.to_list() == [[size + 3, UNKNOWN, saw, END]]
    assert inputs["target"].to_list() == [[START, size + 3, UNKNOWN, saw]]
    assert weights.to_list() == [[1, 1, 1, 1]]


def test_word_vectors_initialise_both_sides():
    vectors = {"cat": np.ones(8, "float32"), "dog": np.arange(8, dtype="float32")}
    made = Summarizer.from_text(*PAIRS, SummarizerConfig(vocab_size=12, model=RNN), vectors)
    assert made.model.embed_input is made.model.embed_target and made.model.embed_input.coverage is not None
    cat = made.tokenizer.encode(["cat"]).to_list()[0][0]
    row = np.array(made.model.embed_input.embeddings)[cat]
    np.testing.assert_allclose(row, row[0])
    apart = SummarizerConfig(vocab_size=12, model=Seq2SeqRNNConfig(1, 8, 12, pe_input=8, pe_target=7, shared="nothing"))
    made = Summarizer.from_text(*PAIRS, apart, vectors, embeddings_trainable=False)
    assert made.model.embed_input is not made.model.embed_target
    for part in (made.model.embed_input, made.model.embed_target):
        row = np.array(part.embeddings)[cat]
        np.testing.assert_allclose(row, row[0])


def test_errors_name_the_fix(summarizer):
    with pytest.raises(ValueError, match="needs label_smoothing=0; got 0.1"):
        made(RNN, label_smoothing=0.1)
    with pytest.raises(ValueError, match="coverage needs a model that copies"):
        made(RNN, copy=False, coverage=1.0)
    with pytest.raises(ValueError, match="config must be one of .*'see2017'"):
        Summarizer.from_text(*PAIRS, "huge")
    with pytest.raises(ValueError, match="min_length is 7; the model writes at most 6 tokens"):
        summarizer.answer(tf.constant(["a"]), Summarizing(min_length=7))
    with pytest.raises(ValueError, match="not below min_length; got 2"):
        Summarizing(min_length=3, max_length=2)
    with pytest.raises(ValueError, match="'cut' or 'merge', got 'all'"):
        Summarizing(long="all")


def test_rouge_is_an_evaluation_on_request(summarizer, eager):
    pytest.importorskip("rouge_score")
    with pytest.raises(ValueError, match="got 'letters'"):
        summarizer.score(SOURCES[:2], ["cat saw", "zebra"], tokens="letters")
    expected = summarizer.score(SOURCES[:2], ["cat saw", "zebra"], beam_width=1)
    assert expected.rouge1.signature.startswith("n:2|")
    summarizer.compile()
    result = summarizer.evaluate(SOURCES[:2], ["cat saw", "zebra"], rouge=True, return_dict=True, verbose=0)
    assert {"loss", "accuracy", "rouge1", "rouge2", "rougeL"} == set(result)


def copy_task(size, seed):
    """Up to four unknown words, to be copied."""
    draw = np.random.default_rng(seed)
    texts = [[bytes(draw.integers(97, 123, 6)).decode() for _ in range(draw.integers(1, 5))] for _ in range(size)]
    return ["say " + " ".join(words) for words in texts], [" ".join(words) for words in texts]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["transformer", "rnn", "rnn without copy"])
def test_unseen_words_are_copied(kind):
    """More than 95 of 100 answers of words that training never had are exact; without copying, none is."""
    keras.utils.set_random_seed(0)
    model = TransformerConfig(1, 32, 2, 64, pe_input=8, pe_target=8, rate=0.0, pre_norm=True)
    if kind != "transformer":
        model = Seq2SeqRNNConfig(1, 16, 32, pe_input=8, pe_target=8, attention="luong", rate=0.0, input_feeding=False)
    config = SummarizerConfig(vocab_size=5, copy=kind != "rnn without copy", model=model)
    sources, targets = copy_task(1024, seed=0)
    summarizer = Summarizer.from_text(sources, targets, config)
    assert summarizer.tokenizer.tokens[4:] == [b"say"]
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 6 * 16)
    summarizer.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0), jit_compile=False)
    summarizer.fit(sources, targets, epochs=6, batch_size=64, shapes=1, verbose=0)
    sources, targets = copy_task(100, seed=1)
    output = summarizer.generate(sources, beam_width=1, batch_size=100)
    exact = sum(one == right for one, right in zip(output, targets, strict=True))
    assert exact > 95 if config.copy else exact == 0
