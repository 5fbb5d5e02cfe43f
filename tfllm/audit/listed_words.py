"""The pattern of a word or phrase in text: a whole word, or any part of a text in scripts without spaces."""

import re

from tfllm.evaluation.scripts import UNSPACED

NO_SPACES = re.compile(f"[{UNSPACED}]")


def whole_word(word: str) -> str:
    """For `re`: the word where no letter or digit continues it; "Mr." matches in "Mr. Smith", "he" not in "the"."""
    return re.escape(word) if NO_SPACES.search(word) else rf"(?<!\w){re.escape(word)}(?!\w)"
