"""Models with more ids than their tokenizer generate the same texts as without them; with fewer they are refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.layers.parts import scatter
from tests.tasks.questions.questions import records
from tests.tasks.text_generation.fading import Fading, fading
from tests.text.test_byte_pair_files import PAIRS, VOCABULARY
from tfllm import models
from tfllm.export import export
from tfllm.tasks import (
    Continuation,
    FactAnswering,
    LanguageModel,
    MaskedLanguageModel,
    QuestionAnswering,
    Seq2SeqDialogue,
    Summarizer,
    TextClassifier,
    TextEmbedder,
    Translator,
)
from tfllm.tasks.pretraining.denoiser import Denoiser, sentinels
from tfllm.text import BytePairs, Characters, WordPieces, Words

MORE = 51
SIZES = ("vocab_size", "input_vocab_size", "target_vocab_size")
LETTERS = Characters(list("abcdefgh "))  # 13 tokens
WORDS = Words("a dog ran the cat sat in Bonn . : Ann Bob system".split())
PIECES = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "##s", "cat"])
BYTES = BytePairs(VOCABULARY, PAIRS)
PROMPTS = ["abc", "", "hgfedcba", "b a"]
DECODINGS = [
    {}, {"temperature": 1.5, "seed": 4}, {"beam_width": 3}, {"top_k": 4, "penalty_alpha": 0.5},
    {"temperature": 1.0, "top_p": 0.9, "repetition_penalty": 1.3},
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("eager")


def resized(model, more):
    """The same model with so many more ids (or fewer), which it likes better than all others."""
    config = model.get_config()
    config |= {name: config[name] + more for name in SIZES if name in config}
    other, draw = type(model).from_config(config), np.random.default_rng(5)
    for old, new in zip(model.weights, other.weights, strict=True):
        value, both = draw.normal(4, 9, new.shape), tuple(map(slice, map(min, old.shape, new.shape)))
        value[both] = old.numpy()[both]
        new.assign(value)
    return other


def encoder_decoder(kind, size, **options):
    keras.utils.set_random_seed(1)
    sizes = {"input_vocab_size": size, "target_vocab_size": size, "pe_input": 24, "pe_target": 8, "rate": 0.0}
    if kind == "rnn":
        return scatter(models.Seq2SeqRNN(1, 8, 8, **sizes, shared="nothing"))
    return scatter(models.Transformer(1, 8, 2, 8, **sizes, **options))


def bert(size=PIECES.vocab_size):
    return scatter(models.BERT(size, 16, 1, 8, 2, 16, rate=0.0))


def gpt(size):
    return scatter(models.GPT(size, 16, 1, 8, 2, rate=0.0))


@pytest.mark.slow
@pytest.mark.parametrize("decoding", DECODINGS, ids=lambda options: next(iter(options), "greedy"))
def test_language_models(decoding):
    model = fading(13, seed=3)
    small, large = (LanguageModel(one, LETTERS) for one in (model, resized(model, MORE)))
    assert max(np.argmax(large.model(np.array([[4, 5]]))[0], axis=-1)) > 13  # else this shows nothing
    options = decoding | {"max_length": 12}
    output = small.generate(PROMPTS, **options)
    assert large.generate(PROMPTS, **options) == output and len(set(output)) > 3
    expected, result = (task.answer(tf.constant(PROMPTS), Continuation(**options))["score"] for task in (small, large))
    np.testing.assert_allclose(result, expected, rtol=1e-5)
    if "beam_width" not in decoding:
        assert "".join(large.stream("abc", **options)) == output[0]


@pytest.mark.slow
def test_a_language_model_of_a_folder_and_served(tmp_path):
    model = gpt(BYTES.vocab_size)
    output = LanguageModel(model, BYTES).generate(PROMPTS, max_length=12)
    LanguageModel(resized(model, MORE), BYTES).save_pretrained(tmp_path / "large")
    task = LanguageModel.from_pretrained(tmp_path / "large")
    assert task.model.vocab_size == BYTES.vocab_size + MORE and task.generate(PROMPTS, max_length=12) == output
    tfllm.interop.gpt2.save(resized(model, -1), tmp_path / "small", BYTES.end, BYTES.end)
    BYTES.save_files(tmp_path / "small")
    with pytest.raises(ValueError, match="tokenizer has 262 tokens, but the embedding of the GPT has 261 rows"):
        LanguageModel.from_pretrained(tmp_path / "small")
    served = LanguageModel(resized(fading(13, seed=3), MORE), LETTERS)
    output = LanguageModel(fading(13, seed=3), LETTERS).generate(PROMPTS, max_length=12)
    tf.config.run_functions_eagerly(False)
    signatures = served.signatures(Continuation(max_length=12))
    functions = {name: signatures[name].served for name in ("serving_default", "sample")}
    loaded = tf.saved_model.load(export(served, tmp_path / "serving", functions))
    for name, more in (("serving_default", {}), ("sample", SAMPLE)):
        texts = loaded.signatures[name](texts=tf.constant(PROMPTS), **more)["text"].numpy()
        assert [text.decode() for text in texts] == output


SAMPLE = {
    "temperature": tf.constant(0.0), "top_k": tf.constant(0), "top_p": tf.constant(1.0), "min_p": tf.constant(0.0),
    "seed": tf.constant(0), "max_length": tf.constant(12),
}  # fmt: skip


def test_masks_are_filled_with_tokens(tmp_path):
    encoder = bert()
    small, large = (MaskedLanguageModel(one, PIECES, length=12) for one in (encoder, resized(encoder, MORE)))
    for other, own in zip(large.tell.weights, small.tell.weights, strict=True):
        other.assign(np.pad(own, [(0, a - b) for a, b in zip(other.shape, own.shape, strict=True)], constant_values=99))
    expected = small.fill("a [MASK] dog [MASK]", top_k=4)
    large.save_pretrained(tmp_path / "large")
    for task in (large, MaskedLanguageModel.from_pretrained(tmp_path / "large", next_sentence=True)):
        for ours, theirs in zip(task.fill("a [MASK] dog [MASK]", top_k=4), expected, strict=True):
            assert [token for token, _ in ours] == [token for token, _ in theirs]
            np.testing.assert_allclose([p for _, p in ours], [p for _, p in theirs], rtol=1e-4)
    assert task.fit(["A dog. A cat.", "Dogs. Cats a."] * 2, epochs=1, verbose=0).history["loss"][0] < 200
    assert np.isfinite(task.score(["A dog. A cat.", "Dogs. Cats a."] * 2).loss)


@pytest.mark.parametrize("kind", ["rnn", "transformer"])
@pytest.mark.parametrize("decoding", [{"beam_width": 1}, {"beam_width": 3}], ids=["greedy", "beams"])
def test_translators_summarizers_and_dialogues(kind, decoding):
    model = encoder_decoder(kind, WORDS.vocab_size)
    models_ = model, resized(model, MORE)
    for made, text in (
        (lambda one: Translator(one, WORDS), "the cat sat"),
        (lambda one: Summarizer(one, WORDS), "the dog ran in Bonn"),
        (lambda one: Seq2SeqDialogue(one, WORDS, ("Ann", "Bob"), reply_length=6), "the cat sat ."),
    ):
        small, large = map(made, models_)
        assert large.generate([text, "a"], **decoding) == small.generate([text, "a"], **decoding) != ["", ""]
    assert "".join(large.stream("the cat sat .", beam_width=1)) == small.generate("the cat sat .", beam_width=1)


def test_a_denoiser_generates_its_sentinels():
    model = encoder_decoder("transformer", LETTERS.vocab_size + sentinels(6, 0.3, 2.0))
    small, large = (Denoiser(one, LETTERS, length=6, corrupted=0.3, span=2.0) for one in (model, resized(model, MORE)))
    texts = ["ab[MASK]cd[MASK]", "[MASK]h"]
    assert large.generate(texts) == small.generate(texts)
    assert large.prepare(texts).to_list() == small.prepare(texts).to_list()


@pytest.mark.parametrize("kind", ["memory", "rnn"])
def test_answers_to_facts(kind):
    model = encoder_decoder("rnn", WORDS.vocab_size) if kind == "rnn" else scatter(
        models.MemoryNetwork(WORDS.vocab_size, 4, 1, 8)
    )  # fmt: skip
    small, large = (FactAnswering(one, WORDS) for one in (model, resized(model, MORE)))
    facts, questions = ["Ann sat in Bonn .\nBob ran .", "the cat sat ."], ["Ann ?", "the dog ?"]
    expected = small.generate(facts, questions)
    assert large.generate(facts, questions) == expected != ["", ""]


def test_encoders_read_the_same():
    encoder = bert()
    asked = [tf.constant([records(1)[0][name]]) for name in ("context", "question")]
    for made, ask in (
        (lambda one: TextClassifier(one, PIECES, ["x", "y"]), lambda task: task.logits(tf.constant(["a dog", "cats"]))),
        (lambda one: TextEmbedder(one, PIECES), lambda task: task.embed(["a dog", "cats"])),
        (lambda one: QuestionAnswering(one, PIECES, length=14, stride=2), lambda task: task.ranked(*asked)["score"]),
    ):
        small, large = made(encoder), made(resized(encoder, MORE))
        for old, new in zip(small.weights, large.weights, strict=True):
            if old.shape == new.shape:
                new.assign(old)
        np.testing.assert_allclose(ask(large), ask(small), atol=1e-5)


@pytest.mark.parametrize("made", [
    lambda: LanguageModel(Fading(12), LETTERS),
    lambda: MaskedLanguageModel(bert(8), PIECES, length=12),
    lambda: TextClassifier(gpt(12), LETTERS, ["x", "y"]),
    lambda: TextClassifier(models.TextCNN(12, 4, (1,), 4), LETTERS, ["x", "y"]),
    lambda: TextEmbedder(bert(8), PIECES),
    lambda: QuestionAnswering(bert(8), PIECES, length=14),
    lambda: QuestionAnswering(models.BiDAF(3, 4, 4, 1), WORDS),
    lambda: Translator(encoder_decoder("rnn", 14), LETTERS, WORDS),
    lambda: Translator(encoder_decoder("rnn", 14), WORDS, LETTERS),
    lambda: Summarizer(encoder_decoder("transformer", 12), LETTERS),
    lambda: Seq2SeqDialogue(encoder_decoder("transformer", 12), LETTERS),
    lambda: FactAnswering(models.MemoryNetwork(4, 4, 1, 8), WORDS),
])  # fmt: skip
def test_a_model_with_too_few_ids_is_refused(made):
    with pytest.raises(ValueError, match="the tokenizer has .* tokens, but the embedding of the .* rows"):
        made()


def test_a_model_that_copies_has_as_many_ids():
    model = models.PointerGenerator(encoder_decoder("rnn", WORDS.vocab_size + 3))
    with pytest.raises(ValueError, match="larger ids are words of the source"):
        Summarizer(model, WORDS)
