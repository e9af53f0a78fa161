"""An evaluation for other programs: plain data for JSON, and one line a figure group for CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from awbkit.choices import METRICS
from awbkit.colour.error_statistics import STATISTICS
from awbkit.evaluation.result import Calibration, Comparison, Evaluation, MethodResult, Summary

SCHEMA = 1

CSV_COLUMNS = (
    *("method", "group", "metric", "images", "scenes"),
    *(column for statistic in STATISTICS for column in (statistic, f"{statistic}_low", f"{statistic}_high")),
)
"""Names of the values of :func:`csv_rows`; ``_low`` and ``_high`` are the ends of the 95 % interval."""

_DIGITS = 4
_COLOUR_DIGITS = 6


def to_document(evaluation: Evaluation, *, per_image: bool = False) -> dict[str, Any]:
    """An evaluation as dictionaries, lists, text, numbers and None.

    Degrees and shares have four decimals, illuminants six, p values four significant digits. Unknown or infinite values
    are None.

    Each entry of ``methods`` lists under ``trained_on`` the judged data sets that a network was trained on:
    ``dataset``, the name; ``images``, the number of judged images that the model may have trained on; ``judged``, the
    number of judged images. The list is empty for all other methods.

    Args:
        evaluation: The evaluation.
        per_image: Whether to include every image's truth, estimates and errors, under ``per_image``.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "title": evaluation.title,
        "protocol": evaluation.protocol,
        "images": len(evaluation.truth),
        "scenes": len(set(zip(evaluation.truth.datasets, evaluation.truth.scenes, strict=True))),
        "facts": _plain(evaluation.facts),
        "methods": [_method(judged, evaluation.truth.images) for judged in evaluation.methods],
        "summaries": [_summary(summary) for summary in evaluation.summaries],
        "comparisons": [_comparison(comparison) for comparison in evaluation.comparisons],
        "calibrations": [_calibration(calibration) for calibration in evaluation.calibrations],
    }
    if per_image:
        document["per_image"] = [_image(evaluation, index) for index in range(len(evaluation.truth))]
    return document


def csv_rows(evaluation: Evaluation) -> Iterator[list[str | int | float | None]]:
    """The values of ``CSV_COLUMNS`` for each method, group and metric; None is an empty cell."""
    for summary in evaluation.summaries:
        row: list[str | int | float | None] = [
            summary.method, summary.group, summary.metric, summary.images, summary.scenes,
        ]  # fmt: skip
        for statistic in STATISTICS:
            row.append(_rounded(summary.values.get(statistic, math.nan)))
            row += _interval(summary.intervals.get(statistic)) or [None, None]
        yield row


def _method(judged: MethodResult, images: Sequence[str]) -> dict[str, Any]:
    return {
        "method": judged.method,
        "failures": [{"image": images[index], "reason": reason} for index, reason in sorted(judged.failures.items())],
        "trained_on": [
            {"dataset": seen.dataset, "images": seen.images, "judged": seen.total} for seen in judged.trained_on
        ],
    }


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "method": summary.method,
        "group": summary.group,
        "metric": summary.metric,
        "images": summary.images,
        "scenes": summary.scenes,
        "values": {name: _rounded(value) for name, value in summary.values.items()},
        "intervals": {name: _interval(ends) for name, ends in summary.intervals.items()},
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "first": comparison.first,
        "second": comparison.second,
        "group": comparison.group,
        "scenes": comparison.scenes,
        "difference": _rounded(comparison.difference),
        "interval": _interval(comparison.interval),
        "wins": _rounded(comparison.wins),
        "p_wilcoxon": _significant(comparison.p_wilcoxon),
        "p_bootstrap": _significant(comparison.p_bootstrap),
    }


def _calibration(calibration: Calibration) -> dict[str, Any]:
    return {
        "method": calibration.method,
        "images": calibration.images,
        "calibration_error": _rounded(calibration.calibration_error),
        "bias": _rounded(calibration.bias),
        "rank_correlation": _rounded(calibration.rank_correlation),
        "bins": [
            {
                "images": each.images,
                "expected": _rounded(each.expected),
                "actual": _rounded(each.actual),
                "interval": _interval(each.interval),
            }
            for each in calibration.bins
        ],
        "coverage": [_rounded(value) for value in calibration.coverage],
        "risk": [_rounded(value) for value in calibration.risk],
        "oracle": [_rounded(value) for value in calibration.oracle],
        "area": _rounded(calibration.area[0]),
        "oracle_area": _rounded(calibration.area[1]),
    }


def _image(evaluation: Evaluation, index: int) -> dict[str, Any]:
    truth = evaluation.truth
    return {
        "image": truth.images[index],
        "dataset": truth.datasets[index],
        "camera": truth.cameras[index],
        "scene": truth.scenes[index],
        "fold": truth.folds[index],
        "truth": _colour(truth.illuminants[index]),
        "methods": [
            {
                "method": judged.method,
                "estimate": _colour(judged.estimates[index]),
                **{
                    metric: _rounded(float(judged.errors[metric][index]))
                    for metric in METRICS
                    if metric in judged.errors
                },
                "expected_error": _rounded(float(judged.expected[index])),
                "failure": judged.failures.get(index),
            }
            for judged in evaluation.methods
        ],
    }


def _rounded(value: float, digits: int = _DIGITS) -> float | None:
    # A difference may round to -0.0; adding 0 makes that 0.0.
    return round(float(value), digits) + 0.0 if math.isfinite(value) else None


def _significant(p: float) -> float | None:
    return float(f"{p:.4g}") if math.isfinite(p) else None


def _interval(ends: tuple[float, float] | None) -> list[float | None] | None:
    return None if ends is None else [_rounded(end) for end in ends]


def _colour(rgb: Sequence[float] | np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None] | None:
    values = [_rounded(float(value), _COLOUR_DIGITS) for value in rgb]
    return None if None in values else values


def _plain(value: object) -> Any:
    """Convert facts of any origin to the few types of JSON."""
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(str(each) for each in value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.as_posix() if isinstance(value, PurePath) else str(value)
