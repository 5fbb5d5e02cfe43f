"""config.py: round trips, strictness and the command line's overrides."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm.config import build, dump, load, options, override, plain


@dataclass(frozen=True)
class Model:
    vocab_size: int
    num_layers: int = 2  # blocks of each stack
    rate: float = 0.1  # of dropout
    norm: Literal["pre", "post"] = "post"  # where the norm stands


@dataclass(frozen=True)
class Search:
    beam: int = 4


@dataclass(frozen=True)
class Settings:
    model: Model
    search: Search = field(default_factory=Search)
    coarse: Search | None = None
    files: tuple[str, ...] = ()
    limit: float | None = None  # minutes
    shared: bool = False
    name: str = "run"
    widths: dict[str, int] = field(default_factory=dict)


VALUES = {"model": {"vocab_size": 9}}


@settings(deadline=None, max_examples=60)
@given(
    made=st.builds(
        Settings,
        model=st.builds(
            Model,
            vocab_size=st.integers(),
            rate=st.floats(allow_nan=False),
            num_layers=st.integers(),
            norm=st.sampled_from(["pre", "post"]),
        ),
        coarse=st.none() | st.builds(Search, beam=st.integers()),
        files=st.lists(st.text()).map(tuple),
        limit=st.none() | st.floats(allow_nan=False),
        shared=st.booleans(),
        name=st.text(),
        widths=st.dictionaries(st.text(), st.integers()),
    )
)
def test_yaml_there_and_back(tmp_path_factory, made):
    path = tmp_path_factory.getbasetemp() / "settings.yaml"
    path.write_text(dump(made), encoding="utf-8")
    assert load(Settings, path) == made == build(Settings, plain(made))


@pytest.mark.parametrize("name", ["1e3", "0E0", "-1_0.5e-3"])
def test_a_text_that_looks_like_a_number_stays_a_text(tmp_path, name):
    path = tmp_path / "settings.yaml"
    path.write_text(dump(Settings(Model(9), name=name)))
    assert load(Settings, path).name == name


def test_what_is_built_is_frozen():
    with pytest.raises(FrozenInstanceError):
        build(Settings, VALUES).name = "other"


@pytest.mark.parametrize(
    "values, message",
    [
        ({}, "Settings needs a value for model"),
        ({"model": {}}, "model needs a value for vocab_size"),
        ({"model": 3}, r"model: expected names with values, got 3 \(int\)"),
        ({"modle": {}}, "Settings has no 'modle'; did you mean 'model'\\? It has model, search"),
        ({"model": {"vocab_size": 9, "layers": 1}}, "model has no 'layers'; did you mean 'num_layers'\\?"),
        ({"model": {"vocab_size": "9"}}, r"model.vocab_size: expected int, got '9' \(str\)"),
        ({"model": {"vocab_size": 9.0}}, r"model.vocab_size: expected int, got 9.0 \(float\)"),
        ({"model": {"vocab_size": True}}, r"model.vocab_size: expected int, got True \(bool\)"),
        ({"model": {"vocab_size": 9, "norm": "both"}}, "model.norm: expected one of pre, post, got 'both'"),
        (VALUES | {"files": "a"}, r"files: expected a list of str, got 'a'"),
        (VALUES | {"files": ["a", 1]}, r"files\[1\]: expected str, got 1"),
        (VALUES | {"limit": "long"}, "limit: expected float or none, got 'long'"),
        (VALUES | {"coarse": {"bean": 1}}, "coarse has no 'bean'; did you mean 'beam'"),
        (VALUES | {"shared": 1}, "shared: expected bool, got 1"),
        (VALUES | {"widths": {"a": "b"}}, "widths.a: expected int, got 'b'"),
        (VALUES | {"search": None}, "search: expected names with values, got None"),
    ],
)
def test_wrong_values_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        build(Settings, values)


def test_only_whole_numbers_become_floats():
    model = build(Model, {"vocab_size": 9, "rate": 0})
    assert model.rate == 0.0 and type(model.rate) is float


@pytest.mark.parametrize(
    "text, message",
    [
        ("model: {vocab_size: 9}\nname: a\nname: b\n", "'name' is repeated"),
        ("model: [", "settings.yaml is not YAML.*line 1, column 9"),
        ("- a\n", r"expected lines `name: value`, got \['a'\]"),
        ("modle: 1\n", "settings.yaml: Settings has no 'modle'"),
    ],
)
def test_wrong_files_are_named(tmp_path, text, message):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match="(?s)" + message):
        load(Settings, path)


def test_1e_3_is_a_number(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("model: {vocab_size: 9, rate: 1e-3}\nlimit: 2E2\nname: '1e3'\n")
    settings = load(Settings, path)
    assert (settings.model.rate, settings.limit, settings.name) == (0.001, 200.0, "1e3")


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("model.num_layers", "4", 4),
        ("model.rate", "1e-3", 0.001),
        ("model.norm", "pre", "pre"),
        ("limit", "none", None),
        ("limit", "5", 5.0),
        ("shared", "True", True),
        ("name", "7", "7"),
        ("files", "a, b", ("a", "b")),
        ("files", "", ()),
        ("coarse.beam", "2", 2),
    ],
)
def test_override_reads_the_type_of_the_field(name, text, expected):
    settings = build(Settings, override(Settings, VALUES, name, text))
    for part in name.split("."):
        settings = getattr(settings, part)
    assert settings == expected and type(settings) is type(expected)
    assert VALUES == {"model": {"vocab_size": 9}}


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("model.num_layer", "4", "model: Model has no 'num_layer'; did you mean 'num_layers'"),
        ("num_layers", "4", "no 'num_layers'; did you mean 'model.num_layers'"),
        ("model", "4", "no 'model'"),
        ("name.first", "4", "no 'name.first'"),
        ("model.num_layers", "four", "num_layers: expected int, got 'four'"),
        ("model.norm", "both", "norm: expected one of pre, post, got 'both'"),
        ("shared", "1", "shared: expected bool, got '1'"),
    ],
)
def test_wrong_overrides_are_named(name, text, message):
    with pytest.raises(ValueError, match=message):
        override(Settings, VALUES, name, text)


def test_options_carry_default_and_comment():
    result = {option.name: option for option in options(Settings)}
    nested = ["model.vocab_size", "model.num_layers", "model.rate", "model.norm", "search.beam", "coarse.beam"]
    assert list(result)[-6:] == nested  # they stand last
    assert result["model.num_layers"][1:4] == ("int", 2, "blocks of each stack")
    assert result["limit"][1:] == ("float or none", None, "minutes", ())
    assert (result["shared"].choices, result["model.norm"].choices) == (("true", "false"), ("pre", "post"))
    assert result["files"].default == () and result["files"].comment == ""


@dataclass(frozen=True)
class Long:
    # how the text
    # is split
    tokenizer: str = "words"
    lowercase: bool = False  # beside it
    plain: int = 1


def test_a_comment_may_stand_above_its_field():
    assert [option.comment for option in options(Long)] == ["how the text is split", "beside it", ""]


@dataclass(frozen=True)
class Wider(Search):
    width: int = 3  # places
    beam: int = 5  # more of them


def test_comments_are_inherited_with_their_fields():
    assert [option[1:4] for option in options(Wider)] == [("int", 5, "more of them"), ("int", 3, "places")]


@dataclass(frozen=True)
class DeepConfig:
    num_layers: int = 2  # blocks
    rate: float = 0.1


@dataclass(frozen=True)
class WideConfig:
    num_layers: int = 1  # recurrent layers
    num_units: int = 8
    cell: Literal["lstm", "gru"] = "lstm"


@dataclass(frozen=True)
class Either:
    model: DeepConfig | WideConfig = field(default_factory=DeepConfig)


@pytest.mark.parametrize("model", [DeepConfig(3), WideConfig(3, cell="gru")])
def test_one_of_several_dataclasses_is_kept_by_its_kind(tmp_path, model):
    path = tmp_path / "settings.yaml"
    path.write_text(dump(Either(model)))
    assert load(Either, path) == Either(model) == build(Either, {"model": model})
    assert plain(Either(model))["model"]["kind"] == type(model).__name__.removesuffix("Config")


def test_without_a_kind_it_is_the_first():
    assert build(Either, {"model": {"num_layers": 5}}) == Either(DeepConfig(5))
    assert build(Either, {}) == Either()


def test_options_of_several_kinds_say_whose_they_are():
    assert [(option.name, option.kind, option.default, option.comment) for option in options(Either)][:4] == [
        ("model.kind", "one of Deep, Wide", "Deep", "which model; each has its own settings"),
        ("model.num_layers", "int", 2, "Deep: blocks"),
        ("model.rate", "float", 0.1, "Deep:"),
        ("model.num_layers", "int", 1, "Wide: recurrent layers"),
    ]


def test_override_chooses_a_kind_and_begins_with_its_defaults():
    values = plain(Either(DeepConfig(5)))
    wide = override(Either, values, "model.kind", "Wide")
    assert build(Either, wide) == Either(WideConfig())
    assert build(Either, override(Either, wide, "model.num_units", "9")) == Either(WideConfig(num_units=9))
    assert override(Either, values, "model.kind", "Deep") == values


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("model.num_units", "9", "model: DeepConfig has no 'num_units'.* Wide would have it: model.kind"),
        ("model.num_unit", "9", "model: DeepConfig has no 'num_unit'[^:]*$"),
        ("model", "Wide", "Either has no 'model'; did you mean 'model.[a-z]*'\\? It has model.kind, model.num_layers,"),
    ],
)
def test_wrong_overrides_of_a_kind_are_named(name, text, message):
    with pytest.raises(ValueError, match=message):
        override(Either, {}, name, text)


@pytest.mark.parametrize("kind", ["Broad", ["Wide"], 3])
def test_an_unknown_kind_is_named(kind):
    with pytest.raises(ValueError, match="model.kind: expected one of Deep, Wide, got"):
        build(Either, {"model": {"kind": kind}})


def test_a_setting_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="model has no 'rate'"):
        build(Either, {"model": {"kind": "Wide", "rate": 0.2}})


def test_config_and_recipe_need_no_keras():
    code = "import sys, tfllm.config; from tfllm.training import Recipe; Recipe(); print('keras' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
