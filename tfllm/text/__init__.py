"""Tokenizers (text to token ids and back) written in core TensorFlow ops, and vocabulary learning."""

from tfllm import lazy
from tfllm.text.bytepair.byte_pairs import BytePairs
from tfllm.text.bytes import Bytes
from tfllm.text.characters import Characters
from tfllm.text.chinese.segmentation import Segments
from tfllm.text.subwords import Subwords
from tfllm.text.tokenizer import END, PAD, START, UNKNOWN, Tokenizer
from tfllm.text.wordpiece.word_pieces import WordPieces
from tfllm.text.words import Words

__all__ = [
    "END", "PAD", "START", "UNKNOWN", "BytePairs", "Bytes", "Characters", "Segments", "Subwords", "Tokenizer",
    "WordPieces", "Words",
]  # fmt: skip
__getattr__ = lazy.moved(__name__, {
    "copying": "tfllm.text.source_words", "dictionaries": "tfllm.text.chinese.dictionaries",
    "tf_idf": "tfllm.extraction.tf_idf", "text_rank": "tfllm.extraction.text_rank", "width": "tfllm.text.chinese.width",
})  # fmt: skip
