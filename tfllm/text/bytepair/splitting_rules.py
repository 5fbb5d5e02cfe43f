"""What differs between byte-level BPE tokenizers, apart from vocabulary and merges."""

from dataclasses import dataclass

from tfllm.text.bytepair.word_patterns import PATTERNS

NORMAL_FORMS = (None, "NFC")


@dataclass(frozen=True)
class Rules:
    """How a text becomes words, before their bytes are merged. The defaults are GPT-2's.

    normal_form  "NFC": the text is brought to this normal form of Unicode first; None: it is not changed
    pattern      "gpt2" or "gpt4", see word_patterns.py;  digits  the maximum numbers of a word; None: no limit
    whole_words  a word that is a token is not merged from its bytes
    added        tokens that are recognised anywhere in a text, before it is split, the longest first
    drops_bytes  bytes for which the vocabulary has no token are dropped; otherwise it must have all 256

    SmolLM2: digits=1, drops_bytes=True. Llama 3: pattern="gpt4", digits=3, whole_words=True. Qwen2 and Qwen3:
    normal_form="NFC", pattern="gpt4", digits=1. Raises ValueError for other values.
    """

    pattern: str = "gpt2"
    digits: int | None = None
    normal_form: str | None = None
    whole_words: bool = False
    added: tuple[str, ...] = ()
    drops_bytes: bool = False

    def __post_init__(self):
        object.__setattr__(self, "added", tuple(self.added))
        if self.pattern not in PATTERNS:
            raise ValueError(f"pattern must be one of {', '.join(PATTERNS)}; got {self.pattern!r:.60}")
        if self.digits not in ((None, 1, 3) if self.pattern == "gpt4" else (None, 1)):
            raise ValueError(
                f"digits of the pattern {self.pattern} must be 1, 3 (gpt4) or None; got {self.digits!r:.60}"
            )
        if self.normal_form not in NORMAL_FORMS:
            raise ValueError(f"normal_form must be NFC or None; got {self.normal_form!r:.60}")
