"""PretrainedEmbedding: what moves and what does not, and that it is an embedding wherever a model has one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tests.models import laws
from tfllm import training
from tfllm.layers import PretrainedEmbedding, lora, names, replace_embedding
from tfllm.models import GPT, BigLanguageModel, LSTMLanguageModel, Seq2SeqRNN, TextgenRNN, Transformer

V, E, D = 11, 5, 8
TABLE = parts.normal(0, V, E)
TABLE[0] = 0.0
FREE = np.isin(np.arange(V), [1, 4, 5, 9])
IDS = np.array([[2, 5, 10, 4, 0], [9, 1, 1, 3, 8]], "int32")


def made(free=FREE, width=D, **options):
    return PretrainedEmbedding.of(TABLE, free, width, **options)


def placed(model, layer=None, old="embed"):
    replace_embedding(model, getattr(model, old), made() if layer is None else layer)
    return model


MODELS = {
    "gpt": lambda: GPT(V, 7, 1, D, 2, rate=0.0),
    "gpt untied": lambda: GPT(V, None, 1, D, 2, rate=0.0, positions="rotary", tied=False),
    "lstm": lambda: LSTMLanguageModel(V, D, 6, tied=True),
    "big": lambda: BigLanguageModel(V, D, 6, 1, rate=0.0),
    "textgenrnn": lambda: TextgenRNN(V, D, 4, 1, window=3),
}
TRANSLATORS = {
    f"{kind.__name__} {shared}": (kind, shared) for kind in (Transformer, Seq2SeqRNN) for shared in ("nothing", "all")
}


def translator(kind, shared):
    sizes = (1, D, 2, 6, V, V, 7, 7) if kind is Transformer else (1, D, 6, V, V)
    return kind(*sizes, rate=0.0, shared=shared)


@pytest.mark.parametrize("width", [E, D], ids=["as wide", "projected"])
@pytest.mark.parametrize("free", [FREE, ~FREE, FREE | True, FREE & False], ids=["some", "others", "all", "none"])
def test_it_looks_up_the_rows_of_the_table(free, width):
    layer = made(free, width)
    table = TABLE if width == E else TABLE.astype("float64") @ layer.project.kernel.numpy()
    np.testing.assert_allclose(layer(IDS), table[IDS], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.embeddings, table, rtol=1e-5, atol=1e-6)
    if width == E:
        np.testing.assert_array_equal(layer(IDS), TABLE[IDS])
        np.testing.assert_array_equal(layer.embeddings, TABLE)
    assert layer.compute_output_shape((2, None)) == (2, None, width)
    assert sum(int(np.prod(w.shape)) for w in layer.trainable_weights) == free.sum() * E + (E * D if width == D else 0)


def test_the_gradient_reaches_the_free_rows_alone():
    """By loops: each free row has the sum of the gradients of its places, the projection that of all."""
    layer, pull = made(), parts.normal(1, *IDS.shape, D)
    with tf.GradientTape() as tape:
        outputs = tf.reduce_sum(layer(IDS) * pull)
    rows, kernel = np.zeros((V, E)), np.zeros((E, D))
    for at in np.ndindex(IDS.shape):
        rows[IDS[at]] += layer.project.kernel.numpy() @ pull[at]
        kernel += np.outer(TABLE[IDS[at]], pull[at])
    free, project = tape.gradient(outputs, [layer.free.value, layer.project.kernel.value])
    np.testing.assert_allclose(tf.convert_to_tensor(free), rows[FREE], atol=1e-5)
    np.testing.assert_allclose(project, kernel, atol=1e-5)


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "ema": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1, use_ema=True, ema_momentum=0.9),
}


@pytest.mark.parametrize(
    "optimizer, jit_compile",
    [(optimizer, False) for optimizer in OPTIMIZERS.values()] + [(OPTIMIZERS["adamw"], True)],
    ids=[*OPTIMIZERS, "XLA"],
)
def test_fixed_rows_stay_to_the_last_bit(optimizer, jit_compile):
    """A tied softmax pulls at every row in each of 50 steps."""
    model = placed(GPT(V, 7, 1, E * 2, 2, rate=0.0), made(width=E * 2))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(), loss, jit_compile=jit_compile)
    history = model.fit(IDS[:, :-1], IDS[:, 1:], epochs=50, batch_size=2, verbose=0).history["loss"]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    assert history[-1] < 0.5 * history[0]
    layer = model.embed
    np.testing.assert_array_equal(layer.fixed, TABLE[~FREE])
    assert (np.abs(layer.free - TABLE[FREE]).max(axis=1) > 0.01).all()
    np.testing.assert_array_equal(layer.embeddings[0], np.zeros(E * 2))
    np.testing.assert_array_equal(layer(np.zeros((1, 1), "int32"))[0, 0], np.zeros(E * 2))


@pytest.mark.parametrize("name", MODELS)
def test_every_language_model_takes_it(name, tmp_path):
    model = placed(MODELS[name]())
    numbers = np.float64(model.embed.embeddings)
    x, _ = model.features(IDS)
    if getattr(model, "tied", False):
        x = model.narrow(x) if getattr(model, "narrows", False) else x
        bias = getattr(model, "bias", np.zeros(V))
        np.testing.assert_allclose(model(IDS), np.float64(x) @ numbers.T + bias, atol=1e-5)
    before = model(IDS).numpy()
    model.embed.fixed.assign(model.embed.fixed + 1.0)
    assert np.abs(model(IDS) - before).max() > 1e-3  # it is in use
    state = model.start(*IDS.shape)
    whole = model(IDS)
    for t in range(IDS.shape[1]):
        logits, state = model.step(IDS[:, t : t + 1], state, t)
        np.testing.assert_allclose(logits, whole[:, t], atol=1e-5)
    assert "embed/free" in names.weights(model) and "embed/embeddings" not in names.weights(model)
    laws.assert_saved_is_the_same(model, IDS, tmp_path)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_every_translation_model_takes_it(name, tmp_path):
    kind, shared = TRANSLATORS[name]
    layer = made()
    model = placed(translator(kind, shared), layer, "embed_input")
    assert model.embed_input is layer and (model.embed_target is layer) == (shared == "all")
    logits = model(IDS, IDS)[0]
    layer.free.assign(layer.free * 2)
    assert np.abs(model(IDS, IDS)[0] - logits).max() > 1e-3
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.embed_input) is PretrainedEmbedding and again.get_config() == model.get_config()
    assert (again.embed_target is again.embed_input) == (shared == "all")
    np.testing.assert_array_equal(again(IDS, IDS)[0], model(IDS, IDS)[0])


def test_both_sides_and_the_softmax_of_the_target():
    source, target = made(), made(~FREE)
    model = placed(placed(Transformer(1, D, 2, 6, V, V, 7, 7, shared="output"), source, "embed_input"), target,
                   "embed_target")  # fmt: skip
    x = parts.normal(2, 1, 3, D)
    np.testing.assert_allclose(model.logits(x), x @ np.float64(target.embeddings).T, atol=1e-5)
    assert {name for name in names.weights(model) if name.endswith("free")} == {"embed_input/free", "embed_target/free"}


def test_steps_in_a_graph_and_by_xla():
    laws.assert_steps_in_a_graph_are_the_whole(placed(MODELS["gpt"]()), IDS)


def test_a_saved_model_says_the_same(tmp_path):
    model = placed(MODELS["gpt"]())
    model.export(tmp_path / "it", verbose=False, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    served = tf.saved_model.load(tmp_path / "it")
    np.testing.assert_allclose(served.serve(IDS), model(IDS), atol=1e-6)


def test_after_loading_training_goes_on_where_it_was(tmp_path):
    model = placed(MODELS["gpt"]())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(0.01), loss, jit_compile=False)
    model.fit(IDS[:, :-1], IDS[:, 1:], verbose=0)
    model.save(tmp_path / "it.keras")
    again = keras.saving.load_model(tmp_path / "it.keras")
    for one in (model, again):
        one.fit(IDS[:, :-1], IDS[:, 1:], epochs=3, verbose=0)
    np.testing.assert_allclose(again.embed.free, model.embed.free, atol=1e-6)
    np.testing.assert_array_equal(again.embed.fixed, TABLE[~FREE])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    """As keras.layers.Embedding: weights in float32, results in the dtype of the computation."""
    layer, plain = made(width=E, dtype=policy), keras.layers.Embedding(V, E, dtype=policy)
    plain.build()
    plain.embeddings.assign(TABLE)
    assert layer(IDS).dtype == plain(IDS).dtype and layer.free.dtype == layer.fixed.dtype == "float32"
    np.testing.assert_array_equal(tf.cast(layer(IDS), "float32"), tf.cast(plain(IDS), "float32"))
    model = placed(GPT(V, 7, 1, D, 2, rate=0.0, dtype=policy), made(dtype=policy))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    model.fit(IDS[:, :-1], IDS[:, 1:], epochs=2, verbose=0)
    assert model(IDS).dtype == policy.removeprefix("mixed_")
    np.testing.assert_array_equal(model.embed.fixed, TABLE[~FREE])


def test_names_freeze_it_and_lora_takes_its_projection(tmp_path):
    model = placed(MODELS["gpt"]())
    training.freeze(model, "embed")
    assert not [w for w in model.trainable_variables if "embed/" in w.path]
    training.unfreeze(model, "*")
    assert [w.path.split("/")[-1] for w in model.embed.trainable_variables] == ["free", "kernel"]
    before = model(IDS).numpy()
    assert list(lora.attach(model, 2, 4.0, ["project"])) == ["embed/project"]
    np.testing.assert_array_equal(model(IDS), before)
    training.freeze(model, "free")
    model.embed.project.b.assign(parts.normal(3, 2, D))
    np.testing.assert_allclose(model.embed(IDS), np.float64(model.embed.embeddings)[IDS], atol=1e-6)
    laws.assert_saved_is_the_same(model, IDS, tmp_path)
    assert names.weights(keras.saving.load_model(tmp_path / "model.keras"))["embed/free"].trainable is False


def test_a_layer_of_the_same_sizes_takes_its_weights():
    layer, again = made(), PretrainedEmbedding.from_config(made().get_config())
    np.testing.assert_array_equal(again(np.arange(V - FREE.sum())), np.zeros((V - FREE.sum(), D)))  # fixed, first, 0
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(IDS), layer(IDS))


def test_refused():
    with pytest.raises(ValueError, match="at most as many free rows"):
        PretrainedEmbedding(3, 2, 4)
    with pytest.raises(ValueError, match=r"bool \[V\]; got \(11, 5\) and int64 \(11,\)"):
        PretrainedEmbedding.of(TABLE, FREE.astype("int64"))
    with pytest.raises(AttributeError, match="before it is built"):
        _ = PretrainedEmbedding(3, 2, 1).embeddings
    model = MODELS["gpt"]()
    with pytest.raises(ValueError, match="needs an embedding of 11 tokens and width 8; got 11 tokens and width 5"):
        placed(model, made(width=E))
    with pytest.raises(ValueError, match="by a PretrainedEmbedding"):
        placed(model, keras.layers.Embedding(V, D))
    with pytest.raises(ValueError, match="not a replaceable layer"):
        replace_embedding(model, MODELS["gpt"]().embed, made())
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="replace it before `compile`"):
        placed(model)
