"""A peer of speed.py: `python benchmarks/speed_peers.py PEER ROW FOLDER` works each time it reads a line.

A peer is a function of (row, folder), which loads what it needs, to a function without arguments that does the work and
returns the texts. The first answer has the outputs, each further one the CPU and wall seconds of one run.
"""

import json
import os
import resource
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import speed_training
from speed_rows import BATCH, NEW, ROWS


def saved_model(name, row, folder):
    """A SavedModel as any process serves it, which knows nothing of tfllm."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    model = tf.saved_model.load(str(folder / ("decode" if row.startswith("decode") else row) / "1"))
    signature, texts = model.signatures[name], inputs(row, folder)["texts"]
    batches = [tf.constant(batch) for batch in in_batches(texts, row)]

    def work():
        result = [text.decode() for batch in batches for text in signature(batch)["text"].numpy()]
        if row.startswith("decode"):  # continuations begin with the prompt
            result = [text.removeprefix(prompt) for text, prompt in zip(result, texts, strict=False)]
        return result

    work.model = model  # a signature does not keep its model
    return work


def ctranslate2(row, folder):
    import ctranslate2

    known, threads = inputs(row, folder), {"intra_threads": 1, "inter_threads": 1}
    batches = in_batches(known["tokens"], row)
    if row.startswith("decode"):
        generator = ctranslate2.Generator(str(folder / "decode.ct2/1"), **threads)
        options = {"max_length": NEW, "include_prompt_in_result": False}

        def work():
            result = [text for batch in batches for text in generator.generate_batch(batch, **options)]
            return [joined(known["meant"], text.sequences[0], "") for text in result]

        return work
    translator = ctranslate2.Translator(str(folder / "translate.ct2/1"), **threads)
    options = {"beam_size": ROWS[row].beam, "length_penalty": 0.0, "min_decoding_length": 0}
    options["max_decoding_length"] = known["limit"]

    def work():
        result = [text for batch in batches for text in translator.translate_batch(batch, **options)]
        return [joined(known["meant"], text.hypotheses[0], " ") for text in result]

    return work


def joined(meant, tokens, between):
    """The text of tokens, with END or without."""
    parts = [meant[token].encode("latin1") for token in tokens if meant[token]]
    return between.encode().join(parts).decode("utf-8", "replace")


def inputs(row, folder):
    return json.loads((folder / f"{row.partition('-')[0]}.json").read_text())


def in_batches(values, row):
    if ROWS[row].texts:
        return [values[: ROWS[row].texts]]
    return [values[i : i + BATCH] for i in range(0, len(values), BATCH)]


def fresh(name, row, folder):
    """A process of its own that imports TensorFlow and, as `tfllm`, answers one text with a SavedModel."""
    program = "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'; import tensorflow as tf; "
    if name == "tfllm":
        program += f"m = tf.saved_model.load({str(folder / 'decode' / '1')!r}); "
        program += f"m.signatures['serving_default'](tf.constant([{inputs('decode', folder)['texts'][0]!r}]))"

    def work():
        subprocess.run([sys.executable, "-c", program], check=True)
        return [""]

    return work


def peer(name, row, folder):
    """The work of a peer: a function without arguments."""
    kind = row.partition("-")[0]
    if kind == "train":
        if name.startswith("torch"):
            return import_module("speed_torch").peer(name == "torch-compile", row, folder)
        return speed_training.ours(name == "tfllm-xla", row, folder)
    if kind == "encode":
        return import_module("speed_encoder").PEERS[name](folder)
    if kind == "start":
        return fresh(name, row, folder)
    if name == "ctranslate2":
        return ctranslate2(row, folder)
    return saved_model({"tfllm": "serving_default", "tfllm-xla": "serving_xla"}[name], row, folder)


def cpu():
    """Seconds of this process and of those that it has started."""
    every = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in every)


def main():
    name, row, folder = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")  # libraries that print do not disturb the answers
    os.dup2(2, 1)
    work = peer(name, row, Path(folder))
    print(json.dumps({"outputs": work()}), file=answers, flush=True)
    work()
    for _ in sys.stdin:
        began, used = time.perf_counter(), cpu()
        work()
        print(json.dumps({"cpu": cpu() - used, "wall": time.perf_counter() - began}), file=answers, flush=True)


if __name__ == "__main__":
    main()
