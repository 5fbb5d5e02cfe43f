"""Documents -> pairs of segments for next sentence prediction, half of them consecutive. Devlin et al. 2019, sec. 3.1.

`sentences` splits text; `pairs` works on numbers of tokens alone and returns positions among all tokens (NumPy).
"""

import numpy as np
import tensorflow as tf

from tfllm.ragged import chosen

SHORT = 0.1  # share of the pairs that are shorter than possible, as in the authors' code

# A sentence ends after . ! ? and closing quotes or brackets, if white space follows and then no lower-case letter;
# after Chinese sentence marks; and at a blank line.
LATIN = r"""([.!?…]["'”’)\]]*)\s+([^\s\p{Ll}])"""
CHINESE = r"""([。！？；][。！？；…”’」』）)"']*)"""


def sentences(texts):
    """string [B] -> ragged string [B, None]: sentences without surrounding white space; a blank text has none.

    A simple rule for English and Chinese, which fails for abbreviations before a name ("Dr. Who"): good enough for
    pre-training, whose "sentences" may be any span of text. A single line break does not end a sentence.
    """
    texts = tf.strings.regex_replace(texts, r"\n[ \t\r]*\n", "\x00")
    texts = tf.strings.regex_replace(texts, LATIN, "\\1\x00\\2")
    texts = tf.strings.regex_replace(texts, CHINESE, "\\1\x00")
    result = tf.strings.split(texts, "\x00")
    result = result.with_flat_values(tf.strings.strip(result.flat_values))
    return chosen(result, result.flat_values != "")


def pairs(sizes, documents, length, draw, short=SHORT):
    """-> (first [N, 2], second [N, 2], follows [N] bool): the positions [begin, end) of both segments among all tokens.

    sizes      int [S]: tokens of each sentence;  documents  int [S]: the index of its document, rising
    length     tokens of both segments together;  draw  a numpy.random.Generator

    Sentences are collected until they fill the length (for 10 % of the pairs a shorter one, drawn from 2 .. length),
    and split in two after one of them; a single sentence is split anywhere. With probability 1/2 the second segment is
    replaced by the second segment of a random pair from another document; the replaced text is then used again for the
    next pair. A second segment continues in its document until the length is reached, or the document ends.

    Differs: the authors draw a document and then one of its sentences, so that a text of one sentence, and a document's
    first sentence, never follow on, which reveals the label. With only one document there are no pairs.
    """
    sizes, documents = np.asarray(sizes, "int64"), np.asarray(documents, "int64")
    sizes, documents = split_long(sizes[sizes > 0], documents[sizes > 0], length)
    ends = np.cumsum(sizes)
    begin, cut, until, document, follows, full = chunks(sizes, documents, ends, length, draw, short)
    # from the chunks of other documents, uniformly: those of its own document, low .. high, are excluded
    low, high = (np.searchsorted(document, document, side) for side in ("left", "right"))
    others = len(document) - (high - low)
    keep = others > 0
    drawn = draw.integers(0, np.maximum(others, 1))
    source = np.where(follows, np.arange(len(document)), drawn + np.where(drawn < low, 0, high - low))[keep]
    second = cut[source]
    first = np.stack([begin, cut], axis=1)[keep]
    last = np.minimum(until[source], second + (full - (cut - begin))[keep])
    return first, np.stack([second, last], axis=1), follows[keep]


def chunks(sizes, documents, ends, length, draw, short):
    """-> six arrays [N]: where each chunk begins, where it is split in two, where its document ends, the document's
    index, whether its second segment is kept, and the number of tokens of its pair.
    """
    result, sentence, count = [], 0, len(sizes)
    starts = ends - sizes
    last = np.searchsorted(documents, documents, "right")  # [S], the first sentence after the document
    while sentence < count:
        stop = last[sentence]
        full = length if draw.random() >= short else int(draw.integers(2, length + 1))
        behind = min(int(np.searchsorted(ends, starts[sentence] + full)) + 1, stop)  # sentences until it is full
        follows, begin = bool(draw.random() < 0.5), int(starts[sentence])
        if behind - sentence > 1:
            middle = int(draw.integers(sentence + 1, behind))
            cut = int(starts[middle])
        else:
            middle = behind
            cut = begin + (int(draw.integers(1, min(int(sizes[sentence]), full))) if sizes[sentence] > 1 else 1)
        if ends[stop - 1] > cut:
            result.append((begin, cut, int(ends[stop - 1]), int(documents[sentence]), follows, full))
        sentence = behind if follows else middle
    columns = np.array(result, "int64").reshape(-1, 6).T
    return *columns[:4], columns[4].astype(bool), columns[5]


def split_long(sizes, documents, length):
    """Split sentences that are longer than the length: (sizes, documents)."""
    pieces = -(-sizes // length)
    result = np.full(int(pieces.sum()), length, "int64")
    result[np.cumsum(pieces) - 1] = sizes - (pieces - 1) * length
    return result, np.repeat(documents, pieces)
