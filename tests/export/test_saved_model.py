"""The folder that export writes: numbered, whole or not there, and readable by TensorFlow's own command line."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from absl.testing import flagsaver
from tensorflow.python.tools import saved_model_cli

from tfllm.export import export


@pytest.fixture
def layer():
    layer = keras.layers.Dense(1)
    layer.build((None, 2))
    return layer


def shout(texts):
    return {"text": tf.strings.upper(texts), "score": tf.zeros_like(texts, tf.float32)}


def test_numbers_go_on_after_the_highest(layer, tmp_path, caplog):
    """And TensorFlow's note about the folder of its assets, which no longer exists, is hidden."""
    (tmp_path / "7").mkdir()
    with caplog.at_level("INFO", "tensorflow"):
        assert export(layer, tmp_path, {"serving_default": shout}) == str(tmp_path / "8")
    assert "Assets written" not in caplog.text


def test_the_weights_are_inside(layer, tmp_path):
    def weigh(texts):
        numbers = tf.strings.to_number(tf.stack([texts, texts], axis=1))
        return {"score": layer(numbers)[:, 0]}

    served = tf.saved_model.load(export(layer, tmp_path, {"serving_default": weigh}))
    expected = weigh(tf.constant(["1", "-2.5"]))["score"]
    result = served.signatures["serving_default"](tf.constant(["1", "-2.5"]))["score"]
    assert result.numpy().tolist() == expected.numpy().tolist()


def test_weights_alone_are_written(tmp_path):
    """No optimizer slots, no metrics, no variables that no signature reads; two of one name are both written."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")])
    spare = keras.layers.Dense(5, name="spare")
    spare.build((None, 3))
    model.spare = spare
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    twin = tf.Variable([2.0], name=model.weights[-1].path)
    model.twin = twin

    def weigh(texts):
        numbers = tf.strings.to_number(tf.stack([texts, texts], axis=1))
        return {"score": model(numbers)[:, 0] * twin}

    path = export(model, tmp_path, {"serving_default": weigh, "again": weigh})
    result = [shape for name, shape in tf.train.list_variables(f"{path}/variables/variables") if "VALUE" in name]
    assert sorted(result) == sorted([[2, 3], [3], [3, 1], [1], [1]])
    served = tf.saved_model.load(path)
    expected = weigh(tf.constant(["1", "-2.5"]))["score"].numpy().tolist()
    assert served.signatures["again"](tf.constant(["1", "-2.5"]))["score"].numpy().tolist() == expected


def test_tables_and_assets_are_inside(tmp_path):
    """A vocabulary in a file, and a mutable table: both answer after the file is deleted."""
    words = tmp_path / "words.txt"
    words.write_text("one\ntwo\n")
    kinds = tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    inner, layer = keras.layers.Layer(), keras.layers.Layer()
    inner.table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(str(words), *kinds), -1)
    layer.inner, layer.more = inner, tf.lookup.experimental.DenseHashTable(tf.string, tf.int64, -1, "", "\n")
    layer.more.insert(["x"], [7])

    def look(texts):
        return {"ids": inner.table.lookup(texts), "more": layer.more.lookup(texts)}

    path = export(layer, tmp_path / "serving", {"serving_default": look})
    words.unlink()
    result = tf.saved_model.load(path).signatures["serving_default"](tf.constant(["two", "x", "one"]))
    assert result["ids"].numpy().tolist() == [1, -1, 0] and result["more"].numpy().tolist() == [-1, 7, -1]


def test_a_failure_leaves_nothing(layer, tmp_path):
    def broken(texts):
        raise RuntimeError("not this time")

    with pytest.raises(RuntimeError, match="not this time"):
        export(layer, tmp_path / "serving", {"serving_default": broken})
    assert not list(tmp_path.rglob("*.pb"))
    assert not (tmp_path / "serving" / "1").exists()


def test_an_error_of_a_full_disk_names_the_folder(layer, tmp_path, monkeypatch):
    def full(module, path, **options):
        raise tf.errors.OutOfRangeError(None, None, f"{{{{node}}}} {path}/variables; File too large [Op:SaveV2]")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(OSError, match=rf"^{tmp_path / '1'}: File too large$"):
        export(layer, tmp_path, {"serving_default": shout})
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way(layer, tmp_path):
    (tmp_path / "serving").write_text("")
    with pytest.raises(FileExistsError, match="is a file; export needs a folder"):
        export(layer, tmp_path / "serving", {"serving_default": shout})


def test_tensorflow_shows_and_runs_it(layer, tmp_path, capsys):
    """Its command line, by the functions of its verbs."""
    where = {"dir": export(layer, tmp_path, {"serving_default": shout}), "tag_set": "serve"}
    where |= {"signature_def": "serving_default", "input_exprs": 'texts=[b"quick", b"fox"]'}
    flags.FLAGS.mark_as_parsed()
    with flagsaver.flagsaver(**where):
        saved_model_cli.show()
        shown = capsys.readouterr().out
        assert "inputs['texts'] tensor_info" in shown and "outputs['text'] tensor_info" in shown
        saved_model_cli.run()
        output = capsys.readouterr().out
        assert "QUICK" in output and "FOX" in output
