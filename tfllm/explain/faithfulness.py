"""Whether an explanation is faithful to the model: the model is run again without the tokens with the best scores.

    comprehensiveness  f(x) - f(x without the best tokens); high if they matter
    sufficiency        f(x) - f(the best tokens alone); low if they suffice
    both as means over 1, 5, 10, 20, 50 % of the tokens, at least one token. DeYoung et al. 2020, sec. 4.2
    deletion, insertion  f while tokens are removed, or inserted, best first. Petsiuk et al. 2018, sec. 3.2

f is the probability of the target, or the number itself for a regression. Each result is compared with that of random
orders. Differs: the mean is over the five shares (DeYoung et al. 2020 include the unchanged text, and divide by six).
"""

from dataclasses import asdict, dataclass
from math import ceil

import numpy as np

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Curves:
    """deletion, insertion [N + 1]: f after each number of tokens, best first; the results derive from these two."""

    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def comprehensiveness(self):
        return float(np.mean(self.deletion[0] - self.deletion[self._counts()]))

    @property
    def sufficiency(self):
        return float(np.mean(self.deletion[0] - self.insertion[self._counts()]))

    @property
    def deletion_area(self):
        """The mean height of the curve, low if the best tokens are removed first."""
        return area(self.deletion)

    @property
    def insertion_area(self):
        return area(self.insertion)

    def _counts(self):
        size = len(self.deletion) - 1
        return [min(size, max(1, ceil(share * size))) for share in SHARES]

    def as_dict(self):
        names = ("comprehensiveness", "sufficiency", "deletion_area", "insertion_area")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Faithfulness:
    """`own`: Curves of the explanation; `random`: the mean Curves of several random orders."""

    own: Curves
    random: Curves
    orders: int

    def as_dict(self):
        curves = {name: part.tolist() for name, part in asdict(self.own).items()}
        return self.own.as_dict() | {f"random_{name}": value for name, value in self.random.as_dict().items()} | curves

    def __str__(self):
        beside = self.random.as_dict()
        lines = [f"{name.replace('_', ' ')} {value:.3f} (random {beside[name]:.3f})"
                for name, value in self.own.as_dict().items()]  # fmt: skip
        return ", ".join(lines)


def faithfulness(subject, scores, orders=5, seed=0, removal=None):
    """A Subject with one number, the scores [N] of its tokens -> Faithfulness.

    orders: number of random orders, drawn by `seed`. removal: how tokens are removed, see `Subject.perturbed`.
    """
    if len(subject.targets) != 1:
        raise ValueError(f"faithfulness needs one number; this subject has {len(subject.targets)}: choose one step")
    draw, size = np.random.default_rng(seed), subject.size
    ranks = [np.argsort(-np.asarray(scores), kind="stable"), *(draw.permutation(size) for _ in range(orders))]
    ranks = np.argsort(np.stack(ranks), axis=1)  # [1 + orders, N]: the rank of each token
    first = ranks[:, None] < np.arange(size + 1)[:, None]  # [1 + orders, N + 1, N]: the first tokens of each order
    keep = np.stack([~first, first], axis=1).reshape(-1, size)
    result = subject.changed(score=subject.measured).values(keep, removal)[:, 0].reshape(-1, 2, size + 1)
    return Faithfulness(Curves(*result[0]), Curves(*result[1:].mean(axis=0)) if orders else Curves(*result[0]), orders)


def area(curve):
    return float(np.mean((curve[1:] + curve[:-1]) / 2)) if len(curve) > 1 else float(curve[0])
