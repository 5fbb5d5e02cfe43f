"""What the sections of a report share: the test records, graded once, the training data, and the progress."""

from tfllm import audit
from tfllm.audit import data_report_pages
from tfllm.audit.columns import columns
from tfllm.reports import bias_checks, curve_drawing, example_explanations, report_pages
from tfllm.reports.grading import grade, grader_of, records_of
from tfllm.reports.known_facts import bytes_shown, size_rows
from tfllm.reports.report_parts import EMPTY, Grades, Section, Table
from tfllm.reports.speed_measures import speeds
from tfllm.tasks.questions.question_answering import QuestionAnswering

SECTIONS = {"scores": "Scores", "curve": "Learning curve", "examples": "Best and worst examples",
            "explanations": example_explanations.TITLE, "bias": bias_checks.TITLE, "data": "Training data",
            "sizes": "Sizes", "speed": "Speed"}  # fmt: skip
BEST = 3  # examples at each end
NEAR = 50_000  # maximum number of texts among which near duplicates are looked for
NO_TEST = "no test data: name it by --data, --text, --source ... as for tfllm evaluate"


class Study:
    """A task, its RunFacts, and its data; a method for each section."""

    def __init__(self, task, facts, test, train, groups, most, seed, progress):
        self.task, self.facts, self.train, self.members, self.seed = task, facts, train, groups, seed
        self.show, self.records, self.graded, self.failed, self.size = progress, None, None, None, None
        self.title, self.done, self.part, self.weights = "", 0.0, 0.0, {}
        if test is not None:
            try:
                grader_of(task)
                self.records = records_of(task, test, None if groups is not None else most)
            except Exception as error:
                self.failed = error
        self.own_data = test

    # Progress: the expected seconds of each section, so that the time left is about right from the beginning

    def plan(self, names, explained):
        text = 0.001 if hasattr(self.task, "labels") else 0.05  # a classifier, or a task that writes
        tests, trained = count_of(self.records), count_of(self.train)
        seconds = {"scores": 1 + text * tests, "explanations": 0.8 * (3 + explained), "bias": 5 + text * tests,
                   "data": 1 + 0.002 * (trained + tests), "speed": 2 + 400 * text}  # fmt: skip
        total = sum(seconds.get(name, 0.2) for name in names)
        self.weights = {name: seconds.get(name, 0.2) / total for name in names}

    def begin(self, name):
        self.done += self.part
        self.title, self.part = SECTIONS[name], self.weights.get(name, 0.0)
        self.show(self.title, self.done)

    def tick(self, share):
        self.show(self.title, self.done + share * self.part)

    # What several sections need

    def grades(self) -> Grades:
        if self.failed is not None:
            raise self.failed
        if self.records is None:
            raise ValueError(NO_TEST)
        if self.graded is None:
            try:
                self.graded = grade(self.task, self.records, self.seed, self.tick)
            except Exception as error:
                self.failed = error
                raise
        return self.graded

    def ranked(self):
        """All examples, the best first."""
        return sorted(self.grades().examples, key=lambda one: -one.score)

    # Sections

    def scores(self):
        recorded = self.recorded()
        if self.own_data is None:
            if not recorded:
                raise ValueError(NO_TEST)
            note = ("No test data: these scores were recorded in the training, without intervals. For scores with "
                    "intervals name test data, as for tfllm evaluate.")  # fmt: skip
            return Section("scores", SECTIONS["scores"], "", [note], [], recorded)
        try:
            found = self.grades()
        except TypeError:
            return self.foreign_scores(recorded)
        notes = [f"{count_of(self.records):,} test records.", *found.notes]
        return Section("scores", SECTIONS["scores"], "", notes, found.figures, found.tables + recorded)

    def foreign_scores(self, recorded):
        """The scores of a task of another package, without intervals."""
        if not hasattr(self.task, "score"):
            raise ValueError(f"a {type(self.task).__name__} has no method `score`")
        result = self.task.score(self.own_data)
        values = result if isinstance(result, dict) else result.as_dict() if hasattr(result, "as_dict") else result
        rows = [[str(k), str(v)] for k, v in (values if isinstance(values, dict) else {"score": values}).items()]
        return Section("scores", SECTIONS["scores"], "", ["The task gives no intervals."], [],
                       [Table("scores", ["score", "value"], rows), *recorded])  # fmt: skip

    def recorded(self):
        """A table of the scores in the run's history, of its best epoch; [] if there are none."""
        rows = [[name, f"{value:.4g}"] for name, value in self.facts.recorded.items()]
        epoch = self.facts.best_epoch or self.facts.epochs
        return [Table(f"recorded in the training, epoch {epoch}", ["score", "value"], rows)] if rows else []

    def curve(self):
        if not self.facts.history:
            raise ValueError("no history: RUN is not the folder of a run, or no epoch was finished")
        monitor = self.facts.recipe.get("monitor", "val_loss")
        html = curve_drawing.curves(self.facts.history, monitor, self.facts.best_epoch)
        return Section("curve", SECTIONS["curve"], "", [], [], [], html, {"history": self.facts.history})

    def examples(self):
        ranked, found = self.ranked(), self.grades()
        parts = {"best": ranked[:BEST], "worst": ranked[BEST:][-BEST:][::-1]}
        if found.answer:
            chosen = [one for part in parts.values() for one in part]
            answers = dict(zip(map(id, chosen), found.answer(chosen), strict=True))
        else:
            answers = {}
        rows = {name: [{"given": one.given, "expected": one.expected, "score": one.shown,
                        "answer": answers.get(id(one), one.answer) or EMPTY * (id(one) in answers)} for one in part]
                for name, part in parts.items()}  # fmt: skip
        notes = [f"The {BEST} best and the {BEST} worst of {len(ranked):,}, by their own score."]
        return Section("examples", SECTIONS["examples"], "", notes, [], [], report_pages.examples(rows), rows)

    def bias(self, pairs, agreement, label):
        try:
            grades = self.grades()
        except ValueError:
            if pairs is None and not agreement:
                raise
            grades = Grades([], [], "")
        return bias_checks.bias(self.task, grades, self.members, pairs, agreement, label, self.seed, self.tick)

    def data(self):
        if self.train is None:
            raise ValueError("the training data is not known, or no longer where it was")
        train, test = self.texts(self.train), None if self.own_data is None else self.texts(self.own_data)
        size, notes, threshold = len(next(iter(train.values()))), [], 0.8
        try:
            import datasketch  # noqa: F401
        except ImportError:
            threshold = None
            notes.append("Near duplicates were not looked for: pip install 'tfllm[audit]'.")
        if threshold and size > NEAR:
            threshold = None
            notes.append(f"Near duplicates were not looked for: there are more than {NEAR:,} records.")
        if test is not None and list(test) != list(train):
            notes.append("Leakage was not looked for: training and test data have other columns.")
            test = None
        found = audit.data_report(train, test, threshold=threshold, seed=self.seed)
        tables = [Table(*table) for table in data_report_pages.tables(found)]
        notes = [data_report_pages.note(found), *notes]
        return Section("data", SECTIONS["data"], "", notes, [], tables, "", found.as_dict())

    def texts(self, data):
        """Records in any form of the task -> {column: texts}."""
        if isinstance(self.task, QuestionAnswering):
            records = records_of(self.task, data)
            return columns([{name: row[name] for name in ("context", "question")} for row in records])
        return columns(self.task.records(data) if hasattr(self.task, "records") else data)

    def sizes(self):
        facts = self.facts
        tables = [Table("model", ["", "size"], size_rows(facts))]
        if facts.files:
            rows = [[name, bytes_shown(size)] for name, size in facts.files.items()]
            rows.append(["together", bytes_shown(sum(facts.files.values()))])
            tables.append(Table("files", ["file", "size"], rows))
        return Section("sizes", SECTIONS["sizes"], "", [], [], tables)

    def speed(self, repeats):
        data = self.own_data if self.own_data is not None else self.train
        if data is None:
            raise ValueError("there are no texts to measure it with")
        if not hasattr(self.task, "asks"):
            raise TypeError(f"a {type(self.task).__name__} is not a Task of tfllm")
        names, texts = self.task.asks, {}
        if self.own_data is not None and self.graded is not None:
            chosen = self.graded.examples[:: max(1, len(self.graded.examples) // 32)][:32]
            texts = {name: [one.given.get(name, "") for one in chosen] for name in names}
        if not texts:
            texts = self.texts(data)
            texts = {name: texts[name][:32] for name in names}
        figures, note = speeds(self.task, list(texts.values()), repeats)
        return Section("speed", SECTIONS["speed"], "", [note], figures)


def count_of(records):
    """The number of records; 1,000 if it is not known."""
    if records is None:
        return 0
    if hasattr(records, "cardinality"):
        return max(0, int(records.cardinality())) or 1000
    return len(records) if hasattr(records, "__len__") else 1000
