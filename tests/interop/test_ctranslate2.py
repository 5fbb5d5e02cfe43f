"""What the engine CTranslate2 writes with our files is what we write, greedily, 100 texts each.

Its beam search ends by another rule than ours, so that random models give other texts.
"""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests import zoo
from tests.layers.parts import scatter
from tfllm import models, tasks, text
from tfllm.interop import ctranslate2_files
from tfllm.tasks.text_generation.ctranslate2_export import names

ONE = {"intra_threads": 1, "inter_threads": 1}
WORDS = "a dog runs . the red cat sat no yes zebra".split()
draw = np.random.default_rng(0)
TEXTS = [" ".join(draw.choice(WORDS, size)) for size in draw.integers(1, 9, 100)]
SUBWORDS = {"tokenizer": "subwords", "vocab_size": 280}


def translator(pre_norm=True, shared="all", activation="relu", **config):
    model = models.TransformerConfig(
        2, 16, 2, 24, pe_input=24, pe_target=12, shared=shared, pre_norm=pre_norm, activation=activation,
        num_decoder_layers=1 if shared == "nothing" else None,
    )  # fmt: skip
    config = tasks.TranslatorConfig(**{"tokenizer": "words"} | config, model=model)
    return tasks.Translator.from_text(zoo.TEXTS, zoo.OTHERS, config)


def language_model(**options):
    config = tasks.LanguageModelConfig("words", model=models.GPTConfig(24, 2, 16, 4, **options))
    return tasks.LanguageModel.from_text(TEXTS, config)


def byte_pairs():
    tokenizer = text.BytePairs()
    return tasks.LanguageModel(models.GPT(tokenizer.vocab_size + 7, 64, 2, 16, 2), tokenizer)


def exported(task, folder):
    """-> (the folder of the engine, its `encode` and `decode`). The weights are large enough for varied texts."""
    for weight in scatter(task.model, seed=6).trainable_weights:
        weight.assign(2 * weight if len(weight.shape) > 1 else weight)
    path = task.export(folder, format="ctranslate2")
    served = tf.saved_model.load(f"{path}/tokenizer")

    def encode(texts):
        tokens = served.signatures["encode"](tf.constant(texts))["tokens"].numpy()
        return [[token.decode() for token in row if token] for row in tokens]

    def decode(rows):
        size = max(map(len, rows))
        tokens = tf.constant([row + [""] * (size - len(row)) for row in rows])
        return [one.decode() for one in served.signatures["decode"](tokens)["text"].numpy()]

    return path, encode, decode, served


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{}, {"pre_norm": False, "shared": "output", "activation": "gelu_tanh"}, {"shared": "nothing", "joint": False},
     {"activation": "silu", **SUBWORDS}],
    ids=str,
)  # fmt: skip
def test_translations(options, tmp_path):
    ctranslate2 = pytest.importorskip("ctranslate2")
    task = translator(**options)
    path, encode, decode, _ = exported(task, tmp_path)
    engine = ctranslate2.Translator(path, **ONE)
    result = engine.translate_batch(encode(TEXTS), beam_size=1, min_decoding_length=0, max_decoding_length=12)
    expected = task.generate(TEXTS, beam_width=1, verbose=0)
    assert decode([one.hypotheses[0] for one in result]) == expected
    assert len(set(expected)) > 8


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize("make", [language_model, lambda: language_model(tied=False, activation="gelu"), byte_pairs])
def test_continuations(make, tmp_path):
    ctranslate2 = pytest.importorskip("ctranslate2")
    task = make()
    path, encode, decode, _ = exported(task, tmp_path)
    engine = ctranslate2.Generator(path, **ONE)
    prompts = encode(TEXTS)
    texts = []
    for prompt in prompts:
        (result,) = engine.generate_batch([prompt], max_length=5, beam_size=1, include_prompt_in_result=False)
        texts.append(prompt + result.sequences[0])
    expected = task.generate(TEXTS, max_new_tokens=5, verbose=0)
    assert decode(texts) == expected
    assert len({text[len(prompt) :] for text, prompt in zip(expected, TEXTS, strict=True)}) > 10


@pytest.mark.peers
def test_integers_are_a_third_of_the_size(tmp_path):
    ctranslate2 = pytest.importorskip("ctranslate2")
    model = models.TransformerConfig(1, 64, 2, 128, pe_input=8, pe_target=8)
    task = tasks.Translator.from_text(zoo.TEXTS, zoo.OTHERS, tasks.TranslatorConfig("words", model=model))
    paths = [task.export(tmp_path, format="ctranslate2", weights=weights) for weights in ("float", "int8")]
    whole, part = (Path(path, "model.bin").stat().st_size for path in paths)
    assert part < 0.35 * whole
    assert ctranslate2.Translator(paths[1], **ONE).compute_type.startswith("int8")


def test_names_are_unique_text():
    tokenizer = text.Subwords(["ä", "dog", "<0xC3>"])
    result = names(tokenizer)
    assert len(set(result)) == len(result) == tokenizer.vocab_size
    assert [name for name in result if name in ("ä", "dog")] == ["ä", "dog"]
    assert result[4 + 0xC3] == "<0xC3>"
    assert result[-1] == "<0x3C><0x30><0x78><0x43><0x33><0x3E>"
    assert names(text.BytePairs())[ord(" ")] == "Ġ"


@pytest.mark.parametrize(
    "task, message",
    [
        (lambda: language_model(positions="rotary"), "does not support a GPT with positions='rotary'"),
        (lambda: language_model(num_kv_heads=2), "does not support a GPT with num_kv_heads=2"),
        (lambda: language_model(activation="selu"), "does not support a GPT with activation='selu'"),
        (lambda: zoo.language_model(zoo.LSTM)[0], "a LSTMLanguageModel is not supported"),
        (lambda: zoo.translator(zoo.LUONG)[0], "a Seq2SeqRNN is not supported"),
        (lambda: zoo.summarizer(zoo.TRANSFORMER, True)[0], "a Summarizer is not supported"),
    ],
)
def test_what_is_not_supported_is_named(task, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        task().export(tmp_path, format="ctranslate2")
    assert not list(tmp_path.iterdir())


def test_other_mistakes(tmp_path, monkeypatch):
    task = language_model()
    with pytest.raises(ValueError, match="format must be one of tf_saved_model, ctranslate2, onnx, litert; got 'pt'"):
        task.export(tmp_path, format="pt")
    with pytest.raises(ValueError, match="takes the options of decoding when it runs"):
        task.export(tmp_path, tasks.Continuation(), format="ctranslate2")
    monkeypatch.setitem(__import__("sys").modules, "ctranslate2", None)
    with pytest.raises(ImportError, match=r"pip install 'tfllm\[ctranslate2\]'"):
        task.export(tmp_path, format="ctranslate2")
    assert ctranslate2_files.ACTIVATIONS["relu"] == "RELU"
