"""Characters that a reader does not see, or that change the order in which text is shown.

Bidirectional controls can show other text than a program reads: Boucher & Anderson 2021, "Trojan Source". Zero-width
joiners are ordinary in emoji and in the scripts of Persian and India; they are a kind of their own.
"""

import re

KINDS = {
    "zero-width": "\u200b\u2060-\u2064\ufeff\u180e",
    "joiners": "\u200c\u200d",
    "bidi controls": "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069",
    "tags": "\U000e0001\U000e0020-\U000e007f",
    "soft hyphens": "\u00ad",
    "controls": "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f",
    "replacement": "\ufffd",  # what a wrong decoding leaves
}
PATTERNS = {kind: re.compile(f"[{characters}]") for kind, characters in KINDS.items()}
ANY = re.compile(f"[{''.join(KINDS.values())}]")


def hidden_characters(text: str) -> dict[str, int]:
    """{kind: number of characters} of the kinds that the text has."""
    if not ANY.search(text):
        return {}
    return {kind: count for kind, pattern in PATTERNS.items() if (count := len(pattern.findall(text)))}
