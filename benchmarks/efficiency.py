"""Speed, size and quality of a translator and of what is made of it: `python benchmarks/efficiency.py --out FOLDER`.

English to German, raw text of Multi30k. A teacher, a Transformer-tiny, is trained on the first PAIRS pairs for few
epochs; a student with a third of its weights on the same pairs, and another one on the teacher's translations of them.
Each is exported as SavedModel and for CTranslate2, as floats and as integers, and translates the 1,000 sentences of
test2016 from text to text, one thread, batches of 32 of similar length. CPU seconds are the lowest of the rounds. Needs
the extras eval and ctranslate2. FOLDER/rows.json has the results; docs/pictures.py draws docs/efficiency.json.
The same command continues an interrupted run.
"""

import argparse
import json
import logging
import os
import resource
from pathlib import Path

ONE_THREAD = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "TF_ENABLE_ONEDNN_OPTS")
os.environ |= dict.fromkeys(ONE_THREAD, "1")

import tensorflow as tf  # noqa: E402  after the environment, which it reads once
from multi30k import pairs  # noqa: E402
from trained import trained  # noqa: E402

from tfllm import data, evaluation, tasks, training  # noqa: E402
from tfllm.models import TransformerConfig, student_config  # noqa: E402
from tfllm.tasks.user_data import strings  # noqa: E402

PAIRS, EPOCHS, BATCH = 10_000, {"teacher": 8, "student": 6, "distilled": 6}, 32
TEACHER = TransformerConfig(4, 128, 4, 256, pe_input=128, pe_target=128, rate=0.1, shared="all", pre_norm=True)
KINDS = (  # (model, engine, weights, beam width)
    *[(model, "tfllm", "float", beam) for beam in (1, 5) for model in ("teacher", "student", "distilled")],
    *[(model, "ctranslate2", weights, beam) for weights in ("float", "int8") for beam in (1, 5)
      for model in ("teacher", "distilled")],
    *[(model, "tfllm", "int8", beam) for beam in (1, 5) for model in ("teacher", "distilled")],
)  # fmt: skip


def models(folder):
    """{name: translator}, trained or loaded."""
    train, valid = pairs("raw", "train").take(PAIRS), pairs("raw", "valid")

    def made(name, model, records):
        recipe = training.Recipe(epochs=EPOCHS[name], learning_rate=3e-3, warmup=200, patience=None)
        config = tasks.TranslatorConfig("subwords", 4000, model=model)
        task, about = trained(
            folder / name, recipe, lambda: tasks.Translator.from_text(records, config=config), records, valid,
            batch_tokens=1024,
        )  # fmt: skip
        print(name, task.count_params(), about, flush=True)
        return task

    teacher, student = made("teacher", TEACHER, train), student_config(TEACHER)
    answers = folder / "answers.jsonl"
    if not answers.exists():
        tasks.distil(teacher, train, answers, verbose=1)
    students = {"student": train, "distilled": data.table(answers)}
    return {"teacher": teacher} | {name: made(name, student, records) for name, records in students.items()}


def place(folder, model, engine, weights, beam):
    """The path of an export."""
    return folder / "exports" / model / (f"{engine}-{weights}" + f"-{beam}" * (engine == "tfllm")) / "1"


def export(folder):
    """Write the exports that are not there."""
    missing = [kind for kind in KINDS if not place(folder, *kind).exists()]
    made = models(folder) if missing else {}
    for model, engine, weights, beam in missing:
        path = place(folder, model, engine, weights, beam).parent
        if engine == "ctranslate2" and not path.exists():
            made[model].export(path, format=engine, weights=weights)
        elif engine == "tfllm":
            made[model].export(path, tasks.Decoding(beam_width=beam), n_best=1, weights=weights)


def saved_model(path, beam):
    """A function from a batch of texts to their translations; likewise `ctranslate2`."""
    model = tf.saved_model.load(str(path))
    signature = model.signatures["serving_default"]

    def translate(texts):
        return signature(tf.constant(texts))["text"].numpy().tolist()

    translate.model = model  # a signature does not keep its model
    return translate


def ctranslate2(path, beam):
    import ctranslate2

    engine = ctranslate2.Translator(str(path), intra_threads=1, inter_threads=1, compute_type="default")
    tokenizer = tf.saved_model.load(str(path / "tokenizer"))
    options = {"beam_size": beam, "length_penalty": 0.6, "min_decoding_length": 0, "max_decoding_length": 100}

    def translate(texts):
        tokens = tokenizer.signatures["encode"](tf.constant(texts))["tokens"].numpy()
        rows = [[token.decode() for token in row if token] for row in tokens]
        result = [one.hypotheses[0] for one in engine.translate_batch(rows, **options)]
        tokens = tf.ragged.constant(result, tf.string, ragged_rank=1).to_tensor("")
        return tokenizer.signatures["decode"](tokens)["text"].numpy().tolist()

    return translate


ENGINES = {"tfllm": saved_model, "ctranslate2": ctranslate2}


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured(translate, sources):
    """-> (translations, CPU seconds)"""
    began, result = cpu(), []
    for start in range(0, len(sources), BATCH):
        result += translate(sources[start : start + BATCH])
    return [text.decode() for text in result], cpu() - began


def megabytes(path):
    """The size of the files that answering needs."""
    files = [file for file in path.rglob("*") if file.is_file() and "assets.extra" not in file.parts]
    return sum(file.stat().st_size for file in files) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    export(options.out)
    test = sorted(zip(*strings(pairs("raw", "test"), "source", "target"), strict=True), key=lambda pair: len(pair[0]))
    sources, references = map(list, zip(*test, strict=True))
    rows = {}
    for number in range(options.rounds):
        for kind in KINDS:
            path = place(options.out, *kind)
            translate = ENGINES[kind[1]](path, kind[3])
            measured(translate, sources[-BATCH:])  # the first call of a graph optimises it
            outputs, used = measured(translate, sources)
            rows[kind] = row(kind, outputs, references, min(used, rows[kind]["cpu_seconds"] if number else used), path)
            print(number, rows[kind], flush=True)
            (options.out / "rows.json").write_text(json.dumps(list(rows.values()), indent=1) + "\n")


def row(kind, outputs, references, used, path):
    return dict(zip(("model", "engine", "weights", "beam"), kind, strict=True)) | {
        "bleu": round(evaluation.bleu(outputs, references).value, 2), "cpu_seconds": round(used, 2),
        "sentences": round(len(outputs) / used, 1), "megabytes": round(megabytes(path), 2),
    }  # fmt: skip


if __name__ == "__main__":
    main()
