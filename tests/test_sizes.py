"""Sizes that are none are refused in one line that names them: in configs, constructors and files."""

import dataclasses
import json
import typing
import zipfile

import pytest

from tests import zoo
from tfllm import load_model, models, sizes
from tfllm.config import build
from tfllm.models import configs
from tfllm.tasks import settings

CONFIGS = sorted({kind for module in (configs, settings) for kind in vars(module).values()
                  if isinstance(kind, type) and issubclass(kind, sizes.Checked) and kind is not sizes.Checked},
                 key=lambda kind: kind.__name__)  # fmt: skip


def numbers(kind):
    """Fields of a dataclass that are numbers, or tuples of them."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        found = {hints[field.name], *typing.get_args(hints[field.name])}
        if found & {int, float}:
            yield field.name


@pytest.mark.parametrize("kind", CONFIGS, ids=lambda kind: kind.__name__)
def test_every_number_of_a_config_has_a_rule(kind):
    for name in numbers(kind):
        assert name in sizes.RULES, name
        for wrong in (-1, float("nan"), "x", True):
            with pytest.raises(ValueError, match=rf"^{kind.__name__}\.{name} must be .*; got {wrong!r}$"):
                kind(**{name: wrong})
        with pytest.raises(ValueError, match=rf"{name} must be "):
            build(kind, {name: [0] if name == "widths" else -1})


@pytest.mark.parametrize(
    "name, wrong", [("d_model", 0), ("num_layers", -1), ("dff", 2.5), ("rate", 1.0), ("vocab_size", 0)]
)
def test_models_refuse_what_is_no_size(name, wrong):
    given = {"vocab_size": 9, "max_length": 8, "num_layers": 1, "d_model": 4, "num_heads": 2} | {name: wrong}
    with pytest.raises(ValueError, match=rf"^GPT\.{name} must be .*; got {wrong}$"):
        models.GPT(**given)


def test_zero_where_it_means_none():
    assert configs.MeanOfVectorsConfig(num_layers=0).num_layers == 0
    assert configs.BERTConfig(num_segments=0).num_segments == 0
    assert settings.FactAnsweringConfig(linear_start=0).linear_start == 0


@pytest.mark.parametrize("wrong", [-1, 0, 2.5, "x", True])
def test_a_file_whose_config_has_no_size(tmp_path, wrong):
    zoo.made("gpt").save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as good, zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad:
        for member in good.namelist():
            held = good.read(member)
            if member == "config.json":
                held = json.loads(held)
                held["config"]["length"] = wrong
                held = json.dumps(held)
            bad.writestr(member, held)
    with pytest.raises(ValueError, match=rf"^\S*bad.keras: .*LanguageModel.length must be .*; got {wrong!r}$"):
        load_model(tmp_path / "bad.keras")
