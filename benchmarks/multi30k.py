"""Trains and scores English to German on Multi30k: `python benchmarks/multi30k.py raw|bpe --out RUN`.

raw  the original text, own subwords; scored by sacreBLEU, cased, 13a.
bpe  the files of Wu et al. 2021 (lower-cased Moses tokens, joint BPE); scored on tokens after "@@ " is removed.
--config benchmarks/multi30k_rnn.yaml (raw) trains a recurrent model of the same size.
The same command continues an interrupted run; a finished run is only scored.
The data is expected in $TFLLM_DATA/multi30k, see docs/benchmarks.md.
"""

import argparse
import logging
import os
import sys
import time
from pathlib import Path

import keras
import yaml

import tfllm
from tfllm import config, text, training
from tfllm.data import parallel
from tfllm.tasks.building import Builder
from tfllm.tasks.translator import SIZES, Translator, TranslatorConfig
from tfllm.tasks.user_data import strings

HERE = Path(__file__).parent
DATA = Path(os.environ.get("TFLLM_DATA", HERE.parent.parent / "shared" / "data")) / "multi30k"
FILES = {
    "raw": {"train": "raw/train", "valid": "raw/val", "test": "raw/test_2016_flickr"},
    "bpe": {"train": "bpe/train", "valid": "bpe/valid", "test": "bpe/test.2016"},
}


def pairs(kind, part):
    stem = DATA / FILES[kind][part]
    return parallel(f"{stem}.en.gz", f"{stem}.de.gz")


def untrained(kind, train, settings):
    if kind == "raw":
        return Translator.from_text(train, config=settings)
    lines = [line for part in strings(train, "source", "target") for line in part]
    words = text.Words.learn(lines, split="whitespace", continuation="@@")
    model = Builder(settings, SIZES).model(words)
    return Translator(model, words, label_smoothing=settings.label_smoothing)


def scores(kind, translator, test, beam_width=5):
    """BLEU by the rules of the published table, and the seconds of translation."""
    began = time.perf_counter()
    sources, references = strings(test, "source", "target")
    translations = translator.generate(sources, beam_width=beam_width, length_penalty=1.0)
    seconds = time.perf_counter() - began
    if kind == "raw":
        return (
            [tfllm.evaluation.bleu(translations, references), tfllm.evaluation.chrf(translations, references)],
            translations,
            seconds,
        )
    whole = [line.replace("@@ ", "") for line in references]
    return [tfllm.evaluation.bleu(translations, whole, tokenize="none")], translations, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=FILES)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--config", type=Path, help="default: multi30k_KIND.yaml beside this file")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    values = yaml.safe_load((options.config or HERE / f"multi30k_{options.kind}.yaml").read_text())
    recipe = config.build(training.Recipe, values["recipe"])
    settings = config.build(TranslatorConfig, values["translator"])
    batch_tokens = values["batch_tokens"]
    train, valid, test = (pairs(options.kind, part) for part in ("train", "valid", "test"))
    if (options.out / "last.keras").exists():
        translator, epoch = training.resume(options.out, tfllm.load_model)
    else:
        keras.utils.set_random_seed(recipe.seed)
        training.start(options.out, settings)
        translator, epoch = untrained(options.kind, train, settings), 0
        translator.compile(training.optimizer(recipe), jit_compile=values.get("jit_compile", "auto"))
    translator.summary(print_fn=logging.info)
    if not training.finished(options.out, recipe):
        with training.running(options.out, " ".join(sys.argv)):
            translator.fit(
                train, validation_data=valid, epochs=recipe.epochs, initial_epoch=epoch, verbose=2,
                callbacks=training.callbacks(options.out, recipe),
                seed=recipe.seed, batch_tokens=batch_tokens, shapes=6,
            )  # fmt: skip
    best = tfllm.load_model(training.best(options.out))
    for beam_width in (1, 5):
        results, translations, seconds = scores(options.kind, best, test, beam_width)
        print(f"beam {beam_width}, {len(translations) / seconds:.1f} sentences/s:", *results, sep="\n  ", flush=True)
    (options.out / "test.hyp").write_text("\n".join(translations) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
