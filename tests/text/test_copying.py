"""Ids of unknown words by their places in the source: against plain Python, and back to text."""

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm.text import Characters, Subwords, Words, source_words

KNOWN = ["the", "cat", "saw"]
WORDS = st.lists(st.sampled_from([*KNOWN, "foo", "bar", "zig", "中", "1 0"[0]]), max_size=6).map(" ".join)
tokenizer = Words(KNOWN, lowercase=True)


def by_hand(text, source):
    """Known words by the vocabulary, unknown ones by their first place in the source."""
    source, result = source.lower().split(), []
    for word in text.lower().split():
        if word in KNOWN:
            result.append(4 + KNOWN.index(word))
        else:
            result.append(7 + source.index(word) if word in source else 1)
    return result


def ids_of(sources, targets=None):
    ids, words = tokenizer.encode(sources), source_words.spelt(tokenizer, sources)
    if targets is None:
        return source_words.extended(tokenizer, ids, words)
    own = tokenizer.encode(targets), source_words.spelt(tokenizer, targets)
    return source_words.extended(tokenizer, *own, ids, words)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4))
def test_ids_are_those_of_plain_python(pairs):
    sources, targets = map(list, zip(*pairs, strict=True))
    assert ids_of(sources).to_list() == [by_hand(source, source) for source in sources]
    result = ids_of(sources, targets)
    assert result.to_list() == [by_hand(target, source) for source, target in pairs]
    words = source_words.spelt(tokenizer, sources).to_tensor("")
    output = [text.decode() for text in source_words.decode(tokenizer, result.to_tensor(), words).numpy()]
    for (source, target), text in zip(pairs, output, strict=True):
        known = {*KNOWN, *source.split()}
        assert text == " ".join(word if word in known else "\ufffd" for word in target.split())


def test_it_is_a_graph_of_any_number_of_texts():
    graph = tf.function(ids_of, input_signature=[tf.TensorSpec([None], tf.string)])
    sources = ["the Foo saw bar foo", "", "zig saw the zag zag"]
    assert graph(sources).to_list() == [[4, 8, 6, 10, 8], [], [7, 6, 4, 10, 10]]
    assert graph(tf.constant([], tf.string)).to_list() == []


@pytest.mark.parametrize("kind", [Characters(list("ab ")), Subwords(["ab"])], ids=["characters", "subwords"])
def test_other_tokenizers(kind):
    """Characters that are unknown can be copied; subwords know everything."""
    text = ["ab 中b中"]
    ids, words = kind.encode(text), source_words.spelt(kind, text)
    own = source_words.extended(kind, ids, words)
    if isinstance(kind, Subwords):
        assert own.to_list() == ids.to_list()
    else:
        assert own.to_list() == [[4, 5, 6, 7 + 3, 5, 7 + 3]]
    assert source_words.decode(kind, own.to_tensor(), words.to_tensor("")).numpy()[0].decode() == text[0]


def test_a_place_without_a_word_is_unknown():
    output = source_words.decode(tokenizer, tf.constant([[2, 7, 15, 3, 0]]), tf.constant([["foo", "bar"]]))
    assert output.numpy()[0].decode() == "foo \ufffd"
    output = source_words.decode(tokenizer, tf.constant([[9]]), tf.zeros([1, 0], tf.string))
    assert output.numpy()[0].decode() == "\ufffd"
