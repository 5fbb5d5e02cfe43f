"""Visualisation of word vectors: a 2-D map as a PNG, and files for TensorBoard's embedding projector.

A map uses directions only, like nearest-neighbour search: vectors are scaled to length 1 first.
"""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from tfllm.files import written
from tfllm.fonts import figure, labels, short, warn_of_missing_letters

METHODS = ("pca", "tsne", "umap")
# directions from the dot to its label: right, above, ...
SIDES = ((1, 0), (0, 1), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
ACROSS, ALONG = {1: "left", 0: "center", -1: "right"}, {1: "bottom", 0: "center", -1: "top"}  # alignment of the label
REACH = (3, 9, 16)  # points from the dot to its label


@dataclass(frozen=True)
class WordMap:
    """Words and their positions, points [N, 2]."""

    words: list[str]
    points: np.ndarray

    def save(self, path):
        """Write a PNG: a dot for each word, with a label where there is space.

        Raises ImportError without matplotlib.
        """
        side = min(5 + 0.04 * len(self.words), 16)
        axes = figure(1.3 * side, side).add_subplot(xticks=[], yticks=[])
        axes.margins(0.08)
        axes.scatter(*self.points.T, s=6)
        line = {"arrowstyle": "-", "linewidth": 0.3, "shrinkA": 0, "shrinkB": 0}  # a line to its dot, if that is far
        with warn_of_missing_letters(path), written(path) as temporary:
            label(axes, self, labels() | {"arrowprops": line})
            axes.figure.savefig(temporary)
        return Path(path)


def word_map(vectors, words=None, method="pca", seed=1) -> WordMap:
    """KeyedVectors -> WordMap of the `words`, or of the first 100 in the vectors.

    method: "pca": the plane of greatest variance, which preserves large distances; "tsne" (van der Maaten & Hinton
        2008, needs scikit-learn) and "umap" (McInnes et al. 2018, needs umap-learn): neighbours stay neighbours, but
        distances between groups mean nothing.
    Raises ValueError for words without a vector and for fewer than 3 words; ImportError if a package is missing.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    words, rows = _chosen(vectors, words, 100)
    if len(words) < 3:
        raise ValueError(f"a map needs at least 3 words; got {len(words)}")
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return WordMap(words, {"pca": _pca, "tsne": _tsne, "umap": _umap}[method](rows, seed))


def projector(vectors, folder, words=None) -> Path:
    """KeyedVectors -> the folder with vectors.tsv, metadata.tsv (the words) and projector_config.pbtxt.

    Load the two .tsv files at projector.tensorflow.org, or run `tensorboard --logdir folder`. words: by default the
    first 10,000, about what a browser can display. Numbers have nine digits, which is exact for float32.
    """
    words, rows = _chosen(vectors, words, 10_000)
    shown = str.maketrans({"\t": "␉", "\n": "␊", "\r": "␍"})  # these would end a column or a line
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "vectors.tsv": "".join("\t".join(f"{number:.9g}" for number in row) + "\n" for row in rows.tolist()),
        "metadata.tsv": "".join((word.translate(shown) or "␀") + "\n" for word in words),
        "projector_config.pbtxt": 'embeddings {\n  tensor_name: "words"\n  tensor_path: "vectors.tsv"\n'
        '  metadata_path: "metadata.tsv"\n}\n',
    }
    for name, text in texts.items():
        with written(folder / name) as temporary:
            temporary.write_bytes(text.encode("utf-8"))
    return folder


def label(axes, words, style):
    """Write each word next to its dot: in the first direction with free space, else where it covers least."""
    from matplotlib.text import Text

    axes.figure.canvas.draw()  # now the axes have their size
    dots = axes.transData.transform(words.points)
    unit, frame = axes.figure.dpi / 72, axes.get_window_extent().extents
    taken = np.concatenate([dots - 3 * unit, dots + 3 * unit], axis=1)  # occupied boxes x0, y0, x1, y1 in pixels
    for word, point, dot in zip(words.words, words.points, dots, strict=True):
        text = axes.annotate(short(word), point, (0, 0), textcoords="offset points", **style)
        size = np.array(Text.get_window_extent(text).size)  # without the line
        best = None
        for reach in REACH:
            for x, y in SIDES:
                low = dot + reach * unit * np.array([x, y]) - size * (1 - np.array([x, y])) / 2
                box = np.concatenate([low, low + size])
                outside = np.prod(size) - overlap(box, frame[None]).sum()
                cost = overlap(box, taken).sum() + outside
                if best is None or cost < best[0] - 1e-6:
                    best = cost, box, x, y, reach
            if best[0] < 1:
                break
        _, box, x, y, reach = best
        text.set(ha=ACROSS[x], va=ALONG[y], position=(x * reach, y * reach))
        taken = np.concatenate([taken, box[None]])


def overlap(box, boxes):
    """The area that a box [4] shares with each of the boxes [N, 4]."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    return np.prod(np.maximum(sides, 0), axis=1)


def _chosen(vectors, words, size):
    """(list of words, their vectors float32 [N, D])"""
    words = list(islice(vectors.index_to_key, size) if words is None else dict.fromkeys(words))
    if unknown := [word for word in words if word not in vectors]:
        raise ValueError(f"no vector for {', '.join(map(repr, unknown[:10]))}{' ...' if len(unknown) > 10 else ''}")
    return words, np.array([vectors[word] for word in words], "float32")


def _pca(rows, seed):
    """[N, D] -> [N, 2], Pearson 1901. The sign of an axis is arbitrary: its largest weight is made positive."""
    centred = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = np.vstack([axes, np.zeros_like(axes)])[:2]  # for vectors of width 1 the second axis is 0
    axes = axes * np.where(np.take_along_axis(axes, abs(axes).argmax(axis=1)[:, None], 1) < 0, -1, 1)
    return centred @ axes.T


def _tsne(rows, seed):
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise ImportError("t-SNE needs scikit-learn: pip install 'tfllm[maps]'") from None
    perplexity = min(30, (len(rows) - 1) / 3)
    return TSNE(perplexity=perplexity, metric="cosine", init="random", random_state=seed).fit_transform(rows)


def _umap(rows, seed):
    try:
        from umap import UMAP
    except ImportError:
        raise ImportError("UMAP needs umap-learn: pip install 'tfllm[maps]'") from None
    neighbors = min(15, len(rows) - 1)
    return UMAP(n_neighbors=neighbors, metric="cosine", init="random", random_state=seed).fit_transform(rows)
