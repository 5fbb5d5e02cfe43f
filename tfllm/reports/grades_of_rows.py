"""Grades of tasks that predict tokens: language models, dialogues, masked language models, denoisers.

The loss of each row, which is a block of a document or a reply; intervals by the bootstrap over rows, since the tokens
of a row depend on each other.
"""

import numpy as np
import tensorflow as tf

from tfllm.losses import smoothed_cross_entropy
from tfllm.reports.report_parts import Example, Grades, ratio, share
from tfllm.tasks.dialogue.dialogue_generator import DialogueGenerator
from tfllm.tasks.language_model import LanguageModel
from tfllm.tasks.pretraining.pretraining import Pretraining
from tfllm.tasks.text_generation.likelihood import expect_numbers

TOKENS = 4096  # positions in a batch, including padding


def grade_rows(task, records, seed=1, tick=lambda share: None):
    """A task that predicts tokens and a dataset of its records -> Grades. Raises ValueError if the model gives NaN."""
    rows = task.rows(records)
    sums = summed(task, rows, seed, tick)  # [N, 5]
    expect_numbers(sums)
    used = sums[:, 1] > 0
    loss, counts, hits, next_hits, pairs = sums[used].T
    exchanges = task.exchanges(records) if isinstance(task, DialogueGenerator) else ([], [])
    alone = len(exchanges[0]) == len(sums)  # each row is a reply; otherwise a dialogue
    unit = "replies" if alone else "dialogues" if exchanges[0] else "blocks of text"
    figures = [
        ratio("loss, nats per token", loss, counts, unit, seed=seed),
        ratio("perplexity per token", loss, counts, unit, np.exp, seed),
        ratio("accuracy of tokens", hits, counts, unit, seed=seed, share=True),
    ]
    if sums[:, 4].any():
        figures.append(share("accuracy of the next sentence", int(next_hits.sum()), int(pairs.sum()), "pairs of texts"))
    losses, texts = sums[:, 0] / np.maximum(sums[:, 1], 1), decoded(task, rows)
    examples, answer = [], None
    for i in np.flatnonzero(used):
        shown = f"loss {losses[i]:.3f} nats per token"
        if alone:
            given, expected = {"dialogue": exchanges[0][i]}, exchanges[1][i]
            examples.append(Example(given, expected, None, -float(losses[i]), shown))
        else:
            examples.append(Example({"text": texts[i]}, "", "", -float(losses[i]), shown))
    if alone:

        def answer(chosen):
            return task.generate([one.given["dialogue"] for one in chosen], verbose=0)

    notes = [f"{int(counts.sum()):,} tokens in {len(loss):,} {unit}."]
    return Grades(figures, examples, "loss per token, negative", notes=notes, answer=answer)


def summed(task, rows, seed, tick):
    """Rows, a nest of ragged tensors [N, None] -> float64 [N, 5]: sums of losses, tokens, right tokens, right next
    sentences, pairs.
    """
    parts = tf.nest.flatten(rows)
    lengths = np.max([part.row_lengths().numpy() for part in parts], axis=0)
    order = np.argsort(-lengths, kind="stable")
    result, first = np.zeros((len(lengths), 5)), 0
    step = tf.function(lambda *batch: of_batch(task, *batch), autograph=False, reduce_retracing=True)
    while first < len(order):
        chosen = order[first : first + max(1, TOKENS // max(1, int(lengths[order[first]])))]
        batch = tf.nest.map_structure(lambda part, chosen=chosen: tf.gather(part, chosen).to_tensor(), rows)
        if isinstance(task, Pretraining):
            batch = task.hide(batch, tf.constant([seed, first]))
        result[chosen] = step(*batch).numpy()
        first += len(chosen)
        tick(first / len(order))
    return result


def of_batch(task, inputs, targets, weights):
    """A batch -> [B, 5], see `summed`."""
    logits = task(inputs, training=False)
    if not isinstance(targets, dict):
        return tf.concat([of_tokens(targets, logits, weights), tf.zeros([tf.shape(targets)[0], 2], tf.float64)], axis=1)
    tokens = of_tokens(targets["mlm"], logits["mlm"], weights["mlm"])
    if "nsp" not in targets:
        return tf.concat([tokens, tf.zeros([tf.shape(tokens)[0], 2], tf.float64)], axis=1)
    pairs = of_tokens(targets["nsp"], logits["nsp"], weights["nsp"])
    return tf.concat([tokens, pairs[:, 2:], pairs[:, 1:2]], axis=1)


def of_tokens(targets, logits, weights):
    """targets, weights [B, T], logits [B, T, V] -> float64 [B, 3]: sums of losses, weights, right tokens."""
    losses = smoothed_cross_entropy(targets, logits)
    right = tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets
    parts = tf.stack([losses, tf.ones_like(losses), tf.cast(right, losses.dtype)], axis=-1)  # [B, T, 3]
    return tf.reduce_sum(tf.cast(parts * tf.cast(weights, losses.dtype)[..., None], tf.float64), axis=1)


def decoded(task, rows):
    """The text of each row: of its targets, or of what is hidden parts of."""
    ids = rows[1] if isinstance(task, LanguageModel | DialogueGenerator) else rows[0]
    return [text.decode("utf-8", "replace") for text in task.tokenizer.decode(ids).numpy()]
