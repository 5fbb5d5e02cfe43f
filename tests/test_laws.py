"""Laws of every model that writes from left to right: only earlier tokens matter, padding and other rows do not, a
state gives the result of the whole text, a saved file gives the same model; and of every tokenizer: no text is lost.
"""

from collections import namedtuple
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import (
    laws,
    test_big_language_model,
    test_gpt,
    test_llama,
    test_lstm_language_model,
    test_pointer_generator,
    test_seq2seq_rnn,
    test_textgenrnn,
    test_transformer,
)
from tests.text import test_byte_pairs, test_subwords
from tfllm.text import BytePairs, Bytes, Subwords

# Causal models

Causal = namedtuple("Causal", "build token_ids other length")  # an id that stands nowhere; length of a state
CAUSAL = {}
for of, ids, other, length in (
    (test_gpt, test_gpt.TEXTS, 13, 7), (test_llama, test_llama.TEXTS, 13, 7),
    (test_lstm_language_model, test_lstm_language_model.IDS, 9, 1),
    (test_big_language_model, test_big_language_model.IDS, 9, 7), (test_textgenrnn, test_textgenrnn.IDS, 9, 1),
):  # fmt: skip
    for name, options in getattr(of, "VARIANTS", {"": {}}).items():
        CAUSAL[f"{of.__name__.split('.test_')[-1]} {name}"] = Causal(
            lambda of=of, options=options: of.build(**options), ids, other, length
        )


@pytest.fixture(scope="module", params=CAUSAL.values(), ids=CAUSAL)
def causal(request):
    return request.param.build(), request.param


def test_a_future_token_changes_nothing_before_it(causal):
    model, of = causal
    laws.assert_future_changes_nothing(model, of.token_ids, of.other)


def test_padding_and_neighbours_change_nothing(causal):
    model, of = causal
    laws.assert_padding_changes_nothing(model, of.token_ids)


@pytest.mark.parametrize("pieces", [(5,), (1,) * 5, (3, 2), (2, 3), (2, 1, 2), (3, 1, 1)], ids=str)
def test_chunks_join_to_the_whole(causal, pieces):
    model, of = causal
    laws.assert_pieces_are_the_whole(model, of.token_ids, pieces, of.length)


def test_steps_in_a_graph_are_the_whole(causal):
    model, of = causal
    laws.assert_steps_in_a_graph_are_the_whole(model, of.token_ids)


def test_saved_and_loaded_it_is_the_same(causal, tmp_path):
    model, of = causal
    laws.assert_saved_is_the_same(model, of.token_ids, tmp_path)


# Encoder-decoders: read(model, inp, tar) -> logits, or the probabilities of one that copies

INP, TAR = test_transformer.INP, test_transformer.TAR


def logits(model, inp, tar):
    return model(inp, tar)[0].numpy()


def own_ids(inp):
    """Token 1 is unknown: each unknown token has an id of its own after the vocabulary, by position."""
    return np.where(inp == 1, test_pointer_generator.V + np.arange(inp.shape[1]), inp)


def chances(model, inp, tar):
    return np.exp(model(inp, tar, own_ids(inp))[0])


Seq2Seq = namedtuple("Seq2Seq", "build read whole")  # whole: what is said behind a padded target counts too
SEQ2SEQ = {"transformer": Seq2Seq(test_transformer.build, logits, False)}
for name, (shared, pre_norm) in test_transformer.VARIANTS.items():
    SEQ2SEQ[f"transformer {name}"] = Seq2Seq(
        lambda shared=shared, pre_norm=pre_norm: test_transformer.build(shared=shared, pre_norm=pre_norm), logits, False
    )
for name, options in test_seq2seq_rnn.VARIANTS.items():
    SEQ2SEQ[f"rnn {name}"] = Seq2Seq(lambda options=options: test_seq2seq_rnn.build(**options), logits, True)
for name, coverage in test_pointer_generator.VARIANTS:
    SEQ2SEQ[f"pointer {name}"] = Seq2Seq(
        lambda name=name, coverage=coverage: test_pointer_generator.build(name, coverage), chances, True
    )


@pytest.fixture(scope="module", params=SEQ2SEQ.values(), ids=SEQ2SEQ)
def seq2seq(request):
    of = request.param
    return of.build(), of, np.where(INP == 6, 1, INP) if of.read is chances else INP


def test_a_later_target_token_changes_nothing_before_it(seq2seq):
    """Row t has another token at position t; all rows are one batch."""
    model, of, inp = seq2seq
    length = TAR.shape[1]
    tars = np.repeat(TAR[:1], length + 1, axis=0)
    tars[range(length), range(length)] = 13
    result = of.read(model, np.repeat(inp[:1], length + 1, axis=0), tars)
    for t in range(length):
        np.testing.assert_allclose(result[t, :t], result[length, :t], atol=1e-6)
        assert np.abs(result[t, t] - result[length, t]).max() > 1e-3


def test_padding_and_neighbours_change_nothing_of_a_pair(seq2seq):
    model, of, inp = seq2seq
    before = of.read(model, inp, TAR)
    longer = of.read(model, np.pad(inp, [[0, 0], [0, 4]]), np.pad(TAR, [[0, 0], [0, 3]]))
    counts = np.ones_like(TAR, bool) if of.whole else TAR != 0
    size = before.shape[-1]
    np.testing.assert_allclose(longer[:, : TAR.shape[1], :size][counts], before[counts], atol=1e-5)
    for b, (one, tar) in enumerate(zip(inp, TAR, strict=True)):
        alone = of.read(model, one[one != 0][None], tar[tar != 0][None])[0]
        np.testing.assert_allclose(alone, before[b, : len(alone), : alone.shape[-1]], atol=1e-5)


@pytest.mark.parametrize("grows", [False, True], ids=["long cache", "growing cache"])
@pytest.mark.parametrize("width", [1, 3])
def test_step_by_step_is_all_at_once(seq2seq, width, grows):
    """`start` repeats each source `width` times; the memory stays one. A cache may be longer than the answer."""
    model, of, inp = seq2seq
    tar, grow = np.where(TAR == 0, 9, TAR), getattr(model, "grow", None)
    expected = np.repeat(of.read(model, inp, tar), width, axis=0)
    own = {"source_ids": own_ids(inp)} if of.read is chances else {}
    fixed, state = model.start(inp, width, 1 if grows and grow else tar.shape[1] + 2, **own)
    assert {part.shape[0] for part in keras.tree.flatten(fixed)} == {len(inp)}
    assert {part.shape[0] for part in keras.tree.flatten(state)} == {len(inp) * width}
    for t in range(tar.shape[1]):
        result, state = model.step(np.repeat(tar[:, t : t + 1], width, axis=0), fixed, state, t)
        result = np.exp(result) if of.read is chances else result
        np.testing.assert_allclose(result, expected[:, t], atol=1e-5)
        state = grow(state, t + 2 + t % 2) if grows and grow else state


# Tokenizers that lose nothing


@cache
def there_and_back(name):
    tokenizer = LOSSLESS[name]()
    back = tf.function(lambda texts: tokenizer.decode(tokenizer.encode(texts)))
    return back.get_concrete_function(tf.TensorSpec([None], tf.string))


LOSSLESS = {
    "bytes": Bytes,
    "subwords": lambda: Subwords.learn(test_subwords.ENGLISH + test_subwords.CHINESE, vocab_size=330),
    "byte pairs": lambda: BytePairs(test_byte_pairs.VOCABULARY, test_byte_pairs.PAIRS),
    "byte pairs without a vocabulary": BytePairs,
}


@pytest.mark.parametrize("name", LOSSLESS)
@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.one_of(st.text(), st.binary(max_size=20)), max_size=4))
def test_any_bytes_come_back(name, texts):
    raw = [text.encode() if isinstance(text, str) else text for text in texts]
    assert there_and_back(name)(tf.constant(raw, tf.string, [len(raw)])).numpy().tolist() == raw
