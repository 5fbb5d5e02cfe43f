"""The characters of a text that belong to each token, for every tokenizer, with or without `encode_with_offsets`.

Tokenizers of bytes (Bytes, Subwords, BytePairs) are lossless, so the bytes of their tokens are consecutive in the text;
a character of several tokens belongs to each. For others the letters of a token are searched after the token before it.
Characters are code points of the original text, before it is lower-cased.
"""

import tensorflow as tf

from tfllm.text.bytepair.byte_pairs import BytePairs
from tfllm.text.bytes import Bytes
from tfllm.text.characters import Characters
from tfllm.text.chinese.segmentation import Segments
from tfllm.text.cleaning import lower
from tfllm.text.subwords import Subwords

WHOLE = (Bytes, Subwords, BytePairs)  # their tokens are bytes of the text, and cover all of it


def token_spans(tokenizer, text):
    """A text (str) -> [(start, end)] of its tokens, as `encode` splits it."""
    if hasattr(tokenizer, "encode_with_offsets"):
        _, starts, ends = tokenizer.encode_with_offsets([text])
        return list(zip(starts[0].numpy().tolist(), ends[0].numpy().tolist(), strict=True))
    letters, owners = spelled(text, getattr(tokenizer, "lowercase", False))
    if isinstance(tokenizer, Characters):
        return [(owner, owner + 1) for owner in owners]
    if isinstance(tokenizer, WHOLE):
        return byte_spans(map(len, tokenizer.pieces([text])[0].numpy().tolist()), letters, owners)
    words = tokenizer.cut([text]) if isinstance(tokenizer, Segments) else tokenizer.pieces([text])
    table = getattr(tokenizer, "characters", {})
    letters = [table.get(letter, letter) for letter in letters]
    return found_spans([word.decode("utf-8", "replace") for word in words[0].numpy()], letters, owners)


def spelled(text, lowercase):
    """-> (the letters that the tokenizer reads, for each the index of its character in the text)."""
    if not lowercase or not text:
        return list(text), list(range(len(text)))
    lowered = [letter.decode() for letter in lower(tf.constant(list(text))).numpy()]
    pairs = [(letter, i) for i, letters in enumerate(lowered) for letter in letters]
    return [letter for letter, _ in pairs], [i for _, i in pairs]


def byte_spans(sizes, letters, owners):
    """Byte lengths of consecutive tokens -> the characters of which each has a byte."""
    owner = [i for letter, i in zip(letters, owners, strict=True) for _ in letter.encode()]
    spans, begin = [], 0
    for size in sizes:
        spans.append((owner[begin], owner[begin + size - 1] + 1))
        begin += size
    return spans


def found_spans(words, letters, owners):
    """Words in the order of the text -> the position of each after the one before; an empty span if not found."""
    text, spans, begin = "".join(letters), [], 0
    for word in words:
        at = text.find(word, begin)
        if at < 0:
            at = owners[begin] if begin < len(owners) else len(owners)
            spans.append((at, at))
            continue
        begin = at + len(word)
        spans.append((owners[at], owners[begin - 1] + 1))
    return spans
