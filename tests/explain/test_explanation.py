"""The result object: text, HTML, pictures, JSON, words."""

import json
import re
from html import unescape

import numpy as np
import pytest

from tests.explain.planted import TEXT, planted
from tests.explain.test_generated_explanations import made
from tfllm.explain import Explanation
from tfllm.explain.subjects.subject import Token


def one(text, spans, scores, **more):
    tokens = tuple(Token(text[start:end], start, end) for start, end in spans)
    return Explanation("occlusion", "logit", {"text": text}, tokens, ("yes",), np.array([scores], float),
                       np.array([1.5]), **more)  # fmt: skip


def readable(page):
    """What a browser shows of the text."""
    (body,) = re.findall('<p class="text">(.*?)</p>', page, re.DOTALL)
    return unescape(re.sub("<[^>]*>", "", body))


def test_a_page_shows_the_text_as_it_is_written():
    text = "if a<b & 'c' >d\n  then 乾隆"
    found = one(text, [(0, 2), (3, 4), (4, 5), (5, 6), (22, 24), (22, 23)], [1, -2, 0, 0.5, 3, 1])
    assert readable(found.html()) == readable(found._repr_html_()) == text
    page = found.html()
    assert page.startswith("<!doctype html>") and "http" not in page and "<b " not in page
    assert "rgba(33,102,172,0.750)" in page and "rgba(214,96,20,0.500)" in page


def test_the_base_and_its_error():
    found = one("a b", [(0, 1), (2, 3)], [0.6, 0.9], base=np.array([0.1]))
    np.testing.assert_allclose(found.error, 0.1 / 1.4)
    assert "completeness error 7.14%" in str(found) and "completeness error 7.14%" in found.html()
    assert one("a", [(0, 1)], [1]).error is None
    assert found.top(1) == [("b", 0.9)]


def test_words_are_sums_of_their_tokens():
    text = "don't 乾隆"
    found = one(text, [(0, 2), (2, 3), (3, 5), (5, 8)], [1, 2, 3, 4]).words()
    assert [token.text for token in found.tokens] == ["don", "'t", "乾隆"]
    assert found.scores.tolist() == [3, 3, 4]  # a token of two words is of the first
    again = one("two words", [(0, 1), (1, 3), (3, 6), (6, 9)], [1, 2, 3, 4]).words()
    assert [(token.text, token.start, token.end) for token in again.tokens] == [("two", 0, 3), ("words", 4, 9)]
    assert again.scores.tolist() == [3, 7]


def test_files(tmp_path):
    found = one("a b", [(0, 1), (2, 3)], [0.6, -0.9])
    assert found.save(tmp_path / "x.html").read_text("utf-8") == found.html() + "\n"
    message = json.loads(found.save(tmp_path / "x.json").read_text("utf-8"))
    assert message["scores"] == [[0.6, -0.9]] and message["tokens"][1] == {
        "text": "b",
        "start": 2,
        "end": 3,
        "part": "text",
    }
    assert found.save(tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="saved as .html, .png or .json; got 'x.pdf'"):
        found.save(tmp_path / "x.pdf")
    with pytest.raises(ValueError, match="nothing to draw"):
        one("", [], []).png(tmp_path / "y.png")


def test_several_targets_are_a_table(tmp_path):
    tokens = (Token("a", 0, 1), Token(" b", 1, 3))
    found = Explanation("occlusion", "log-odds", {"source": "a b"}, tokens, ("x", "y", "</s>"),
                        np.array([[1, 0], [0, -2], [0, 0.0]]), np.zeros(3))  # fmt: skip
    page = found.html()
    assert page.count("<tr>") == 4 and "␣b" in page and "&lt;/s&gt;" in page
    assert found.scores.shape == (3, 2) and found.top(1) == [("a", 1.0)]
    assert found.png(tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert "x: a +1.000" in str(found)


@pytest.mark.parametrize("options, message", [
    ({"orders": 0}, "orders must be a whole number, 1 or more; got 0"),
    ({"seed": -1}, "seed must be a whole number, 0 or more; got -1"),
    ({"method": "smoothgrad", "samples": 0}, "samples must be a whole number, 1 or more; got 0"),
    ({"method": "smoothgrad", "noise": float("nan")}, "noise must be a number, 0 or more; got nan"),
    ({"tolerance": -1}, "tolerance must be a number, 0 or more; got -1"),
    ({"target": ()}, "a target is one label or two; got 0 labels"),
])  # fmt: skip
def test_impossible_options_are_errors(options, message, eager):
    with pytest.raises(ValueError, match=message):
        planted("mean").explain(TEXT, **options)


@pytest.mark.parametrize("value", [np.nan, 1e38])
def test_a_model_that_gives_no_numbers_cannot_be_explained(value, eager, monkeypatch):
    task = planted("cnn", 5)
    task.head.kernel.assign(np.full(task.head.kernel.shape, value))
    for method in ("integrated_gradients", "occlusion", "random"):
        with pytest.raises(ValueError, match="the model gives NaN or infinity for this text"):
            task.explain(TEXT, method=method)


@pytest.mark.parametrize("options, message", [
    ({"step": 1.5}, "step must be a whole number or a token; got 1.5"),
    ({"step": 0, "instead": 3}, "instead must be a text .str.; got 3"),
    ({"target": 3}, "target must be a text .str.; got 3"),
    ({"top_k": 0}, "top_k must be a whole number, 1 or more; got 0"),
])  # fmt: skip
def test_impossible_steps_are_errors(options, message, eager):
    with pytest.raises(ValueError, match=message):
        made("gpt").explain("a dog", **{"target": " sat"} | options)
