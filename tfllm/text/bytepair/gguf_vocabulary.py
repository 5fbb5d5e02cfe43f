"""The byte-level BPE vocabulary inside a GGUF file: its metadata `tokenizer.ggml.*` -> Parts."""

from dataclasses import replace

from tfllm.text.bytepair.byte_pair_files import Parts, letters
from tfllm.text.bytepair.splitting_rules import Rules

# names of llama.cpp for the ways that texts are split
RULES = {
    "gpt-2": Rules(), "smollm": Rules(digits=1), "refact": Rules(digits=1), "starcoder": Rules(digits=1),
    "llama-bpe": Rules("gpt4", 3, whole_words=True), "llama3": Rules("gpt4", 3, whole_words=True),
    "qwen2": Rules("gpt4", 1, "NFC"),
}  # fmt: skip
NORMAL, CONTROL, ADDED, UNUSED = 1, 3, 4, 5  # kinds of tokens
BEGUN = ("llama-bpe", "llama3")  # a text begins with the start token unless the file denies it


def parts(data) -> Parts:
    """Metadata of a GGUF file, a dict, -> Parts. Raises ValueError for another kind of tokenizer."""

    def value(name, default=None):
        return data.get(f"tokenizer.ggml.{name}", default)

    if value("model") != "gpt2":
        raise ValueError(f"BytePairs reads byte-level BPE, tokenizer.ggml.model 'gpt2'; got {value('model')!r:.60}")
    if value("pre") not in RULES:
        raise ValueError(f"tokenizer.ggml.pre must be one of {', '.join(RULES)}; got {value('pre')!r:.60}")
    tokens, kinds, merges = value("tokens"), value("token_type"), value("merges", [])
    if not isinstance(tokens, list) or not isinstance(merges, list):
        raise ValueError("tokenizer.ggml.tokens and merges must be lists")
    kinds = [NORMAL] * len(tokens) if kinds is None else list(kinds)
    strange = {*kinds} - {NORMAL, CONTROL, ADDED, UNUSED}
    if len(kinds) != len(tokens) or strange:
        raise ValueError(
            f"tokenizer.ggml.token_type must be 1, 3, 4 or 5 for each token; got {len(kinds)} {strange or ''}"
        )
    named = {}
    for name in ("bos", "eos"):
        token_id = value(f"{name}_token_id")
        if token_id is not None and not (type(token_id) is int and 0 <= token_id < len(tokens)):
            raise ValueError(f"tokenizer.ggml.{name}_token_id must be the id of a token; got {token_id!r:.60}")
        named[name] = None if token_id is None else tokens[token_id]
    start = named["bos"] if value("add_bos_token", value("pre") in BEGUN) else None
    special = [token for token, kind in zip(tokens, kinds, strict=True) if kind in (CONTROL, UNUSED)]
    special += [name for name in (named["eos"], start) if name is not None and name not in special]
    rules = RULES[value("pre")]
    added = tuple(token for token, kind in zip(tokens, kinds, strict=True) if kind == ADDED and token not in special)
    rules = replace(rules, added=added, drops_bytes=not {*letters()} <= {*tokens})
    return Parts(
        tuple(tokens), tuple(tuple(pair.split(" ")) for pair in merges), tuple(special), named["eos"], rules, start
    )
