"""How faithful explanations are: `python benchmarks/explanations.py MODELS [--phrases N] [--sentences N]`.

Classifiers of SST-2, trained on N of its phrases (all by default; kept in the folder MODELS), explain the first N test
sentences by every method but exact Shapley values, which need at most 10 tokens. The table has the means over sentences
of the figures of DeYoung et al. 2020 and of the areas under the curves of deletion and insertion, with 95 % bootstrap
intervals over sentences, and the CPU seconds of one explanation without its faithfulness, of the first TIMED sentences.
Also timed: 1,000 texts of LIME for one sentence of 30 words, read by the BiLSTM.
"""

import argparse
import time
from pathlib import Path

import classification_data as data
import keras
import numpy as np
from machine import machine

import tfllm
from tfllm.audit.intervals import bootstrap_mean
from tfllm.explain import explaining
from tfllm.models import BERTConfig, GPTConfig, MeanOfVectorsConfig, TextCNNConfig, TextRNNConfig
from tfllm.tasks import TextClassifier, TextClassifierConfig

MODELS = {
    "mean of vectors": MeanOfVectorsConfig(50, 50, 1),
    "CNN": TextCNNConfig(50, (3, 4, 5), 100, rate=0.5),
    "BiLSTM": TextRNNConfig(50, 256, 1, rate=0.5),  # 128 a direction
    "GPT, 2 layers": GPTConfig(64, 2, 64, 4, 256),
    "BERT, 2 layers": BERTConfig(64, 2, 64, 4, 256, 0.1, pooling="mean"),
}
METHODS = {
    "random": {}, "attention": {}, "attention_rollout": {}, "attention_flow": {}, "gradient_x_input": {},
    "integrated_gradients": {}, "smoothgrad": {}, "occlusion": {}, "lime": {"samples": 300}, "shap": {"samples": 300},
}  # fmt: skip
TIMED = 12  # sentences
FIGURES = ("comprehensiveness", "sufficiency", "deletion_area", "insertion_area")


def trained(name, folder, phrases):
    """The classifier of a name, from its file, or trained and written there."""
    path = folder / f"{name.replace(' ', '_').replace(',', '')}.keras"
    if path.exists():
        return tfllm.load_model(path)
    keras.utils.set_random_seed(1)
    records = data.sst2("train", phrases=True)
    records = [records[i] for i in np.random.default_rng(1).permutation(len(records))[:phrases]]
    texts, labels = ([record[field] for record in records] for field in ("text", "label"))
    task = TextClassifier.from_text(texts, labels, TextClassifierConfig("words", 20000, model=MODELS[name]))
    task.compile(keras.optimizers.Adam(1e-3))
    task.fit(texts, labels, epochs=3, batch_size=50, verbose=0)
    task.save(path)
    return task


def explained(task, texts, subjects, method, options):
    """-> (figures of the explanations [sentences, figures], CPU seconds of one without its faithfulness)."""
    task.explain(texts[0], method=method, faithfulness=False, **options)  # compiles
    start = time.process_time()
    task.explain(texts[:TIMED], method=method, faithfulness=False, **options)
    seconds = (time.process_time() - start) / len(texts[:TIMED])
    function = explaining.METHODS[method]
    parts = (explaining.explained(subject, method, function, True, 5, 0, options).faithfulness for subject in subjects)
    return np.array([[getattr(part.own, name) for name in FIGURES] for part in parts]), seconds


def shown(values):
    """The mean of the values [sentences] and its interval."""
    low, high = bootstrap_mean(values)
    return f"{values.mean():.3f} ({low:.2f} to {high:.2f})"


def perturbations(task):
    """Seconds of 1,000 texts of a sentence of 30 words, read by the model."""
    text = " ".join(next(r["text"] for r in data.sst2("test") if len(r["text"].split()) >= 30).split()[:30])
    seconds = []
    for _ in range(4):  # the first compiles
        start = time.perf_counter()
        task.explain(text, method="lime", samples=1000, faithfulness=False)
        seconds.append(time.perf_counter() - start)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", type=Path)
    parser.add_argument("--phrases", type=int)
    parser.add_argument("--sentences", type=int, default=100)
    parser.add_argument("--only", nargs="*", default=list(MODELS), choices=list(MODELS), help="some of the models")
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    test = data.sst2("test")
    print(f"{time.strftime('%Y-%m-%d')}, {machine()}, {options.sentences} sentences")
    for name in options.only:
        task = trained(name, options.models, options.phrases)
        answers = task.classify([record["text"] for record in test], verbose=0)
        right = np.mean([one["label"] == record["label"] for one, record in zip(answers, test, strict=True)])
        print(f"\n{name}, accuracy {right:.3f}\n| method | {' | '.join(FIGURES)} | seconds |\n|---" + "|---" * 5 + "|")
        if name == "BiLSTM":
            times = ", ".join(f"{seconds:.2f}" for seconds in perturbations(task))
            print(f"1,000 texts of a sentence of 30 words: {times} s")
        texts = [record["text"] for record in test[: options.sentences]]
        subject = explaining.subject_of(task)
        subjects = [subject.of(task, [text], score=subject.kinds[0]) for text in texts]  # once for all methods
        for method, more in METHODS.items():
            if method.startswith("attention") and not hasattr(task.encoder, "attention"):
                continue
            figures, seconds = explained(task, texts, subjects, method, more)
            print(f"| {method} | {' | '.join(map(shown, figures.T))} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
