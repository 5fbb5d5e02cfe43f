"""Reads and writes the files of a byte-level BPE tokenizer, in the formats of GPT-2 and Hugging Face.

Supported: tokenizer.json; vocab.json + merges.txt; OpenAI's encoder.json + vocab.bpe. The names of special tokens are
also read from tokenizer_config.json, special_tokens_map.json and added_tokens.json in the same folder.
"""

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tfllm.files import json_object, understood, written
from tfllm.text.bytepair import tokenizer_json
from tfllm.text.bytepair.splitting_rules import Rules

END_OF_TEXT = "<|endoftext|>"
PAIRS = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))


class Parts(NamedTuple):
    """vocabulary: tokens in the order of their ids; merges: pairs of tokens, best first; both in `letters`.

    special: special tokens of the vocabulary, which `encode` never produces; end: the token that ends a text; start:
    the one that every text begins with.
    """

    vocabulary: tuple
    merges: tuple
    special: tuple
    end: str | None
    rules: Rules = Rules()
    start: str | None = None


@functools.cache
def letters():
    """The character that represents each byte in the files: itself if printable, else one from U+0100 on."""
    seen = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in seen else next(others)) for byte in range(256))


def read_folder(folder):
    """-> Parts. Raises FileNotFoundError if the folder has no such files, ValueError if they are of another kind."""
    with understood(folder, "the files of a byte-pair tokenizer"):
        return _read_folder(Path(folder))


def _read_folder(folder):
    config = {**_if_there(folder / "special_tokens_map.json"), **_if_there(folder / "tokenizer_config.json")}
    rules, start = Rules(), None
    if (folder / "tokenizer.json").is_file():
        ids, merges, added, rules, start = tokenizer_json.read(folder / "tokenizer.json")
    else:
        ids, merges, added = _pair(folder, _names(config))
    added += [{"id": int(token_id), **token} for token_id, token in config.get("added_tokens_decoder", {}).items()]
    if config.get("add_bos_token"):
        start = _content(config.get("bos_token"))
    common = {token["content"]: token for token in added if not token.get("special")}
    for name, token in common.items():
        if strange := [option for option in ("lstrip", "rstrip", "single_word") if token.get(option)]:
            raise ValueError(f"{folder}: the added token {name!r} has {strange[0]}, which BytePairs does not support")
    ids = {**ids, **{token["content"]: token["id"] for token in added}}
    special = {token["content"] for token in added} - common.keys()
    end = _content(config.get("eos_token")) or (END_OF_TEXT if END_OF_TEXT in ids else None)
    lacking = [letter for letter in letters() if letter not in ids]
    rules = replace(rules, added=tuple(common), drops_bytes=rules.drops_bytes and bool(lacking))
    return _parts(folder, ids, merges, special, end, rules, start)


def read_files(vocabulary, merges, end=END_OF_TEXT, special=()):
    """Files like vocab.json and merges.txt -> Parts.

    Raises ValueError if they have another format, or do not contain the token `end`.
    """
    with understood(vocabulary, "tokens and their ids"):
        return _parts(vocabulary, json_object(Path(vocabulary)), _merges(Path(merges)), special, end)


def write_folder(folder, parts):
    """Write vocab.json and merges.txt to an existing folder."""
    ids = {token: token_id for token_id, token in enumerate(parts.vocabulary)}
    _write(Path(folder) / "vocab.json", json.dumps(ids, ensure_ascii=False))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in parts.merges), ""]
    _write(Path(folder) / "merges.txt", "\n".join(lines))


def write_json(folder, parts):
    """Write tokenizer.json and tokenizer_config.json to an existing folder, for all rules."""
    _write(Path(folder) / "tokenizer.json", tokenizer_json.text(parts) + "\n")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": parts.start, "eos_token": parts.end}
    config = {name: value for name, value in config.items() if value is not None}
    _write(Path(folder) / "tokenizer_config.json", json.dumps(config, ensure_ascii=False, indent=2) + "\n")


def write_config(folder, parts):
    """Write tokenizer_config.json, from which Hugging Face reads the class and the special tokens."""
    options = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    special = {str(parts.vocabulary.index(token)): {"content": token, **options} for token in parts.special}
    config = {
        "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "add_bos_token": False,
        "bos_token": parts.end, "eos_token": parts.end, "unk_token": parts.end, "added_tokens_decoder": special,
    }  # fmt: skip
    _write(Path(folder) / "tokenizer_config.json", json.dumps(config, ensure_ascii=False, indent=2) + "\n")


def _pair(folder, special):
    """-> (ids by token, merges, added tokens), as `_tokenizer_json`; only the tokens in `special` count as special."""
    for vocabulary, merges in PAIRS:
        if (folder / vocabulary).is_file() and (folder / merges).is_file():
            added = _if_there(folder / "added_tokens.json").items()
            added = [{"content": token, "id": token_id, "special": token in special} for token, token_id in added]
            return json_object(folder / vocabulary), _merges(folder / merges), added
    raise FileNotFoundError(
        f"{folder} has no tokenizer.json and no vocab.json with merges.txt (nor encoder.json with vocab.bpe)"
    )


def _names(config):
    """All special tokens named in special_tokens_map.json and tokenizer_config.json."""
    tokens = [value for key, value in config.items() if key.endswith("_token")]
    return {_content(token) for token in [*tokens, *config.get("additional_special_tokens", ())]}


def _merges(path):
    with understood(path, "two tokens per line, in UTF-8"):
        lines = [line.rstrip("\r") for line in path.read_bytes().decode("utf-8").split("\n")]
    merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    if wrong := [pair for pair in merges if len(pair) != 2]:
        raise ValueError(f"{path} must have two tokens per line, got {' '.join(wrong[0])!r:.80}")
    return merges


def _parts(source, ids, merges, special, end, rules=None, start=None):
    vocabulary = sorted(ids, key=ids.get)
    if [ids[token] for token in vocabulary] != list(range(len(ids))):
        raise ValueError(f"{source}: {len(ids)} tokens must have the ids 0 to {len(ids) - 1}, each exactly once")
    special = sorted({*special, end, start} - {None}, key=lambda token: ids.get(token, -1))
    return Parts(tuple(vocabulary), tuple(merges), tuple(special), end, rules or Rules(), start)


def _content(token):
    """The name of a token that is written as a string or as {"content": name, ...}."""
    return token["content"] if isinstance(token, dict) else token


def _if_there(path):
    return json_object(path) if path.is_file() else {}


def _write(path, text):
    with written(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
