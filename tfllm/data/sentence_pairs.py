"""Documents -> pairs of segments, of which half follow on: next-sentence prediction. Devlin et al. 2019, sec. 3.1.

`sentences` cuts text, `pairs` works on the numbers of tokens alone and gives places among all tokens (NumPy).
"""

import numpy as np
import tensorflow as tf

from tfllm.ragged import chosen

SHORT = 0.1  # of the pairs are made shorter than they could be, as in the authors' code

# A sentence ends behind . ! ? and closing marks, where white space and then no lower-case letter follow; behind the
# Chinese marks whatever follows; and at a blank line.
LATIN = r"""([.!?…]["'”’)\]]*)\s+([^\s\p{Ll}])"""
CHINESE = r"""([。！？；][。！？；…”’」』）)"']*)"""


def sentences(texts):
    """string [B] -> ragged string [B, None]: sentences without white space around them; a blank text has none.

    A simple rule for English and Chinese, which errs at abbreviations before a name ("Dr. Who"): enough for
    pre-training, whose "sentences" may be any span of text. A line break alone ends no sentence.
    """
    texts = tf.strings.regex_replace(texts, r"\n[ \t\r]*\n", "\x00")
    texts = tf.strings.regex_replace(texts, LATIN, "\\1\x00\\2")
    texts = tf.strings.regex_replace(texts, CHINESE, "\\1\x00")
    result = tf.strings.split(texts, "\x00")
    result = result.with_flat_values(tf.strings.strip(result.flat_values))
    return chosen(result, result.flat_values != "")


def pairs(sizes, documents, length, draw, short=SHORT):
    """-> (first [N, 2], second [N, 2], follows [N] bool): the places [begin, end) of both segments among all tokens.

    sizes      int [S]: tokens of each sentence;  documents  int [S]: the number of its document, rising
    length     tokens of both segments together;  draw  a numpy.random.Generator

    Sentences are taken until they fill the length (of 10 % of the pairs, a shorter one, drawn from 2 .. length), and
    cut in two behind one of them; a single sentence is cut anywhere. By the throw of a coin the second segment stays,
    or is the second segment of a pair from another document, each alike; then the text that it took the place of comes
    again in the next pair. A second segment goes on in its document until the length is full, or the document ends.

    Differs: the authors draw a document and then a sentence of it, so that a text of one sentence never follows on, and
    a document's first sentence never does: a model can tell the label from that. Without a second document there is
    no pair.
    """
    sizes, documents = np.asarray(sizes, "int64"), np.asarray(documents, "int64")
    sizes, documents = split_long(sizes[sizes > 0], documents[sizes > 0], length)
    ends = np.cumsum(sizes)
    begin, cut, until, document, follows, full = chunks(sizes, documents, ends, length, draw, short)
    # of the chunks of other documents, each alike: those of the own one, low .. high, are left out
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
    """-> six arrays [N]: where each begins, where it is cut in two, where its document ends, the document's number,
    whether its second segment stays, and how many tokens its pair is to have."""
    result, sentence, count = [], 0, len(sizes)
    starts = ends - sizes
    last = np.searchsorted(documents, documents, "right")  # [S], the sentence behind the document
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
    """Sentences longer than the length as several: (sizes, documents)."""
    pieces = -(-sizes // length)
    result = np.full(int(pieces.sum()), length, "int64")
    result[np.cumsum(pieces) - 1] = sizes - (pieces - 1) * length
    return result, np.repeat(documents, pieces)
