"""Generated questions about who met how many cats where, and sometimes when: a tiny reader learns them in a minute."""

import numpy as np

WHO, WHERE = ["Ann", "Zoë", "John", "Bob", "李雷"], ["Köln", "New York", "Bonn 🐱", "北京", "the old town"]
DAYS = ["Monday", "Tuesday", "Sunday"]
FILLER = "It rained\tand nobody saw it . " * 3


def records(size, seed=0, impossible=True, filler=0):
    """[{"context", "question", "answers", "starts"}]: half of the contexts have a day, any question may ask for it."""
    draw, rows = np.random.default_rng(seed), []
    for _ in range(size):
        who, where, day = (str(draw.choice(column)) for column in (WHO, WHERE, DAYS))
        number, has_day = str(draw.integers(2, 99)), not impossible or draw.random() < 0.5
        context = f"{who} met {number} cats in {where}{' on ' + day if has_day else ''} ."
        kind = draw.integers(4)
        question = ("Who met cats ?", "How many cats ?", "Where ?", "When ?")[kind]
        answer = (who, number, where, day if has_day else "")[kind]
        context = FILLER * filler + context + " " + FILLER * filler
        start = context.index(answer) if kind != 1 else context.index(f"met {number}") + 4
        rows.append({"context": context, "question": question, "answers": [answer] if answer else [],
                     "starts": [start] if answer else []})  # fmt: skip
    return rows
