"""A translator that always writes one gender is right for half of the sentences."""

import pytest

from tfllm.audit import agreement_sentences, translated_gender
from tfllm.audit.gender_agreement import gender_of


class Writes:
    """Translates by a rule: sentence -> noun."""

    def __init__(self, rule):
        self.answers = {one.text: f"Der {rule(one)} war müde." for one in agreement_sentences()}

    def generate(self, texts, verbose):
        return [self.answers[text] for text in texts]


@pytest.mark.parametrize(
    "rule, expected",
    [
        (lambda one: one.masculine, {"all": 32, "male": 32, "female": 0, "stereotype": 16, "against": 16}),
        (lambda one: one.feminine, {"all": 32, "male": 0, "female": 32, "stereotype": 16, "against": 16}),
        (lambda one: one.masculine if one.stereotype == "male" else one.feminine,
         {"all": 32, "male": 16, "female": 16, "stereotype": 32, "against": 0}),
        (lambda one: "Hund", {"all": 0, "male": 0, "female": 0, "stereotype": 0, "against": 0}),
    ],
)  # fmt: skip
def test_shares(rule, expected):
    shares = translated_gender(Writes(rule))
    found = shares.pop("found")
    assert {name: share.count for name, share in shares.items()} == expected
    assert [share.total for share in shares.values()] == [64, 32, 32, 32, 32]
    assert found.count == (0 if not any(expected.values()) else 64)


def test_forms_of_the_noun():
    doctor = next(one for one in agreement_sentences() if "doctor" in one.text)
    forms = ("Der Arzt kam", "des Arztes", "die Ärztin", "Arztpraxis")
    assert [gender_of(text, doctor) for text in forms] == ["male", "male", "female", None]


def test_another_file(tmp_path):
    (tmp_path / "a.txt").write_text("one\ttwo\n")
    with pytest.raises(ValueError, match="a.txt:1: expected five columns"):
        agreement_sentences(tmp_path / "a.txt")
    rows = ["# two sentences", "The nurse sat.\tmale\tfemale\tPfleger\tPflegerin", "", "She sat.\tshe\tmale\tx\ty"]
    (tmp_path / "a.txt").write_text("\n".join(rows[:3]))
    (one,) = agreement_sentences(tmp_path / "a.txt")
    assert one == ("The nurse sat.", "male", "female", "Pfleger", "Pflegerin")
    (tmp_path / "a.txt").write_text("\n".join(rows))
    with pytest.raises(ValueError, match="a.txt:4: expected five columns .* male or female"):
        agreement_sentences(tmp_path / "a.txt")
