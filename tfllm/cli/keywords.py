"""`tfllm keywords FILE ...`: the keywords of each document, best first, with one word (or phrase) and score per
line.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tfllm.cli import options, sources

USAGE = "tfllm keywords FILE [FILE ...]"


def run(arguments):
    settings, words = options.read(Extraction, USAGE, arguments)
    settings.act(words)


def completions():
    return {"": options.values([Extraction])}


@dataclass(frozen=True)
class Extraction:
    """How to extract keywords."""

    method: Literal["tfidf", "textrank", "embedding"] = "tfidf"  # tfidf: frequent here, rare in the other documents
    k: int = 10  # keywords per document, at most
    language: Literal["en", "zh"] = "en"
    documents: Literal["file", "paragraph", "line"] = "file"  # what counts as one document
    longest: int = 1  # words per keyword, at most
    stop_words: str | None = None  # file of stop words, one per line; none: the language's own list
    dictionary: str | None = None  # zh: file of words with their counts; none: that of the package jieba
    model: str | None = None  # embedding: BERT folder, name on the hub, TextEmbedder .keras, or file of word vectors
    diversity: float = 0.3  # embedding: 0 to 1, penalty for similarity to earlier keywords

    def check(self, files):
        """Raises ValueError or OSError for options that do not go together and missing files."""
        if not files:
            raise ValueError(f"expected FILE [FILE ...], got only options: {USAGE}")
        if self.k < 1:
            raise ValueError(f"--k must be at least 1; got {self.k}")
        if self.dictionary is not None and self.language != "zh":
            raise ValueError("--dictionary needs --language zh")
        if (self.model is None) == (self.method == "embedding"):
            raise ValueError("--method embedding needs --model, and other methods must not have one")
        sources.exist("FILE", files, folders=True)

    def act(self, files):
        self.check(files)
        from tfllm import data, extraction
        from tfllm.text.stop_words import read_words

        tokenizer = self.tokenizer()
        keywords = extraction.Keywords(
            self.method, self.language, tokenizer, longest=self.longest, diversity=self.diversity,
            stopped=None if self.stop_words is None else read_words(self.stop_words),
            embedder=self.embedder(tokenizer),
        )  # fmt: skip
        names, texts = [], []
        for file in files:
            records = data.text(file, documents=self.documents).as_numpy_iterator()
            result = [record["text"].decode("utf-8", "replace") for record in records]
            names += [file] if len(result) == 1 else [f"{file} {i}" for i in range(1, len(result) + 1)]
            texts += result
        if self.method == "tfidf":
            keywords.fit(texts)
        for name, result in zip(names, keywords.extract(texts, self.k), strict=True):
            if len(texts) > 1:
                print(name)
            for word, score in result:
                print(f"{word}\t{score:.4f}")

    def tokenizer(self):
        """The tokenizer with --dictionary; None: the default of `Keywords`."""
        if self.dictionary is None:
            return None
        from tfllm.text import Segments
        from tfllm.text.chinese import dictionaries, width

        words = dictionaries.read_dictionary(self.dictionary)
        return Segments(dictionary=words, characters=width.HALF_WIDTH, lowercase=True)

    def embedder(self, tokenizer):
        """The TextEmbedder of --model, for --method embedding."""
        if self.model is None:
            return None
        from tfllm import load_model, tasks, vectors
        from tfllm.extraction.key_phrases import default_tokenizer
        from tfllm.text import Segments

        path = Path(self.model)
        if path.suffix == ".keras":
            result = load_model(path)
            return result if isinstance(result, tasks.TextEmbedder) else tasks.TextEmbedder.from_task(result)
        if not path.is_file():
            return tasks.TextEmbedder.from_pretrained(self.model)
        result = vectors.load(path, verbose=False)
        if self.language == "en":
            return tasks.TextEmbedder.from_vectors(result)
        cut = tokenizer or default_tokenizer("zh")
        cut = Segments(result.index_to_key, cut.dictionary, cut.characters, cut.lowercase)
        return tasks.TextEmbedder.from_vectors(result, cut)
