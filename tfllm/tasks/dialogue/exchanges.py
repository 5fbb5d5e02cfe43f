"""The replies of dialogues, one by one with their histories, and what they show of a DialogueGenerator."""

import numpy as np
import tensorflow as tf

from tfllm import evaluation
from tfllm.data.reading.dialogues import dialogue
from tfllm.tasks import user_data
from tfllm.tasks.dialogue.speakers import ALL
from tfllm.tasks.text_generation.likelihood import expect_numbers


def exchanges(task, x):
    """See DialogueGenerator.exchanges."""
    histories, replies = [], []
    parsed = task.parsed(tf.constant(user_data.columns(task.records(x), "dialogue")[0], tf.string))
    columns = parsed.system.numpy(), parsed.turns.to_list(), parsed.speakers.to_list()
    for system, texts, who in zip(*columns, strict=True):
        system, who = system.decode("utf-8", "replace") or None, [task.speakers[i] for i in who]
        texts = [turn.decode("utf-8", "replace") for turn in texts]
        for position in range(1, len(texts)):
            if task.replies in (ALL, who[position]):
                before = dialogue(texts[:position], who[:position], system, task.template is not None)
                histories.append(f"{before}\n{who[position]}\t")
                replies.append(texts[position])
    return histories, replies


def scores(task, x, most, batch_size, batch_tokens, verbose, **decoding):
    """See DialogueGenerator.score."""
    histories, replies = exchanges(task, x)
    made, total = task.batches(x, tokens=batch_tokens), np.zeros(3)
    for inputs, targets, weights in made.dataset:
        total += task.summed(inputs, targets, weights).numpy()
    expect_numbers(total)
    ids = task.tokenizer.encode(replies)
    read = tf.where(  # the text behind the sums
        ids.row_lengths() < task.reply_length, replies, task.tokenizer.decode(ids[:, : task.reply_length])
    )
    counts = evaluation.counts(read.numpy())
    perplexity = evaluation.Perplexity(float(total[0]), round(total[1]), counts, round(total[2]))
    size = len(replies) if most is None else min(most, len(replies))
    if not size:
        return evaluation.ReplyScores(perplexity, None, None)
    positions = np.linspace(0, len(replies), size, endpoint=False).astype(int)
    outputs = task.generate([histories[i] for i in positions], batch_size=batch_size, verbose=verbose, **decoding)
    people = evaluation.diversity([replies[i] for i in positions])
    return evaluation.ReplyScores(perplexity, evaluation.diversity(outputs), people)
