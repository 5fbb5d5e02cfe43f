"""A text in the words of a model, for warm-up requests and example clients; no text of the training data."""

import tensorflow as tf

WORDS = 8
UNKNOWN = "a text to try"  # of a model without a tokenizer


def example_of(layer, mask=None):
    """The first whole words in the vocabulary of a layer's first tokenizer, as a str; UNKNOWN if it has none.

    mask: the string that marks what the model is to fill in, for models that do; it stands at the end.
    """
    tokenizers = [part for part in tf.train.TrackableView(layer).descendants() if hasattr(part, "tokens")]
    text = words_of(tokenizers[0]) if tokenizers else ""
    return " ".join(filter(None, [text or UNKNOWN, mask]))


def words_of(tokenizer):
    """WORDS tokens of letters, in the order of the vocabulary: longer ones, and those that begin a word, first."""
    silent = {None, *(getattr(tokenizer, name, None) for name in ("pad", "unknown", "start", "end", "mask"))}
    tokens = [token.decode("utf-8", "replace") for token in tokenizer.tokens]
    letters = [i for i, token in enumerate(tokens) if token.strip().isalpha() and i not in silent]
    spaced = [i for i in letters if tokens[i].startswith(" ")]
    for known in (spaced, letters):
        for size in (3, 2, 1):
            ids = [i for i in known if len(tokens[i].strip()) >= size][:WORDS]
            if len(ids) >= WORDS // 2 or ids and size == 1:
                return tokenizer.decode(tf.constant([ids], tf.int32)).numpy()[0].decode("utf-8", "replace").strip()
    return ""
