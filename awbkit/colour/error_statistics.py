"""Summary statistics of errors, optionally weighted by whole numbers, for the bootstrap.

- Quantiles (median, quartiles, 95th percentile) are interpolated linearly between order statistics, type 7 of R. J.
  Hyndman and Y. Fan, Sample quantiles in statistical packages, The American Statistician 50(4), 1996, which is
  NumPy's default.
- Trimean: (Q1 + 2 median + Q3) / 4; J. W. Tukey, Exploratory Data Analysis, 1977, with quartiles as above.
- Best and worst 25 %: means of the ceil(n / 4) smallest and largest errors. Published code rounds n / 4 down or up;
  rounding up leaves at least one error, and the same number at both ends.

An error of weight k counts as k equal errors, up to rounding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

STATISTIC_TITLES = {
    "mean": "mean",
    "median": "median",
    "trimean": "trimean",
    "best25": "best 25 %",
    "worst25": "worst 25 %",
    "p95": "95 %",
    "max": "maximum",
}
"""Names of the statistics, in the order of every table, each with its column head."""

STATISTICS = tuple(STATISTIC_TITLES)

_QUANTILES = np.array([0.5, 0.25, 0.75, 0.95])


def statistics(errors: ArrayLike) -> dict[str, float]:
    """All statistics of some errors, by their names in ``STATISTICS``.

    Args:
        errors: (N,) degrees, N >= 1, none NaN.
    """
    values = np.sort(np.asarray(errors, dtype=np.float64))
    figures = sorted_statistics(values, np.ones((1, len(values)), np.int64))[0]
    return dict(zip(STATISTICS, figures.tolist(), strict=True))


def sorted_statistics(values: NDArray[np.float64], counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """All statistics of sorted errors, under several weightings.

    Args:
        values: (N,) degrees, ascending, none NaN.
        counts: (R, N), weights of the errors in each of R weightings; whole numbers, not negative.

    Returns:
        float64 (R, 7) in the order of ``STATISTICS``; a row of NaN where all counts are 0.
    """
    upto = np.cumsum(counts, axis=1, dtype=np.int64)
    sums = np.cumsum(counts * values, axis=1)
    total, whole = upto[:, -1], sums[:, -1]
    # Concatenated rows ascend throughout, so one binary search serves all of them.
    starts = np.concatenate([[0], np.cumsum(total)[:-1]])
    line = (upto + starts[:, None]).ravel()
    first = np.arange(len(counts)) * len(values)

    def place(rank: NDArray[np.int64]) -> NDArray[np.intp]:
        """Index (R, ...) of the error at this rank, from 0, in each row."""
        found = np.searchsorted(line, rank + starts.reshape(-1, *[1] * (rank.ndim - 1)), side="right")
        return np.asarray(np.clip(found - first.reshape(-1, *[1] * (rank.ndim - 1)), 0, len(values) - 1))

    def smallest(number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Sum (R,) of the ``number`` smallest errors; ``number`` may be 0."""
        at = place(np.maximum(number - 1, 0))
        rows = np.arange(len(counts))
        return np.asarray(sums[rows, at] - (upto[rows, at] - number) * values[at])

    at = np.maximum(total - 1, 0)[:, None] * _QUANTILES
    low = np.floor(at).astype(np.int64)
    below = values[place(low)]
    above = values[place(np.minimum(low + 1, np.maximum(total - 1, 0)[:, None]))]
    median, first_quartile, third_quartile, high = (below + (at - low) * (above - below)).T
    quarter = -(-total // 4)
    with np.errstate(invalid="ignore"):
        figures = np.stack(
            [
                whole / total,
                median,
                (first_quartile + 2 * median + third_quartile) / 4,
                smallest(quarter) / quarter,
                (whole - smallest(total - quarter)) / quarter,
                high,
                values[place(np.maximum(total - 1, 0))],
            ],
            axis=1,
        )
    figures[total == 0] = np.nan
    return figures


def geometric_mean(values: ArrayLike) -> NDArray[np.float64]:
    """The geometric mean along the first axis: 0 where any value is 0, NaN where any is NaN."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.mean(np.log(np.asarray(values, dtype=np.float64)), axis=0)))
