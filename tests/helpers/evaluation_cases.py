"""Small evaluations with known content, for the tests of how evaluations are shown."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import METRICS
from awbkit.colour.camera import Camera
from awbkit.colour.error_statistics import STATISTICS
from awbkit.colour.image import LinearImage
from awbkit.evaluation.result import (
    POOLED,
    Bin,
    Calibration,
    Comparison,
    Evaluation,
    MethodResult,
    Summary,
    Truth,
    camera_group,
)

MATRIX = ((0.6941, -0.1164, -0.0857), (-0.3825, 1.1644, 0.2439), (-0.0416, 0.1541, 0.6021))
"""A Canon's XYZ-to-camera matrix for D65, as its DNG files state it, to four digits."""

CAMERA = Camera("Canon", matrices=((6504.0, MATRIX),))


def unit(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return rgb / np.linalg.norm(rgb, axis=-1, keepdims=True)


def angles(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees between vectors."""
    cosine = np.sum(first * second, axis=-1)
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(first, second), axis=-1), cosine))


def method_result(
    method: str, estimates: NDArray[np.float64], truth: Truth, expected: bool = False, failed: Sequence[int] = ()
) -> MethodResult:
    """A method's answers with their errors; those that failed count as (1, 1, 1)."""
    answers = estimates.copy()
    answers[list(failed)] = 1 / np.sqrt(3)
    errors = {
        "recovery": angles(answers, truth.illuminants),
        "reproduction": angles(truth.illuminants / answers, np.ones(3)),
    }
    estimates = estimates.copy()
    estimates[list(failed)] = np.nan
    stated = errors["recovery"] * 0.8 + 0.5 if expected else np.full(len(truth), np.nan)
    return MethodResult(method, estimates, stated, dict.fromkeys(failed, "no valid pixels"), errors)


def summary(method: MethodResult, group: str, metric: str, chosen: NDArray[np.intp]) -> Summary:
    """Plain statistics; as intervals a tenth around them."""
    errors = np.sort(method.errors[metric][chosen])
    quarter = max(len(errors) // 4, 1)
    q1, q2, q3, p95 = np.percentile(errors, (25, 50, 75, 95)).tolist()
    figures = (
        errors.mean(),
        q2,
        (q1 + 2 * q2 + q3) / 4,
        errors[:quarter].mean(),
        errors[-quarter:].mean(),
        p95,
        errors[-1],
    )
    values = {name: float(value) for name, value in zip(STATISTICS, figures, strict=True)}
    intervals = {name: (0.9 * value, 1.1 * value) for name, value in values.items()}
    return Summary(method.method, group, metric, len(chosen), len(chosen), values, intervals)


def calibration(method: MethodResult) -> Calibration:
    risk = [3.0, 2.5, 2.0, 1.0]
    bins = [Bin(5, 0.5 + k, 0.4 + k, (0.2 + k, 0.7 + k)) for k in range(4)]
    return Calibration(
        method.method, 20, 0.1, 0.1, 0.9, bins, [1.0, 0.8, 0.5, 0.1], risk, [r / 2 for r in risk], (2.1, 1.0)
    )


def comparison(
    first: MethodResult, second: MethodResult, group: str, chosen: NDArray[np.intp], metric: str
) -> Comparison:
    difference = first.errors[metric][chosen] - second.errors[metric][chosen]
    mean = float(difference.mean())
    wins = float(np.mean(difference < 0))
    return Comparison(
        first.method, second.method, group, len(chosen), mean, (mean - 0.1, mean + 0.1), wins, 0.00012345, 0.02, metric
    )


def evaluation(
    count: int = 40,
    methods: Sequence[str] = ("good", "bad"),
    cameras: Sequence[tuple[str, str]] = (("one", "Canon"), ("two", "Nikon")),
    *,
    names: Sequence[str] | None = None,
    expected: bool = True,
    failed: Sequence[int] = (),
) -> Evaluation:
    """Lights between warm and cool; each method errs more than the one before, the first states expected errors.

    Args:
        count: How many images, the cameras in turn.
        methods: Names.
        cameras: Data set and camera.
        names: Of the images.
        expected: Whether the first method states them.
        failed: Indices of the images that the last method has no estimate of.
    """
    random = np.random.default_rng(7)
    warm = random.uniform(-0.4, 0.6, count)
    lights = unit(np.exp(np.stack([warm - 0.6, np.zeros(count), -warm - 0.4], axis=1)))
    owners = [cameras[index % len(cameras)] for index in range(count)]
    images = list(names) if names is not None else [f"image_{index:04}" for index in range(count)]
    truth = Truth(images, [d for d, _ in owners], [c for _, c in owners], images, [""] * count, lights)
    answers = [
        method_result(
            name,
            unit(lights * np.exp(random.normal(0.01 * place, 0.03 * (place + 1), (count, 3)))),
            truth,
            expected=expected and place == 0,
            failed=failed if place == len(methods) - 1 else (),
        )
        for place, name in enumerate(methods)
    ]
    groups = {POOLED: np.arange(count)}
    for owner in dict.fromkeys(owners):
        groups[camera_group(*owner)] = np.flatnonzero([each == owner for each in owners])
    return Evaluation(
        title=", ".join(dict.fromkeys(d for d, _ in owners)),
        protocol="none: nothing was fitted.",
        truth=truth,
        methods=answers,
        summaries=[summary(m, g, metric, at) for m in answers for g, at in groups.items() for metric in METRICS],
        comparisons=[
            comparison(a, b, g, at, metric)
            for metric in METRICS
            for g, at in groups.items()
            for a, b in itertools.combinations(answers, 2)
        ],
        calibrations=[calibration(answers[0])] if expected else [],
        facts={
            "version": "1.2.3",
            "seed": 0,
            "datasets": [{"name": "one", "licence": "CC BY 4.0", "hash": "sha256:00ff"}],
        },
    )


def picture(index: int) -> LinearImage:
    """A thumbnail of the image of this index: noise around gray, in the RGB of a camera with a matrix."""
    random = np.random.default_rng(index)
    return LinearImage.from_array(random.uniform(0.05, 0.6, (64, 64, 3)), camera=CAMERA)
