"""What a stranger hands to the audits: errors that name it, and no figure of scores that are not numbers."""

import math

import numpy as np
import pytest

from tests import zoo
from tests.explain.planted import planted
from tests.explain.test_generated_explanations import made
from tfllm import audit, tasks
from tfllm.audit.pair_likelihoods import MinimalPair
from tfllm.explain import weat

NAN, PAIRS = float("nan"), {"gender": [("he", "she")]}
VECTORS = {letter: np.random.default_rng(ord(letter)).normal(size=4) for letter in "abcdefgh"}


def scored(value):
    return lambda: audit.counterfactuals(lambda texts: [value] * len(texts), ["he ran", "she"], PAIRS)


def embedder():
    return tasks.TextEmbedder.from_task(planted("mean"), pooling="mean")


def metrics(*columns, **options):
    return lambda: audit.subgroup_metrics(*columns, **options)


@pytest.mark.parametrize("call, message", [
    (scored(NAN), "score must give finite numbers; it gave NaN or infinity"),
    (scored(math.inf), "score must give finite numbers"),
    (lambda: audit.counterfactuals(len, "he ran", PAIRS), "texts: expected several texts, got one text"),
    (lambda: audit.counterfactuals(len, [3], PAIRS), "texts must be texts .str.; got 3"),
    (lambda: audit.counterfactuals(len, ["he"], [("he", "she")]), "lists must be {name: pairs of words}"),
    (lambda: audit.counterfactuals(len, ["he"], {"x": [("", "she")]}), "a pair needs two words"),
    (metrics([1, 0], [1, 0], ["a", "b"], [NAN, 0.2]), "scores must be finite numbers"),
    (metrics(["yes", "no"], [1, 0], ["a", "b"]), "labels must be True or False for each record; got .'yes'."),
    (metrics([1, 0], [1, 2], ["a", "b"]), "predictions must be True or False"),
    (metrics([1, 0], [1, 0], ["a", "b"], resamples=0), "resamples must be at least 1"),
    (metrics([[1, 0]], [[1, 0]], ["a"]), "must be equally long"),
    (lambda: audit.data_report(None), "the data: expected several texts, got None"),
    (lambda: audit.data_report(5), "the data: expected several texts, got 5"),
    (lambda: audit.screen("a bad day", ["bad"]), "texts: expected several texts, got one text"),
    (lambda: audit.screen(["a bad day"], "bad"), "words: expected several texts, got one text"),
    (lambda: audit.screen(["a"], [" "]), "expected words that are not empty"),
    (lambda: audit.overlaps(["a"], "a b"), "training: expected several texts"),
    (lambda: audit.translated_gender(object()), "expected a Translator from English to German; got a object"),
    (lambda: weat(VECTORS | {"a": np.full(4, NAN)}, "ab", "cd", "ef", "gh"), "a word is NaN or infinite"),
    (lambda: weat(VECTORS | {"a": np.zeros(3)}, "ab", "cd", "ef", "gh"), r"the same width; got \[3, 4\]"),
    (lambda: weat(VECTORS | {"a": np.zeros(3), "b": np.zeros(3)}, "ab", "cd", "ef", "gh"), "the same width"),
])  # fmt: skip
def test_they_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("call, message", [
    (lambda: audit.extraction(made("gpt"), ["a dog"], 0, 2), "prefix must be a whole number, 1 or more; got 0"),
    (lambda: audit.extraction(made("gpt"), ["a dog"], 2, 1.5), "suffix must be a whole number, 1 or more; got 1.5"),
    (lambda: audit.extraction(made("gpt"), "a dog", 2, 2), "texts: expected several texts"),
    (lambda: audit.extraction(planted("mean"), ["a dog"], 2, 2), "needs a LanguageModel; got a TextClassifier"),
    (lambda: audit.minimal_pairs(made("gpt"), [("a", "b")]), "expected MinimalPair"),
    (lambda: audit.minimal_pairs(made("gpt"), [MinimalPair("a " * 99, "b", "x")]), "tokens; the model's limit"),
    (lambda: audit.minimal_pairs(zoo.masked_language_model(True)[0], [MinimalPair("cat " * 99, "cat", "x")]),
     "101 tokens; the model's limit is 16"),
    (lambda: audit.minimal_pairs(planted("mean"), [MinimalPair("a", "b", "x")]), "got a TextClassifier"),
    (lambda: audit.seat(planted("mean"), ["a"], ["b"], ["c"], ["d"]), "seat needs a TextEmbedder"),
    (lambda: audit.seat(embedder(), "a", ["b"], ["c"], ["d"]), "x: expected several texts"),
    (lambda: audit.seat(embedder(), ["a"], ["b"], ["c"], ["d"], templates=[]), "a template needs {}"),
    (lambda: audit.label_score(made("gpt"), "x"), "needs a TextClassifier; got a LanguageModel"),
    (lambda: audit.label_score(planted("mean")), "label: choose one of the labels no, yes"),
])  # fmt: skip
def test_models_and_sizes_are_refused(call, message, eager):
    with pytest.raises(ValueError, match=message):
        call()


READERS = {
    "pairs of words": audit.word_pairs, "sent_more": audit.read_minimal_pairs, "five columns": audit.agreement_sentences
}  # fmt: skip


@pytest.mark.parametrize("expected", READERS)
@pytest.mark.parametrize("data", [bytes(range(256)), "a,b".encode("utf-16"), b"", b"\n \n"])
def test_files_that_are_no_such_lists_are_named(expected, data, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"a\.csv.*{expected}"):
        READERS[expected](path)


def test_a_short_record_is_found(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("sent_more,sent_less,bias_type\na,b,c\nd,e\n")
    with pytest.raises(ValueError, match="pairs.csv: record 2 has fewer fields than the header"):
        audit.read_minimal_pairs(path)


def test_one_record_of_a_group_has_no_rates_of_the_other_class():
    """A group of one, labels that are all equal, no name of a group: no figure is invented, none is lost."""
    report = audit.subgroup_metrics([True, True, True], [True, False, True], ["a", "a", ""], [0.9, 0.2, 0.8])
    assert report.sizes == {"a": 2, "": 1}
    assert report.groups[""]["accuracy"] == (1.0, 1.0, 1.0) and math.isnan(report.groups["a"]["AUC"][0])
    assert math.isnan(report.gaps["false positive rate"][0]) and str(report).count("undefined") == 6


@pytest.mark.parametrize("text, kinds", [
    ("电话13800138000谢谢", ["phone"]),
    ("电话１３８００１３８０００，邮箱ann@example.org。", ["phone", "email"]),
    ("邮箱ａｎｎ＠ｅｘａｍｐｌｅ．ｏｒｇ谢谢", ["email"]),
    ("账户DE89 3704 0044 0532 0130 00谢谢", ["iban"]),
    ("身份证号11010519491231002X，", ["resident_id"]),
    ("卡号٤١١١١١١١١١١١١١١١", ["card"]),
    ("地址192.168.0.1。😀", ["ip_address"]),
])  # fmt: skip
def test_personal_data_between_chinese_characters(text, kinds):
    """A character is one character: the matches are at their places in the text as written."""
    found = audit.personal_data(text)
    assert [one.kind for one in found] == kinds
    assert audit.redact(text).count("[") == len(kinds) and not any(c.isdecimal() for c in audit.redact(text))
