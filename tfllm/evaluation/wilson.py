"""The 95 % interval of a share. Wilson 1927, "Probable inference, the law of succession, and statistical inference"."""

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


def wilson(count: int, total: int) -> tuple[float, float]:
    """The interval of count / total, shares from 0 to 1; NaN if total is 0."""
    if not total:
        return float("nan"), float("nan")
    share, scale = count / total, 1 + Z**2 / total
    middle = (share + Z**2 / (2 * total)) / scale
    half = Z / scale * (share * (1 - share) / total + Z**2 / (4 * total**2)) ** 0.5
    return 0.0 if count == 0 else middle - half, 1.0 if count == total else middle + half
