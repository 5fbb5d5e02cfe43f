"""Files of the bAbI tasks -> records of facts, question and answer. Weston et al. 2015, in the format of their README.

    1 Mary moved to the bathroom.
    2 Where is Mary? <tab> bathroom <tab> 1

A line numbered 1 begins a story; a line with tabs is a question about the facts above it in its story. Questions are
not facts. Not supported: the files of the Children's Book Test and of the dialogue tasks, which look similar.
"""

import tensorflow as tf

from tfllm.data.reading.opening import read_lines

FIELDS = ("facts", "question", "answer", "supporting")


def babi(*paths):
    """Files (or .gz) -> a dataset of {"facts", "question", "answer", "supporting"}, all strings.

    facts       those before the question in its story, oldest first, one per line; "" if there is none
    answer      as in the file: a list is one string, "apple,football"
    supporting  which facts the answer follows from, counted from 0 among `facts`: "0 3"; "" if the file does not say

    Raises OSError if a file is missing; ValueError with file and line for a wrong line number, for a question without
    an answer, and for supporting lines that are not facts; also for files without questions.
    """
    records = [record for path in paths for record in _records(path)]
    if not records:
        raise ValueError(f"expected questions in {', '.join(map(str, paths)) or 'one or more files'}; got none")
    columns = zip(FIELDS, zip(*records, strict=True), strict=True)
    return tf.data.Dataset.from_tensor_slices({name: tf.constant(texts, tf.string) for name, texts in columns})


def _records(path):
    facts, fact_numbers, last = [], {}, 0  # of this story; fact_numbers: line of the story -> number of the fact
    for number, line in enumerate(read_lines(path), start=1):
        where = f"{path}:{number}"
        if not line.strip():
            continue
        count, _, text = line.partition(" ")
        if not count.isdecimal() or int(count) not in (1, last + 1):
            raise ValueError(f"{where}: expected a line numbered {last + 1}, or 1 for a new story; got {line[:40]!r}")
        last = int(count)
        if last == 1:
            facts, fact_numbers = [], {}
        if "\t" not in text:
            fact_numbers[last] = len(facts)
            facts.append(text.strip())
            continue
        question, answer, *rest = (part.strip() for part in text.split("\t"))
        if not question or not answer:
            raise ValueError(f"{where}: expected question, tab, answer; got {text[:40]!r}")
        needed = rest[0].split() if rest else []
        if wrong := [line for line in needed if not line.isdecimal() or int(line) not in fact_numbers]:
            raise ValueError(f"{where}: the answer refers to line {wrong[0]}, which is not a fact above it")
        yield "\n".join(facts), question, answer, " ".join(str(fact_numbers[int(line)]) for line in needed)
