"""Personal data in text: e-mail addresses, phone numbers, payment cards, IBANs, ID numbers, IP addresses.

A pattern finds candidates and, where the number has check digits, these decide: Luhn's formula for cards (ISO/IEC
7812-1), modulo 97 for IBANs (ISO 13616), modulo 11-2 for ID numbers of China (GB 11643-1999, ISO 7064). Patterns are
neither complete nor exact: a phone number is any group of digits written like one. Digits of all scripts count. Not
included: names and addresses, which need a trained recogniser (presidio_finder.py).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple


class PersonalData(NamedTuple):
    """One match: its kind, and its characters start .. end - 1 of the text."""

    kind: str
    start: int
    end: int


def digits(text):
    return [int(character) for character in text if character.isdigit()]


def luhn(text):
    """Whether the digits of a card number have a right check digit: every second digit from the right is doubled."""
    values = digits(text)[::-1]
    doubled = [sum(divmod(2 * value, 10)) for value in values[1::2]]
    return len(set(values)) > 1 and (sum(values[::2]) + sum(doubled)) % 10 == 0


def iban(text):
    """Whether the first four characters, moved to the end, make a number that leaves 1 modulo 97."""
    text = text.replace(" ", "").upper()
    return 15 <= len(text) <= 34 and int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def resident_id(text):
    """China: the weighted sum of the first 17 digits, modulo 11, gives the last character."""
    weights = [2 ** (17 - position) % 11 for position in range(17)]
    return "10X98765432"[sum(w * d for w, d in zip(weights, digits(text[:17]), strict=True)) % 11] == text[17].upper()


def phone(text):
    return 7 <= len(digits(text)) <= 15 and len(set(digits(text))) > 1


PATTERNS: dict[str, tuple[str, Callable[[str], bool] | None]] = {  # in order: a later one may not overlap an earlier
    "email": (r"(?<![\w.+-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![\w-])", None),
    "iban": (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", iban),
    "resident_id": (r"(?<![\dA-Za-z])[1-9]\d{5}(?:18|19|20)\d\d[01]\d[0-3]\d{4}[\dXx](?![\dA-Za-z])", resident_id),
    "card": (r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d-])", luhn),
    "social_security": (r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d-])", None),
    "ip_address": (r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)", None),
    "phone": (
        r"(?<![\w.-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,4}"  # +49 30 1234567
        r"|(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"  # North America
        r"|0\d{2,4}[ /-]\d{3,8}(?:[ -]\d{2,4})?"  # national, with a leading 0
        r"|1[3-9]\d{9})(?![\w-]|\.\d)",  # mobile phones of China
        phone,
    ),
}
KINDS = tuple(PATTERNS)
# ASCII: a letter of another script, as in Chinese without spaces, ends a number as a space does
_COMPILED = {kind: (re.compile(pattern, re.ASCII), check) for kind, (pattern, check) in PATTERNS.items()}
# digits of all scripts, and full-width forms, one character for one
_PLAIN = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PLAIN |= {code: str(unicodedata.decimal(chr(code))) for code in range(0x80, 0x20000) if chr(code).isdecimal()}
_POSSIBLE = re.compile(r"@|\d.?.?\d")


def personal_data(text: str, kinds: Iterable[str] = KINDS) -> list[PersonalData]:
    """The matches in a text, in order; they do not overlap. Raises ValueError for an unknown kind."""
    kinds = set(kinds)
    if unknown := sorted(kinds - set(KINDS)):
        raise ValueError(f"no kind {unknown[0]!r} of personal data; the kinds: {', '.join(KINDS)}")
    text = text if text.isascii() else text.translate(_PLAIN)
    if not _POSSIBLE.search(text):
        return []
    result: list[PersonalData] = []
    for kind, (pattern, check) in _COMPILED.items():
        if kind not in kinds:
            continue
        for match in pattern.finditer(text):
            free = all(match.end() <= one.start or one.end <= match.start() for one in result)
            if free and (check is None or check(match[0])):
                result.append(PersonalData(kind, *match.span()))
    return sorted(result, key=lambda one: one.start)


def redact(
    text: str, kinds: Iterable[str] = KINDS, find: Callable[[str], list[PersonalData]] | None = None
) -> str:  # fmt: skip
    """The text with every match replaced by its kind in brackets, [EMAIL]. find: another finder, such as `Presidio`.

    Raises ValueError for an unknown kind.
    """
    parts, done = [], 0
    for kind, start, end in personal_data(text, kinds) if find is None else find(text):
        parts += [text[done:start], f"[{kind.upper()}]"]
        done = end
    return "".join([*parts, text[done:]])
