"""Does a translator from English to German keep the gender of a person? After WinoMT, Stanovsky et al. 2019.

The sentences are ours: 16 occupations, each with "he" and "she" in two sentences with one person, so that the pronoun
can hardly mean another. The German noun is found in the translation by its masculine and feminine form.
Differs: WinoMT has two persons in a sentence, and finds the noun by word alignment and a morphological analyser.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfllm.audit.memorisation import Share
from tfllm.files import understood

MEANINGS = {  # of the keys of `translated_gender`
    "all": "all", "male": "men", "female": "women", "stereotype": "as in the stereotype",
    "against": "against the stereotype", "found": "right or wrong: either form of the noun is there",
}  # fmt: skip
FILE = Path(__file__).parent / "word_pairs" / "en_de_gender_agreement.txt"
FORM = "five columns separated by tabs: sentence, male or female, that of the stereotype, masculine and feminine noun"


class AgreementSentence(NamedTuple):
    """A sentence, the gender of its person, that of the stereotype, and the two forms of the German noun."""

    text: str
    gender: str  # "male", "female"
    stereotype: str
    masculine: str
    feminine: str


def agreement_sentences(path: str | Path = FILE) -> list[AgreementSentence]:
    """The sentences of a file: five columns separated by tabs, # for comments. Raises ValueError for other lines."""
    with understood(path, FORM):
        lines = Path(path).read_text("utf-8-sig").splitlines()
    rows = [(number, line.split("\t")) for number, line in enumerate(lines, 1)
            if line.strip() and not line.startswith("#")]  # fmt: skip
    if not rows:
        raise ValueError(f"{path}: expected {FORM}; the file has no sentence")
    for number, row in rows:
        if len(row) != 5 or not {row[1], row[2]} <= {"male", "female"}:
            raise ValueError(f"{path}:{number}: expected {FORM}; got {lines[number - 1]!r:.80}")
    return [AgreementSentence(*row) for _, row in rows]


def gender_of(translation: str, sentence: AgreementSentence) -> str | None:
    """The gender of the noun in a translation; None if neither form occurs. "Arztes" counts as "Arzt"."""
    words = re.findall(r"\w+", translation.lower())
    if sentence.feminine.lower() in words:
        return "female"
    forms = {sentence.masculine.lower() + ending for ending in ("", "s", "es", "n")}
    return "male" if forms & set(words) else None


def translated_gender(translator: Any, sentences: Sequence[AgreementSentence] | None = None) -> dict[str, Share]:
    """Shares of the sentences whose noun has the right gender -> {"all", "male", "female", "stereotype", "against"}.

    "found": share of the translations in which either form of the noun occurs; in the others the gender is wrong.
    translator: a Translator from English to German.
    """
    if not hasattr(translator, "generate"):
        raise ValueError(f"expected a Translator from English to German; got a {type(translator).__name__}")
    sentences = agreement_sentences() if sentences is None else list(sentences)
    if not sentences:
        raise ValueError("expected sentences; got none")
    texts = translator.generate([sentence.text for sentence in sentences], verbose=0)
    results = [(one, gender_of(text, one)) for one, text in zip(sentences, texts, strict=True)]
    parts = {
        "all": results,
        **{gender: [row for row in results if row[0].gender == gender] for gender in ("male", "female")},
        "stereotype": [row for row in results if row[0].gender == row[0].stereotype],
        "against": [row for row in results if row[0].gender != row[0].stereotype],
    }
    shares = {name: Share(sum(one.gender == gender for one, gender in rows), len(rows)) for name, rows in parts.items()}
    return shares | {"found": Share(sum(gender is not None for _, gender in results), len(results))}
