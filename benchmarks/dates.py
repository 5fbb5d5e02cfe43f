"""The whole process on the built-in corpus (`make demo`): human-written dates of 16 languages to ISO 8601.

Trains, evaluates, translates, plots, exports, and runs the SavedModel in a process that cannot import tfllm.
"""

import argparse
import json
import logging
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import tfllm
from tfllm import training
from tfllm.models import TransformerConfig
from tfllm.tasks.user_data import strings

CONFIG = tfllm.tasks.TranslatorConfig(
    tokenizer="characters",
    vocab_size=1000,
    label_smoothing=0.0,
    model=TransformerConfig(num_layers=2, d_model=64, num_heads=4, dff=256, pe_input=64, pe_target=16, rate=0.0),
)
EPOCHS, BATCH = 3, 2048
EXAMPLES = [
    "Samstag, 21. November 2026",
    "Nov 21, 2026",
    "21 novembre 2026",
    "2026年11月21日",
    "٢١ نوفمبر ٢٠٢٦",
    "21 ноября 2026 г.",
]
ASK = """
import json, sys, tensorflow as tf
sys.modules["tfllm"] = sys.modules["tensorflow_text"] = None
model = tf.saved_model.load(sys.argv[1])
answers = model.signatures["serving_default"](tf.constant(json.loads(sys.argv[2])))["text"]
print(json.dumps([answer.decode() for answer in answers.numpy()]))
"""


def train(folder):
    """-> the translator and the seconds of training, including compilation."""
    import keras  # after tfllm, which silences TensorFlow

    records, valid = tfllm.data.dates("train"), tfllm.data.dates("valid")
    keras.utils.set_random_seed(1)
    translator = tfllm.Translator.from_text(records, config=CONFIG)
    steps = len(translator.batches(records, tokens=BATCH, shapes=2).dataset)
    recipe = training.Recipe(
        epochs=EPOCHS, learning_rate=4e-3, schedule="cosine", warmup=200, updates=steps * EPOCHS, beta_2=0.98
    )
    translator.compile(training.optimizer(recipe), jit_compile=False)  # XLA would take as long to compile as it saves
    training.start(folder, CONFIG)
    began = time.perf_counter()
    translator.fit(
        records, validation_data=valid, epochs=EPOCHS, batch_tokens=BATCH, shapes=2, verbose=2,
        callbacks=training.callbacks(folder, recipe),
    )  # fmt: skip
    return translator, time.perf_counter() - began


def report(translator):
    """Exact match on the test days, overall and by language."""
    test = tfllm.data.dates("test")
    sources, targets, languages = strings(test, "source", "target", "language")
    translations = translator.generate(sources, batch_size=256)
    print("\nevaluate:", translator.evaluate(test, verbose=0, return_dict=True, bleu=True))
    by_language = defaultdict(list)
    for language, one, right in zip(languages, translations, targets, strict=True):
        by_language[language].append(one == right)
    print("\nlanguage  exact match")
    for language, rights in sorted(by_language.items()):
        print(f"{language:8}  {sum(rights) / len(rights):6.1%}  of {len(rights)}")
    score = tfllm.evaluation.exact_match(translations, targets)
    print("all      ", score)
    wrong = [trio for trio in zip(sources, translations, targets, strict=True) if trio[1] != trio[2]]
    for source, one, right in wrong[:5]:
        print(f"  wrong: {source!r} -> {one}, not {right}")
    return score


def ask(path, texts):
    """The answers of the SavedModel in a separate process, where tfllm cannot be imported."""
    command = [sys.executable, "-c", ASK, str(path), json.dumps(texts)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs") / time.strftime("dates-%Y%m%d-%H%M%S"))
    folder = parser.parse_args().out
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("tfllm").setLevel(logging.INFO)
    print("Three epochs, a report and an export: 2 to 5 minutes on two cores.", flush=True)
    translator, seconds = train(folder)
    print(f"\ntrained in {seconds:.0f} s, including compilation")
    report(translator)

    translations = translator.generate(EXAMPLES)
    print()
    for source, target in zip(EXAMPLES, translations, strict=True):
        print(f"  {target}  <-  {source}")
    picture = tfllm.explain.attention_map(translator, EXAMPLES[0]).save(folder / "attention.png")
    print(f"\nloss curve: {folder / 'curve.png'}   attention: {picture}")

    path = translator.export(folder / "serving")
    answers = ask(path, EXAMPLES)
    print(
        f"SavedModel in {path}, asked in a fresh process:", "the same answers" if answers == translations else answers
    )
    return 0 if answers == translations else 1


if __name__ == "__main__":
    sys.exit(main())
