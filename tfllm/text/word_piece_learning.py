"""A WordPiece vocabulary from text: byte-pair merges (Sennrich et al. 2016), by the sentencepiece trainer.

The authors' own trainer was never published; Hugging Face's merges pairs too. Runs once, in Python, outside any graph.
"""

import logging
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from tfllm.text.learning import batches

SPACE = "\u2581"  # the trainer's own sign for the begin of a word
RESERVED = {"\0", SPACE, "\u2585", "\t"}
LONGEST = 16  # letters of a piece, the trainer's default

logger = logging.getLogger(__name__)


def word_pieces(texts, vocab_size, special, words):
    """At most `vocab_size` tokens: the special ones, letters by falling count, then merges, best first.

    words: texts -> (code points of words, where they begin, ...), as BertWords. Each letter is there both as the first
    of a word and as one inside, where it is ever inside one, so that any word of these letters can be cut. Letters
    take at most half of what the special ones leave.
    """
    if vocab_size <= len(special):
        raise ValueError(f"vocab_size must be more than the {len(special)} special tokens, got {vocab_size}")
    counts = Counter()
    for batch in batches(texts, lowercase=False):
        points, begins, _ = (part.numpy() for part in words(batch))
        text, borders = points.astype("<u4").tobytes().decode("utf-32-le"), np.flatnonzero(begins).tolist()
        counts.update(text[start:end] for start, end in zip(borders, [*borders[1:], len(text)], strict=True))
    if not counts:
        raise ValueError("learn found no text: give it at least one that is not blank")
    alphabet, kept = _alphabet(counts, (vocab_size - len(special) + 1) // 2)
    left = vocab_size - len(special) - len(alphabet)
    counts = {word: count for word, count in counts.items() if len(word) > 1 and kept.issuperset(word)}
    merged = _merged(counts, left, len(kept)) if counts and left else []
    found = list(dict.fromkeys([*special, *alphabet, *merged]))[:vocab_size]
    if len(found) < vocab_size:
        logger.warning("the text gives %d word pieces, %d were asked for", len(found), vocab_size)
    return found


def _alphabet(counts, size):
    """At most `size` tokens of one letter, and the letters that are among them in every form they need."""
    letters, inside = Counter(), set()
    for word, count in counts.items():
        for letter in word:
            letters[letter] += count
        inside.update(word if len(word) > 1 else ())
    ranked = sorted(letters.keys() - RESERVED, key=lambda letter: (-letters[letter], letter))
    found, kept = [], set()
    for letter in ranked:
        forms = [letter, f"##{letter}"] if letter in inside else [letter]
        if len(found) + len(forms) > size:
            break
        found += forms
        kept.add(letter)
    return found, kept


def _merged(counts, size, letters):
    """Pieces of two letters and more, best first."""
    import sentencepiece

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "words.tsv"
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        path.write_text("".join(f"{word}\t{count}\n" for word, count in ranked), encoding="utf-8", newline="\n")
        sentencepiece.SentencePieceTrainer.train(
            input=str(path), input_format="tsv", model_prefix=f"{folder}/pieces", model_type="bpe",
            vocab_size=size + letters + 2 + letters,  # with <unk>, the sign of a begin, its merges with a letter
            hard_vocab_limit=False, character_coverage=1.0, normalization_rule_name="identity",
            split_by_unicode_script=False, split_by_number=False, max_sentencepiece_length=LONGEST + 1,
            max_sentence_length=1 << 16, bos_id=-1, eos_id=-1, pad_id=-1, minloglevel=2,
        )  # fmt: skip
        learned = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/pieces.model")
        pieces = [learned.id_to_piece(i) for i in range(learned.vocab_size()) if not learned.is_unknown(i)]
    named = [piece.removeprefix(SPACE) if piece.startswith(SPACE) else f"##{piece}" for piece in pieces]
    return [name for name in named if len(name.removeprefix("##")) > 1][:size]
