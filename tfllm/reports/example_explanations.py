"""Explanations of a few examples of a report, and how faithful the method is, on more of them.

The method that suits the task: integrated gradients for one number, which they divide completely; occlusion for
generated text, whose every token is a number.
"""

from html import escape

from tfllm.evaluation.scripts import characters
from tfllm.explain import explanation_pages
from tfllm.explain.explaining import subject_of
from tfllm.explain.subjects.generated_subject import GeneratedSubject
from tfllm.reports.report_parts import Section, mean
from tfllm.tasks.language_model import LanguageModel

TITLE = "Explanations"
LONGEST, OF_GENERATED = 60, 20  # words of a text that is explained, and of one whose answer is a text
PROMPT, CONTINUED = 8, 4  # words of a language model's text, at most: the prompt, and what is explained after it


def explanations(task, examples, method=None, count=20, seed=1, tick=lambda share: None):
    """A Section. examples: the best first. count: number of texts for the faithfulness.

    Raises TypeError for a task that cannot be explained, ValueError if all texts are too long or blank.
    """
    generated = issubclass(subject_of(task), GeneratedSubject)
    method = method or ("occlusion" if generated else "integrated_gradients")
    short = explained_ones(task, examples, OF_GENERATED if generated else LONGEST)
    chosen = list({id(one): one for one in (short[0], *short[-2:])}.values())
    blocks = "".join(block(task, example, method, seed) for example in chosen)
    measured = [short[i * len(short) // count] for i in range(count)] if len(short) > count else short
    pairs = []  # the Faithfulness of each text
    for done, example in enumerate(measured):
        columns, options = asked(task, example)
        step = {"step": 0} if generated else {}
        pairs.append(task.explain(*columns, method=method, seed=seed, **options, **step).faithfulness)
        tick((done + 1) / len(measured))
    notes = ["Blue tokens speak for the answer, orange ones against it." + (
             " Rows are the tokens that are written, columns those that are read." if generated else "")]  # fmt: skip
    what = "probability of the first token that is written" if generated else "probability of the answer"
    notes.append(f"Faithfulness: the fall of the {what} when the tokens with the highest scores are removed "
                 "(comprehensiveness, high is good), or kept alone (sufficiency, low is good); the means over 1, 5, "
                 "10, 20, 50 % of the tokens.")  # fmt: skip
    data = {"method": method, "explained": [one.given for one in chosen]}
    return Section("explanations", TITLE, "", notes, figures([one for one in pairs if one], seed), [], blocks, data)


def explained_ones(task, examples, longest):
    """The examples that have what the task reads, of 2 to `longest` words. Raises ValueError if there are none."""
    if isinstance(task, LanguageModel):  # of which only the beginning is explained
        found = [one for one in examples if len(one.given["text"].split()) > 1]
    else:
        found = [one for one in examples if 1 < sum(map(words, one.given.values())) <= longest]
        found = [one for one in found if set(task.asks) <= set(one.given)]
    if not found:
        raise ValueError(f"no text has 2 to {longest} words")
    return found


def block(task, example, method, seed):
    """The explanation of an example as HTML, under its answer."""
    columns, options = asked(task, example)
    one = task.explain(*columns, method=method, seed=seed, faithfulness=False, **options)
    named = {"answer: ": example.answer, "expected: ": example.expected, "": example.shown}
    head = " · ".join(name + text for name, text in named.items() if text)
    return f'<div class="example"><p class="note">{escape(head)}</p>{explanation_pages.section(one)}</div>'


def figures(found, seed):
    """Faithfulnesses of texts -> Figures of the means, beside those of random orders."""
    result = []
    for name in ("comprehensiveness", "sufficiency") if found else ():
        own, chance = ([getattr(part, name) for part in parts] for parts in zip(
            *((one.own, one.random) for one in found), strict=True))  # fmt: skip
        differences = [a - b for a, b in zip(own, chance, strict=True)]
        result.append(mean(name, own, "texts", seed))
        result.append(mean(f"{name} of random orders", chance, "texts", seed))
        result.append(mean(f"{name}, difference from random orders", differences, "texts", seed))
    return result


def words(text):
    return len(characters(text))


def asked(task, example):
    """(columns of `explain`, options) of an example."""
    if isinstance(task, LanguageModel):
        parts = example.given["text"].split()[: PROMPT + CONTINUED]
        cut = max(1, len(parts) * PROMPT // (PROMPT + CONTINUED))
        return [" ".join(parts[:cut])], {"target": " " + " ".join(parts[cut:])}
    return [example.given[name] for name in task.asks], {}
