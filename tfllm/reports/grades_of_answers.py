"""Grades of tasks that answer a question: parts of a context by exact match and F1, facts by exact match."""

from dataclasses import replace

from tfllm import evaluation
from tfllm.reports.grades_of_writing import of_score
from tfllm.reports.report_parts import Example, Grades, share
from tfllm.tasks import user_data
from tfllm.tasks.questions.question_records import asked

BATCH = 16


def grade_questions(task, records, seed=1, tick=lambda share: None):
    """A QuestionAnswering and records in any of its forms -> Grades."""
    contexts, questions, references, _ = asked(records)
    answers = []
    for first in range(0, len(contexts), 8 * BATCH):
        part = slice(first, first + 8 * BATCH)
        answers += task.generate(contexts[part], questions[part], batch_size=BATCH)
        tick(len(answers) / len(contexts))
    texts = [answer["text"] for answer in answers]
    result = evaluation.squad(texts, references, [one["no_answer"] for one in answers] if task.no_answer else None)
    signature = {"signature": result.f1.signature.replace("|interval:bootstrap", "")}
    figures = [replace(share("exact match", int(result.exacts.sum()), len(texts), "questions"), **signature),
               of_score(result.f1, len(texts), "questions")]  # fmt: skip
    if not result.answerable.all() and result.answerable.any():
        for name, chosen in (("with an answer", result.answerable), ("without an answer", ~result.answerable)):
            right, count = int(result.exacts[chosen].sum()), int(chosen.sum())
            figures.append(share(f"exact match, {name}", right, count, "questions"))
    examples = []
    for i, text in enumerate(texts):
        expected = " / ".join(dict.fromkeys(references[i])) or "no answer"
        given = {"context": contexts[i], "question": questions[i]}
        # of equal F1 the surest answer is the best right one, and the worst wrong one
        sure = answers[i]["score"] * (1 if result.f1s[i] > 0.5 else -1)
        shown = f"F1 {100 * result.f1s[i]:.0f}, probability {answers[i]['score']:.2f}"
        examples.append(Example(given, expected, text or "no answer", float(result.f1s[i]) + 1e-3 * sure, shown))
    return Grades(figures, examples, "F1")


def grade_facts(task, records, seed=1, tick=lambda share: None):
    """A FactAnswering and a dataset of its records -> Grades."""
    facts, questions, expected = user_data.strings(records, *task.fields)
    answers, chances = zip(*task.generate(facts, questions, probabilities=True), strict=True)
    texts = [[text.decode("utf-8", "replace") for text in task.reader.normalized(list(part)).numpy()]
             for part in (answers, expected)]  # fmt: skip
    right = [a == b for a, b in zip(*texts, strict=True)]
    examples = [
        Example({"facts": facts[i], "question": questions[i]}, expected[i], answers[i],
                float(chances[i] if right[i] else -chances[i]), f"probability of its answer: {chances[i]:.2f}")
        for i in range(len(facts))
    ]  # fmt: skip
    return Grades([share("exact match", sum(right), len(right), "questions")], examples,
                  "probability of the answer, negative if it is wrong")  # fmt: skip
