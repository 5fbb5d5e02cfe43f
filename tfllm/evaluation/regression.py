"""Report for predicted numbers: correlations and errors.

Not included: a confidence interval of Spearman's correlation.
"""

from dataclasses import asdict, dataclass

import numpy as np

from tfllm.evaluation import bootstrap
from tfllm.evaluation.grids import shown
from tfllm.evaluation.score_inputs import equally_many


@dataclass(frozen=True)
class RegressionReport:
    """str() is a few lines. A correlation is NaN if all true or all predicted numbers are equal."""

    examples: int
    pearson: float
    spearman: float
    mse: float  # mean squared error
    mae: float  # mean absolute error
    intervals: dict[str, tuple[float, float]]  # 95 %, of "pearson" and "mse"

    def as_dict(self) -> dict:
        """The report in JSON types; None for NaN."""
        result = asdict(self) | {"intervals": {name: list(ends) for name, ends in self.intervals.items()}}
        return _without_nan(result)

    def __str__(self) -> str:
        return "\n".join([
            f"Pearson {self.pearson:.4f} {shown(self.intervals['pearson'])} of {self.examples:,}",
            f"Spearman {self.spearman:.4f}",
            f"mean squared error {self.mse:.4f} {shown(self.intervals['mse'])}, absolute {self.mae:.4f}",
        ])  # fmt: skip


def regression_report(y_true, y_pred, seed: int = bootstrap.SEED) -> RegressionReport:
    """y_true, y_pred [N] numbers. Raises ValueError for unequal lengths, no examples, numbers that are not finite."""
    y_true, y_pred = _numbers("y_true", y_true), _numbers("y_pred", y_pred)
    equally_many(y_true, y_pred)
    errors = y_pred - y_true
    x, y = y_true - y_true.mean(), y_pred - y_pred.mean()
    moments = np.stack([x, y, x * x, y * y, x * y, errors**2], axis=1)  # [N, 6]

    def scores(drawn):  # [R, N]
        mean_x, mean_y, xx, yy, xy, squares = (drawn @ moments / len(x)).T
        spread = np.sqrt(np.maximum((xx - mean_x**2) * (yy - mean_y**2), 0))
        result = np.full(len(drawn), np.nan)
        return {"pearson": np.divide(xy - mean_x * mean_y, spread, out=result, where=spread > 1e-12), "mse": squares}

    return RegressionReport(
        len(errors), pearson(y_true, y_pred), spearman(y_true, y_pred), float((errors**2).mean()),
        float(abs(errors).mean()), bootstrap.intervals(np.ones(len(errors)), scores, seed=seed),
    )  # fmt: skip


def pearson(x, y) -> float:
    """The correlation of two columns of numbers; NaN if one is constant."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def spearman(x, y) -> float:
    """Pearson's correlation of the ranks; equal numbers get the mean of their ranks."""
    return pearson(_ranks(x), _ranks(y))


def _ranks(values):
    _, group, counts = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[group.ravel()]


def _numbers(name, values):
    try:
        result = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected numbers; got {values!r:.60}") from None
    if result.ndim != 1 or not np.isfinite(result).all():
        raise ValueError(f"{name}: expected finite numbers, one for each example; got the shape {result.shape}")
    return result


def _without_nan(value):
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value
