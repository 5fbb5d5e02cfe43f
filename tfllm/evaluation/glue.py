"""The official metrics of the GLUE tasks, Wang et al. 2019, table 1, by their names in tensorflow-datasets.

All are between -1 and 1, where the paper's tables have percent; the score of a task with two metrics is their mean.
"""

from collections.abc import Callable

import numpy as np

from tfllm.evaluation.class_report import classification_report, matthews
from tfllm.evaluation.regression import pearson, spearman

METRICS = {
    "cola": ("matthews",),
    "sst2": ("accuracy",),
    "mrpc": ("accuracy", "f1"),
    "qqp": ("accuracy", "f1"),
    "stsb": ("pearson", "spearman"),
    "mnli": ("accuracy",),  # the mean over the two sets below is not official: report both
    "mnli_matched": ("accuracy",),
    "mnli_mismatched": ("accuracy",),
    "qnli": ("accuracy",),
    "rte": ("accuracy",),
    "wnli": ("accuracy",),
    "ax": ("matthews",),  # the diagnostic set
}
# the class whose F1 is used: number 1, but not the first alphabetically
POSITIVE = {"mrpc": "equivalent", "qqp": "duplicate"}


def glue_metrics(task: str) -> Callable[[object, object], dict[str, float]]:
    """The name of a task, "mrpc" or "glue/mrpc" -> a function (y_true, y_pred) -> {"accuracy": ..., "f1": ...}.

    The function takes class numbers or names (for "stsb" numbers). It raises ValueError as `classification_report`, and
    for names that do not belong to the task if F1 depends on them.
    """
    name = task.removeprefix("glue/")
    if name not in METRICS:
        raise ValueError(f"GLUE has no task {task!r}; its tasks: {', '.join(METRICS)}")

    def metrics(y_true, y_pred):
        known = {
            "matthews": matthews,
            "accuracy": lambda *both: classification_report(*both).accuracy,
            "f1": lambda *both: _f1(*both, POSITIVE[name]),
            "pearson": pearson,
            "spearman": spearman,
        }
        return {metric: known[metric](y_true, y_pred) for metric in METRICS[name]}

    return metrics


def _f1(y_true, y_pred, positive):
    """F1 of the class that is called `positive`, or of class 1."""
    result = classification_report(y_true, y_pred)
    names = {positive, "not_" + positive} if np.asarray(y_true).dtype.kind in "OSU" else {"0", "1"}
    names = {"0", "1"} if set(result.labels) <= {"0", "1"} else names
    if not set(result.labels) <= names:
        raise ValueError(f"expected the classes {' and '.join(sorted(names))}; got {', '.join(result.labels)}")
    values = dict(zip(result.labels, result.f1.tolist(), strict=True))
    return values.get(positive, values.get("1", 0.0))
