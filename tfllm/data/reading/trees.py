"""The Stanford sentiment treebank, Socher et al. 2013: sentences and all their phrases, rated from 0 to 4.

A line is a tree, `(3 (2 A) (3 (3 good) (2 film)))`: a number, then one word or several trees. Escapes of the Penn
treebank are undone (-LRB- is a bracket, `` a quotation mark); words remain separated by spaces.
"""

import re

import tensorflow as tf

from tfllm.data.reading.opening import read_lines

CLASSES = {
    5: ("very negative", "negative", "neutral", "positive", "very positive"),
    2: ("negative", "negative", None, "positive", "positive"),
}
TOKEN = re.compile(r"\s*(?:\(\s*([0-4])(?=[\s(])|(\))|([^\s()]+))")
WRITTEN = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}", "``": '"', "''": '"'}


def sst(path, classes=2, phrases=False, duplicates=False):
    """A file of trees (or .gz) -> a tf.data.Dataset of {"text", "label"}.

    classes: 2: "negative" and "positive", without neutral texts; 5: from "very negative" to "very positive".
    phrases: every phrase is a separate record, each sentence before its parts: models are trained on phrases and tested
    on sentences. duplicates: keep repeated phrases with the same label; by default only the first of them.
    Raises OSError if the file is missing; ValueError with file and line for an invalid tree.
    """
    if classes not in CLASSES:
        raise ValueError(f"classes must be {' or '.join(map(str, sorted(CLASSES)))}; got {classes!r}")
    names, result = CLASSES[classes], []
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            whole = nodes(line, f"{path}:{number}")
            result += [(text, names[label]) for label, text in (whole if phrases else whole[:1]) if names[label]]
    if phrases and not duplicates:
        result = list(dict.fromkeys(result))
    if not result:
        raise ValueError(f"{path}: expected one tree per line, got none")
    texts, labels = zip(*result, strict=True)
    return tf.data.Dataset.from_tensor_slices({"text": tf.constant(texts), "label": tf.constant(labels)})


def nodes(line, where):
    """[(label, text)] of a tree's nodes: the whole tree, then its parts from the last to the first."""
    result, words, opened, position = [], [], [], 0
    line = line.rstrip()
    while position < len(line):
        match = TOKEN.match(line, position)
        if match is None or (not opened and (result or match[1] is None)):
            rest = line[position : position + 20]
            raise ValueError(f"{where}: expected one tree like (3 (2 A) (3 film)); the error is at {rest!r}")
        if match[1]:
            opened.append((int(match[1]), len(words)))
        elif match[3]:
            words.append(WRITTEN.get(match[3], match[3].replace("\\/", "/").replace("\\*", "*")))
        else:
            label, first = opened.pop()
            if first == len(words):
                raise ValueError(f"{where}: a part of the tree has no words")
            result.append((label, " ".join(words[first:])))
        position = match.end()
    if opened:
        raise ValueError(f"{where}: expected one tree like (3 (2 A) (3 film)); {len(opened)} brackets are not closed")
    return result[::-1]
