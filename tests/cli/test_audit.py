"""The checks of `tfllm audit`: the figures are those of tfllm.audit on the same models; mistakes are one line."""

import json
import math

import pytest

from tests import zoo
from tests.audit.test_swaps import swapped, word_pairs
from tests.explain.planted import planted
from tests.explain.test_generated_explanations import made
from tfllm import audit
from tfllm.cli import main

pytestmark = pytest.mark.usefixtures("eager")
TEXTS = ["red dog why cat one", "red dog cat", "why not", "two cat cat six", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    planted("mean").save(folder / "classifier.keras")
    made("gpt").save(folder / "lm.keras")
    made("transformer").save(folder / "translator.keras")
    zoo.made("masked language model").save(folder / "bert.keras")
    zoo.classifier(labels=[1, 2.5, 0, -1], kind="regression")[0].save(folder / "regression.keras")
    (folder / "texts.txt").write_text("\n".join(TEXTS) + "\n", "utf-8")
    (folder / "pairs.txt").write_text("why\tdog\n", "utf-8")
    (folder / "words.txt").write_text("dog\nred cat\n\n", "utf-8")
    rows = [f"{text},{'yes' if i % 2 else 'no'},{'ab'[i % 3 % 2]}" for i, text in enumerate(TEXTS[:4] * 3)]
    (folder / "groups.csv").write_text("\n".join(["text,label,group", *rows]) + "\n", "utf-8")
    pairs = ["a dog runs .,a cat runs .,dog", "the cat sat,the dog sat,dog", "no,no no,other"]
    (folder / "stereotypes.csv").write_text("\n".join(["sent_more,sent_less,bias_type", *pairs]) + "\n", "utf-8")
    (folder / "empty.txt").write_text("\n", "utf-8")
    return folder


@pytest.fixture
def told(folder, capsys, monkeypatch):
    """(words of a command line) -> the JSON that it prints."""
    monkeypatch.chdir(folder)

    def run(*words):
        main(["audit", *words, "--json"])
        return json.loads(capsys.readouterr().out)

    return run


def test_swaps(told, capsys):
    """With several lists Holm's correction counts them; a regression needs no label; the table has the same figures."""
    words = ["swaps", "classifier.keras", "--data", "texts.txt", "--label", "yes", "--lists", "pairs.txt,en_names"]
    effect = audit.counterfactuals(
        audit.label_score(planted("mean"), "yes"),
        TEXTS[:4],
        {"pairs.txt": word_pairs("en_gender"), "x": [("why", "dog")]},
    )["x"]
    result = told(*words)
    assert list(result) == ["pairs.txt"] and result["pairs.txt"]["texts"] == effect.texts == 3
    assert result["pairs.txt"]["difference"] == pytest.approx(effect.difference)
    assert result["pairs.txt"]["interval"] == pytest.approx(effect.interval)
    main(["audit", *words])
    head, row, note = capsys.readouterr().out.splitlines()
    assert (
        note == "no text has a word of en_names"
        and head.split()[0] == "list"
        and f"{effect.difference:+.4f}" in row
        and f"{effect.interval[0]:+.4f} to" in row
    )
    number = told("swaps", "regression.keras", "--data", "texts.txt", "--lists", "pairs.txt")["pairs.txt"]
    model = zoo.classifier(labels=[1, 2.5, 0, -1], kind="regression")[0]
    assert number["texts"] == 3 and math.isfinite(number["before"]) and model.kind == "regression"


@pytest.mark.slow
def test_swaps_of_what_a_translator_writes(told):
    words = ["--lists", "pairs.txt", "--judge", "classifier.keras", "--label", "yes"]
    result = told("swaps", "translator.keras", "--data", "texts.txt", *words)["pairs.txt"]
    asked = [text for text in TEXTS if swapped(text, [("why", "dog")]) != text]
    written = made("transformer").generate(asked, verbose=0)
    scores = [one["probabilities"]["yes"] for one in planted("mean").classify(written, verbose=0)]
    assert result["texts"] == len(asked) and result["before"] == pytest.approx(sum(scores) / len(scores), rel=1e-5)


def test_subgroups(told, capsys):
    words = ["subgroups", "classifier.keras", "--data", "groups.csv", "--positive", "yes"]
    result, answers = told(*words), planted("mean").classify(TEXTS[:4] * 3, verbose=0)
    groups = ["ab"[i % 3 % 2] for i in range(12)]
    right = [(answer["label"] == "yes") == (i % 2 == 1) for i, answer in enumerate(answers)]
    for group in "ab":
        of = [one for one, name in zip(right, groups, strict=True) if name == group]
        assert result["groups"][group]["records"] == len(of)
        assert result["groups"][group]["accuracy"]["value"] == pytest.approx(sum(of) / len(of))
    main(["audit", *words])
    assert capsys.readouterr().out.splitlines()[-1].startswith("gap")


def test_records_without_a_group_or_a_label_are_skipped(told, folder, caplog):
    rows = ["text,label,group", *(f"{text},{label},{group}" for text, label, group in zip(
        TEXTS[:4] * 2, ["yes", "no"] * 4, ["a", "b", "a", " ", "b", "a", "b", "b"], strict=True))]  # fmt: skip
    rows[6] = rows[6].replace("no", "")
    (folder / "gaps.csv").write_text("\n".join(rows))
    result = told("subgroups", "classifier.keras", "--data", "gaps.csv", "--positive", "yes")
    assert {name: one["records"] for name, one in result["groups"].items()} == {"a": 2, "b": 4}
    assert "gaps.csv: skipped 2 of 8 records without text, label, group" in caplog.text


def test_pairs_of_both_kinds_of_language_models(told, folder):
    pairs = audit.read_minimal_pairs(folder / "stereotypes.csv")
    for run, model in (("lm.keras", made("gpt")), ("bert.keras", zoo.made("masked language model"))):
        expected = audit.minimal_pairs(model, pairs)
        result = told("minimal-pairs", run, "--pairs", "stereotypes.csv")
        assert {name: one["count"] for name, one in result.items()} == {k: one.count for k, one in expected.items()}
        assert result["all"]["low"] == pytest.approx(expected["all"].interval[0])


def test_memorisation(told, capsys):
    words = ["memorisation", "lm.keras", "--text", "texts.txt", "--documents", "line", "--prefix", "5", "--suffix", "3"]
    words += ["--samples", "3", "--max_new_tokens", "8"]
    result, texts = told(*words), TEXTS[:4]
    expected = audit.extraction(made("gpt"), texts, 5, 3)
    assert (result["extraction"]["count"], result["extraction"]["total"]) == (expected.count, expected.total)
    written = made("gpt").generate([""] * 3, temperature=1.0, seed=1, max_new_tokens=8, verbose=0)
    assert [one["run"] for one in result["overlaps"]] == [one.run for one in audit.overlaps(written, texts)]
    main(["audit", *words])
    assert "texts continued exactly after 5 tokens, for 3: " in capsys.readouterr().out


@pytest.mark.slow
def test_gender_and_screen(told, folder):
    line = "The dog ran.\tfemale\tmale\tdog\tcat\n"
    (folder / "sentences.txt").write_text(line * 2, "utf-8")
    expected = audit.translated_gender(made("transformer"), audit.agreement_sentences(folder / "sentences.txt"))
    result = told("gender", "translator.keras", "--sentences", "sentences.txt")
    assert {name: (one["count"], one["total"]) for name, one in result.items()} == {
        name: (one.count, one.total) for name, one in expected.items()
    }
    assert result["male"]["share"] is None  # of no sentence
    result = told("screen", "lm.keras", "--data", "texts.txt", "--words", "words.txt")
    answers = [answer[len(text) :] for answer, text in zip(made("gpt").generate(TEXTS), TEXTS, strict=True)]
    expected = audit.screen(answers, ["dog", "red cat"])
    assert {name: one["count"] for name, one in result.items()} == {name: one.count for name, one in expected.items()}


MISTAKES = {
    "swap RUN": "no check 'swap': did you mean 'swaps'?; the checks: swaps, subgroups",
    "swaps": "usage: tfllm audit swaps RUN --data F --label LABEL",
    "swaps classifier.keras --label yes": "name the texts: --data F",
    "swaps classifier.keras --data none.txt --label yes": "--data none.txt: there is no such file",
    "swaps classifier.keras --data empty.txt --label yes": "--data empty.txt: the file has no text",
    "swaps classifier.keras --data texts.txt": "--label: choose one of the labels no, yes",
    "swaps classifier.keras --data texts.txt --label y": "--label: there is no label 'y'; the labels are no, yes",
    "swaps regression.keras --data texts.txt --label y": "there is no label 'y'; the classifier is a regression",
    "swaps classifier.keras --data groups.csv --column words --label yes": "expected one column 'words' in the header",
    "swaps classifier.keras --data texts.txt --label yes --lists en_gendr": "--lists en_gendr: neither a file nor",
    "swaps classifier.keras --data texts.txt --label yes --lists words.txt": "words.txt:1: expected two words",
    "swaps classifier.keras --data texts.txt --label yes --lists zh_names": "none of 4 texts has a word of zh_names",
    "swaps translator.keras --data texts.txt": "name a classifier that scores it, --judge RUN",
    "swaps translator.keras --data texts.txt --judge lm.keras": "--judge lm.keras must be a run of classifier",
    "swaps bert.keras --data texts.txt": "bert.keras is a run of pretrain; tfllm audit swaps needs one of classifier",
    "subgroups classifier.keras --data groups.csv": "name the label that counts as positive: --positive LABEL",
    "subgroups classifier.keras --data texts.txt --positive yes": "--data texts.txt: expected a table .csv",
    "subgroups classifier.keras --data groups.csv --positive yes --group sex": "expected one column 'sex' in",
    "subgroups classifier.keras --data groups.csv --positive yes --label group": "no record has the label 'yes'",
    "minimal-pairs classifier.keras --pairs stereotypes.csv": "is a run of classifier",
    "minimal-pairs lm.keras --pairs groups.csv": "missing: sent_more, sent_less, bias_type",
    "memorisation lm.keras --text texts.txt": "prefix and suffix have 100 tokens; the model's limit is 32",
    "memorisation lm.keras --text texts.txt --prefix 25 --suffix 7 --documents line": "none of 4 texts has 32 tokens",
    "memorisation lm.keras --text texts.txt --temperature 0": "--temperature must be above 0; got 0.0",
    "gender lm.keras": "lm.keras is a run of lm; tfllm audit gender needs one of translation",
    "gender translator.keras --sentences words.txt": "words.txt:1: expected five columns separated by tabs: sentence,",
    "screen lm.keras --data texts.txt": "name the words to look for: --words F",
    "screen lm.keras --data texts.txt --words empty.txt": "--words empty.txt: the file has no text",
}  # fmt: skip


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_are_one_line(folder, capsys, monkeypatch, line):
    monkeypatch.chdir(folder)
    try:
        main(["audit", *line.split()])
    except SystemExit:
        pass
    printed = capsys.readouterr()
    assert MISTAKES[line] in printed.out + printed.err and "Traceback" not in printed.err
