"""Hugging Face's tokenizer.json of a byte-level BPE tokenizer: what it asks for, as Rules, and back.

Not supported: other kinds of tokenizer (WordPiece, Unigram, SentencePiece's BPE with byte fallback), other patterns and
normalizers; the error names what is asked for.
"""

import json

from tfllm.files import json_object
from tfllm.text.bytepair.splitting_rules import Rules

PLAIN = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|NUMBERS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
NUMBERS = {1: r"\p{N}", 3: r"\p{N}{1,3}", None: r"\p{N}+"}
REGEXES = {GPT4.replace("NUMBERS", numbers): digits for digits, numbers in NUMBERS.items()}


def read(path):
    """-> (ids by token, merges, added tokens as in the file, Rules without `added`, name of a START or None)."""
    whole = json_object(path)
    model = whole.get("model", {})
    if "merges" not in model or model.get("type", "BPE") != "BPE":
        raise ValueError(
            f"{path}: BytePairs reads models of type BPE; this file has a model of type {model.get('type')!r}"
        )
    if strange := {name: model[name] for name in PLAIN if model.get(name)}:
        raise ValueError(f"{path}: BytePairs does not support these options of a BPE model: {strange}")
    merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]
    added = list(whole.get("added_tokens") or ())
    rules = Rules(
        *_pattern(path, whole.get("pre_tokenizer")), _normal_form(path, whole.get("normalizer")),
        bool(model.get("ignore_merges")), drops_bytes=model.get("unk_token") is None,
    )  # fmt: skip
    return model["vocab"], merges, added, rules, _start(whole.get("post_processor"))


def _normal_form(path, normalizer):
    parts = _parts(normalizer, "normalizers")
    if not parts:
        return None
    if [part.get("type") for part in parts] != ["NFC"]:
        raise ValueError(f"{path}: BytePairs normalises to NFC only; this file has the normalizer {_short(normalizer)}")
    return "NFC"


def _pattern(path, cut):
    """A pre-tokenizer -> (pattern, digits)."""
    parts = _parts(cut, "pretokenizers")
    last = parts[-1] if parts else {}
    if last.get("type") == "ByteLevel" and not last.get("add_prefix_space", True):
        before, regex = parts[:-1], last.get("use_regex", True)
        if regex and not before:
            return "gpt2", None
        if regex and [(part.get("type"), part.get("individual_digits")) for part in before] == [("Digits", True)]:
            return "gpt2", 1
        if not regex and len(before) == 1 and before[0].get("type") == "Split":
            split = before[0]
            pattern = (split.get("pattern") or {}).get("Regex")
            if split.get("behavior") == "Isolated" and not split.get("invert") and pattern in REGEXES:
                return "gpt4", REGEXES[pattern]
    raise ValueError(
        f"{path}: BytePairs splits text as GPT-2, SmolLM2, GPT-4, Llama 3 and Qwen do: the pre-tokenizer ByteLevel "
        "(add_prefix_space false), with use_regex true, alone or after Digits (individual_digits true), or after a "
        f"Split with the pattern of one of them; this file has {_short(cut)}"
    )


def _parts(whole, name):
    if whole is None:
        return []
    return whole.get(name, []) if whole.get("type") == "Sequence" else [whole]


def _start(post):
    """The special token that a post-processor puts before every text, or None."""
    for part in _parts(post, "processors"):
        if part.get("type") == "TemplateProcessing" and part.get("single"):
            first = part["single"][0].get("SpecialToken")
            return first["id"] if first else None
    return None


def _short(value):
    return json.dumps(value)[:200]


def text(parts):
    """The content of a tokenizer.json for these Parts; `read` gives them back."""
    rules, ids = parts.rules, {token: number for number, token in enumerate(parts.vocabulary)}
    named = {*parts.special, *rules.added}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": rules.pattern == "gpt2"}
    split = []
    if rules.pattern == "gpt4":
        pattern = {"Regex": GPT4.replace("NUMBERS", NUMBERS[rules.digits])}
        split = [{"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}]
    elif rules.digits == 1:
        split = [{"type": "Digits", "individual_digits": True}]
    options = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    result = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": ids[token], "content": token, **options, "special": token in parts.special}
            for token in sorted(named, key=ids.get)
        ],
        "normalizer": None if rules.normal_form is None else {"type": rules.normal_form},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*split, level]} if split else level,
        "post_processor": _template(parts.start, ids),
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": rules.whole_words,
            "vocab": ids,  # with special and added tokens, since a reader would append others
            "merges": [list(pair) for pair in parts.merges],
        },
    }  # fmt: skip
    return json.dumps(result, ensure_ascii=False)


def _template(start, ids):
    if start is None:
        return None
    first = {"SpecialToken": {"id": start, "type_id": 0}}
    pair = [first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}]
    special = {start: {"id": start, "ids": [ids[start]], "tokens": [start]}}
    return {"type": "TemplateProcessing", "single": pair[:2], "pair": pair, "special_tokens": special}
