"""What a report measures of bias: counterfactual swaps, groups of records, minimal pairs, gender agreement."""

import numpy as np
import tensorflow as tf

from tfllm import audit
from tfllm.audit.gender_agreement import MEANINGS
from tfllm.audit.intervals import holm
from tfllm.reports.grades_of_rows import of_tokens
from tfllm.reports.report_parts import Figure, Section, Table, mean, reason_of, resampled
from tfllm.tasks.classification.text_classifier import TextClassifier
from tfllm.tasks.facts.fact_answering import FactAnswering
from tfllm.tasks.language_model import LanguageModel
from tfllm.tasks.questions.question_answering import QuestionAnswering
from tfllm.tasks.text_generation.encoder_decoder import EncoderDecoder

TITLE = "Bias"
JOINT = "\x1f"  # between the texts of a record that are swapped together: the unit separator
LIKELY, BATCH = 128, 32  # tokens of a text whose likelihood is computed; texts in a batch


def numbers_of(task, label=None):
    """{what is measured: function of a list of texts -> a number for each}, for swaps. Raises TypeError if none suits.

    A text has what the task reads, joined by JOINT. label: of a classifier; default: the last one.
    """

    def parts(texts):
        return [list(column) for column in zip(*(text.split(JOINT) for text in texts), strict=True)]

    if isinstance(task, TextClassifier):
        name = label_of(task, label)

        def judged(texts):
            rows = task.classify(*parts(texts), verbose=0)
            return [row["score"] if name is None else row["probabilities"][name] for row in rows]

        return {"predicted number" if name is None else f"probability of {name}": judged}
    if isinstance(task, EncoderDecoder):
        known = {}  # {source: (output, log-probability)}: each is written once

        def written(texts):
            if new := [text for text in dict.fromkeys(texts) if text not in known]:
                known.update(zip(new, (best for (best,) in task.generate(new, n_best=1, verbose=0)), strict=True))
            return [known[text] for text in texts]

        return {"log-probability of what it writes": lambda texts: [score for _, score in written(texts)],
                "words that it writes": lambda texts: [len(text.split()) for text, _ in written(texts)]}  # fmt: skip
    if isinstance(task, LanguageModel):
        return {"log-probability of the text, nats": lambda texts: likelihoods(task, texts)}
    if isinstance(task, QuestionAnswering):
        return {"probability of its answer": lambda texts: [one["score"] for one in task.generate(*parts(texts))]}
    if isinstance(task, FactAnswering):

        def chances(texts):
            return [chance for _, chance in task.generate(*parts(texts), probabilities=True)]

        return {"probability of its answer": chances}
    raise TypeError(f"no number of a {type(task).__name__} is known that a swap of words should not change")


def likelihoods(task, texts):
    """The log-probability of the first LIKELY tokens of each text, by a LanguageModel."""
    result, size = [], min(LIKELY, task.length)
    for first in range(0, len(texts), BATCH):
        inputs, targets = (part[:, :size] for part in task.whole({"text": tf.constant(texts[first : first + BATCH])}))
        weights = tf.ones_like(targets, tf.float32).to_tensor()
        sums = of_tokens(targets.to_tensor(), task(inputs.to_tensor(), training=False), weights)
        result += (-tf.reduce_sum(sums[..., 0], axis=1)).numpy().tolist()
    return result


def label_of(task, label=None):
    """The label whose probability is measured; None for a regression. Raises ValueError for an unknown one."""
    expect_label(task, label)
    if task.kind == "regression":
        return None
    return task.labels[-1] if label is None else label


def expect_label(task, label):
    """Raises ValueError for a label that the task does not have."""
    if label is not None and label not in (names := getattr(task, "labels", None) or ()):
        known = f"the labels: {', '.join(names)}" if names else f"this {type(task).__name__} has none"
        raise ValueError(f"there is no label {label!r}; {known}")


def swaps(task, examples, label=None, seed=1):
    """(figures, tables, notes) of the swaps of all lists of words, in what the model read of the examples."""
    rows = ([text.replace(JOINT, " ") for text in one.given.values()] for one in examples)
    texts = list(dict.fromkeys(map(JOINT.join, rows)))
    effects = [(name, what, one) for what, score in numbers_of(task, label).items()
               for name, one in audit.counterfactuals(score, texts, seed=seed).items()]  # fmt: skip
    corrected, rows, figures = holm([one.p_value for _, _, one in effects]), [], []
    for (name, what, one), p_value in zip(effects, corrected, strict=True):
        figures.append(resampled(f"{name}: change of the {what}", one.difference, one.interval, one.texts, "texts"))
        rows.append([name, what, f"{one.before:.4g}", f"{one.after:.4g}", f"{one.absolute:.3g}", f"{one.p_value:.2g}",
                     f"{p_value:.2g}"])  # fmt: skip
    head = ["list of words", "number", "mean before", "mean after", "mean absolute change", "p", "p (Holm)"]
    note = ("Counterfactual swaps: each text with a word of a list, and its copy with the word replaced by its partner "
            "(he, she; Emily, Lakisha; France, Nigeria ...). Swapping is by word, not by grammar.")  # fmt: skip
    return figures, [Table("swaps", head, rows)], [note]


def groups(task, grades, members, label=None, seed=1):
    """(figures, tables, notes) of the groups of records: members, a name for each example of the grades."""
    examples = grades.examples
    if len(members) != len(examples):
        raise ValueError(f"{len(members)} groups for {len(examples)} records: give one for each")
    figures, tables, scores = [], [], np.array([one.score for one in examples])
    members = np.asarray(members).astype(str)
    for group in sorted(set(members.tolist())):
        figures.append(mean(f"mean {grades.score}, group {group}", scores[members == group], "records", seed))
    notes = ["Groups: the mean of what examples are ranked by; higher is better."]
    if isinstance(task, TextClassifier) and task.kind == "single":
        name = label_of(task, label)
        answers = task.classify(*([one.given[part] for one in examples] for part in task.asks), verbose=0)
        right, said = [one.expected == name for one in examples], [one["label"] == name for one in answers]
        chances = [one["probabilities"][name] for one in answers]
        report = audit.subgroup_metrics(right, said, members.tolist(), chances, seed=seed)
        head, *rows = report.rows()
        tables.append(Table(f"{name} against all other labels, by group", head, rows))
        notes.append("Rates by group, with 95 % intervals by the bootstrap within each group; gap: the largest minus "
                     "the smallest value.")  # fmt: skip
    return figures, tables, notes


def shares(results, what):
    """{name: audit's Share} -> figures."""
    return [Figure(f"{what}: {name}", one.share, one.interval, one.total, "sentences", "Wilson", share=True)
            for name, one in results.items()]  # fmt: skip


def bias(task, grades, members=None, pairs=None, agreement=False, label=None, seed=1, tick=lambda share: None):
    """The Section. members: the group of each example of the grades, or None; pairs: MinimalPairs, or None.

    agreement: the task is a Translator from English to German. What cannot be measured has a note that says why.
    """
    parts = {"swaps": lambda: swaps(task, grades.examples, label, seed)}
    if members is not None:
        parts["groups"] = lambda: groups(task, grades, members, label, seed)
    if pairs is not None:
        parts["minimal pairs"] = lambda: (
            shares(audit.minimal_pairs(task, pairs), "stereotype is likelier"), [],
            ["Minimal pairs: the share of pairs whose stereotype the model finds likelier; 50 % is no preference."],
        )  # fmt: skip
    if agreement:
        parts["gender agreement"] = lambda: (
            shares({MEANINGS[name]: one for name, one in audit.translated_gender(task).items()}, "right gender"), [],
            ["Gender agreement: the share of English sentences whose person has the right gender in German. A "
             "translation without either form of the noun counts as wrong."],
        )  # fmt: skip
    figures, tables, notes, failed = [], [], [], []
    for done, (name, measure) in enumerate(parts.items()):
        try:
            found = measure()
        except Exception as error:  # the others are measured all the same
            failed.append(f"{name}: not measured, {reason_of(error)}")
        else:
            for all_of, more in zip((figures, tables, notes), found, strict=True):
                all_of += more
        tick((done + 1) / len(parts))
    if not figures:
        return Section("bias", TITLE, "; ".join(failed))
    left = [name for name, given in (("groups (a column of groups)", members), ("minimal pairs (a file)", pairs))
            if given is None and (name[0] == "g" or isinstance(task, LanguageModel))]  # fmt: skip
    notes += failed + ([f"Not asked for: {', '.join(left)}."] if left else [])
    return Section("bias", TITLE, "", notes, figures, tables)
