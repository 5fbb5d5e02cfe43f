"""The Stanford sentiment treebank, Socher et al. 2013: sentences, and every phrase in them, judged from 0 to 4.

A line is a tree, `(3 (2 A) (3 (3 good) (2 film)))`: a number, then a word or more trees. What the Penn treebank writes
for a letter that it needs itself is undone (-LRB- is a bracket, `` a quotation mark); words stay parted by blanks.
"""

import re

import tensorflow as tf

from tfllm.data.reading.opening import read_lines

CLASSES = {
    5: ("very negative", "negative", "neutral", "positive", "very positive"),
    2: ("negative", "negative", None, "positive", "positive"),
}
PIECE = re.compile(r"\s*(?:\(\s*([0-4])(?=[\s(])|(\))|([^\s()]+))")
WRITTEN = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}", "``": '"', "''": '"'}


def sst(path, classes=2, phrases=False, duplicates=False):
    """A file of trees (or .gz) -> a tf.data.Dataset of {"text", "label"}.

    classes: 2, "negative" and "positive", without what is neutral; 5, from "very negative" to "very positive".
    phrases: every phrase is a record of its own, each sentence before its parts: what models are trained on; they are
    tested on sentences. duplicates: phrases that come again with the same label are kept; else the first of them.
    Raises OSError where the file is missing; ValueError with file and line for what is no such tree.
    """
    if classes not in CLASSES:
        raise ValueError(f"sst() has {' or '.join(map(str, sorted(CLASSES)))} classes; it was asked for {classes!r}")
    names, result = CLASSES[classes], []
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            whole = nodes(line, f"{path}:{number}")
            result += [(text, names[label]) for label, text in (whole if phrases else whole[:1]) if names[label]]
    if phrases and not duplicates:
        result = list(dict.fromkeys(result))
    if not result:
        raise ValueError(f"{path}: expected trees, a line each; found none")
    texts, labels = zip(*result, strict=True)
    return tf.data.Dataset.from_tensor_slices({"text": tf.constant(texts), "label": tf.constant(labels)})


def nodes(line, where):
    """[(label, text)] of a tree's nodes: the whole, then its parts from the last to the first."""
    result, words, opened, place = [], [], [], 0
    line = line.rstrip()
    while place < len(line):
        piece = PIECE.match(line, place)
        if piece is None or (not opened and (result or piece[1] is None)):
            rest = line[place : place + 20]
            raise ValueError(f"{where}: expected one tree like (3 (2 A) (3 film)); it goes wrong at {rest!r}")
        if piece[1]:
            opened.append((int(piece[1]), len(words)))
        elif piece[3]:
            words.append(WRITTEN.get(piece[3], piece[3].replace("\\/", "/").replace("\\*", "*")))
        else:
            label, first = opened.pop()
            if first == len(words):
                raise ValueError(f"{where}: a part of the tree has no words")
            result.append((label, " ".join(words[first:])))
        place = piece.end()
    if opened:
        raise ValueError(f"{where}: expected one tree like (3 (2 A) (3 film)); {len(opened)} brackets are left open")
    return result[::-1]
