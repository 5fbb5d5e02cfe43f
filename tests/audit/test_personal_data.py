"""Personal data: numbers from the standards and from card issuers' test pages."""

import pytest

from tfllm.audit import personal_data, redact

FOUND = {
    "card": ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "6011111111111117"],
    "iban": ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "FR1420041010050500013M02606"],
    "resident_id": ["11010519491231002X", "440524188001010014"],
    "email": ["ann.b+c@mail.example.com", "Bob_1@x-y.org"],
    "social_security": ["078-05-1120"],
    "ip_address": ["192.168.0.1"],
    "phone": ["713-345-6687", "(713) 345-6687", "+49 30 1234567", "+1 713 345 6687", "030 1234567", "13812345678"],
}
NOT_FOUND = [
    "4111 1111 1111 1112",  # wrong check digits, here and below
    "GB82 WEST 1234 5698 7654 33", "110105194912310021", "000-12-3456", "0000000000000000",
    "version 1.2.3.4.5", "300.1.1.1", "3.14159265358979", "10,000,000 people", "1990-2000", "2001-10-30", "at 9:00",
    "@name", "a@b", "12345", "Flight 815",
]  # fmt: skip


@pytest.mark.parametrize("kind, number", [(kind, number) for kind, numbers in FOUND.items() for number in numbers])
def test_a_number_is_found_in_its_text(kind, number):
    text = f"It is {number}, he says."
    (one,) = personal_data(text)
    assert (one.kind, text[one.start : one.end]) == (kind, number)


@pytest.mark.parametrize("text", NOT_FOUND)
def test_other_numbers_are_not_found(text):
    assert personal_data(f"It is {text}, he says.") == []


def test_luhn_against_its_definition():
    """Every second digit from the right is doubled, and the digits of the products are added."""
    from tfllm.audit.personal import luhn

    for number in range(10**13, 10**13 + 3000):
        total = 0
        for place, digit in enumerate(reversed(str(number))):
            value = int(digit) * (2 if place % 2 else 1)
            total += value if value < 10 else value - 9
        assert luhn(str(number)) == (total % 10 == 0)


def test_redaction():
    text = "Call 713-345-6687 or write to a@b.org (card 4111111111111111)."
    assert redact(text) == "Call [PHONE] or write to [EMAIL] (card [CARD])."
    assert redact(text, ["email"]) == "Call 713-345-6687 or write to [EMAIL] (card 4111111111111111)."
    assert redact(redact(text)) == redact(text)
    with pytest.raises(ValueError, match="no kind 'name'"):
        redact(text, ["name"])


def test_the_part_before_the_at_has_at_most_64_characters():
    name = "n" * 64
    assert redact(f"{name}@b.org x{name}@b.org y%{name}@b.org") == f"[EMAIL] x{name}@b.org y%[EMAIL]"
    assert personal_data("%a1" * 100_000) == []  # with no limit, each of these would be tried to the end of the text
