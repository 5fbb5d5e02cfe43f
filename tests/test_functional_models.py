"""Every public layer and model as a part of a plain functional Keras model: it trains, and its file gives the same."""

import keras
import numpy as np
import pytest

from tfllm import layers, models

B, T, S, D = 2, 3, 4, 4  # batch, tokens, source tokens, width


def x(size=T):
    return keras.Input((None, D)), np.random.default_rng(size).normal(size=(B, size, D))


def ids(size=T):
    return keras.Input((None,), dtype="int32"), np.random.default_rng(size).integers(1, 9, (B, size))


def mask(*shape):
    """Integers, as masks travel with a batch."""
    return keras.Input(shape[1:], dtype="int32"), np.ones(shape, "int32")


SEQ2SEQ = {"input_vocab_size": 9, "target_vocab_size": 9, "pe_input": 8, "pe_target": 8}


def attended(decoder):
    """A decoder, whose first state and memory come of its own methods."""

    def call(x, memory, padding_mask):
        state = decoder.start([memory[:, 0]] * 2)
        return decoder(x, seen=decoder.seen(memory, padding_mask), state=state)[:2]

    return call, x(), x(S), mask(B, 1, S)


def cell(layer, *sizes):
    """A cell of a loop, which is handed its states of these sizes and what it attends to."""

    def call(x, memory, padding_mask, *states):
        return layer(x[:, 0], [*states, *layer.seen(memory, padding_mask)])[0]

    return call, x(), x(S), mask(B, 1, S), *((keras.Input((size,)), np.ones((B, size))) for size in sizes)


def pooled(encoder):
    def call(token_ids, padding_mask):
        return encoder.pool(encoder({"token_ids": token_ids, "padding_mask": padding_mask}), padding_mask)

    return call, ids(), mask(B, T)


def parts_of(model):
    """A causal model as it is, and by its own methods."""
    return lambda token_ids: [model(token_ids), model.logits(model.features(token_ids)[0])], ids()


# {name: (what makes the output of inputs, inputs: (symbolic tensor, its values) each)}
TABLE = {
    "AdditiveAttention": lambda: (layers.AdditiveAttention(3), x(), x(S)),
    "AttentionFlow": lambda: (layers.AttentionFlow(), x(), x(S), mask(B, T), mask(B, S)),
    "AttentionWeightedAverage": lambda: (layers.AttentionWeightedAverage(), x(), mask(B, T)),
    "BahdanauCell": lambda: cell(layers.BahdanauCell(3, "gru"), 3),
    "BahdanauDecoder": lambda: attended(layers.BahdanauDecoder(2, 3, D)),
    "BidirectionalEncoder": lambda: (layers.BidirectionalEncoder(2, 4), x()),
    "CausalConvolution": lambda: (layers.CausalConvolution(3, 2), x()),
    "ConvolutionStack": lambda: (layers.ConvolutionStack(2, 3), x()),
    "CopyAttention": lambda: (layers.CopyAttention(3, coverage=True), x(), x(S), mask(B, 1, S)),
    "Copying": lambda: (
        lambda logits, x, memory, weights, source_ids: layers.Copying(5)(
            logits, s=x, x=x, memory=memory, weights=weights, source_ids=source_ids
        ), x(), x(), x(S), (keras.Input((None, None)), np.full((B, T, S), 1 / S)), ids(S),
    ),
    "CoverageCell": lambda: (
        lambda x, covered, keys, mask: layers.CoverageCell(D)(x[:, 0], [covered, keys, mask])[0],
        x(), (keras.Input((None,)), np.zeros((B, S))), x(S), mask(B, 1, S),
    ),
    "DecoderBlock": lambda: (layers.DecoderBlock(D, 2, 8), x(), x(S)),
    "EncoderBlock": lambda: (layers.EncoderBlock(D, 2, 8, num_kv_heads=1, rotary=10.0), x()),
    "FeedForward": lambda: (layers.FeedForward(D, 8), x()),
    "GatedBlock": lambda: (layers.GatedBlock(D, 2, 8, attention={"num_kv_heads": 1}), x()),
    "GatedFeedForward": lambda: (layers.GatedFeedForward(D, 8), x()),
    "GatedConvolution": lambda: (layers.GatedConvolution(D, 2), x()),
    "Highway": lambda: (layers.Highway(), x()),
    "InputFeedingCell": lambda: cell(layers.InputFeedingCell(1, 3, D), D, 3, 3),
    "InputFeedingDecoder": lambda: attended(layers.InputFeedingDecoder(2, 3, D, "gru", rate=0.1)),
    "LearnedPositions": lambda: (layers.LearnedPositions(5, D), x()),
    "LowRank": lambda: (layers.LowRank(keras.layers.Dense(3), 2, 4.0), x()),
    "LuongDecoder": lambda: attended(layers.LuongDecoder(2, 3, D)),
    "MaskedTokenHead": lambda: (
        layers.MaskedTokenHead(5, D), x(), (keras.Input(batch_shape=(5, D)), np.ones((5, D))),
    ),
    "MultiHeadAttention": lambda: (layers.MultiHeadAttention(D, 2), x(), x(S), mask(B, 1, S)),
    "MultiplicativeAttention": lambda: (layers.MultiplicativeAttention(), x(), x(S)),
    "NextSentenceHead": lambda: (lambda x: layers.NextSentenceHead(D)(x[:, 0]), x()),
    "Pooling": lambda: (layers.Pooling("attention"), x(), mask(B, T)),
    "PretrainedEmbedding": lambda: (layers.PretrainedEmbedding(9, 3, 4, D), ids()),
    "Recurrent": lambda: (layers.Recurrent(3), x()),
    "RecurrentStack": lambda: (layers.RecurrentStack(2, 3, "gru"), x()),
    "Residual": lambda: (layers.Residual(), x(), x()),
    "SinusoidalPositions": lambda: (layers.SinusoidalPositions(5, D), x()),
    "BERT": lambda: pooled(models.BERT(9, 8, 1, D, 2, 8)),
    "BiDAF": lambda: (models.BiDAF(9, D, 4, 1), ids(), ids(S)),
    "BigLanguageModel": lambda: parts_of(models.BigLanguageModel(9, D, D, 1)),
    "GPT": lambda: parts_of(models.GPT(9, 8, 1, D, 2)),
    "Llama": lambda: parts_of(models.Llama(9, 8, 1, D, 2, 8, num_kv_heads=1)),
    "LSTMLanguageModel": lambda: parts_of(models.LSTMLanguageModel(9, D, D, tied=True)),
    "MeanOfVectors": lambda: pooled(models.MeanOfVectors(9, D, 3, 1)),
    "MemoryNetwork": lambda: (
        models.MemoryNetwork(9, 3, 1, D), (keras.Input((None, None), dtype="int32"), np.ones((B, 3, 2), int)), ids(),
    ),
    "PointerGenerator": lambda: (models.PointerGenerator(models.Transformer(1, D, 2, 8, **SEQ2SEQ)), ids(S), ids()),
    "Seq2SeqRNN": lambda: (models.Seq2SeqRNN(1, D, 4, **SEQ2SEQ), ids(S), ids()),
    "TextCNN": lambda: pooled(models.TextCNN(9, D, (2,), 3)),
    "TextRNN": lambda: pooled(models.TextRNN(9, D, 4, pooling="attention")),
    "TextgenRNN": lambda: parts_of(models.TextgenRNN(9, D, D, 1, 4)),
    "Transformer": lambda: (models.Transformer(1, D, 2, 8, **SEQ2SEQ), ids(S), ids()),
}  # fmt: skip
ABSTRACT = {"Encoder"}


def test_the_table_is_whole():
    public = {name for part in (layers, models) for name in part.__all__}
    result = {name for name in public if isinstance(kind := getattr(layers, name, getattr(models, name, None)), type)
             and issubclass(kind, keras.layers.Layer)}  # fmt: skip
    assert result == TABLE.keys() | ABSTRACT


@pytest.mark.parametrize("name", TABLE)
def test_in_a_functional_model(name, tmp_path, eager):
    """What is float goes through a layer before, so that each gradient goes through the part."""
    keras.utils.set_random_seed(0)
    call, *pairs = TABLE[name]()
    inputs, values = map(list, zip(*pairs, strict=True))
    before = [keras.layers.Dense(D)(one) if one.shape[1:] == (None, D) else one for one in inputs]
    model = keras.Model(inputs, keras.tree.flatten(call(*before)))
    model.compile(keras.optimizers.SGD(0.1), ["mse"] * len(model.outputs))
    targets, first = keras.tree.map_structure(lambda part: np.ones(part.shape), model(values)), model.get_weights()
    assert np.isfinite(model.train_on_batch(values, targets)).all()
    assert any(np.abs(new - old).max() > 0 for new, old in zip(model.get_weights(), first, strict=True))
    model.save(tmp_path / "it.keras")
    again = keras.saving.load_model(tmp_path / "it.keras")
    keras.tree.map_structure(np.testing.assert_array_equal, again(values), model(values))
    if all(one.shape[0] is None for one in inputs):
        nothing = keras.tree.flatten(again([part[:0] for part in values]))
        assert [one.shape for one in nothing] == [(0, *one.shape[1:]) for one in keras.tree.flatten(again(values))]


def test_inputs_come_as_keras_hands_them_over(eager):
    """By place, as a list or as a dict; and `fit` takes a model itself, not only what it is a part of."""
    model = models.Transformer(1, D, 2, 8, **SEQ2SEQ, rate=0.0)
    (_, inp), (_, tar) = ids(S), ids()
    expected = model(inp, tar)[0]
    for result in (model([inp, tar]), model((inp, tar)), model({"tar": tar, "inp": inp}), model(inp=inp, tar=tar)):
        np.testing.assert_array_equal(result[0], expected)
    with pytest.raises(ValueError, match=r"^Transformer takes inp, tar, training, .*; got 'target'$"):
        model({"inp": inp, "target": tar})
    encoder = models.TextCNN(9, D, (2,), 3)
    encoder.compile("sgd", "mse")
    history = encoder.fit({"token_ids": inp, "padding_mask": inp * 0 + 1}, np.ones((B, S, 3)), verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_a_file_names_no_method_that_is_not_for_graphs():
    with pytest.raises(ValueError, match="GPT has no method 'save' that a functional model may call"):
        models.GPT(9, 8, 1, D, 2)("nowhere.keras", method="save")
