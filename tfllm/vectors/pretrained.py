"""Word vectors -> an embedding for a tokenizer. Kim 2014, sec. 3.1: static, non-static, or partly trained."""

import numpy as np

from tfllm.layers.pretrained_embedding import PretrainedEmbedding
from tfllm.vectors.composing import compose
from tfllm.vectors.coverage_report import Coverage


def pretrained_embedding(tokenizer, vectors, width=None, trainable=True, spread=None, seed=1, **options):
    """-> PretrainedEmbedding, built, with a row for each token of the tokenizer; `layer.coverage` reports the sources.

    vectors    gensim's KeyedVectors, a mapping word -> array, or the path of a file (vectors.load)
    width      output width D; if it differs from that of the vectors, a projection is trained
    trainable  True: all rows except PAD's are trained; False: none; "missing": those without a vector
    spread     scale the vectors to this root mean square, such as that of the embedding which this one replaces;
               None: no scaling
    options    of the layer, such as dtype

    A token gets the vector of its word, of the word in another case, or a composed one (composing.compose). The rows of
    all others, including special tokens, are drawn from a normal distribution with the file's mean and standard
    deviation in each dimension, because dimensions differ (in GloVe 6B 50d the means range from -0.81 to 0.61), and a
    row drawn with one mean for all would be far from all words. PAD's row is 0 and is never trained; a tokenizer
    without PAD has no such row. Raises ValueError for another `trainable`, and for invalid word vectors.
    """
    if trainable not in (True, False, "missing"):
        raise ValueError(f'trainable must be True, False or "missing"; got {trainable!r}')
    composed = compose(tokenizer, vectors)
    draw = np.random.default_rng(seed).normal(composed.mean, composed.deviation, composed.table.shape)
    table = np.where(composed.found[:, None], composed.table, draw.astype("float32"))
    if spread is not None:
        table *= np.float32(spread / np.sqrt((composed.mean**2 + composed.deviation**2).mean()))
    free = ~composed.found if trainable == "missing" else np.full(len(table), trainable)
    if tokenizer.pad is not None:
        table[tokenizer.pad], free[tokenizer.pad] = 0.0, False
    layer = PretrainedEmbedding.of(table, free, width, **options)
    layer.coverage = Coverage(tokenizer, composed.kinds)
    return layer
