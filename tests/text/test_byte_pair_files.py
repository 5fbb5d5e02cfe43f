"""The files of byte-level BPE: what is read, what is refused, and equality with Hugging Face's `tokenizers`."""

import json
import os
import random
from pathlib import Path

import pytest
import tensorflow as tf

from tfllm.text import BytePairs
from tfllm.text.bytepair.byte_pair_files import letters, read_folder

PAIRS = [("l", "o"), ("lo", "w"), ("Ġ", "low"), ("#", "#"), ("Ċ", "Ċ")]
VOCABULARY = [*letters(), *("".join(pair) for pair in PAIRS), "<|endoftext|>"]
IDS = {token: token_id for token_id, token in enumerate(VOCABULARY)}
END = IDS["<|endoftext|>"]
TEXT = "low low ## \n\n\n é"


def write(folder, name, value):
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def write_pair(folder, ids=IDS, names=("vocab.json", "merges.txt"), first="#version: 0.2\n", end="\n"):
    write(folder, names[0], ids)
    write(folder, names[1], first + "".join(" ".join(pair) + end for pair in PAIRS))


def tokenizer_json(**changes):
    """As Hugging Face writes it; changes: of the model, or of the rest."""
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "byte_fallback": False,
             "vocab": IDS, "merges": [list(pair) for pair in PAIRS]}  # fmt: skip
    added = {"id": END, "content": "<|endoftext|>", "special": True, "lstrip": False}
    cut = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    whole = {"version": "1.0", "added_tokens": [added], "normalizer": None, "pre_tokenizer": cut, "model": model}
    for name, value in changes.items():
        (model if name in model or name == "ignore_merges" else whole)[name] = value
    return whole


def expected():
    return BytePairs(VOCABULARY, PAIRS).encode([TEXT]).to_list()


@pytest.mark.parametrize(
    "options",
    [{}, {"names": ("encoder.json", "vocab.bpe")}, {"first": ""}, {"end": "\r\n"}],
    ids=["hugging-face", "openai", "no-version", "windows"],
)
def test_vocabulary_and_merges(options, tmp_path):
    write_pair(tmp_path, **options)
    tokenizer = BytePairs.from_folder(tmp_path)
    assert tokenizer.encode([TEXT]).to_list() == expected() and tokenizer.end == END
    files = (tmp_path / name for name in options.get("names", ("vocab.json", "merges.txt")))
    assert BytePairs.from_files(*files).encode([TEXT]).to_list() == expected()


def test_tokenizer_json_with_both_ways_to_write_merges(tmp_path):
    for merges in ([list(pair) for pair in PAIRS], [" ".join(pair) for pair in PAIRS]):
        write(tmp_path, "tokenizer.json", tokenizer_json(merges=merges))
        tokenizer = BytePairs.from_folder(str(tmp_path))
        assert tokenizer.encode([TEXT]).to_list() == expected() and tokenizer.end == END


def test_added_special_tokens_and_the_name_of_the_end(tmp_path):
    added = {"id": END + 1, "content": "<é nd>", "special": True}
    write(tmp_path, "tokenizer.json", tokenizer_json(added_tokens=[added]))
    assert BytePairs.from_folder(tmp_path).end == END  # where nothing is said
    write(tmp_path, "special_tokens_map.json", {"eos_token": {"content": "<é nd>"}})
    tokenizer = BytePairs.from_folder(tmp_path)
    assert tokenizer.end == END + 1 and tokenizer.tokens[END + 1] == "<é nd>".encode()
    write(tmp_path, "tokenizer_config.json", {"eos_token": "<|endoftext|>", "pad_token": None})
    assert BytePairs.from_folder(tmp_path).end == END
    (tmp_path / "tokenizer.json").unlink()
    write_pair(tmp_path)
    write(tmp_path, "added_tokens.json", {"<é nd>": END + 1})
    tokenizer = BytePairs.from_folder(tmp_path)
    assert tokenizer.special == ("<|endoftext|>",) and tokenizer.rules.added == ("<é nd>",)
    assert tokenizer.encode(["low<é nd>"]).to_list() == [[IDS["low"], END + 1]]
    write(tmp_path, "tokenizer_config.json", {"eos_token": "<|endoftext|>", "pad_token": "<é nd>"})
    assert BytePairs.from_folder(tmp_path).special == ("<|endoftext|>", "<é nd>")


def test_without_an_end(tmp_path):
    write_pair(tmp_path, {token: token_id for token, token_id in IDS.items() if token_id != END})
    tokenizer = BytePairs.from_folder(tmp_path)
    assert tokenizer.end is None and tokenizer.special == ()
    with pytest.raises(ValueError, match="no special token"):
        BytePairs.from_files(tmp_path / "vocab.json", tmp_path / "merges.txt")


def test_what_is_saved_is_read_again(tmp_path):
    special = ["<|endoftext|>", "<é nd>"]
    tokenizer = BytePairs([*VOCABULARY, "<é nd>"], PAIRS, special=special, end="<é nd>")
    tokenizer.save_files(tmp_path / "new" / "folder")
    again = BytePairs.from_folder(tmp_path / "new" / "folder")
    assert again.get_config() | {"name": ""} == tokenizer.get_config() | {"name": ""}
    assert again.tokens == tokenizer.tokens and again.end == END + 1
    assert again.encode([TEXT]).to_list() == expected()
    written = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert written == ["merges.txt", "tokenizer_config.json", "vocab.json"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "Unigram"}, "has a model of type 'Unigram'"),
        ({"model": {"type": "WordPiece", "vocab": {}}}, "a model of type 'WordPiece'"),
        ({"pre_tokenizer": None}, "splits text as GPT-2, SmolLM2, GPT-4, Llama 3 and Qwen do"),
        ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": []}}, "Sequence"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}, "add_prefix_space false"),
        ({"pre_tokenizer": {"type": "ByteLevel", "use_regex": False}}, "use_regex true"),
        (
            {
                "pre_tokenizer": {
                    "type": "Sequence",
                    "pretokenizers": [
                        {"type": "Digits", "individual_digits": False},
                        {"type": "ByteLevel", "add_prefix_space": False},
                    ],
                }
            },
            "Digits",
        ),
        (
            {
                "pre_tokenizer": {
                    "type": "Sequence",
                    "pretokenizers": [
                        {"type": "Split", "pattern": {"Regex": "a+"}, "behavior": "Isolated", "invert": False},
                        {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
                    ],
                }
            },
            "a+",
        ),
        ({"normalizer": {"type": "NFKC"}}, """the normalizer {"type": "NFKC"}"""),
        ({"byte_fallback": True}, "byte_fallback"),
        ({"dropout": 0.1}, "does not support these options of a BPE model: {'dropout': 0.1}"),
        ({"added_tokens": [{"id": END + 1, "content": "  ", "special": False, "lstrip": True}]}, "'  ' has lstrip"),
        ({"vocab": {**IDS, "zz": END + 5}}, "must have the ids 0 to"),
    ],
)
def test_other_kinds_of_tokenizer_are_told_apart(changes, reason, tmp_path):
    write(tmp_path, "tokenizer.json", tokenizer_json(**changes))
    with pytest.raises(ValueError) as error:
        read_folder(tmp_path)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("vocabulary", "merges", "reason"),
    [
        ("[]", "", "must be an object"),
        ("{", "", "is not JSON in UTF-8"),
        (json.dumps(IDS), "l o w\n", "two tokens per line, got 'l o w'"),
    ],
)
def test_broken_files_are_explained(vocabulary, merges, reason, tmp_path):
    write(tmp_path, "vocab.json", vocabulary)
    write(tmp_path, "merges.txt", merges)
    with pytest.raises(ValueError, match=reason):
        BytePairs.from_folder(tmp_path)


def test_an_empty_folder_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="no tokenizer.json and no vocab.json with merges.txt"):
        BytePairs.from_folder(tmp_path)


# Hugging Face's `tokenizers`

PARTS = [
    "'s", "'re", "'ll", "'", "'S", "a", "Ab", "low", " the", "ing", "1", "٣", "½", " ", "  ", "\n", "\t", "\r\n",
    "\xa0", "\u3000", "\x1c", "\x85", "!", "?!", "é", "e\u0301", "你好", "こんにちは", "안녕", "🙂", "\U0001f469\u200d",
    "\0", "\ufeff", "\ufffd",
]  # fmt: skip


def random_texts(count):
    """Parts that the pattern looks at, and characters from all of Unicode."""
    draw = random.Random(0)
    points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    for at in range(count):
        size = draw.randrange(25)
        if at % 2:
            yield "".join(chr(draw.choice([draw.choice(points), draw.randrange(0x3000)])) for _ in range(size))
        else:
            yield "".join(draw.choices(PARTS, k=size))


def assert_equal(tokenizer, peer, texts):
    encode = tf.function(tokenizer.encode, input_signature=[tf.TensorSpec([None], tf.string)])
    for at in range(0, len(texts), 1000):
        part = texts[at : at + 1000]
        ids = encode(part)
        assert ids.to_list() == [encoding.ids for encoding in peer.encode_batch_fast(part, add_special_tokens=False)]
        assert tokenizer.decode(ids).numpy().tolist() == [text.encode() for text in part]


@pytest.mark.peers
def test_equal_to_a_tokenizer_that_hugging_face_learned(tmp_path):
    peers = pytest.importorskip("tokenizers")
    peer = peers.Tokenizer(peers.models.BPE())
    peer.pre_tokenizer = peers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = peers.trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<|endoftext|>", "<pad>"], show_progress=False,
        initial_alphabet=peers.pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    texts = list(random_texts(2000))
    peer.train_from_iterator([text * 2 for text in texts[::2]], trainer)
    peer.save(str(tmp_path / "tokenizer.json"))
    tokenizer = BytePairs.from_folder(tmp_path)
    assert (tokenizer.end, tokenizer.special, tokenizer.vocab_size) == (0, ("<|endoftext|>", "<pad>"), 700)
    assert_equal(tokenizer, peer, texts)

    tokenizer.save_files(tmp_path / "saved")  # and back
    again = peers.models.BPE.from_file(*(str(tmp_path / "saved" / name) for name in ("vocab.json", "merges.txt")))
    again = peers.Tokenizer(again)
    again.pre_tokenizer = peer.pre_tokenizer
    assert_equal(tokenizer, again, texts[:1000])
    assert again.get_vocab() == peer.get_vocab()


@pytest.mark.peers
def test_transformers_loads_what_is_saved(tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizer = BytePairs([*VOCABULARY, "<pad>"], PAIRS, special=["<|endoftext|>", "<pad>"])
    tokenizer.save_files(tmp_path)
    peer = transformers.GPT2Tokenizer.from_pretrained(tmp_path)
    assert (peer.eos_token_id, len(peer)) == (END, tokenizer.vocab_size)
    assert [peer(TEXT)["input_ids"]] == expected()
    assert peer("low<pad>low<|endoftext|>")["input_ids"] == [IDS["low"], END + 1, IDS["low"], END]
    peer.save_pretrained(tmp_path / "back")
    again = BytePairs.from_folder(tmp_path / "back")
    assert again.tokens == tokenizer.tokens and again.special == tokenizer.special and again.end == END


@pytest.mark.peers
@pytest.mark.slow
def test_equal_to_hugging_face_with_the_vocabulary_of_gpt2():
    peers = pytest.importorskip("tokenizers")
    if "TFLLM_GPT2" not in os.environ:
        pytest.skip("needs TFLLM_GPT2, a folder with GPT-2's vocabulary (docs/tests.md)")
    folder = Path(os.environ["TFLLM_GPT2"])
    names = ("vocab.json", "merges.txt") if (folder / "vocab.json").exists() else ("encoder.json", "vocab.bpe")
    peer = peers.Tokenizer(peers.models.BPE.from_file(*(str(folder / name) for name in names)))
    peer.pre_tokenizer = peers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = BytePairs.from_folder(folder)
    assert (tokenizer.vocab_size, tokenizer.end) == (50257, 50256)
    assert tokenizer.encode(["Hello world"]).to_list() == [[15496, 995]]
    draw = random.Random(1)
    long = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=20_000)), "/////" + "-" * 20_000, "的你好" * 5000]
    assert_equal(tokenizer, peer, [*random_texts(10_000), *long])
