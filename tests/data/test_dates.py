"""The laws of the built-in corpus, and strings that a person has read."""

import datetime
import subprocess
import sys

import pytest

from tfllm.data.dates import FIRST, LANGUAGES, LAST, dates, formats, readings, split_of

pytest.importorskip("babel")
SPLITS = {"train": 8_000, "valid": 1_000, "test": 1_000}


def rows(split, size, seed=0):
    records = dates(split, size, seed).as_numpy_iterator()
    return [tuple(record[name].decode() for name in ("source", "target", "language")) for record in records]


@pytest.fixture(scope="module")
def corpus():
    return {split: rows(split, size) for split, size in SPLITS.items()}


def test_sizes_and_targets(corpus):
    for split, size in SPLITS.items():
        assert len(corpus[split]) == size
        for _, target, _ in corpus[split]:
            day = datetime.date.fromisoformat(target)
            assert FIRST <= day <= LAST and len(target) == 10 and split_of(day) == split


def test_default_sizes():
    assert dates("valid").cardinality() == 1_000 and dates("test").cardinality() == 2_000


def test_days_are_disjoint_whatever_the_seed(corpus):
    days = [{target for _, target, _ in corpus["train"]}]
    days += [{target for _, target, _ in rows(split, 1000, seed=5)} for split in ("valid", "test")]
    assert not (days[0] & days[1] or days[0] & days[2] or days[1] & days[2])


def test_shares():
    century = [FIRST + datetime.timedelta(n) for n in range((LAST - FIRST).days + 1)]
    parts = [split_of(day) for day in century]
    assert len(century) == 36525  # a hundred years of the Gregorian calendar with 25 leap days
    assert abs(parts.count("train") / 36525 - 0.8) < 0.01 and abs(parts.count("test") / 36525 - 0.1) < 0.01
    seen = {(day.year, part) for day, part in zip(century, parts, strict=True)}
    assert len(seen) == 300  # every year has days of every split: nothing in the test is out of range


def test_one_string_one_day(corpus):
    meaning = {}
    for source, target, _ in (row for split in SPLITS for row in corpus[split]):
        assert meaning.setdefault(source.replace("\u200f", ""), target) == target


def test_all_languages_in_equal_parts(corpus):
    counts = [sum(language == tag for _, _, language in corpus["train"]) for tag in LANGUAGES]
    assert len(LANGUAGES) == 16 and min(counts) > 0.75 * max(counts)


@pytest.mark.slow
def test_same_seed_same_records(corpus):
    """In another process too: no hash of Python, no clock."""
    assert rows("train", 500) == corpus["train"][:500]
    assert rows("train", 500, seed=1) != corpus["train"][:500]
    code = "from tfllm.data import dates; print([r['source'].decode() for r in dates('test', 50)"
    code += ".as_numpy_iterator()])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == str([source for source, _, _ in corpus["test"][:50]])


DAY = datetime.date(2021, 4, 13)  # a Tuesday
WRITTEN = {  # read by a person; two or three of each language
    "ar": ["الثلاثاء، 13 أبريل 2021", "١٣ أبريل ٢٠٢١", "١٣\u200f/٤\u200f/٢٠٢١"],
    "de": ["Dienstag, 13. April 2021", "13.04.21", "Di., 13.4.2021", "13. Apr. 2021"],
    "en-GB": ["Tuesday, 13 April 2021", "13 Apr 2021", "13/04/2021"],
    "en-US": ["Tuesday, April 13, 2021", "Apr 13, 2021", "4/13/21", "4/13/2021"],
    "es": ["martes, 13 de abril de 2021", "13 abr 2021", "13/4/21"],
    "fr": ["mardi 13 avril 2021", "13 avr. 2021", "13/04/2021"],
    "hi": ["मंगलवार, 13 अप्रैल 2021", "१३ अप्रैल २०२१", "13/4/21"],
    "it": ["martedì 13 aprile 2021", "13 apr 2021", "13/04/21"],
    "ja": ["2021年4月13日火曜日", "2021年4月13日", "2021/04/13", "2021/4/13(火)"],
    "ko": ["2021년 4월 13일 화요일", "2021년 4월 13일", "21. 4. 13."],
    "nl": ["dinsdag 13 april 2021", "13-04-2021", "di 13 apr 2021"],
    "pl": ["wtorek, 13 kwietnia 2021", "13.04.2021", "13 kwi 2021"],
    "pt": ["terça-feira, 13 de abril de 2021", "13 de abr. de 2021", "13/04/2021"],
    "ru": ["вторник, 13 апреля 2021\u202fг.", "13.04.2021"],
    "tr": ["13 Nisan 2021 Salı", "13 Nis 2021", "13.04.2021"],
    "zh": ["2021年4月13日星期二", "2021年4月13日", "2021/4/13"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_formats(language):
    written = [write(DAY) for write in formats(language)]
    assert len(written) >= 8 and set(WRITTEN[language]) <= set(written)
    assert all(readings(text) == {DAY} for text in written)


def test_babel_writes_the_four_named_formats():
    from babel.dates import format_date

    for language in LANGUAGES:
        written = {write(DAY) for write in formats(language)}
        for name in ("short", "medium", "long", "full"):
            assert format_date(DAY, name, locale=language.replace("-", "_")) in written


def test_readings_against_every_format_written_out():
    """Days 1 to 12 of 2012, where day, month and two-digit year may be taken for each other."""
    meanings = {}
    for day in (datetime.date(2012, month, number) for month in range(1, 13) for number in range(1, 13)):
        for write in (write for language in LANGUAGES for write in formats(language)):
            meanings.setdefault(write(day), set()).add(day)
    assert sum(len(days) > 1 for days in meanings.values()) > 100
    assert all(days <= readings(text) for text, days in meanings.items())


def test_readings():
    day = datetime.date
    assert readings("03/04/2021") == {day(2021, 3, 4), day(2021, 4, 3)}
    assert readings("Sat, 10/11/2021") == {
        day(2021, 10, 11),
        day(2021, 11, 10),
    }  # the weekday does not settle it
    assert readings("3\u200f/4\u200f/2021") == {day(2021, 3, 4), day(2021, 4, 3)}
    assert readings("13/04/2021") == readings("4/13/2021") == {day(2021, 4, 13)}
    assert readings("04/04/2021") == {day(2021, 4, 4)}
    assert readings("٣\u200f/٤\u200f/٢٠٢١") == readings("3.4.2021") == {day(2021, 4, 3)}
    assert readings("1/1/69") == {day(1969, 1, 1)} and readings("1/1/68") == {day(2068, 1, 1)}
    assert readings("30.02.2021") == readings("tomorrow") == set()


@pytest.mark.parametrize(
    "wrong, output", [({"split": "dev"}, "train, valid, test; .*'dev'"), ({"size": 0}, "size must be at least 1")]
)
def test_wrong_arguments(wrong, output):
    with pytest.raises(ValueError, match=output):
        dates(**wrong)
