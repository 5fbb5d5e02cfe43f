"""Explanations of a few examples of a report, and how faithful the method is, on more of them.

The method that suits the task: integrated gradients for one number, which they divide completely; occlusion for
generated text, whose every token is a number.
"""

from tfllm.evaluation.scripts import characters
from tfllm.explain import explanation_pages
from tfllm.explain.explaining import subject_of
from tfllm.explain.subjects.generated_subject import GeneratedSubject
from tfllm.reports.report_parts import Section, mean
from tfllm.tasks.language_model import LanguageModel

TITLE = "Explanations"
LONGEST, OF_GENERATED = 60, 20  # words of a text that is explained, and of one whose answer is a text
PROMPT, CONTINUED = 8, 4  # words of a language model's text, at most: the prompt, and what is explained after it
SHOWN = 3


def explanations(task, examples, method=None, count=20, seed=1, tick=lambda share: None):
    """A Section. examples: the best first. count: number of texts for the faithfulness.

    Raises TypeError for a task that cannot be explained, ValueError if all texts are too long or blank.
    """
    generated = issubclass(subject_of(task), GeneratedSubject)
    method = method or ("occlusion" if generated else "integrated_gradients")
    longest = OF_GENERATED if generated else LONGEST
    short = [one for one in examples if 1 < sum(map(words, one.given.values())) <= longest]
    if isinstance(task, LanguageModel):
        short = [one for one in examples if len(one.given["text"].split()) > 1]
    else:
        short = [one for one in short if set(task.asks) <= set(one.given)]
    if not short:
        raise ValueError(f"no text has 2 to {longest} words")
    chosen = list({id(one): one for one in (short[0], *short[-2:])}.values())
    pages = []
    for example in chosen:
        columns, options = asked(task, example)
        one = task.explain(*columns, method=method, seed=seed, faithfulness=False, **options)
        answer = f"answer: {example.answer}" if example.answer else ""
        expected = f"expected: {example.expected}" if example.expected else ""
        pages.append((" · ".join(filter(None, [answer, expected, example.shown])), explanation_pages.section(one)))
    measured = [short[i * len(short) // count] for i in range(count)] if len(short) > count else short
    own, random = [], []
    for done, example in enumerate(measured):
        columns, options = asked(task, example)
        step = {"step": 0} if generated else {}
        result = task.explain(*columns, method=method, seed=seed, **options, **step).faithfulness
        if result is not None:
            own.append(result.own)
            random.append(result.random)
        tick((done + 1) / len(measured))
    notes = ["Blue tokens speak for the answer, orange ones against it." + (
             " Rows are the tokens that are written, columns those that are read." if generated else "")]  # fmt: skip
    what = "probability of the first token that is written" if generated else "probability of the answer"
    notes.append(f"Faithfulness: the fall of the {what} when the tokens with the highest scores are removed "
                 "(comprehensiveness, high is good), or kept alone (sufficiency, low is good); the means over 1, 5, "
                 "10, 20, 50 % of the tokens.")  # fmt: skip
    figures = []
    for name in ("comprehensiveness", "sufficiency") if own else ():
        values, by_chance = ([getattr(one, name) for one in part] for part in (own, random))
        figures.append(mean(name, values, "texts", seed))
        figures.append(mean(f"{name} of random orders", by_chance, "texts", seed))
        differences = [a - b for a, b in zip(values, by_chance, strict=True)]
        figures.append(mean(f"{name}, difference from random orders", differences, "texts", seed))
    blocks = "".join(f'<div class="example"><p class="note">{explanation_pages.escape(head)}</p>{page}</div>'
                     for head, page in pages)  # fmt: skip
    data = {"method": method, "explained": [one.given for one in chosen]}
    return Section("explanations", TITLE, "", notes, figures, [], blocks, data)


def words(text):
    return len(characters(text))


def asked(task, example):
    """(columns of `explain`, options) of an example."""
    if isinstance(task, LanguageModel):
        parts = example.given["text"].split()[: PROMPT + CONTINUED]
        cut = max(1, len(parts) * PROMPT // (PROMPT + CONTINUED))
        return [" ".join(parts[:cut])], {"target": " " + " ".join(parts[cut:])}
    return [example.given[name] for name in task.asks], {}
