"""What `from_text` of every task does with its config: find it by its name, learn the tokenizer that it asks for."""

from tfllm import text
from tfllm.vectors.widening import widened

CLASSES = {"wordpieces": "WordPieces"}  # the others are spelt as their class, but for the capital


def named(config, sizes):
    """A config, or the one of that name in `sizes`. ValueError for another name."""
    if not isinstance(config, str):
        return config
    if config not in sizes:
        kind = type(next(iter(sizes.values()))).__name__
        raise ValueError(f"config must be one of {list(sizes)} or a {kind}; got {config!r}")
    return sizes[config]


def learned(config, texts, embeddings=None):
    """The tokenizer of a config (`tokenizer`, `lowercase`, `vocab_size`), with a vocabulary of the texts.

    Where the config says so (`embeddings_words`), and of the first words of the vectors it will begin with.
    """
    kind = getattr(text, CLASSES.get(config.tokenizer, config.tokenizer.capitalize()))
    options = {"lowercase": config.lowercase}
    if kind is not text.Bytes:
        options["vocab_size"] = config.vocab_size
    found, words = kind.learn(texts, **options), getattr(config, "embeddings_words", 0)
    if words and embeddings is None:
        raise ValueError(f"embeddings_words={words}: of which vectors? embeddings names none")
    return widened(found, embeddings, words) if words else found
