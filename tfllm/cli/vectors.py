"""`tfllm vectors ACTION ...`: word vectors from text or a file. The dataclass of each action has its options."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tfllm.cli import options
from tfllm.cli.messages import Help, meant, subverb
from tfllm.cli.sources import Texts, expect_folder

OUT = {"out": "the file: .txt or .vec (word2vec's text), .bin (its binary), .kv (gensim's), .gz of the first three"}
ONLY = {  # options that not every kind has
    "sg": ("word2vec", "fasttext"), "negative": ("word2vec", "fasttext"), "sample": ("word2vec", "fasttext"),
    "bucket": ("fasttext",), "min_n": ("fasttext",), "max_n": ("fasttext",),
    "x_max": ("glove",), "learning_rate": ("glove",), "memory": ("glove",),
}  # fmt: skip


def run(arguments):
    footer = "V is a file of word vectors. tfllm vectors ACTION --help lists the options."
    known = {name: row[1:] for name, row in ACTIONS.items()}
    action, rest = subverb(arguments, "tfllm vectors ACTION ...", "action", known, footer)
    kind, usage, _ = ACTIONS[action]
    apart = OUT if kind is Training else {}
    given, words = options.split(rest, options.flags(kind))
    if options.HELP in given or not rest:
        raise Help(options.help(f"tfllm vectors {usage}", kind, apart))
    kept = {name: given.pop(name) for name in apart if given.get(name) is not None}
    options.settings(kind, given, apart).act(words, **kept)


def completions():
    return {name: options.values([kind], OUT if kind is Training else ()) for name, (kind, _, _) in ACTIONS.items()}


@dataclass(frozen=True)
class Training(Texts):
    """Train Word2Vec, FastText or GloVe on a text."""

    documents: Literal["file", "paragraph", "line"] = "line"  # words share a window only within one of these
    split: str = "train"  # part of the public data set
    kind: Literal["word2vec", "fasttext", "glove"] = "word2vec"  # algorithm; fasttext keeps its n-grams only in .kv
    vector_size: int = 100  # dimensions
    window: int | None = None  # words on each side; none: 5, glove 10
    min_count: int = 5  # rarer words have no vector
    epochs: int | None = None  # none: 5, glove 25
    seed: int = 1
    workers: int | None = None  # threads; with 1 the same seed gives the same vectors; none: 3, glove 1
    # how to split words; whitespace: for text that is already tokenised
    cut: Literal["punctuation", "whitespace"] = "punctuation"
    lowercase: bool = False  # treat "Dog" as "dog"
    sg: Literal[0, 1] | None = None  # word2vec, fasttext: 1 skip-gram, 0 CBOW; none: 0
    negative: int | None = None  # word2vec, fasttext: negative samples per word; none: 5
    sample: float | None = None  # word2vec, fasttext: subsample words that are more frequent than this; none: 0.001
    min_n: int | None = None  # fasttext: letters of an n-gram, at least; none: 3
    max_n: int | None = None  # fasttext: letters of an n-gram, at most; none: 6
    bucket: int | None = None  # fasttext: number of hash buckets for n-grams; none: 2,000,000
    x_max: float | None = None  # glove: counts from here on get full weight; none: 100
    learning_rate: float | None = None  # glove; none: 0.05
    memory: int | None = None  # glove: MiB for counting and shuffling pairs; none: 1024

    def act(self, words, out=None):
        options.words([], words)
        self.check()
        if out is None:
            raise ValueError("no output file: use --out V")
        from tfllm.vectors.formats.vector_files import SUFFIXES

        path = Path(out)
        if (Path(path.stem) if path.suffix == ".gz" else path).suffix not in SUFFIXES or path.name.endswith(".kv.gz"):
            raise ValueError(f"--out {out}: expected {OUT['out'].removeprefix('the file: ')}")
        expect_folder("--out", out)
        names = ["window", "epochs", "workers", *ONLY]
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        if wrong := [name for name in given if self.kind not in ONLY.get(name, (self.kind,))]:
            raise ValueError(f"--{wrong[0]} belongs to {' and '.join(ONLY[wrong[0]])}, not to {self.kind}")
        from tfllm import text, vectors

        given |= {"vector_size": self.vector_size, "min_count": self.min_count, "seed": self.seed}
        given["tokenizer"] = text.Words(split=self.cut, lowercase=self.lowercase)
        corpus, shown = self.records(stream=True), sys.stdout.isatty()
        if self.kind == "glove":
            result = vectors.GloVe(**given).fit(corpus, verbose=int(shown))
        else:
            result = vectors.Word2Vec(subwords=self.kind == "fasttext", verbose=shown, **given).fit(corpus)
        result.save(path)
        print(f"{path}: {len(result.vectors):,} words, {self.vector_size} numbers each")


@dataclass(frozen=True)
class Reading:
    """Options for reading V."""

    # of V; none: detected from its content
    format: Literal["word2vec", "binary", "glove", "fasttext", "gensim"] | None = None
    limit: int | None = None  # read only the first words
    errors: Literal["raise", "skip"] = "raise"  # skip: skip invalid lines with a warning

    def vectors(self, path):
        from tfllm.vectors import load

        return load(path, self.format, self.limit, self.errors, verbose="auto" if sys.stdout.isatty() else False)


@dataclass(frozen=True)
class Conversion(Reading):
    # of B; none: by the ending of its name
    to: Literal["word2vec", "binary", "glove", "fasttext", "gensim"] | None = None

    def act(self, words):
        first, second = options.words(["A", "B"], words)
        from tfllm.vectors import save

        result = self.vectors(first)
        save(result, second, self.to, verbose="auto" if sys.stdout.isatty() else False)
        print(f"{second}: {len(result):,} words, {result.vector_size} numbers each")


@dataclass(frozen=True)
class Evaluation(Reading):
    similarity: tuple[str, ...] | None = None  # files of word pairs with a judgement, one pair per line
    analogies: str | None = None  # a file such as questions-words.txt: four words per line, under ": section" lines
    weat: bool = False  # measure bias by the ten tests of Caliskan et al. 2017 (English)
    case_insensitive: bool = True  # treat "Athens" as "athens"
    restrict_vocab: int | None = None  # use only the first words; fewer give better scores
    dummy4unknown: bool = False  # count unknown words as wrong; else skip such pairs and questions

    def act(self, words):
        (path,) = options.words(["V"], words)
        if not (self.similarity or self.analogies or self.weat):
            raise ValueError("name evaluation data: --similarity F [F ...], --analogies F, --weat")
        from tfllm.explain import WEAT_TESTS, weat
        from tfllm.vectors import analogies, similarity

        vectors = self.vectors(path)
        how = self.case_insensitive, self.restrict_vocab, self.dummy4unknown
        for file in self.similarity or ():
            print(f"{file}: {similarity(vectors, file, *how)}")
        if self.analogies:
            print(analogies(vectors, self.analogies, *how))
        for test in WEAT_TESTS if self.weat else ():
            print(f"{test.name}: {weat(vectors, *test.words)}")


@dataclass(frozen=True)
class Nearest(Reading):
    topn: int = 10  # number of words

    def act(self, words):
        if len(words) < 2:
            raise ValueError(f"expected V WORD [WORD ...], got {' '.join(words) or 'only options'}")
        if self.topn < 1:
            raise ValueError(f"--topn must be at least 1; got {self.topn}")
        path, *asked = words
        asked = [" ".join(asked)] if set(asked[1:]) & {"+", "-"} else asked
        vectors = self.vectors(path)
        for word in (word for one in asked for side in terms(one) for word in side):
            if word not in vectors:
                raise ValueError(f"{path} has no vector for {word!r}{spelling(word, vectors)}")
        for one in asked:
            if len(asked) > 1:
                print(one)
            for word, cosine in vectors.most_similar(*terms(one), topn=self.topn):
                print(f"{word}\t{cosine:.3f}")


def terms(text):
    """a - b + c -> (["a", "c"], ["b"]); operators are surrounded by spaces, so "well-known" is a word, and so is
    "-".
    """
    words = text.split(" ")
    if len(words) % 2 == 0 or not set(words[1::2]) <= {"+", "-"}:
        return [text], []  # a word that contains spaces
    signs = ["+", *words[1::2]]
    return tuple([word for sign, word in zip(signs, words[::2], strict=True) if sign == which] for which in "+-")


def spelling(word, vectors):
    """`: did you mean 'word'?`: the word in another case, or a similar one of the 20,000 most frequent."""
    same = [other for other in (word.lower(), word.capitalize(), word.upper()) if other in vectors]
    return f": did you mean {same[0]!r}?" if same else meant(word, vectors.index_to_key[:20_000])


@dataclass(frozen=True)
class Cover(Texts, Reading):
    """How many words of a text, and of its vocabulary, have a vector."""

    split: str = "train"  # part of the public data set
    documents: Literal["file", "paragraph", "line"] = "line"  # what counts as one document in the text
    tokenizer: Literal["words", "subwords", "characters"] = "words"  # learned from the text
    vocab_size: int | None = None  # of the tokenizer; none: all words or characters, 8,000 subwords
    lowercase: bool = False  # treat "Dog" as "dog"

    def act(self, words):
        (path,) = options.words(["V"], words)
        self.check()
        from tfllm import text
        from tfllm.vectors import coverage

        strings = self.records().map(lambda record: record["text"])
        size = {} if self.vocab_size is None else {"vocab_size": self.vocab_size}
        tokenizer = getattr(text, self.tokenizer.capitalize()).learn(strings, lowercase=self.lowercase, **size)
        print(coverage(tokenizer, self.vectors(path), strings))


ACTIONS = {
    "train": (Training, "train --text F [F ...] --out V", "learn vectors: word2vec, fasttext, glove"),
    "convert": (Conversion, "convert A B", "write the vectors of one file in the format of another"),
    "evaluate": (Evaluation, "evaluate V --similarity F [F ...] --analogies F", "similarity, analogies, WEAT"),
    "nearest": (Nearest, "nearest V WORD [WORD ...]", 'the nearest words; also for "king - man + woman"'),
    "coverage": (Cover, "coverage V --text F [F ...]", "how many words of a text have a vector"),
}
