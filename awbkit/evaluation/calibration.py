"""Calibration of a method: its expected errors against the actual ones, and the risk at each coverage.

Images of equal expected error have no order; figures are averages over all their orders, so that they do not depend on
the order of the images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from awbkit.evaluation.bootstrap import Resamples, interval, resample_means
from awbkit.evaluation.result import Bin, Calibration, MethodResult
from awbkit.evaluation.significance import midranks

BINS = 10
COVERAGE = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


def calibrate(result: MethodResult, resamples: Resamples) -> Calibration | None:
    """Compare the expected errors of one method with its recovery errors.

    Args:
        result: The method; images without an expected error or without an estimate are left out.
        resamples: Draws of the same images.

    Returns:
        None if the method stated no expected error.
    """
    known = np.isfinite(result.expected) & np.isfinite(result.estimates).all(axis=1)
    if not known.any():
        return None
    expected, actual = result.expected[known], result.errors["recovery"][known]
    shares = np.zeros((len(known), min(BINS, len(expected))))
    shares[known] = _bin_shares(expected)
    drawn = resample_means(result.errors["recovery"], shares, resamples)
    bins = []
    for place, share in enumerate(shares.T):
        size = share.sum()
        scenes = len(np.unique(resamples.scene[share > 0]))
        stated, found = float(share[known] @ expected / size), float(share[known] @ actual / size)
        low, high = interval(drawn[place], found, scenes).tolist()
        bins.append(Bin(round(size), stated, found, (low, high)))
    gaps = [bin.images * abs(bin.expected - bin.actual) for bin in bins]
    risk, area = risk_coverage(expected, actual)
    oracle, best_area = risk_coverage(actual, actual)
    return Calibration(
        method=result.method,
        images=len(expected),
        bins=bins,
        calibration_error=sum(gaps) / len(expected),
        bias=float(expected.mean() - actual.mean()),
        rank_correlation=spearman(expected, actual),
        coverage=COVERAGE,
        risk=risk,
        oracle=oracle,
        area=(area, best_area),
    )


def risk_coverage(expected: NDArray[np.float64], actual: NDArray[np.float64]) -> tuple[list[float], float]:
    """Mean error of the images with the least expected errors, by the share of the images.

    Reference: R. El-Yaniv and Y. Wiener, On the foundations of noise-free selective classification, JMLR 11, 2010; the
    area as in Y. Geifman, G. Uziel and R. El-Yaniv, Bias-reduced uncertainty estimation for deep neural classifiers,
    ICLR 2019.

    Args:
        expected: (N,), N >= 1, none NaN.
        actual: (N,) degrees, none NaN.

    Returns:
        The risk in degrees at each of ``COVERAGE``, and the area under the curve: the mean of the risk at the coverages
        1 / N, 2 / N, ... 1. Where a coverage ends within an image, that image counts in proportion.
    """
    _, tie, counts = np.unique(expected, return_inverse=True, return_counts=True)
    average = np.bincount(tie, actual) / counts
    sums = np.concatenate([[0.0], np.cumsum(np.repeat(average, counts))])
    images = np.arange(len(sums))
    at = np.array(COVERAGE) * len(actual)
    risk = np.interp(at, images, sums) / at
    return risk.tolist(), float(np.mean(sums[1:] / images[1:]))


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; ties share their mean rank. NaN if all values on one side are equal.

    Reference: C. Spearman, The proof and measurement of association between two things, American Journal of Psychology
    15(1), 1904.
    """
    a, b = (ranks - ranks.mean() for ranks in (midranks(first), midranks(second)))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else float("nan")


def _bin_shares(expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share (N, bins) of each image in each bin; ties across an edge are divided evenly."""
    total = len(expected)
    number = min(BINS, total)
    edges = np.rint(np.linspace(0, total, number + 1))
    _, tie, counts = np.unique(expected, return_inverse=True, return_counts=True)
    stop = np.cumsum(counts)[tie]
    start = stop - counts[tie]
    overlap = np.minimum(stop[:, None], edges[1:]) - np.maximum(start[:, None], edges[:-1])
    return np.asarray(np.maximum(overlap, 0) / counts[tie][:, None])
