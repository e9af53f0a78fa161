"""The result of an evaluation, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.spelling import count_text

GREATEST_ERROR = 90.0
"""The error in degrees of an image without an estimate: the greatest possible one, so that failing never pays."""

POOLED = "pooled"
"""The group of all images, each counting once."""

GEOMETRIC_MEAN = "geometric mean"
"""A group of figures, not of images: each statistic's geometric mean over the cameras, with equal weights."""

FEWEST_SCENES = 10
"""Least number of scenes for the bootstrap; fewer do not represent the distribution that they were drawn from."""


def camera_group(dataset: str, camera: str) -> str:
    """Name of the group of one data set's images by one camera, which may have no name."""
    return f"{dataset} / {camera or 'camera without a name'}"


@dataclass(frozen=True, eq=False)
class Truth:
    """The labelled images of one evaluation, columns of equal length N.

    Attributes:
        images: Names, unique within their data set.
        datasets: Name of the data set that each image is from.
        cameras: Name of its camera.
        scenes: Key of its scene; images of one scene are not independent.
        folds: Published fold, or an empty string.
        illuminants: float64 (N, 3), unit length.
    """

    images: Sequence[str]
    datasets: Sequence[str]
    cameras: Sequence[str]
    scenes: Sequence[str]
    folds: Sequence[str]
    illuminants: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Overlap:
    """An evaluated data set that a network was trained on; see :func:`awbkit.evaluation.overlap.training_overlaps`.

    Attributes:
        dataset: Name of the data set.
        images: Number of its evaluated images that the model may have trained on.
        total: Number of its evaluated images.
    """

    dataset: str
    images: int
    total: int


@dataclass(frozen=True, eq=False)
class MethodResult:
    """One method's answers and their errors, in the order of the truth.

    Attributes:
        method: As the user wrote it, but awbnet-s is called awbnet.
        estimates: float64 (N, 3), unit length; NaN without an estimate.
        expected: float64 (N,), the recovery error in degrees that the method expects; NaN if it states none.
        failures: The reason by index of each image without an estimate.
        errors: For each metric, float64 (N,) degrees; an image without an estimate counts as ``GREATEST_ERROR``.
        trained_on: The evaluated data sets that a network was trained on; on unseen pictures its errors
            are likely larger.
    """

    method: str
    estimates: NDArray[np.float64]
    expected: NDArray[np.float64]
    failures: Mapping[int, str]
    errors: Mapping[str, NDArray[np.float64]]
    trained_on: Sequence[Overlap] = ()


@dataclass(frozen=True)
class Summary:
    """Statistics of one method on one group of images under one metric.

    Attributes:
        method: As in :class:`MethodResult`.
        group: In this order: :func:`camera_group`; a data set's name, for all its images, if there are several sets and
            this one has several cameras; ``POOLED``; ``GEOMETRIC_MEAN``.
        metric: One of :data:`awbkit.choices.METRICS`.
        images: Number of images.
        scenes: Number of scenes.
        values: The value of each statistic in degrees.
        intervals: The 95 % bootstrap interval of each statistic over scenes; NaN where the group, or for
            ``GEOMETRIC_MEAN`` one of the cameras, has fewer than ``FEWEST_SCENES`` scenes.
    """

    method: str
    group: str
    metric: str
    images: int
    scenes: int
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Comparison:
    """Two methods' errors on the same images: first minus second; negative if the first is better.

    Attributes:
        first: Name of the first method.
        second: Name of the second method.
        group: As in :class:`Summary`, but never ``GEOMETRIC_MEAN``.
        scenes: Number of pairs, one for each scene: errors are averaged over the scene first.
        difference: Difference of the means over images, degrees.
        interval: Its 95 % paired bootstrap interval over scenes; NaN where there are fewer than ``FEWEST_SCENES``.
        wins: Share of the scenes on which the first is better; ties count half.
        p_wilcoxon: Two-sided p of the Wilcoxon signed-rank test, Holm-corrected over the pairs of methods on this group
            under this metric.
        p_bootstrap: Two-sided p of the paired bootstrap of the difference, Holm-corrected likewise; NaN where there are
            fewer than ``FEWEST_SCENES`` scenes.
        metric: One of :data:`awbkit.choices.METRICS`.
    """

    first: str
    second: str
    group: str
    scenes: int
    difference: float
    interval: tuple[float, float]
    wins: float
    p_wilcoxon: float
    p_bootstrap: float
    metric: str = "recovery"


@dataclass(frozen=True)
class Bin:
    """Images of similar expected error.

    Attributes:
        images: Number of images.
        expected: Mean of the expected errors, degrees.
        actual: Mean of the actual errors, degrees.
        interval: The 95 % bootstrap interval of ``actual`` over scenes; NaN with fewer than ``FEWEST_SCENES``.
    """

    images: int
    expected: float
    actual: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Calibration:
    """The agreement of one method's expected errors with the actual ones.

    Attributes:
        method: As in :class:`MethodResult`.
        images: Number of images with an expected error.
        calibration_error: Mean absolute difference of expected and actual over the bins, degrees, weighted by size.
        bias: Mean of expected minus mean of actual, degrees.
        rank_correlation: Spearman's, of expected and actual error; NaN where all of either are equal.
        bins: Ten bins of equal size, or one for each image if there are fewer, by ascending expected error.
        coverage: Shares of the images, most certain first: 1.0, 0.95, 0.9, 0.8, ... 0.1.
        risk: Mean actual error at each coverage.
        oracle: The same for a perfect order of the images.
        area: Mean of risk over all coverages (AURC), degrees; and the same for the oracle.
    """

    method: str
    images: int
    calibration_error: float
    bias: float
    rank_correlation: float
    bins: Sequence[Bin]
    coverage: Sequence[float]
    risk: Sequence[float]
    oracle: Sequence[float]
    area: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The whole evaluation.

    Attributes:
        title: The data sets' names.
        protocol: Protocol of the fits: "none", "folds", "k-fold", "leave-one-camera-out" or "leave-one-dataset-out", a
            colon, and a sentence for the reader.
        truth: The images.
        methods: The methods in the order of the request.
        summaries: One for each method, group and metric.
        comparisons: One for each metric and pair of methods, on the pooled images and each group.
        calibrations: One for each method that states an expected error.
        facts: Facts to reproduce the evaluation: data sets with their hashes, licences and citations; seeds; number of
            bootstrap rounds; version.
    """

    title: str
    protocol: str
    truth: Truth
    methods: Sequence[MethodResult]
    summaries: Sequence[Summary]
    comparisons: Sequence[Comparison]
    calibrations: Sequence[Calibration]
    facts: Mapping[str, object]

    def __repr__(self) -> str:
        names = ", ".join(method.method for method in self.methods)
        return f"<Evaluation of {names} on {count_text(len(self.truth), 'image')} of {self.title}>"
