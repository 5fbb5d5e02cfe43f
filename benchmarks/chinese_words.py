"""Chinese words: how similar our segmentation by a dictionary is to jieba's, and how fast it is.

    python benchmarks/chinese_words.py

F1 of words (those with a Chinese character; both their ends must be right) against jieba with and without its hidden
Markov model, on the dialogues and on Debian's descriptions; dictionaries: jieba's own, one learned from raw text of
the same kind (the development or training part), none. Speed in a tf.function, batches of 128 texts.
Needs TFLLM_DATA (xdailydialog/, debian_desc/) and jieba.
"""

import gzip
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data"))


def dialogues(part):
    lines = (DATA / "xdailydialog" / f"zh_{part}_human.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[0].replace("__eou__", " ") for line in lines]


def descriptions(*parts):
    result = []
    for part in parts:
        with gzip.open(DATA / "debian_desc" / f"par_en-zh_{part}.tsv.gz", "rt", encoding="utf-8") as lines:
            result += [line.rstrip("\n").split("\t")[1] for line in lines]
    return result


def spans(words):
    """The positions of words with Chinese characters, without white space."""
    from tfllm.text.chinese.dictionaries import HAN

    result, at = set(), 0
    for word in words:
        size = len("".join(word.split()))
        if HAN.search(word):
            result.add((at, at + size))
        at += size
    return result


def f1(result, expected):
    pairs = [(spans(one), spans(other)) for one, other in zip(result, expected, strict=True)]
    return 200 * sum(len(a & b) for a, b in pairs) / sum(len(a) + len(b) for a, b in pairs)


def cut(dictionary, texts):
    """-> (lists of words, characters per second)"""
    import tensorflow as tf

    from tfllm.text.chinese.best_cut import BestCut

    run, result = tf.function(BestCut(dictionary), input_signature=[tf.TensorSpec([None], tf.string)]), []
    run(tf.constant(texts[:2]))
    began = time.perf_counter()
    for start in range(0, len(texts), 128):
        result += run(tf.constant(texts[start : start + 128])).to_list()
    speed = sum(map(len, texts)) / (time.perf_counter() - began)
    return [[word.decode() for word in row] for row in result], speed


def main():
    warnings.simplefilter("ignore")
    import jieba

    from tfllm.text.chinese.dictionaries import jieba_dictionary, learn_dictionary

    jieba.setLogLevel(60)
    jieba.initialize()
    sets = {
        "dialogues": (dialogues("test"), dialogues("dev")),
        "Debian": (descriptions("test", "valid"), descriptions("train")),
    }
    print("| text | cut | F1, jieba without its model | F1, jieba | characters/s |\n|---|---|---:|---:|---:|")
    for name, (texts, train) in sets.items():
        peers = {}
        for hmm in (False, True):
            began = time.perf_counter()
            peers[hmm] = [list(jieba.cut(text, HMM=hmm)) for text in texts]
            speed = sum(map(len, texts)) / (time.perf_counter() - began)
            label = "jieba" if hmm else "jieba without its model"
            print(f"| {name} | {label} | {f1(peers[hmm], peers[False]):.1f} | | {speed:,.0f} |")
        learned = learn_dictionary(train)
        for label, dictionary in (("jieba's dictionary", jieba_dictionary()), ("learned", learned), ("none", {})):
            label = f"{label}, {len(dictionary):,} words"
            result, speed = cut(dictionary, texts)
            print(
                f"| {name} | {label} | {f1(result, peers[False]):.1f} | {f1(result, peers[True]):.1f} | {speed:,.0f} |"
            )


if __name__ == "__main__":
    main()
