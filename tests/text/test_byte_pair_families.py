"""BytePairs as SmolLM2, Llama 3 and Qwen split text: equal to Hugging Face's `tokenizers`, in both directions."""

import keras
import pytest
import tensorflow as tf

from tests.text.test_byte_pair_files import assert_equal, random_texts
from tests.text.test_byte_pairs import PAIRS, VOCABULARY
from tfllm.text import BytePairs
from tfllm.text.bytepair.added_tokens import AddedTokens
from tfllm.text.bytepair.splitting_rules import Rules

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")  # both as in the published tokenizer.json
SIGNS = [
    "'ſ",
    "'LL",
    "'Ve",
    "\n",
    "\r\n",
    " \n ",
    " '",
    "!!\n\n",
    "1234",
    "Ⅷ",
    "Å",
    "A\u030a",
    "\u1112\u1161\u11ab",
    "e\u0323\u0301",
]
FAMILIES = {
    "smollm2": Rules(digits=1), "llama3": Rules("gpt4", 3, whole_words=True),
    "qwen": Rules("gpt4", 1, "NFC", added=("<think>", "<think>\n", "中文")),
}  # fmt: skip


@pytest.mark.parametrize(
    ("family", "text", "expected"),
    [
        ("smollm2", "a 12 3", ["a", " ", "1", "2", " ", "3"]),
        ("llama3", "12345 1", ["123", "45", " ", "1"]),
        ("llama3", "I'LL (he's)\n\n x", ["I", "'LL", " (", "he", "'s", ")\n\n", " x"]),
        ("llama3", " \n\n  x\t!y", [" \n\n", " ", " x", "\t", "!y"]),
        ("qwen", "12 A\u030a", ["1", "2", " \u00c5"]),
    ],
)
def test_words_by_hand(family, text, expected):
    tokenizer = BytePairs(special=[], end=None, rules=FAMILIES[family])
    words, _ = tokenizer._words(tokenizer._normal([text]))
    assert [word.decode() for word in words.numpy()] == expected


def learned(peers, rules, regex, folder):
    peer = peers.Tokenizer(peers.models.BPE(ignore_merges=rules.whole_words))
    level = peers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=rules.pattern == "gpt2")
    first = peers.pre_tokenizers.Digits(individual_digits=True)
    if regex:
        first = peers.pre_tokenizers.Split(peers.Regex(regex), "isolated")
    peer.pre_tokenizer = peers.pre_tokenizers.Sequence([first, level])
    if rules.normal_form:
        peer.normalizer = peers.normalizers.NFC()
    trainer = peers.trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=peers.pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    texts = list(random_texts(1500))
    peer.train_from_iterator([text * 2 for text in texts[::2]], trainer)
    peer.add_tokens([peers.AddedToken(token, normalized=False) for token in rules.added])
    peer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<|im_end|>"}')
    return peer


LEARNED = pytest.mark.parametrize(("family", "regex"), [("smollm2", None), ("llama3", LLAMA3), ("qwen", QWEN2)])


def texts(rules, count):
    parts = [*SIGNS, *rules.added]
    return [text + parts[at % len(parts)] + parts[at // 7 % len(parts)] for at, text in enumerate(random_texts(count))]


@pytest.mark.peers
@LEARNED
def test_equal_to_a_tokenizer_that_hugging_face_learned(tmp_path, family, regex):
    peers, rules = pytest.importorskip("tokenizers"), FAMILIES[family]
    peer = learned(peers, rules, regex, tmp_path)
    tokenizer = BytePairs.from_folder(tmp_path)
    assert (tokenizer.rules, tokenizer.special) == (rules, ("<|im_start|>", "<|im_end|>"))
    compare(tokenizer, peer, texts(rules, 600))
    marked = ["<|im_start|>a 1<|im_end|>\n", "<|im_end|><|im_end|>", "<|im_start"]
    expected = [encoding.ids for encoding in peer.encode_batch(marked)]
    assert tokenizer.encode_special(marked).to_list() == expected
    plain = tokenizer.encode(marked).to_list()
    assert plain[2] == expected[2] and plain[0] != expected[0] and not {0, 1} & {*plain[0], *plain[1]}

    tokenizer.save_files(tmp_path / "saved")
    again = peers.Tokenizer.from_file(str(tmp_path / "saved" / "tokenizer.json"))
    for one, other in zip(*(of.encode_batch(texts(rules, 600)) for of in (again, peer)), strict=True):
        assert one.ids == other.ids
    assert again.get_vocab() == peer.get_vocab()
    loaded = BytePairs.from_folder(tmp_path / "saved")
    assert loaded.get_config() | {"name": ""} == tokenizer.get_config() | {"name": ""}


@pytest.mark.peers
@pytest.mark.slow
@LEARNED
def test_ten_thousand_texts(tmp_path, family, regex):
    peer = learned(pytest.importorskip("tokenizers"), FAMILIES[family], regex, tmp_path)
    compare(BytePairs.from_folder(tmp_path), peer, texts(FAMILIES[family], 10_000))


def compare(tokenizer, peer, texts):
    """The same ids; and the text that comes back, unless it is normalised."""
    if tokenizer.rules.normal_form is None:
        return assert_equal(tokenizer, peer, texts)
    encode = tf.function(tokenizer.encode, input_signature=[tf.TensorSpec([None], tf.string)])
    assert encode(texts).to_list() == [encoding.ids for encoding in peer.encode_batch_fast(texts)]


def test_a_start_is_read_and_written(tmp_path):
    tokenizer = BytePairs([*VOCABULARY, "<s>"], PAIRS, special=["<|endoftext|>", "<s>"], start="<s>")
    tokenizer.save_files(tmp_path)
    again = BytePairs.from_folder(tmp_path)
    assert again.start == tokenizer.start == len(VOCABULARY) and again.end == tokenizer.end
    assert again.decode([[again.start, 257, again.end]]).numpy().tolist() == [b"low"]
    peers = pytest.importorskip("tokenizers")
    peer = peers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert peer.encode("low").ids == [again.start, 257]


def test_a_word_that_is_a_token_is_not_merged():
    """Without merges "low" is three letters, unless whole words count; a special token is no word."""
    vocabulary = [*VOCABULARY, "lower"]
    assert BytePairs(vocabulary, PAIRS).pieces(["lower"]).to_list() == [[b"low", b"er"]]
    whole = BytePairs(vocabulary, PAIRS, rules={"whole_words": True})
    assert whole.pieces(["lower low", "", "lowered"]).to_list() == [
        [b"lower", b" low"],
        [],
        [b"low", b"er", b"e", b"d"],
    ]
    config = keras.saving.serialize_keras_object(whole)
    assert keras.saving.deserialize_keras_object(config).rules == whole.rules


def test_added_tokens_are_found_in_any_bytes():
    found = AddedTokens(["<a>", "<a><b>", "+", "中"], [1000, 1001, 1002, 1003])

    def encode(texts):
        return BytePairs(special=[], end=None).encode(texts)

    texts = ["", "<a>", "x<a><b>y", "<a><a>", "\0+\0\1\0\2", "中a", b"\xff+\xfe", "++", "<a"]
    expected = [
        [], [1000], [120, 1001, 121], [1000, 1000], [0, 1002, 0, 1, 0, 2], [1003, 97], [255, 1002, 254], [1002, 1002],
        [60, 97],
    ]  # fmt: skip
    graph = tf.function(lambda texts: found(texts, encode), input_signature=[tf.TensorSpec([None], tf.string)])
    assert graph(tf.constant(texts)).to_list() == expected
    assert graph(tf.constant([], tf.string)).to_list() == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"pattern": "gpt5"}, "pattern must be one of gpt2, gpt4; got 'gpt5'"),
        ({"digits": 3}, "digits of the pattern gpt2 must be .* got 3"),
        ({"normal_form": "NFKC"}, "normal_form must be NFC or None; got 'NFKC'"),
        ({"added": ["\0"]}, "one character or more, none of them zero"),
        ({"added": [""]}, "one character or more, none of them zero"),
    ],
)
def test_other_rules_are_refused(options, reason):
    with pytest.raises(ValueError, match=reason):
        BytePairs(rules=options)


def test_a_start_must_be_special():
    with pytest.raises(ValueError, match="start must be one of the special tokens .* got 'a'"):
        BytePairs(start="a")
