"""The built-in corpus: dates as people write them in sixteen languages -> ISO 8601, generated from a seed.

Source: every pattern of the CLDR (through Babel) with year, month and day: the short, medium, long and full formats and
the skeletons, with and without weekday and era; Arabic and Hindi also in their own digits. Target: `2021-04-03`.

No string has two meanings. Two-digit years follow the POSIX rule (69-99 -> 19yy, 00-68 -> 20yy), and the corpus covers
exactly that century. `03/04/2021` is the fourth of March in one country and the third of April in another: a string
that two patterns of the corpus read differently, ignoring zeros, weekday and invisible direction marks, is excluded
(rather than tagged with a language, which nobody writes). `13/04/2021` and `4/13/2021` are included, and so is
`3.4.2021`, since everybody who writes points puts the day before the month.

Not included: other calendars than the Gregorian, numbers in words, relative dates, times of day.
"""

import datetime
import functools
import hashlib
import random
import re
import unicodedata

import tensorflow as tf

LANGUAGES = (
    "ar", "de", "en-GB", "en-US", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh",
)  # fmt: skip
FIRST, LAST = datetime.date(1969, 1, 1), datetime.date(2068, 12, 31)  # the century of two-digit years
SIZES = {"train": 50_000, "valid": 1_000, "test": 2_000}  # default number of pairs
OWN_DIGITS = {"ar": "٠١٢٣٤٥٦٧٨٩", "hi": "०१२३४५६७८९"}  # Babel uses ASCII digits only
SAME_FIELD = str.maketrans("Lce", "MEE")  # other letters for month and weekday; y year, d day, G era


def dates(split="train", size=None, seed=0):
    """A tf.data.Dataset of `size` records {"source", "target", "language"}, all scalar strings.

    split: "train", "valid" or "test", by default 50,000, 1,000 and 2,000 pairs. The days of the splits are disjoint for
    any seeds: a hash of its name assigns each day to one split (80, 10 and 10 %). Language, day and format are drawn
    uniformly with replacement, then ambiguous strings are dropped; "language" is the BCP 47 tag of the language. The
    same split, size, seed and version of Babel give the same records.

    Raises ValueError for an unknown split or a size below 1, ImportError if Babel is not installed.
    """
    if split not in SIZES:
        raise ValueError(f"split must be one of {', '.join(SIZES)}; got {split!r}")
    size = SIZES[split] if size is None else size
    if size < 1:
        raise ValueError(f"size must be at least 1; got {size}")
    draw = random.Random(f"{split} {seed}")
    days = [day for day in _all_days() if split_of(day) == split]
    records = {"source": [], "target": [], "language": []}
    while len(records["source"]) < size:
        language, day = draw.choice(LANGUAGES), draw.choice(days)
        source = draw.choice(formats(language))(day)
        if readings(source) == {day}:
            for name, text in zip(records, (source, day.isoformat(), language), strict=True):
                records[name].append(text)
    return tf.data.Dataset.from_tensor_slices({name: tf.constant(texts) for name, texts in records.items()})


def split_of(day):
    """The split a day belongs to: "train", "valid" or "test"."""
    part = hashlib.sha256(day.isoformat().encode()).digest()[0] % 10
    return {0: "valid", 1: "test"}.get(part, "train")


def _all_days():
    return [FIRST + datetime.timedelta(n) for n in range((LAST - FIRST).days + 1)]


@functools.cache
def formats(language):
    """All ways to write a day in a language of LANGUAGES: a tuple of functions datetime.date -> str."""
    try:
        from babel import Locale
    except ImportError as error:
        raise ImportError("the corpus of dates needs Babel: pip install 'tfllm[dates]'") from error
    locale = Locale.parse(language, sep="-")
    result = [*locale.date_formats.values(), *locale.datetime_skeletons.values()]
    patterns = {str(pattern): pattern for pattern in result if _is_date(str(pattern))}.values()
    ways = [functools.partial(_write, pattern, locale, "0123456789") for pattern in patterns]
    if language in OWN_DIGITS:
        ways += [functools.partial(_write, pattern, locale, OWN_DIGITS[language]) for pattern in patterns]
    return tuple(ways)


def _write(pattern, locale, digits, day):
    return pattern.apply(day, locale).translate(str.maketrans("0123456789", digits))


def _is_date(pattern):
    """Whether a CLDR pattern has year, month and day, and nothing else but weekday and era (UTS 35, part 4)."""
    fields = re.findall(r"([A-Za-z])(\1*)", re.sub(r"'[^']*'", "", pattern))
    kinds = {letter.translate(SAME_FIELD) for letter, _ in fields}
    initials = any(letter in "ML" and len(rest) == 4 for letter, rest in fields)  # months as J F M A M J J ...
    return {"y", "M", "d"} <= kinds <= {"y", "M", "d", "E", "G"} and not initials


def readings(text):
    """The days that the patterns of all languages read in a text: several if it is ambiguous."""
    outline, numbers = _outline(text)
    result = set()
    for order, month in _layouts().get(outline, ()):
        value = {"M": month, **dict(zip(order, numbers, strict=True))}
        year = value["y"] if value["y"] > 99 else value["y"] + (1900 if value["y"] > 68 else 2000)
        try:
            result.add(datetime.date(year, value["M"], value["d"]))
        except ValueError:  # no such day, such as the thirtieth of February
            continue
    return result


def _outline(text):
    """`Sat, 03/04/2021` -> (`Sat, 0/0/0000`, [3, 4, 2021]): two patterns that fit one text have the same outline."""
    visible = text.replace("\u200f", "")  # Arabic has right-to-left marks between numbers
    numbers = re.findall(r"\d+", visible)
    return re.sub(r"\d+", _zeros, visible), [int(n) for n in numbers]


def _zeros(match):
    digits = match[0]
    zero = chr(ord(digits[0]) - unicodedata.digit(digits[0]))  # in its own script
    return zero * (4 if len(digits) == 4 else 1)


@functools.cache
def _layouts():
    """{outline: {(order of the numbers, number of a month written in letters or None)}} over all formats."""
    layouts = {}
    for month in range(1, 13):
        for day in range(21, 28):  # every month with every weekday; year 41, month and day are all distinct
            probe = datetime.date(2041, month, day)
            names = {2041: "y", 41: "y", month: "M", day: "d"}
            for write in (way for language in LANGUAGES for way in formats(language)):
                outline, numbers = _outline(write(probe))
                order = "".join(names[n] for n in numbers)
                layouts.setdefault(outline, set()).add((order, None if "M" in order else month))
    return layouts
