"""Every signature of every kind of task gives the same result in every way of running it.

These are Python (`Task.run`, and the task's own method), the reloaded file, and the SavedModel in a process without
tfllm and Keras; together, alone, in small batches, from a dataset; with no text, and with empty texts. One process
answers for all SavedModels.
"""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

import tfllm
from tests import bare, zoo
from tests.conftest import eagerly
from tests.zoo import BLANK, KINDS
from tfllm.export import export
from tfllm.export.operations import allowed, graph_of, reachable_operations

DRAWN = {"temperature": 1.5, "top_k": 12, "top_p": 0.95, "min_p": 0.01, "seed": 3}
ALL = [pytest.param(kind, marks=pytest.mark.slow) if KINDS[kind].slow else kind for kind in KINDS]


def calls(kind):
    """[(signature, scalars)]: all of them; `sample` by its default numbers, which are greedy, and by others."""
    for name, signature in zoo.signatures(kind).items():
        yield name, {}
        if name == "sample":
            most = {"max_length": 3 if kind.startswith("dialogue") else 24}
            yield name, DRAWN | (most if "max_length" in signature.scalars else {})


@pytest.fixture(scope="module")
def output():
    """{(kind, signature, number of scalars): result of `Task.run` for all texts, three at a time}, made on demand."""
    result = {}

    def ask(kind, name, scalars):
        key = kind, name, len(scalars)
        if key not in result:
            signature = zoo.signatures(kind)[name]
            result[key] = zoo.made(kind).run(signature, *zoo.columns(kind), batch_size=3, verbose=0, **scalars)
        return result[key]

    return ask


@pytest.fixture(scope="module")
def paths(tmp_path_factory, request):
    """{kind: path of its SavedModel} of all kinds that are tested now."""
    kinds = dict.fromkeys(item.callspec.params["kind"] for item in request.session.items
                          if item.path == request.path and hasattr(item, "callspec"))  # fmt: skip
    functions = {kind: {name: one.served for name, one in zoo.signatures(kind).items()} for kind in kinds}
    return {kind: export(zoo.made(kind), tmp_path_factory.mktemp("served"), functions[kind]) for kind in kinds}


@pytest.fixture(scope="module")
def served(paths):
    """{(kind, signature, number of scalars, index of the text or "all" or "none"): answer of the SavedModel}."""
    asked = {}
    for kind, path in paths.items():
        columns = zoo.columns(kind)
        parts = {"all": columns, "none": [[] for _ in columns]} | {i: [c[i : i + 1] for c in columns] for i in (0, 2)}
        for name, scalars in calls(kind):
            inputs = zoo.signatures(kind)[name].texts
            for part, texts in parts.items():
                if part in ("all", "none") or name == "serving_default":
                    given = dict(zip(inputs, texts, strict=True))
                    asked[kind, name, len(scalars), part] = path, name, given, scalars
    return dict(zip(asked, bare.answers(list(asked.values())), strict=True))


def assert_same(result, expected):
    assert result.keys() == expected.keys()
    for name, part in expected.items():
        assert result[name].dtype == part.dtype and result[name].shape == part.shape, name
        if part.dtype == object:
            assert result[name].tolist() == part.tolist(), name
        else:
            np.testing.assert_allclose(result[name], part, rtol=1e-3, atol=1e-5, err_msg=name)


def arrays(one, like):
    """The answer to one text, whose parts may be plain numbers and bytes, as arrays of the types of `like`."""
    return {name: np.asarray(value, like[name].dtype) for name, value in one.items()}


def row(result, i, like):
    """The answer to text i, with the widths of the arrays of `like`; the part beyond must be empty."""
    parts = {}
    for name, part in result.items():
        inside = tuple(slice(0, size) for size in np.shape(like[name]))
        parts[name] = np.asarray(part[i][inside] if inside else part[i], part.dtype)
        rest = part[i].astype(bool) if inside else np.zeros(1, bool)
        rest[inside] = False
        assert not rest.any(), name
    return parts


def own(task, texts, **options):
    """The result of the task's own method for texts, in the form of `answer`."""
    if isinstance(task, tfllm.TextClassifier):
        return {"score": [one["score"] for one in task.classify(*texts)]}
    if isinstance(task, tfllm.TextEmbedder):
        return {"embedding": task.embed(*texts)}
    result = task.generate(*texts, **options)
    return {"text": [(one["text"] if isinstance(one, dict) else one).encode() for one in result]}


@pytest.mark.parametrize("kind", ALL)
def test_in_python_and_reloaded(kind, output, tmp_path):
    task, columns, structure = zoo.made(kind), zoo.columns(kind), KINDS[kind].structure
    task.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert again.get_config() == task.get_config()
    for name, scalars in calls(kind):
        result, signature = output(kind, name, scalars), zoo.signatures(kind)[name]
        with eagerly():  # no graph
            assert_same(again.run(again.signatures(**structure)[name], *columns, verbose=0, **scalars), result)
        alone = task.run(signature, *(column[2] for column in columns), row=2 * signature.takes_row, **scalars)
        assert_same(arrays(alone, result), row(result, 2, alone))
        records = tf.data.Dataset.from_tensor_slices(dict(zip(task.asks, columns, strict=True)))
        for i, one in enumerate(task.run(signature, records, batch_size=4, **scalars)):
            assert_same(arrays(one, result), row(result, i, one))
        assert i == len(columns[0]) - 1
    result = output(kind, "serving_default", {})
    different = (
        result["text"].tolist() if "decoding" in structure else list(map(str, zip(*result.values(), strict=True)))
    )
    assert len(set(different[: -len(BLANK)])) > 2


@pytest.mark.parametrize("kind", ALL)
def test_by_the_method_of_the_task(kind, output, eager):
    decoding = KINDS[kind].structure.get("decoding")
    task, texts, result = zoo.made(kind), zoo.columns(kind), output(kind, "serving_default", {})
    options = vars(decoding) if decoding else {}
    for name, expected in own(task, texts, **options).items():
        if result[name].dtype == object:
            assert expected == result[name].tolist()
        else:
            np.testing.assert_allclose(expected, result[name], rtol=1e-3, atol=1e-5)
    if "regression" in kind:
        labels, scores = (result[name][: -len(BLANK)] for name in ("label", "score"))
        np.testing.assert_allclose(labels.astype(float), scores, rtol=1e-5)
    if decoding and "n_best" in zoo.signatures(kind):
        best = output(kind, "n_best", {})
        generated = task.generate(*texts, n_best=best["text"].shape[1], **options)
        assert [[text.encode() for text, _ in row] for row in generated] == best["text"].tolist()
        np.testing.assert_allclose(
            [[score for _, score in row] for row in generated], best["score"], rtol=1e-3, atol=1e-5
        )
        assert (best["score"][:, 1:] <= best["score"][:, :-1]).all()


@pytest.mark.parametrize("kind", ALL)
def test_served(kind, output, served):
    for name, scalars in calls(kind):
        result = served[kind, name, len(scalars), "all"]
        assert_same(result, output(kind, name, scalars))
        none = served[kind, name, len(scalars), "none"]
        assert {part: (value.shape[0], value.dtype) for part, value in none.items()} == {
            part: (0, value.dtype) for part, value in result.items()
        }
    together = served[kind, "serving_default", 0, "all"]
    for i in (0, 2):
        alone = {part: value[0] for part, value in served[kind, "serving_default", 0, i].items()}
        assert_same(arrays(alone, together), row(together, i, alone))
    for part, value in KINDS[kind].empty.items():
        value = value.encode() if isinstance(value, str) else value
        assert together[part].tolist()[-len(BLANK) :] == [value] * len(BLANK)
    if (kind, "sample", 0, "all") in served:
        assert_same(served[kind, "sample", 0, "all"], together)  # the numbers in the file are those of `answer`
        *_, (_, scalars) = calls(kind)
        assert served[kind, "sample", len(scalars), "all"]["text"].tolist() != together["text"].tolist()


@pytest.mark.parametrize("kind", ALL)
def test_what_is_in_the_file(kind, paths):
    """Operations of plain TensorFlow, and as many variables as weights at most, of their shapes."""
    with open(f"{paths[kind]}/saved_model.pb", "rb") as file:
        graph = SavedModel.FromString(file.read()).meta_graphs[0].graph_def
    parts = (graph, *graph.library.function)
    ops = {node.op for part in parts for node in getattr(part, "node", ()) or part.node_def}
    assert not {op for op in ops if not hasattr(tf.raw_ops, op)}
    assert sorted(reachable_operations(graph_of(paths[kind])) - allowed()) == []  # new: list in export/operations.txt
    shapes = [tuple(shape) for name, shape in tf.train.list_variables(f"{paths[kind]}/variables/variables")
              if "VALUE" in name]  # fmt: skip
    weights = [tuple(weight.shape) for weight in zoo.made(kind).weights]
    assert shapes and all(weights.count(shape) >= shapes.count(shape) for shape in shapes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["summarizer", "recurrent summarizer"])
def test_words_that_no_vocabulary_has_are_copied(kind, served):
    words = b" ".join(served[kind, "serving_default", 0, "all"]["text"]).split()
    assert {b"zebra", b"xylophone"} & set(words)


@pytest.mark.parametrize("kind", ["classifier"])
def test_a_served_classifier_names_its_labels(kind, served):
    result = served[kind, "serving_default", 0, "all"]
    assert result["labels"].tolist() == [[b"cat", b"dog", b"no"]] * len(result["label"])
