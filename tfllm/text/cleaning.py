"""Small repairs of text, string [B] -> string [B], in core TensorFlow ops. Done only where a caller asks for them."""

import tensorflow as tf


def lower(texts):
    """Lower case by Unicode rules. Bytes that are not UTF-8 become U+FFFD; NUL, where TensorFlow stops, U+0001."""
    return tf.strings.lower(tf.strings.regex_replace(texts, r"\x00", "\x01"), encoding="utf-8")


def replace_invalid(texts):
    """Each run of bytes that is not UTF-8 becomes U+FFFD; valid text, NUL included, stays as it is."""
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")


def blank(texts):
    """Which texts have nothing but white space: bool [B]."""
    return tf.strings.regex_full_match(texts, r"[\s\p{Z}]*")
