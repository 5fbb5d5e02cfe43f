"""WordPieces' files as Hugging Face and keras-nlp have them, and their tokenizer's ids on random Unicode."""

import json
import random

import numpy as np
import pytest

from tests.text.test_word_pieces import OPTIONS, SPECIAL, TEXTS, VOCABULARY
from tfllm.text import WordPieces, code_points
from tfllm.text.wordpiece import bert_characters

OTHER = dict(lowercase=False, strip_accents=True, chinese=False)
CONFIG = {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}


def token(content, token_id, special=True):
    return {"id": token_id, "content": content, "special": special, "normalized": False}


def whole(vocabulary=VOCABULARY, **changes):
    """What a tokenizer.json holds."""
    return {
        "added_tokens": [token(name, vocabulary.index(name)) for name in SPECIAL],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": True,
            "lowercase": False,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {token: i for i, token in enumerate(vocabulary)},
        },
    } | changes  # fmt: skip


def same(a, b):
    return a.tokens == b.tokens and a.get_config() | {"name": ""} == b.get_config() | {"name": ""}


def test_a_file_has_a_token_a_line(tmp_path):
    lines = "".join(f"{token}\r\n" for token in VOCABULARY)
    for text in (lines, lines.replace("\r", ""), lines.replace("\r", "").rstrip("\n"), lines + "\n\n"):
        (tmp_path / "vocab.txt").write_bytes(text.encode())
        assert same(WordPieces.from_file(tmp_path / "vocab.txt", **OTHER), WordPieces(VOCABULARY, **OTHER))
    (tmp_path / "vocab.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="vocab.txt is not a vocabulary"):
        WordPieces.from_file(tmp_path / "vocab.txt")


@pytest.mark.parametrize("names", [SPECIAL, ["<p>", *SPECIAL[1:], "dog"]], ids=["usual", "others"])
def test_saved_files_are_read_back(names, tmp_path):
    tokenizer = WordPieces(["<p>", *VOCABULARY], **OTHER, names=names)
    tokenizer.save_files(tmp_path / "new")
    assert {file.name for file in (tmp_path / "new").iterdir()} == {"vocab.txt", "tokenizer_config.json"}
    assert same(WordPieces.from_folder(tmp_path / "new"), tokenizer)


def test_a_folder_of_either_kind(tmp_path):
    expected = WordPieces(VOCABULARY, **OTHER)
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole()))
    assert same(WordPieces.from_folder(tmp_path), expected)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(CONFIG | {"strip_accents": None}))
    assert WordPieces.from_folder(tmp_path).get_config()["strip_accents"] is None  # the config has the last word
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match="has neither vocab.txt nor tokenizer.json"):
        WordPieces.from_folder(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(CONFIG))
    assert same(WordPieces.from_folder(tmp_path), expected)
    (tmp_path / "tokenizer_config.json").unlink()
    assert same(WordPieces.from_folder(tmp_path), WordPieces(VOCABULARY))


def test_added_special_tokens_come_behind_the_vocabulary(tmp_path):
    added = {str(len(VOCABULARY)): token("<e1>", len(VOCABULARY))}
    config = {"mask_token": {"content": "[MASK]"}, "additional_special_tokens": ["<e1>"], "added_tokens_decoder": added}
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = WordPieces.from_folder(tmp_path)
    assert tokenizer.names == (*SPECIAL, "<e1>") and tokenizer.special_ids[5:] == (len(VOCABULARY),)
    assert tokenizer.encode(["dog<e1>s"], special=True).to_list()[0][1] == len(VOCABULARY)
    config["added_tokens_decoder"] = {"99": token("word", 99, special=False)}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="does not match added tokens in a text; 'word' is not a special token"):
        WordPieces.from_folder(tmp_path)


def test_a_preset_of_keras_nlp(tmp_path):
    files = tmp_path / "assets" / "tokenizer"
    files.mkdir(parents=True)
    (files / "vocabulary.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    options = {"config": {"lowercase": True, "strip_accents": False}, "class_name": "BertTokenizer"}
    (tmp_path / "tokenizer.json").write_text(json.dumps(options))
    assert same(WordPieces.from_folder(tmp_path), WordPieces(VOCABULARY, strip_accents=False))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"type": "BPE", "vocab": {}, "merges": []}}, "has a model of type 'BPE'"),
        ({"model": whole()["model"] | {"continuing_subword_prefix": "@@"}}, "does not support these options"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "this file has 'Whitespace' and 'BertNormalizer'"),
        ({"normalizer": None}, "this file has 'BertPreTokenizer' and None"),
        ({"normalizer": {"type": "BertNormalizer", "clean_text": False}}, "clean_text false"),
        ({"model": {"vocab": {"a": 1}}}, "must have the ids 0 to 0"),
    ],
)
def test_other_tokenizers_are_refused(changes, message, tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole(**changes)))
    with pytest.raises(ValueError, match=message):
        WordPieces.from_folder(tmp_path)


COMMON = [
    *"abcdefgh", *" \t\n\0-'#[]", "the", "un", "able", "é", "ñ", "中", "文", "，", "\u0301", "\u200b", "ß", "İ", "Σ",
    "ΐ", "가", "힣", "각", "[MASK]", "##", "\ufffd", "\u00a0", "\ue000", "🙂",
]  # fmt: skip
POOLS = [(32, 127), (0, 0x300), (0, 0x3000), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0xF900, 0xFB00), (0, 0x110000)]


def random_text(draw):
    pools = draw.sample([COMMON, COMMON, [" "], *POOLS], draw.randrange(1, 4))
    result = []
    for _ in range(draw.randrange(40)):
        pool = draw.choice(pools)
        result.append(draw.choice(pool) if isinstance(pool, list) else chr(draw.randrange(*pool)))
    if draw.random() < 0.05:
        result.append("a" * draw.randrange(95, 106) + " b")
    return "".join(result).encode("utf-8", "ignore").decode("utf-8")  # no surrogates


@pytest.mark.peers
@pytest.mark.parametrize(("options", "count"), [(options, 200 if i else 10_000) for i, options in enumerate(OPTIONS)])
def test_ten_thousand_random_texts_are_cut_as_by_hugging_face(options, count):
    """By the Rust code behind BertTokenizer, with a vocabulary that knows some of every kind of character."""
    tokenizers = pytest.importorskip("tokenizers")
    draw = random.Random(str(options))
    texts = [*TEXTS, *(random_text(draw) for _ in range(count))]
    seen = sorted({character for text in texts for character in text.lower() if character.isalnum()})
    some = draw.sample(seen, len(seen) // 2)
    vocabulary = [*VOCABULARY, *"cdfghlrtu", *(f"##{letter}" for letter in "cdghlrtu")]
    vocabulary = list(dict.fromkeys([*vocabulary, *some, *(f"##{letter}" for letter in some[::2]), "##\u0301"]))
    theirs = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    names = {"lowercase": "lowercase", "strip_accents": "strip_accents", "chinese": "handle_chinese_chars"}
    theirs.normalizer = tokenizers.normalizers.BertNormalizer(
        clean_text=True, **{names[name]: value for name, value in options.items()}
    )
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    ours = WordPieces(vocabulary, **options)
    expected = [row.ids for row in theirs.encode_batch(texts)]
    assert ours.encode(texts).to_list() == expected
    assert 0.2 < np.mean([token == ours.unknown for row in expected for token in row]) < 0.9
    theirs.add_special_tokens(SPECIAL)
    assert ours.encode(texts, special=True).to_list() == [row.ids for row in theirs.encode_batch(texts)]


@pytest.mark.slow
@pytest.mark.peers
def test_every_character_is_what_it_is_for_hugging_face():
    tokenizers = pytest.importorskip("tokenizers")
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)

    def theirs(**on):
        return tokenizers.normalizers.BertNormalizer(**off | on).normalize_str

    normal = {"clean": theirs(clean_text=True), "chinese": theirs(handle_chinese_chars=True)}
    normal |= {"strip": theirs(strip_accents=True), "lower": theirs(lowercase=True)}
    cut = tokenizers.pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    dropped, spaces, chinese, punctuation = (
        code_points.points(getattr(bert_characters, name)) for name in ("DROPPED", "SPACES", "CHINESE", "PUNCTUATION")
    )
    changed = {"strip": bert_characters.replacements(False, True), "lower": bert_characters.replacements(True, False)}
    for page in range(0, code_points.HIGHEST, 256):
        points = [point for point in range(page, page + 256) if not 0xD800 <= point < 0xE000]
        expected = {
            "clean": ["" if dropped[point] else " " if spaces[point] else chr(point) for point in points],
            "chinese": [f" {chr(point)} " if chinese[point] else chr(point) for point in points],
        } | {name: ["".join(map(chr, new.get(point, (point,)))) for point in points] for name, new in changed.items()}
        for name, right in expected.items():
            assert normal[name]("x".join(map(chr, points))) == "x".join(right), (name, hex(page))
        plain = [point for point in points if not (dropped[point] or spaces[point] or point == ord(" "))]
        marked = "".join(f" {chr(point)} " if punctuation[point] else f"x{chr(point)}" for point in plain)
        result = [piece for piece, _ in cut("".join(chr(p) if punctuation[p] else f"x{chr(p)}" for p in plain))]
        assert result == marked.split(" ") or result == marked.split(), hex(page)
