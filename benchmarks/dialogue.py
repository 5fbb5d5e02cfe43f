"""Replies in daily talk (XDailyDialog, en and zh): `python benchmarks/dialogue.py [SETTING ...] --out R.jsonl`.

A setting is LANGUAGE/SYSTEM, en or zh and one of
    frequent   always the most frequent reply of the training text
    retrieval  the reply to the most similar last turn of the training text, by TF-IDF
    gpt        a GPT on the stream of turns (4 layers of 128)
    rnn        an LSTM encoder-decoder with attention (256 units)
The models read subwords (4,000, none unknown), all learned from the first 895 dialogues of the dev part; the other 100
are for validation, and the test part is scored: perplexity of the replies per word (en) or character (zh), including
END; and of 500 replies to histories evenly spread over it, greedy (no repeated trigram) and sampled (temperature 0.8,
top_p 0.9), distinct-1 and -2, the share of different ones, their length, and ROUGE-1 with the human reply.
A training stops before the epoch that would exceed its 6 minutes: all settings take half an hour. "all" is every
setting. A run that is in R.jsonl is not repeated; without a setting only the table is printed. Runs are stored in
R.runs, next to R.jsonl: an interrupted one is continued.

The data is expected in $TFLLM_DATA/xdailydialog.
"""

import argparse
import os
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from machine import machine
from results import Results
from trained import trained

from tfllm import evaluation, training
from tfllm.data import dialogues
from tfllm.evaluation.diversity import tokens
from tfllm.extraction.tf_idf import TfIdf
from tfllm.models import GPTConfig, Seq2SeqRNNConfig
from tfllm.tasks import DialogueGenerator, DialogueGeneratorConfig

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "xdailydialog"
MODELS = {
    "gpt": (GPTConfig(max_length=256, num_layers=4, d_model=128, num_heads=4, rate=0.2), 2e-3),
    "rnn": (
        Seq2SeqRNNConfig(1, 128, 256, pe_input=160, pe_target=100, attention="luong", rate=0.3, input_feeding=False),
        3e-3,
    ),
}
SYSTEMS = ("frequent", "retrieval", *MODELS)
SETTINGS = [f"{language}/{system}" for language in ("en", "zh") for system in SYSTEMS]
DECODINGS = {
    "greedy": {"no_repeat_ngram_size": 3},
    "sampled": {"no_repeat_ngram_size": 3, "temperature": 0.8, "top_p": 0.9, "seed": 1},
}
VALID, REPLIES = 100, 500


def read(language, limit):
    """(training, validation, test dialogues). limit: dialogues of each, for a quick try."""
    dev, test = (dialogues(DATA / f"{language}_{part}_human.txt") for part in ("dev", "test"))
    size = int(dev.cardinality()) - VALID
    return [part.take(limit or -1) for part in (dev.take(size), dev.skip(size), test)]


def chosen(histories, replies):
    """At most so many of them, evenly spread."""
    size = min(REPLIES, len(replies))
    places = np.linspace(0, len(replies), size, endpoint=False).astype(int)
    return [histories[i] for i in places], [replies[i] for i in places]


def exchanges(records):
    """(histories, replies): turns as lists, what comes before each reply."""
    result = [], []
    for record in records.as_numpy_iterator():
        turns = record["dialogue"].decode().split("\n")
        for place in range(1, len(turns)):
            result[0].append(turns[:place])
            result[1].append(turns[place])
    return result


def frequent(train, histories):
    (reply, _), *_ = Counter(exchanges(train)[1]).most_common(1)
    return [reply for _ in histories]


def retrieval(train, histories):
    """The reply to the turn with the greatest cosine of TF-IDF vectors; the first of equals."""
    known, replies = exchanges(train)
    asked = [tokens(history[-1]) for history in known]
    table, holders = TfIdf(asked), defaultdict(list)
    for index, words in enumerate(asked):
        for word, weight in table.weights(words).items():
            holders[word].append((index, weight))
    result = []
    for history in histories:
        near = np.zeros(len(replies))
        for word, weight in table.weights(tokens(history[-1])).items():
            for index, other in holders.get(word, ()):
                near[index] += weight * other
        result.append(replies[int(near.argmax())])
    return result


def run(setting, folder, options):
    """-> the numbers of one line."""
    language, system = setting.split("/")
    train, valid, test = read(language, options.dialogues)
    began = time.process_time()
    histories, people = chosen(*exchanges(test))
    if system in MODELS:
        task, result = learned(train, valid, system, folder, options)
        perplexity = task.score(test, most=0, verbose=0).perplexity
        per = perplexity.per_word if language == "en" else 2**perplexity.bits_per_character
        result |= {"perplexity": round(per, 2), "per_token": round(perplexity.per_token, 2)}
        asked = ["\n".join(history) for history in histories]
        answers = {name: task.generate(asked, batch_size=50, verbose=0, **how) for name, how in DECODINGS.items()}
    else:
        result, answers = {}, {"said": {"frequent": frequent, "retrieval": retrieval}[system](train, histories)}
    result["people"] = evaluation.diversity(people).as_dict()
    for name, replies in answers.items():
        overlap = evaluation.rouge(replies, people, tokens="characters").rouge1
        result[name] = evaluation.diversity(replies).as_dict() | {"rouge1": [overlap.value, overlap.low, overlap.high]}
    return result | {"cpu_minutes": round((time.process_time() - began) / 60, 2)}


def learned(train, valid, system, folder, options):
    """The dialogue generator of the best epoch, and a summary of its training."""
    model, rate = MODELS[system]
    recipe = training.Recipe(
        epochs=100, minutes=options.minutes, patience=3, learning_rate=rate, warmup=200, schedule="inverse_root"
    )
    config = DialogueGeneratorConfig(vocab_size=4000, reply_length=96, model=model)
    return trained(folder, recipe, lambda: DialogueGenerator.from_text(train, config), train, valid)


def print_table(results):
    print(f"\n{machine()}\n")
    for language, unit in (("en", "word"), ("zh", "character")):
        rows = {row["setting"].split("/")[1]: row for row in results if row["setting"].startswith(language)}
        print(
            f"| {language} | perplexity per {unit} | distinct-1 | distinct-2 | different | tokens | ROUGE-1 | minutes |"
        )
        print("|---|---:|---:|---:|---:|---:|---|---:|")
        parts = [("people", next(iter(rows.values()), {}).get("people"), {})]
        for system in SYSTEMS:
            for name in ("said", *DECODINGS):
                row = rows.get(system, {})
                parts.append((f"{system} {name}".removesuffix(" said"), row.get(name), row))
        for name, part, row in (part for part in parts if part[1]):
            overlap = "{:.1f} [{:.1f}, {:.1f}]".format(*part["rouge1"]) if "rouge1" in part else ""
            print(
                f"| {name} | {row.get('perplexity', '')} | {part['distinct1']:.3f} | {part['distinct2']:.3f} "
                f"| {100 * part['different']:.0f} % | {part['length']:.1f} | {overlap} | {row.get('cpu_minutes', '')} |"
            )
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", choices=[*SETTINGS, "all", []], metavar="SETTING", help="all, or some")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=6.0, help="of each training")
    parser.add_argument("--dialogues", type=int, help="of each part, to try it out")
    options = parser.parse_args()

    stored = Results(options.out)
    for setting in SETTINGS if "all" in options.settings else options.settings:
        if not stored.has(setting=setting):
            stored.add({"setting": setting} | run(setting, options.out.with_suffix(".runs") / setting, options))
    print_table(stored.rows)


if __name__ == "__main__":
    main()
