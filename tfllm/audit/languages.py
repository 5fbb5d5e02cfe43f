"""Scripts of the letters in texts, and a rough guess of the language of one text.

A language with its own script is recognised by it; of those in Latin and Cyrillic script, the one with most function
words in the text is guessed, of the few listed here. A text of few words often has none of them: then the answer is
"unknown", never the most likely language. Not included: all other languages; use a trained classifier for those.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

FUNCTION_WORDS = {  # frequent words of each, without those that two of these languages share
    "en": "the and of to is that it with for are this was on at by not be from have you he she his her they its",
    "de": "der das und ist ein eine einem einen nicht mit auf im dem den von zu sich ich auch wird bei für sie nach",
    "fr": "le les et est une dans pour que qui sur pas avec au des du elle nous vous sont ce cette aux ils",
    "es": "el los y es una para que por las con del su no se lo como más pero al muy esta son hay",
    "it": "il di è un che per gli della nel con non sono una da questo anche alla dei più delle ha ed",
    "pt": "o os é um uma não em para com do da dos das ao mais como mas foi pelo seu sua ele você",
    "nl": "het een en van dat niet op voor met zijn aan er maar ook bij naar uit wordt deze hij ik",
    "ru": "и в не на что я он с это как по но из у за от о же так для вы мы она они",
}
WORDS = {language: frozenset(words.split()) for language, words in FUNCTION_WORDS.items()}
BY_SCRIPT = {"KATAKANA": "ja", "HIRAGANA": "ja", "HANGUL": "ko", "CJK": "zh", "THAI": "th", "GREEK": "el",
             "HEBREW": "he", "DEVANAGARI": "hi", "ARABIC": "ar", "GEORGIAN": "ka", "ARMENIAN": "hy"}  # fmt: skip
OPEN = {"LATIN", "CYRILLIC"}
RUNS = re.compile(r"[^\W\d_]+")
_OTHER = {"FULLWIDTH": "LATIN", "HALFWIDTH": "KATAKANA", "MODIFIER": None, "MATHEMATICAL": None, "MICRO": "GREEK"}


def script(character: str) -> str | None:
    """The first word of the Unicode name of a letter, "LATIN"; None for all that is no letter."""
    if not character.isalpha():
        return None
    first = unicodedata.name(character, "UNKNOWN").split()[0].split("-")[0]
    return _OTHER.get(first, first)


def scripts(texts: Iterable[str]) -> dict[str, float]:
    """{script: its share of all letters}, the most frequent first."""
    characters: Counter[str] = Counter()
    for text in texts:
        characters.update(text)
    counts: Counter[str] = Counter()
    for character, count in characters.items():
        if name := script(character):
            counts[name] += count
    return {name: count / counts.total() for name, count in counts.most_common()}


def language(text: str) -> str:
    """A code of ISO 639-1, or "unknown"."""
    counts: Counter[str] = Counter(name for name in map(script, text[:200]) if name)
    if not counts:
        return "unknown"
    if counts["HIRAGANA"] + counts["KATAKANA"] > 0.1 * counts.total():
        return "ja"
    main = counts.most_common(1)[0][0]
    if main not in OPEN:
        return BY_SCRIPT.get(main, "unknown")
    words = RUNS.findall(text.lower())
    votes = Counter({name: sum(word in known for word in words) for name, known in WORDS.items()})
    (best, most), (_, second) = votes.most_common(2)
    return best if most > second else "unknown"
