"""Paired tests of the difference between two methods, corrected for multiple comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.evaluation.result import FEWEST_SCENES

NO_DIFFERENCE = 1e-9
"""Least difference of two errors of one image, in degrees; smaller ones are rounding and count as ties."""

_EXACT_UP_TO = 50
"""Number of pairs from which the normal approximation is as good as the exact distribution."""


def wilcoxon(differences: ArrayLike) -> float:
    """Two-sided p of the Wilcoxon signed-rank test that differences are symmetric about 0.

    For up to 50 nonzero differences, the null distribution is exact, given the ranks: both signs are equally likely,
    with ties or without. For more, it is normal, with the variance of the same ranks (the correction for ties) and the
    correction for continuity. Differences of 0 are ranked with the rest, and their ranks are dropped (Pratt).

    References: F. Wilcoxon, Individual comparisons by ranking methods, Biometrics Bulletin 1(6), 1945; J. W. Pratt,
    Remarks on zeros and ties in the Wilcoxon signed rank procedures, JASA 54(287), 1959.

    Args:
        differences: (N,) one for each independent pair, none NaN.

    Returns:
        From 0 to 1; 1 where all differences are 0 or there are none.
    """
    values = np.asarray(differences, dtype=np.float64)
    # Twice the mid-ranks are whole numbers.
    ranks = np.rint(2 * midranks(np.abs(values))).astype(np.int64)[values != 0]
    positive = int(ranks[values[values != 0] > 0].sum())
    if not len(ranks):
        return 1.0
    if len(ranks) <= _EXACT_UP_TO:
        return _exact(ranks, positive)
    deviation = abs(positive - ranks.sum() / 2) / 2
    spread = math.sqrt(float((ranks.astype(np.float64) ** 2).sum())) / 4
    return math.erfc(max(deviation - 0.5, 0.0) / spread / math.sqrt(2))


def _exact(ranks: NDArray[np.int64], positive: int) -> float:
    ways = np.zeros(int(ranks.sum()) + 1)
    ways[0] = 1
    for rank in ranks.tolist():
        ways[rank:] += ways[:-rank].copy()
    ways /= ways.sum()
    return min(1.0, 2 * float(min(ways[: positive + 1].sum(), ways[positive:].sum())))


def bootstrap_p(difference: float, draws: NDArray[np.float64], scenes: int) -> float:
    """Two-sided p that a mean difference is 0, by its standard error from the bootstrap.

    The share of the draws on the other side of 0 would be a simpler p. But it is at least one over the number of draws,
    so that no difference would stay significant after a correction for dozens of pairs. The spread of the draws is too
    small by sqrt((n - 1) / n) for n scenes, and is itself an estimate; so it is enlarged, and compared with Student's
    distribution. p is at least 2 ** (1 - n), the least p of a sign-flip test.

    Reference: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 and 12.

    Args:
        difference: Difference of the means.
        draws: (B,) the difference in each round; NaN where a draw was empty.
        scenes: Number of scenes.

    Returns:
        From 0 to 1; NaN where there are fewer than ``FEWEST_SCENES`` scenes.
    """
    if scenes < FEWEST_SCENES:
        return math.nan
    if difference == 0:
        return 1.0
    known = draws[np.isfinite(draws)]
    error = float(known.std(ddof=1)) * math.sqrt(scenes / (scenes - 1)) if len(known) > 1 else 0.0
    p = math.erfc(normal_from_student(abs(difference) / error, scenes) / math.sqrt(2)) if error > 0 else 0.0
    return min(1.0, max(p, 2.0 ** (1 - scenes)))


def normal_from_student(value: float, scenes: int) -> float:
    """The standard normal value with the tail of Student's distribution of ``scenes`` - 1 degrees of freedom.

    Accurate to 0.5 % for ten or more scenes up to 8 standard errors, and better near 2.

    Reference: D. L. Wallace, Bounds on normal approximations to Student's and the chi-square distributions, Annals of
    Mathematical Statistics 30(4), 1959.

    Args:
        value: Not negative.
        scenes: At least 2.
    """
    degrees = scenes - 1
    return (8 * degrees + 1) / (8 * degrees + 3) * math.sqrt(degrees * math.log1p(value * value / degrees))


def student_from_normal(value: float, scenes: int) -> float:
    """The inverse of :func:`normal_from_student`."""
    degrees = scenes - 1
    stretched = value * (8 * degrees + 3) / (8 * degrees + 1)
    return math.sqrt(degrees * math.expm1(stretched * stretched / degrees))


def holm(values: Sequence[float]) -> list[float]:
    """Correct the p values of a family of tests, to control the family-wise error rate.

    Reference: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics
    6(2), 1979.
    """
    p = np.asarray(values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return [float(value) for value in corrected]


def midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])
