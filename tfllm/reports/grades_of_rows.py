"""Grades of tasks that predict tokens: language models, dialogues, masked language models, denoisers.

The loss of each row, which is a block of a document, or of each reply; intervals by the bootstrap over these, since the
tokens of a row depend on each other.
"""

import numpy as np
import tensorflow as tf

from tfllm.losses import smoothed_cross_entropy
from tfllm.reports.report_parts import Example, Grades, ratio, share
from tfllm.tasks.language_model import LanguageModel
from tfllm.tasks.pretraining.pretraining import Pretraining
from tfllm.tasks.text_generation.likelihood import expect_numbers

TOKENS = 4096  # positions in a batch, including padding


def grade_rows(task, records, seed=1, tick=lambda share: None):
    """A task that predicts tokens and a dataset of its records -> Grades. Raises ValueError if the model gives NaN."""
    rows = task.rows(records)
    sums = summed(task, rows, seed, tick)  # [N, 5]
    texts = decoded(task, rows)
    examples = [
        Example({"text": text}, "", "", -loss, shown(loss)) for text, loss in zip(texts, means(sums), strict=True)
    ]
    used = sums[:, 1] > 0
    grades = Grades(figures(sums[used], "blocks of text", seed), [examples[i] for i in np.flatnonzero(used)],
                    "loss per token, negative", notes=[size(sums, "blocks of text")])  # fmt: skip
    if sums[:, 4].any():
        right, pairs = int(sums[:, 3].sum()), int(sums[:, 4].sum())
        grades.figures.append(share("accuracy of the next sentence", right, pairs, "pairs of texts"))
    return grades


def grade_replies(task, records, seed=1, tick=lambda share: None):
    """A DialogueGenerator and a dataset of dialogues -> Grades, with an Example for each reply."""
    sums = of_replies(task, task.rows(records), tick)  # [N, 3]
    histories, replies = task.exchanges(records)
    notes = [size(sums, "replies")]
    if len(sums) != len(replies):  # a row is cut: its replies cannot be told apart
        examples = [
            Example({"text": f"reply {i}"}, "", "", -loss, shown(loss)) for i, loss in enumerate(means(sums), 1)
        ]
        return Grades(figures(sums, "replies", seed), examples, "loss per token, negative", notes=notes)
    examples = [Example({"dialogue": history}, reply, None, -loss, shown(loss))
                for history, reply, loss in zip(histories, replies, means(sums), strict=True)]  # fmt: skip

    def answer(chosen):
        return task.generate([one.given["dialogue"] for one in chosen], verbose=0)

    return Grades(figures(sums, "replies", seed), examples, "loss per token, negative", notes=notes, answer=answer)


def figures(sums, unit, seed):
    """sums [N, 3 or more]: losses, tokens, right tokens -> figures. Raises ValueError for NaN."""
    expect_numbers(sums)
    loss, counts, hits = sums[:, 0], sums[:, 1], sums[:, 2]
    return [
        ratio("loss, nats per token", loss, counts, unit, seed=seed),
        ratio("perplexity per token", loss, counts, unit, np.exp, seed),
        ratio("accuracy of tokens", hits, counts, unit, seed=seed, share=True),
    ]


def means(sums):
    return (sums[:, 0] / np.maximum(sums[:, 1], 1)).tolist()


def shown(loss):
    return f"loss {loss:.3f} nats per token"


def size(sums, unit):
    return f"{int(sums[:, 1].sum()):,} tokens in {int((sums[:, 1] > 0).sum()):,} {unit}."


def summed(task, rows, seed, tick):
    """Rows, a nest of ragged tensors [N, None] -> float64 [N, 5]: sums of losses, tokens, right tokens, right next
    sentences, pairs.
    """
    result = np.zeros((tf.nest.flatten(rows)[0].nrows(), 5))
    step = tf.function(lambda *batch: of_batch(task, *batch), autograph=False, reduce_retracing=True)
    for chosen, batch in padded(task, rows, seed, tick):
        result[chosen] = step(*batch).numpy()
    return result


def of_replies(task, rows, tick):
    """Rows of dialogues -> float64 [N, 3]: sums of losses, tokens, right tokens of each reply, in order.

    A reply is a run of tokens with a weight; tags of speakers, which have none, separate them.
    """
    step = tf.function(
        lambda inputs, targets, weights: of_tokens(targets, task(inputs, training=False), weights),
        autograph=False, reduce_retracing=True,
    )  # fmt: skip
    found = {}
    for chosen, batch in padded(task, rows, 0, tick):
        for row, values in zip(chosen, step(*batch).numpy(), strict=True):
            real = np.flatnonzero(values[:, 1])
            runs = np.split(real, np.flatnonzero(np.diff(real) > 1) + 1) if len(real) else []
            found[row] = [values[run].sum(axis=0) for run in runs]
    return np.array([one for row in sorted(found) for one in found[row]])


def padded(task, rows, seed, tick):
    """Yield (numbers of the rows, the padded batch), long rows first."""
    lengths = np.max([part.row_lengths().numpy() for part in tf.nest.flatten(rows)], axis=0)
    order, first = np.argsort(-lengths, kind="stable"), 0
    while first < len(order):
        chosen = order[first : first + max(1, TOKENS // max(1, int(lengths[order[first]])))]
        batch = tf.nest.map_structure(lambda part, chosen=chosen: tf.gather(part, chosen).to_tensor(), rows)
        yield chosen, task.hide(batch, tf.constant([seed, first])) if isinstance(task, Pretraining) else batch
        first += len(chosen)
        tick(first / len(order))


def of_batch(task, inputs, targets, weights):
    """A batch -> [B, 5], see `summed`."""
    logits = task(inputs, training=False)
    if not isinstance(targets, dict):
        targets, logits, weights = {"mlm": targets}, {"mlm": logits}, {"mlm": weights}
    sums = {name: tf.reduce_sum(of_tokens(targets[name], logits[name], weights[name]), axis=1) for name in targets}
    pairs = sums.get("nsp", tf.zeros_like(sums["mlm"]))
    return tf.concat([sums["mlm"], pairs[:, 2:], pairs[:, 1:2]], axis=1)


def of_tokens(targets, logits, weights):
    """targets, weights [B, T], logits [B, T, V] -> float64 [B, T, 3]: weighted losses, weights, right tokens."""
    losses = smoothed_cross_entropy(targets, logits)
    right = tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets
    parts = tf.stack([losses, tf.ones_like(losses), tf.cast(right, losses.dtype)], axis=-1)
    return tf.cast(parts * tf.cast(weights, losses.dtype)[..., None], tf.float64)


def decoded(task, rows):
    """The text of each row: of its targets, or of what is hidden parts of."""
    ids = rows[1] if isinstance(task, LanguageModel) else rows[0]
    return [text.decode("utf-8", "replace") for text in task.tokenizer.decode(ids).numpy()]
