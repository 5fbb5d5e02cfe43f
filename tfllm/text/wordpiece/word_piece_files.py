"""Reads and writes the files of BERT's tokenizer, in Hugging Face's format.

Supported: vocab.txt, or tokenizer.json of type WordPiece, with options and special tokens from tokenizer_config.json
and special_tokens_map.json in the same folder; a preset of keras-nlp. Not supported: added tokens that are not special,
tokenizers that do not clean the text.
"""

import json
from pathlib import Path
from typing import NamedTuple

from tfllm.files import json_object, understood, written

VOCABULARY, CONFIG, TOKENIZER, MAP = "vocab.txt", "tokenizer_config.json", "tokenizer.json", "special_tokens_map.json"
PRESET = "assets/tokenizer/vocabulary.txt"  # of keras-nlp
ROLES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
NAMES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # in the order of ROLES
MODEL = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}


class Parts(NamedTuple):
    """vocabulary: tokens in the order of their ids. names: the special tokens in the order of ROLES, then others."""

    vocabulary: tuple
    names: tuple = NAMES
    lowercase: bool = True
    strip_accents: bool | None = None
    chinese: bool = True


def read_vocabulary(path):
    """vocab.txt, one token per line -> tokens. Raises ValueError if it is not UTF-8."""
    try:
        lines = Path(path).read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a vocabulary with one token per line in UTF-8: {error}") from None
    lines = [line.removesuffix("\r") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


def write_vocabulary(path, vocabulary):
    with written(path) as temporary:
        temporary.write_text("".join(f"{token}\n" for token in vocabulary), encoding="utf-8", newline="\n")


def read_folder(folder):
    """-> Parts. Raises FileNotFoundError if the folder has no such files, ValueError if they are of another kind."""
    with understood(folder, "the files of a WordPiece tokenizer"):
        return _read_folder(Path(folder))


def _read_folder(folder):
    if (folder / PRESET).is_file():
        return _preset(folder)
    config = {**_if_there(folder / MAP), **_if_there(folder / CONFIG)}
    whole = _tokenizer_json(folder / TOKENIZER) if (folder / TOKENIZER).is_file() else {}
    if (folder / VOCABULARY).is_file():
        vocabulary = read_vocabulary(folder / VOCABULARY)
    elif whole:
        vocabulary = whole["vocabulary"]
    else:
        raise FileNotFoundError(
            f"{folder} has neither {VOCABULARY} nor {TOKENIZER}, the files of a WordPiece tokenizer"
        )
    added = [*whole.get("added", ()), *config.get("added_tokens_decoder", {}).values()]
    if common := [token["content"] for token in added if not token.get("special")]:
        raise ValueError(
            f"{folder}: WordPieces does not match added tokens in a text; {common[0]!r} is not a special token"
        )
    roles = [_content(config.get(role)) or name for role, name in zip(ROLES, NAMES, strict=True)]
    others = [token["content"] for token in added] + [_content(name) for name in _extra(config)]
    names = tuple(dict.fromkeys([*roles, *others]))
    vocabulary += tuple(name for name in names if name not in set(vocabulary))  # added tokens have the ids after it
    options = whole.get("options", {}) | {
        ours: config[theirs]
        for ours, theirs in (
            ("lowercase", "do_lower_case"), ("strip_accents", "strip_accents"), ("chinese", "tokenize_chinese_chars"),
        )
        if theirs in config
    }  # fmt: skip
    return Parts(vocabulary, names, **options)


def write_folder(folder, parts):
    """Write vocab.txt and tokenizer_config.json, from which Hugging Face reads class, options and special tokens."""
    folder = Path(folder)
    config = {
        "tokenizer_class": "BertTokenizer", "do_lower_case": parts.lowercase, "strip_accents": parts.strip_accents,
        "tokenize_chinese_chars": parts.chinese, **dict(zip(ROLES, parts.names, strict=False)),
    }  # fmt: skip
    if others := parts.names[len(ROLES) :]:
        config["additional_special_tokens"] = list(others)
    folder.mkdir(parents=True, exist_ok=True)
    write_vocabulary(folder / VOCABULARY, parts.vocabulary)
    with written(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n")


def _tokenizer_json(path):
    """-> {"vocabulary", "added", "options"}"""
    read = json_object(path)
    model, cut, normal = read.get("model", {}), read.get("pre_tokenizer") or {}, read.get("normalizer") or {}
    if model.get("type", "WordPiece") != "WordPiece" or "merges" in model:
        raise ValueError(
            f"{path}: WordPieces reads models of type WordPiece; this file has a model of type {model.get('type')!r}"
        )
    if strange := {name: model.get(name) for name, value in MODEL.items() if model.get(name, value) != value}:
        raise ValueError(f"{path}: WordPieces does not support these options of a WordPiece model: {strange}")
    if cut.get("type") != "BertPreTokenizer" or normal.get("type") != "BertNormalizer":
        raise ValueError(
            f"{path}: WordPieces splits and cleans text as BERT does (BertPreTokenizer, BertNormalizer); this file has "
            f"{cut.get('type')!r} and {normal.get('type')!r}"
        )
    if not normal.get("clean_text", True):
        raise ValueError(f"{path}: WordPieces cleans every text; this file has clean_text false")
    ids = model["vocab"]
    vocabulary = tuple(sorted(ids, key=ids.get))
    if [ids[token] for token in vocabulary] != list(range(len(ids))):
        raise ValueError(f"{path}: {len(ids)} tokens must have the ids 0 to {len(ids) - 1}, each exactly once")
    options = {"lowercase": normal.get("lowercase", True), "strip_accents": normal.get("strip_accents"),
               "chinese": normal.get("handle_chinese_chars", True)}  # fmt: skip
    return {"vocabulary": vocabulary, "added": list(read.get("added_tokens", ())), "options": options}


def _preset(folder):
    """Read a preset of keras-nlp, which has a tokenizer.json of another format."""
    options = json_object(folder / TOKENIZER).get("config", {})
    result = {"lowercase": options.get("lowercase", False), "strip_accents": options.get("strip_accents", False)}
    return Parts(read_vocabulary(folder / PRESET), **result)


def _extra(config):
    return config.get("additional_special_tokens") or config.get("extra_special_tokens") or ()


def _content(token):
    """The name of a token that is written as a string or as {"content": name, ...}."""
    return token["content"] if isinstance(token, dict) else token


def _if_there(path):
    return json_object(path) if path.is_file() else {}
