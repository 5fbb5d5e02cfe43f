"""What setup.cfg asks for: on each Python that it names, for each import of tfllm, and where an extra is missing."""

import ast
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = ConfigParser()
PROJECT.read(ROOT / "setup.cfg", encoding="utf-8")
PYTHONS = [line.split(" :: ")[-1] for line in PROJECT["metadata"]["classifiers"].splitlines() if "Python :: 3." in line]


def requirements(lines):
    return [Requirement(line) for line in lines.split("\n") if line.strip() and not line.startswith("#")]


NEEDED = requirements(PROJECT["options"]["install_requires"])
EXTRAS = {
    name: {canonicalize_name(one.name) for one in requirements(lines)}
    for name, lines in PROJECT["options.extras_require"].items()
    if name not in ("all", "test", "docs", "dev")
}


@pytest.mark.parametrize("python", PYTHONS)
def test_no_keras_that_loads_unsafe_files(python):
    """3.15.1, or 3.12.4 of the line that Python 3.10 has."""
    (keras,) = [
        one
        for one in NEEDED
        if one.name == "keras" and (not one.marker or one.marker.evaluate({"python_version": python}))
    ]
    unsafe, safe = (["3.12.3", "3.12.0"], ["3.12.4"]) if python == "3.10" else (["3.12.4", "3.15.0"], ["3.15.1"])
    assert not any(version in keras.specifier for version in unsafe) and safe[0] in keras.specifier


# Required, but not imported by tfllm itself: see setup.cfg; and packages of which only files are read.
NOT_IMPORTED = {"keras-nlp", "importlib-resources", "tensorboard", "jieba", "opencc-python-reimplemented"}
DISTRIBUTIONS = {"yaml": "pyyaml", "sklearn": "scikit-learn", "umap": "umap-learn"}  # where these differ from imports


def imported(source):
    """The packages that a file imports, but for Python's own and tfllm."""
    result = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            result |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            result.add(node.module.split(".")[0])
    return result - set(sys.stdlib_module_names) - {"tfllm"}


def test_every_library_that_is_imported_is_asked_for():
    names = {name for path in (ROOT / "tfllm").rglob("*.py") for name in imported(path.read_text("utf-8"))}
    used = {canonicalize_name(DISTRIBUTIONS.get(name, name)) for name in names}
    asked = {canonicalize_name(one.name) for one in NEEDED}.union(*EXTRAS.values())
    assert {"numpy", "scipy", "h5py", "ml-dtypes", "tensorflow", "gensim"} < used
    assert used == asked - NOT_IMPORTED and NOT_IMPORTED < asked


def test_the_check_of_imports_sees():
    assert imported("import os, a.b\ndef f():\n    from c.d import e\nfrom . import x\nimport tfllm.y") == {"a", "c"}


def map_by(method):
    import numpy as np
    from gensim.models import KeyedVectors

    from tfllm.vectors import word_map

    vectors = KeyedVectors(3, count=0)
    vectors.add_vectors(["a", "b", "c"], np.eye(3))
    return word_map(vectors, method=method)


def rouge(_):
    from tfllm.evaluation import rouge

    return rouge(["a"], ["a"])


def bleu(_):
    from tfllm.evaluation import bleu

    return bleu(["a"], ["a"])


def draw(_):
    from tfllm.fonts import figure

    return figure(1, 1)


def dates(_):
    from tfllm.data.dates import dates, formats

    formats.cache_clear()
    return dates("test", 1)


def tensorboard(folder):
    from tfllm.training.recipe import Recipe
    from tfllm.training.run import callbacks

    return callbacks(folder, Recipe(tensorboard=True))


def safetensors(folder):
    from tfllm.interop import huggingface

    return huggingface.write(folder, {}, {})


def hub(_):
    from tfllm.interop import gpt2

    return gpt2.load("a/b")


def chat_template(_):
    from tfllm.tasks.dialogue.chat_template import compiled

    return compiled("")


def gguf_file(folder):
    from tfllm.interop import gguf

    return gguf.read(folder / "a.gguf")


def ctranslate2(_):
    from tfllm.interop import ctranslate2

    return ctranslate2.imported()


def ray(_):
    from tfllm.serving import ray_inference

    return ray_inference.imported()


def onnx(_):
    from tfllm.tasks.runtimes import onnx

    return onnx.imported()


def glove(_):
    from tfllm.vectors import GloVe

    return GloVe(min_count=1).fit(["a b a b"], verbose=0)


def chinese_words(_):
    from tfllm.text.chinese.dictionaries import jieba_dictionary

    return jieba_dictionary()


def simplified(_):
    from tfllm.text.chinese.width import simplified_table

    return simplified_table()


def near_duplicates(_):
    from tfllm.audit import NearDuplicates

    return NearDuplicates(["a b c"])


def serve(_):
    from tfllm.serving.extra import require

    return require()


def presidio(_):
    from tfllm.audit import Presidio

    return Presidio()


class OneToken:
    """What a method of explaining asks."""

    size, targets = 1, ("x",)


def by_lime(_):
    from tfllm.explain.methods.lime import lime

    return lime(OneToken())


def by_shap(_):
    from tfllm.explain.methods.shap import shap

    return shap(OneToken())


def parquet(_):
    from tfllm.serving.batch_inference import parquet

    return next(parquet("a.parquet"))


def pattern(_):
    from tfllm.generation import of_pattern

    return of_pattern("a")


def schema(_):
    from tfllm.tasks.text_generation.constraints import expression_of

    return expression_of("{}")


SERVE = ("fastapi", "starlette", "uvicorn", "prometheus_client")
# import name: (its distribution, the extra that has it, what needs it)
OPTIONAL = {
    "sacrebleu": ("sacrebleu", "eval", bleu), "rouge_score": ("rouge-score", "eval", rouge),
    "nltk": ("nltk", "eval", rouge), "matplotlib": ("matplotlib", "plot", draw), "babel": ("babel", "dates", dates),
    "tensorboard": ("tensorboard", "tensorboard", tensorboard), "safetensors": ("safetensors", "hub", safetensors),
    "huggingface_hub": ("huggingface-hub", "hub", hub), "numba": ("numba", "glove", glove),
    "jieba": ("jieba", "chinese", chinese_words), "gguf": ("gguf", "gguf", gguf_file),
    "jinja2": ("jinja2", "chat", chat_template), "ctranslate2": ("ctranslate2", "ctranslate2", ctranslate2),
    "ray": ("ray", "ray", ray), "tf2onnx": ("tf2onnx", "onnx", onnx), "onnxruntime": ("onnxruntime", "onnx", onnx),
    "opencc": ("opencc-python-reimplemented", "chinese", simplified),
    "lime": ("lime", "explain", by_lime), "shap": ("shap", "explain", by_shap),
    "datasketch": ("datasketch", "audit", near_duplicates),
    "presidio_analyzer": ("presidio-analyzer", "presidio", presidio), "spacy": ("spacy", "presidio", presidio),
    "pyarrow": ("pyarrow", "parquet", parquet), "interegular": ("interegular", "patterns", pattern),
    "outlines_core": ("outlines-core", "patterns", schema),
    **{name: (name.replace("_", "-"), "serve", serve) for name in SERVE},
    "sklearn": ("scikit-learn", "maps", lambda _: map_by("tsne")),
    "umap": ("umap-learn", "maps", lambda _: map_by("umap")),
}  # fmt: skip


def test_all_extras_are_tried():
    tried = {extra: {name for name, other, _ in OPTIONAL.values() if other == extra} for extra in EXTRAS}
    assert tried == EXTRAS


@pytest.mark.parametrize("package", OPTIONAL)
def test_without_an_extra_the_error_says_what_to_install(package, tmp_path, monkeypatch):
    _, extra, use = OPTIONAL[package]
    missing = {name for name, (_, other, _) in OPTIONAL.items() if other == extra}
    for name in {*missing, *(name for name in sys.modules if name.split(".")[0] in missing)}:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "tfllm.vectors.glove.adagrad", raising=False)
    with pytest.raises(ImportError, match=rf"pip install 'tfllm\[{extra}\]'"):
        use(tmp_path)
    assert not list(tmp_path.iterdir())
