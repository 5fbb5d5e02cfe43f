"""Word2Vec (Mikolov et al. 2013) and FastText (Bojanowski et al. 2017), trained by gensim on texts as we split them.

Beyond gensim, this handles raw text, texts of more than 10,000 words (gensim ignores the rest), errors while texts are
read (gensim's threads would wait forever), and the loss, which gensim sums in a float32 that all threads write to and
that stops growing at 16 million.
Not included: continuing a training, and gensim's `corpus_file`.
"""

import functools
import inspect

from tfllm.private_api import with_losses
from tfllm.vectors.formats.vector_files import save

LONGEST = 10_000  # words; gensim's MAX_SENTENCE_LEN
LONG = 1_000_000  # words in all epochs from which there is a progress bar
OURS = ("self", "sentences", "corpus_file")


class Word2Vec:
    """word2vec = Word2Vec(sg=1).fit(texts); word2vec.vectors.most_similar("dog"). Arguments and defaults are gensim's:

    sentences: texts to `fit` at once; vector_size: numbers per word; window: maximum number of words on each side;
    min_count: rarer words have no vector; sg: 1 predicts the words around (skip-gram), 0 the word between them (CBOW);
    negative: negative samples per word (Mikolov et al. 2013b, eq. 4); epochs; seed; workers: threads. With one worker
    the same seed gives the same vectors. options: alpha, min_alpha, sample, hs, ns_exponent, cbow_mean,
    max_vocab_size, max_final_vocab, shrink_windows, callbacks ... of gensim.models.Word2Vec.

    In addition: subwords=True is gensim's FastText, whose vectors come from the n-grams of a word, so unknown words
    have one too; options: also min_n, max_n, bucket (the default of 2,000,000 takes 8 MB for each of vector_size).
    tokenizer: what a word is, see `fit`. verbose: a progress bar per epoch, "auto": for long texts.

    history: {"loss": [...], "words": [...]}, one value per epoch: gensim's loss per trained word, and the number of
        these after `sample` and `min_count`. With subwords without "loss": gensim's FastText computes none.
    Raises ValueError for an option that gensim does not have.
    """

    def __init__(
        self, sentences=None, vector_size=100, window=5, min_count=5, sg=0, negative=5, epochs=5, subwords=False,
        seed=1, workers=3, tokenizer=None, verbose="auto", **options,
    ):  # fmt: skip
        known = set(inspect.signature(_gensim(subwords).__init__).parameters).difference(OURS)
        if unknown := sorted(set(options) - known):
            more = "" if subwords else "; with subwords=True also min_n, max_n and bucket"
            raise ValueError(f"Word2Vec has no {', '.join(unknown)}; gensim's options are {sorted(known)}{more}")
        if not isinstance(epochs, int) or epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {epochs!r}")
        self.subwords, self.tokenizer, self.verbose, self.epochs = subwords, tokenizer, verbose, epochs
        self.options = {
            "vector_size": vector_size, "window": window, "min_count": min_count, "sg": sg, "negative": negative,
            "seed": seed, "workers": workers, **options,
        }  # fmt: skip
        self.history, self._vectors = {}, None
        if sentences is not None:
            self.fit(sentences)

    def fit(self, texts):
        """Learn from texts, from scratch each time -> self.

        texts: str, bytes or lists of words, in any iterable that can be iterated repeatedly; or a `tf.data.Dataset` of
        strings, or of records with one field or a field "text". tokenizer: None splits words, punctuation marks and
        Chinese characters; any `tfllm.text` tokenizer: its tokens; or a function text -> list of words.
        Raises ValueError for one string, for a generator, and if no word occurs `min_count` times.
        """
        from tfllm.vectors.sentences import Sentences  # this imports TensorFlow

        corpus = _Corpus(Sentences(texts, self.tokenizer))
        options = dict(self.options)
        callbacks, loss = options.pop("callbacks", ()), options.pop("compute_loss", True)
        model = _gensim(self.subwords)(**options)
        model.build_vocab(corpus)
        corpus.check()
        if not len(model.wv):
            raise ValueError(
                f"no word occurs min_count={model.min_count} times in {model.corpus_count} texts with "
                f"{model.corpus_total_words} words: use a smaller min_count, or more texts"
            )
        epochs = _Epochs(corpus, model, self.epochs, loss and not self.subwords, self.verbose)
        model.train(
            corpus, total_examples=model.corpus_count, epochs=self.epochs, compute_loss=loss,
            callbacks=[epochs, *callbacks],
        )  # fmt: skip
        self.history, self._vectors = epochs.history, model.wv
        return self

    @property
    def vectors(self):
        """gensim's KeyedVectors; with subwords its FastTextKeyedVectors. Words by falling count."""
        if self._vectors is None:
            raise ValueError("there are no vectors yet: call fit(texts) first")
        return self._vectors

    wv = vectors  # gensim's name

    def save(self, path, format=None):
        """Write the vectors: see `tfllm.vectors.save`. Only "gensim" (a name in .kv) keeps the n-grams of subwords."""
        save(self.vectors, path, format)


@functools.cache
def _gensim(subwords):
    """The class of gensim, with a loss that is summed correctly."""
    from gensim import models

    return with_losses(models.FastText if subwords else models.Word2Vec)


class _Corpus:
    """Sentences of 1 to `LONGEST` words. An error ends them early and is raised by `check`, in the caller's thread."""

    def __init__(self, sentences):
        self.sentences, self.fault, self.bar = sentences, None, None

    def __iter__(self):
        number = 0
        try:
            for words in self.sentences:
                for start in range(0, len(words), LONGEST):
                    yield words[start : start + LONGEST]
                    number += 1
                    if self.bar and not number % 1000:
                        self.bar.update(min(number, self.bar.target - 1))
        except Exception as error:
            self.fault = error

    def check(self):
        if self.fault:
            raise self.fault


class _Epochs:
    """A callback for gensim: history and progress bar."""

    def __init__(self, corpus, model, epochs, loss, verbose):
        self.corpus, self.epochs = corpus, epochs
        self.verbose = model.corpus_total_words * epochs >= LONG if verbose == "auto" else verbose
        self.history = {"loss": [], "words": []} if loss else {"words": []}

    def on_train_begin(self, model):
        pass

    def on_epoch_begin(self, model):
        model.done = []
        if self.verbose:
            import keras

            print(f"Epoch {len(self.history['words']) + 1}/{self.epochs}")
            self.corpus.bar = keras.utils.Progbar(model.corpus_count, stateful_metrics=["loss"], unit_name="text")

    def on_epoch_end(self, model):
        self.corpus.check()
        words = sum(words for _, words in model.done)
        self.history["words"].append(words)
        if "loss" in self.history:
            self.history["loss"].append(sum(loss for loss, _ in model.done) / max(1, words))
        if self.corpus.bar:
            shown = [("loss", self.history["loss"][-1])] if "loss" in self.history else []
            self.corpus.bar.update(model.corpus_count, shown, finalize=True)

    def on_train_end(self, model):
        self.corpus.bar = None
