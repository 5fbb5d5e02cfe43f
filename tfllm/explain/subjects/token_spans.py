"""Which characters of a text its tokens stand for, with every tokenizer: those that tell it, and all others.

Tokenizers of bytes (Bytes, Subwords, BytePairs) lose nothing, so that the bytes of their tokens follow one another in
the text; a character of several tokens belongs to each. Of others the letters of a token are looked for behind the
token before it. Characters are code points of the text as it is written, before it is lower-cased.
"""

import tensorflow as tf

from tfllm.text.bytepair.byte_pairs import BytePairs
from tfllm.text.bytes import Bytes
from tfllm.text.characters import Characters
from tfllm.text.chinese.segmentation import Segments
from tfllm.text.cleaning import lower
from tfllm.text.subwords import Subwords

WHOLE = (Bytes, Subwords, BytePairs)  # tokens are bytes of the text, and all of it


def token_spans(tokenizer, text):
    """A text (str) -> [(start, end)] of its tokens, as `encode` cuts it."""
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
    """-> (the letters that the tokenizer reads, for each the character of the text that it comes from)."""
    if not lowercase or not text:
        return list(text), list(range(len(text)))
    lowered = [letter.decode() for letter in lower(tf.constant(list(text))).numpy()]
    pairs = [(letter, i) for i, letters in enumerate(lowered) for letter in letters]
    return [letter for letter, _ in pairs], [i for _, i in pairs]


def byte_spans(sizes, letters, owners):
    """Numbers of bytes of tokens that follow one another -> the characters that each has a byte of."""
    owner = [i for letter, i in zip(letters, owners, strict=True) for _ in letter.encode()]
    spans, begin = [], 0
    for size in sizes:
        spans.append((owner[begin], owner[begin + size - 1] + 1))
        begin += size
    return spans


def found_spans(words, letters, owners):
    """Words in the order of the text -> where each is found behind the one before; an empty span where it is not."""
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
