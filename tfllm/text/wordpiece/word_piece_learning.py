"""Learns a WordPiece vocabulary: byte-pair merges (Sennrich et al. 2016), by the sentencepiece trainer.

The authors' trainer was never published; Hugging Face's also merges pairs. Runs once, in Python, outside any graph.
"""

import logging
import tempfile
from collections import Counter
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from tfllm.text.learning import batches

SPACE = "\u2581"  # the trainer's symbol for the start of a word
RESERVED = {"\0", SPACE, "\u2585", "\t"}
LONGEST = 16  # letters of a token, the trainer's default

logger = logging.getLogger(__name__)


def word_pieces(texts, vocab_size, special, words):
    """At most `vocab_size` tokens: the special tokens, letters by falling count, then merges, best first.

    words: texts -> (code points of words, where they begin, ...), as BertWords. Each letter gets a token for the start
    of a word and, if it occurs there, one for inside a word, so that all words of these letters can be encoded. Letters
    take at most half of the space left by the special tokens; rarer letters come last, after the merges.
    """
    if vocab_size <= len(special):
        raise ValueError(f"vocab_size must be more than the {len(special)} special tokens, got {vocab_size}")
    counts = Counter()
    for batch in batches(texts, lowercase=False):
        points, begins, _ = (part.numpy() for part in words(batch))
        text, borders = points.astype("<u4").tobytes().decode("utf-32-le"), np.flatnonzero(begins).tolist()
        counts.update(text[start:end] for start, end in pairwise([*borders, len(text)]))
    if not counts:
        raise ValueError("there is no text to learn from: give at least one that is not blank")
    forms, size = _alphabet(counts), (vocab_size - len(special) + 1) // 2
    kept = {letter for letter, end in zip(forms, accumulate(map(len, forms.values())), strict=True) if end <= size}
    first = [form for letter in forms if letter in kept for form in forms[letter]]
    rest = [form for letter in forms if letter not in kept for form in forms[letter]]  # if there is space left
    counts = {word: count for word, count in counts.items() if len(word) > 1 and kept.issuperset(word)}
    merged = _merged(counts, vocab_size - len(special) - len(first), len(kept)) if counts else []
    result = list(dict.fromkeys([*special, *first, *merged, *rest]))[:vocab_size]
    if len(result) < vocab_size:
        logger.warning("the text gives only %d of the %d tokens that were requested", len(result), vocab_size)
    return result


def _alphabet(counts):
    """{letter: its tokens}, by falling count."""
    letters, inside = Counter(), set()
    for word, count in counts.items():
        for letter in word:
            letters[letter] += count
        inside.update(word if len(word) > 1 else ())
    ranked = sorted(letters.keys() - RESERVED, key=lambda letter: (-letters[letter], letter))
    return {letter: [letter, f"##{letter}"] if letter in inside else [letter] for letter in ranked}


def _merged(counts, size, letters):
    """Tokens of two letters and more, best first."""
    import sentencepiece

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "words.tsv"
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        path.write_text("".join(f"{word}\t{count}\n" for word, count in ranked), encoding="utf-8", newline="\n")
        sentencepiece.SentencePieceTrainer.train(
            input=str(path), input_format="tsv", model_prefix=f"{folder}/pieces", model_type="bpe",
            # includes <unk>, the start symbol, and its merges with each letter
            vocab_size=size + letters + 2 + letters,
            hard_vocab_limit=False, character_coverage=1.0, normalization_rule_name="identity",
            split_by_unicode_script=False, split_by_number=False, max_sentencepiece_length=LONGEST + 1,
            max_sentence_length=1 << 16, bos_id=-1, eos_id=-1, pad_id=-1, minloglevel=2,
        )  # fmt: skip
        learned = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/pieces.model")
        pieces = [learned.id_to_piece(i) for i in range(learned.vocab_size()) if not learned.is_unknown(i)]
    named = [piece.removeprefix(SPACE) if piece.startswith(SPACE) else f"##{piece}" for piece in pieces]
    return [name for name in named if len(name.removeprefix("##")) > 1][:size]
