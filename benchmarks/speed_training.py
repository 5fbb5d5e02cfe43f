"""The rows of training in speed.py: models and batches, and how tfllm trains them. PyTorch: speed_torch.py.

Every peer begins with the same weights and does the same updates on the same batches, by the standard recipe of tfllm:
Adam, warm-up, gradients clipped to norm 1. Before anything is timed, the losses of the first batch are compared,
without dropout, before and after three updates. Our own peers compute the accuracy of each batch too, as `fit` does.
The Transformer has dropout 0.1, the others none.
"""

import json
from functools import reduce

import numpy as np

SIZES = {  # layers, width and heads; of the LSTM layers and units
    "train-gpt-4x128": (4, 128, 4),
    "train-gpt-6x384": (6, 384, 6),
    "train-lstm-2x256": (2, 256),
    "train-transformer": (4, 128, 4),
}
UPDATES = {"train-gpt-4x128": 50, "train-gpt-6x384": 8, "train-lstm-2x256": 30}  # a run; the others: their epoch
CHECKED = 3  # updates before the losses are compared
TEXTS, LENGTH, LETTERS = 12, 64, "".join(map(chr, range(32, 93)))  # with PAD, UNKNOWN, START and END 65 tokens
PAIRS = 1200


def train(folder, quick, name):
    """Writes the task, its weights, its batches and the learning rates; -> {name: the size of a run}."""
    from tfllm import training

    task, batches = pairs(quick) if "transformer" in name else windows(name, quick)
    task.save(folder / f"{name}.keras")
    weights = {weight.path.partition("/")[2]: weight.numpy() for weight in task.model.weights}
    np.savez(folder / f"{name}.weights.npz", **weights)
    parts = {f"{i}/{kind}": part for i, batch in enumerate(batches) for kind, part in batch.items()}
    np.savez(folder / f"{name}.batches.npz", **parts)
    rate = training.optimizer(training.Recipe())._learning_rate
    about = {"batches": len(batches), "rates": [float(rate(i)) for i in range(5000)], "sizes": task.model.numbers}
    (folder / f"{name}.json").write_text(json.dumps(about))
    tokens = [sum(int((batch[side] > 0).sum()) for batch in batches if side in batch) for side in ("source", "weights")]
    return {name: {"amount": tokens[1], "operations": 3 * forward_operations(weights, *tokens)}}


def windows(name, quick):
    """A language model of characters, and windows without padding."""
    import keras

    from tfllm.models import GPT, LSTMLanguageModel
    from tfllm.tasks import LanguageModel
    from tfllm.text import Characters

    keras.utils.set_random_seed(1)
    tokenizer = Characters.learn([LETTERS])
    sizes = ((1, 16, 2) if len(SIZES[name]) == 3 else (1, 16)) if quick else SIZES[name]
    if "gpt" in name:
        model = GPT(tokenizer.vocab_size, LENGTH, *sizes, rate=0.0)
    else:
        model = LSTMLanguageModel(tokenizer.vocab_size, 128, sizes[1], sizes[0])
    updates = 2 * CHECKED if quick else UPDATES[name]
    ids = np.random.default_rng(1).integers(4, tokenizer.vocab_size, (updates, TEXTS, LENGTH + 1)).astype("int32")
    ones = np.ones((TEXTS, LENGTH), "float32")
    return LanguageModel(model, tokenizer), [{"inputs": x[:, :-1], "targets": x[:, 1:], "weights": ones} for x in ids]


def pairs(quick):
    """A translator of the bpe files, or a small one of few words, and batches of similar lengths."""
    import keras
    import yaml
    from multi30k import HERE, untrained
    from multi30k import pairs as files
    from speed_rows import QUICK

    from tfllm import config, tasks
    from tfllm.models import TransformerConfig

    keras.utils.set_random_seed(1)
    if quick:
        model = TransformerConfig(1, 16, 2, 16, pe_input=24, pe_target=12, shared="all", pre_norm=False)
        task = tasks.Translator.from_text(*QUICK, tasks.TranslatorConfig("words", model=model))
        made = task.batches(*QUICK, batch_size=1, shapes=2, seed=1)
    else:
        values = yaml.safe_load((HERE / "multi30k_bpe.yaml").read_text())["translator"]
        values["model"]["rate"] = 0.1
        whole = files("bpe", "train").take(8000)
        task = untrained("bpe", whole, config.build(tasks.TranslatorConfig, values))
        made = task.batches(whole.take(PAIRS), tokens=4096, shapes=3, seed=1)
    return task, [
        {"source": x["source"].numpy(), "inputs": x["target"].numpy(), "targets": y.numpy(), "weights": w.numpy()}
        for x, y, w in made.dataset
    ]


def batches_of(name, folder):
    """[{"inputs", "targets", "weights" and, of a translator, "source": arrays}] of a run."""
    parts = np.load(folder / f"{name}.batches.npz")
    count = json.loads((folder / f"{name}.json").read_text())["batches"]
    kinds = sorted({key.partition("/")[2] for key in parts})
    return [{kind: parts[f"{i}/{kind}"] for kind in kinds} for i in range(count)]


def forward_operations(weights, source, target):
    """Additions and multiplications with all matrices, for so many tokens on each side; attention is left out."""
    result = 0
    for name, value in weights.items():
        only_looked_up = "table" in name or ("embed" in name and "to_logits/kernel" in weights)
        if value.ndim == 2 and not only_looked_up:
            reads_source = any(part in name for part in ("encoder_", "cross/key", "cross/value"))
            result += 2 * value.size * (source if reads_source else target)
    return result


def ours(jit_compile, name, folder):
    """`fit` on the batches, as a user calls it."""
    import tfllm

    task = tfllm.load_model(folder / f"{name}.keras", compile=False)
    import tensorflow as tf

    task.compile(jit_compile=jit_compile)

    def dataset(batches):
        return reduce(tf.data.Dataset.concatenate, [tf.data.Dataset.from_tensors(examples(batch)) for batch in batches])

    def examples(batch):
        x = batch["inputs"] if "source" not in batch else {"source": batch["source"], "target": batch["inputs"]}
        return x, batch["targets"], batch["weights"]

    batches = batches_of(name, folder)
    first, few, run = (dataset(batches[:n]) for n in (1, CHECKED, len(batches)))
    losses = [task.evaluate(first, verbose=0)[0]]
    task.fit(few, verbose=0)
    losses.append(task.evaluate(first, verbose=0)[0])

    def work():
        task.fit(run, verbose=0)
        return losses

    return work
