"""GloVe: word vectors whose products are the logarithms of co-occurrence counts. Pennington, Socher, Manning 2014.

J = sum over pairs of f(X_ij) (w_i · w̃_j + b_i + b̃_j - log X_ij)²      (eq. 8)
f(x) = min(1, (x / x_max) ^ alpha)                                      (eq. 9)
"""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from tfllm.vectors.glove.cooccurrence import Cooccurrence
from tfllm.vectors.keyed import keyed_vectors

CLIP = 100.0  # limit of each element of a gradient
PAGE = 256  # pairs that are read together if the table is larger than memory
CHUNK = 2**18  # pairs between two updates of the progress bar


class GloVe:
    """Word vectors of `texts`; `fit` learns them, `vectors` returns them.

    vector_size: D. window, min_count, vocab_size, symmetric, distance_weighting, tokenizer, memory (MiB), folder: as in
        `Cooccurrence.count`. The random order of the pairs also respects `memory`.
    x_max, alpha: the weight f of a count, eq. 9.
    learning_rate, epochs: AdaGrad over all pairs, in a new order in each epoch.
    add_contexts: a word's vector is w + w̃ (sec. 4.2); False: w alone.
    seed: of the initial values and of the orders. The same seed gives the same vectors on the same machine, with one
        worker.
    workers: threads that train one table without locks (Hogwild, as in the authors' program): faster, not
        reproducible.

    Equal to the authors' program `glove`: one pair at a time; initial values from (-0.5, 0.5) / (D + 1), also for
    biases; sums of squares start at 1; gradients without the factor 2 of the square; each element of a vector's
    gradient is clipped to [-100, 100]; the squared steps include the learning rate; w + w̃. Differs: float32, not
    float64; a new order of all pairs in each epoch, where the program shuffles once; biases use the learning rate too,
    as in its first versions (later ones omit the factor); no row for unknown words; training stops if the loss is not a
    number, where the program skips such pairs. `fit` raises ImportError without numba; ValueError if nothing can be
    counted (see `Cooccurrence.count`).
    """

    def __init__(self, vector_size=50, window=10, min_count=5, x_max=100.0, alpha=0.75, learning_rate=0.05, epochs=25,
                 symmetric=True, distance_weighting=True, vocab_size=None, tokenizer=None, add_contexts=True,
                 memory=1024, folder=None, seed=1, workers=1):  # fmt: skip
        for name, number in dict(vector_size=vector_size, epochs=epochs, workers=workers).items():
            if number < 1 or number != int(number):
                raise ValueError(f"{name} must be a whole number, at least 1, got {number!r}")
        for name, number in dict(x_max=x_max, alpha=alpha, learning_rate=learning_rate).items():
            if not number > 0:
                raise ValueError(f"{name} must be above 0, got {number!r}")
        self.vector_size, self.x_max, self.alpha = vector_size, x_max, alpha
        self.learning_rate, self.epochs, self.seed, self.workers = learning_rate, epochs, seed, workers
        self.add_contexts, self.memory = add_contexts, memory
        self.counting = dict(
            window=window, min_count=min_count, vocab_size=vocab_size, symmetric=symmetric, tokenizer=tokenizer,
            distance_weighting=distance_weighting, memory=memory, folder=folder,
        )  # fmt: skip
        self.cooccurrence, self.history, self.values = None, {"loss": []}, None

    def fit(self, texts, verbose=1):
        """Count the pairs of `texts` (as in `Sentences`, or a finished `Cooccurrence`) and learn.

        Each call starts again. `history["loss"]` has the mean of f diff² / 2 over the pairs of each epoch, each
        computed before its step. verbose: 0 shows no progress bars. Returns self.
        """
        sweep = _compiled()
        if not isinstance(texts, Cooccurrence):
            texts = Cooccurrence.count(texts, **self.counting, verbose=verbose)
        self.cooccurrence, self.history = texts, {"loss": []}
        draw = np.random.default_rng(self.seed)
        shape = (2 * len(texts.words), self.vector_size + 1)
        self.values = ((draw.random(shape, np.float32) - 0.5) / shape[1]).astype(np.float32)
        squares = np.ones_like(self.values)
        with ThreadPoolExecutor(self.workers) as pool:
            for epoch in range(self.epochs):
                if verbose:
                    print(f"Epoch {epoch + 1}/{self.epochs}")
                self.history["loss"].append(self._epoch(sweep, squares, draw, pool, verbose))
        return self

    @property
    def vectors(self):
        """gensim KeyedVectors; the frequency of each word is its attribute "count"."""
        words = self.word_vectors + self.context_vectors if self.add_contexts else self.word_vectors.copy()
        vectors = keyed_vectors(self.cooccurrence.words, words)
        vectors.expandos["count"] = self.cooccurrence.frequencies.copy()
        return vectors

    @property
    def word_vectors(self):
        """w, float32 [V, D], in the order of `cooccurrence.words`."""
        return self._fitted()[0, :, :-1]

    @property
    def context_vectors(self):
        """w̃, float32 [V, D]."""
        return self._fitted()[1, :, :-1]

    @property
    def biases(self):
        """b and b̃, float32 [2, V]."""
        return self._fitted()[:, :, -1]

    def save(self, path, format=None):
        """Write `vectors` to a file, in a format of `tfllm.vectors.save`."""
        from tfllm.vectors.formats.vector_files import save

        save(self.vectors, path, format)

    def _fitted(self):
        if self.values is None:
            raise ValueError("there are no vectors yet: call fit(texts) first")
        return self.values.reshape(2, -1, self.vector_size + 1)

    def _epoch(self, sweep, squares, draw, pool, verbose):
        """The mean loss of one pass over all pairs."""
        pairs, loss, seen = self.cooccurrence.pairs, 0.0, 0
        bar = keras.utils.Progbar(len(pairs), verbose=verbose, unit_name="pair", stateful_metrics=["loss"])
        rate, clip = np.float32(self.learning_rate), np.float32(CLIP)
        for chunk in shuffled(pairs, draw, capacity=int(self.memory * 2**20 / 64)):
            columns = chunk["column"].astype(np.int64) + len(self.values) // 2
            logs = np.log(chunk["count"])
            parts = (chunk["row"].astype(np.int64), columns, logs.astype(np.float32), self.weights(logs))
            parts = zip(*(np.array_split(part, self.workers) for part in parts), strict=True)
            step = sum(pool.map(lambda part: sweep(*part, self.values, squares, rate, clip), parts))
            loss, seen = loss + step, seen + len(chunk)
            bar.update(seen, [("loss", loss / seen)])
        if not np.isfinite(loss):
            raise ValueError(f"the loss became {loss}: lower learning_rate={self.learning_rate}")
        return loss / seen

    def weights(self, logs):
        """f(X) of log X, eq. 9."""
        return np.exp(np.minimum(0, self.alpha * (logs - np.log(self.x_max)))).astype(np.float32)


def shuffled(pairs, draw, capacity, size=CHUNK):
    """All pairs in a random order, at most `size` at a time.

    If the table is larger than `capacity`, pages of adjacent pairs are read in a random order, some of them at a time.
    """
    pages = draw.permutation(-(-len(pairs) // PAGE))
    taken = max(1, capacity // PAGE)
    for at in range(0, len(pages), taken):
        buffer = np.concatenate([pairs[page * PAGE : (page + 1) * PAGE] for page in pages[at : at + taken]])
        order = draw.permutation(len(buffer))
        for begin in range(0, len(order), size):
            yield buffer[order[begin : begin + size]]


def _compiled():
    try:
        from tfllm.vectors.glove.adagrad import sweep
    except ImportError:
        raise ImportError("GloVe needs numba: pip install 'tfllm[glove]'") from None
    return sweep
