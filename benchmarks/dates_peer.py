"""Exact match of `dateparser` (hand-written rules for 200 locales) on the test split of the built-in corpus
of dates.

    python benchmarks/dates_peer.py

With the language of each string given, and without, as for the translator; and, with the language, on the strings
without an era (`AD`, `n. Chr.`), which dateparser does not know in most languages. All other options are defaults: the
order of day and month comes from its locale data, two-digit years follow its own rule. Not included: the translator's
own score, which the demo prints.
"""

import collections
import datetime
import time
import warnings

import dateparser

from tfllm.data.dates import dates, formats

LOCALES = {"en-US": "en"}  # dateparser's name where it differs from the BCP 47 tag: its plain English is American


def parsed(text, language=None):
    """The day that dateparser reads in a text as ISO 8601, or None."""
    locales = None if language is None else [LOCALES.get(language, language)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own calls of strptime without a year
        result = dateparser.parse(text, locales=locales)
    return result and result.date().isoformat()


def has_era(record):
    source, target, language = record
    day = datetime.date.fromisoformat(target)
    return not any(write(day) == source for write in formats(language) if "G" not in str(write.args[0]))


def score(records, known):
    """{language: share of (source, target, language) records parsed to their target}, and "all" of them.

    known: whether dateparser is given the language.
    """
    hits = collections.defaultdict(list)
    for source, target, language in records:
        hit = parsed(source, language if known else None) == target
        hits[language].append(hit)
        hits["all"].append(hit)
    return {language: sum(result) / len(result) for language, result in sorted(hits.items())}


def main():
    fields = ("source", "target", "language")
    records = [tuple(r[field].decode() for field in fields) for r in dates("test").as_numpy_iterator()]
    plain = [record for record in records if not has_era(record)]
    start = time.perf_counter()
    known, without_era, result = score(records, True), score(plain, True), score(records, False)
    seconds = time.perf_counter() - start
    print(
        f"dateparser {dateparser.__version__}, {len(records)} test strings, {len(plain)} without era, {seconds:.0f} s"
    )
    print(f"{'language':10} {'told':>8} {'told, no era':>14} {'not known':>10}")
    for language in known:
        print(f"{language:10} {known[language]:8.1%} {without_era[language]:14.1%} {result[language]:10.1%}")


if __name__ == "__main__":
    main()
