"""An evaluation for other programs: plain data for JSON, rows for CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from awbkit.choices import METRICS
from awbkit.colour.error_statistics import STATISTICS
from awbkit.escaping import json_text
from awbkit.evaluation.result import Calibration, Comparison, Evaluation, MethodResult

SCHEMA = 1

CSV_COLUMNS = (
    *("method", "group", "metric", "images", "scenes"),
    *(column for statistic in STATISTICS for column in (statistic, f"{statistic}_low", f"{statistic}_high")),
    "facts",
)
"""Names of the values of :func:`csv_rows`.

``_low`` and ``_high`` are the ends of the 95 % interval; ``facts`` is JSON, in the first row alone.
"""

_DIGITS = 4
_COLOUR_DIGITS = 6


def to_document(evaluation: Evaluation, *, per_image: bool = False) -> dict[str, Any]:
    """An evaluation as dictionaries, lists, text, numbers and None.

    Degrees and shares have four decimals, illuminants six, p values four significant digits. Unknown or infinite values
    are None.

    Each entry of ``methods`` lists under ``trained_on`` the evaluated data sets that a network was trained on:
    ``dataset``, the name; ``judged``, the number of its evaluated images; ``images``, the number of those that the
    model may have trained on. The list is empty for all other methods.

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
        "facts": _to_json(evaluation.facts),
        "methods": [_method(result, evaluation.truth.images) for result in evaluation.methods],
        "summaries": [_to_object(summary) for summary in evaluation.summaries],
        "comparisons": [_comparison(comparison) for comparison in evaluation.comparisons],
        "calibrations": [_calibration(calibration) for calibration in evaluation.calibrations],
    }
    if per_image:
        document["per_image"] = [_image(evaluation, index) for index in range(len(evaluation.truth))]
    return document


def csv_rows(evaluation: Evaluation) -> Iterator[list[str | int | float | None]]:
    """The values of ``CSV_COLUMNS`` for each method, group and metric; None is an empty cell."""
    for place, summary in enumerate(evaluation.summaries):
        row: list[str | int | float | None] = [
            summary.method, summary.group, summary.metric, summary.images, summary.scenes,
        ]  # fmt: skip
        for statistic in STATISTICS:
            figures = summary.values.get(statistic), *summary.intervals.get(statistic, (None, None))
            row += _to_json(figures, _DIGITS)
        yield [*row, json_text(_to_json(evaluation.facts)) if not place else None]


def _method(result: MethodResult, images: Sequence[str]) -> dict[str, Any]:
    return {
        "method": result.method,
        "failures": [{"image": images[index], "reason": reason} for index, reason in sorted(result.failures.items())],
        "trained_on": [
            {"dataset": overlap.dataset, "images": overlap.images, "judged": overlap.total}
            for overlap in result.trained_on
        ],
    }


def _to_object(item: object) -> dict[str, Any]:
    """The fields of a dataclass, with the digits of the document."""
    return {name: _to_json(value, _DIGITS) for name, value in vars(item).items()}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    p_values = {key: _round_p(getattr(comparison, key)) for key in ("p_wilcoxon", "p_bootstrap")}
    return {**_to_object(comparison), **p_values}


def _calibration(calibration: Calibration) -> dict[str, Any]:
    area, oracle_area = _to_json(calibration.area, _DIGITS)
    bins = [_to_object(each) for each in calibration.bins]
    return {**_to_object(calibration), "bins": bins, "area": area, "oracle_area": oracle_area}


def _image(evaluation: Evaluation, index: int) -> dict[str, Any]:
    truth = evaluation.truth
    return {
        "image": truth.images[index],
        "dataset": truth.datasets[index],
        "camera": truth.cameras[index],
        "scene": truth.scenes[index],
        "fold": truth.folds[index],
        "truth": _to_json(truth.illuminants[index], _COLOUR_DIGITS),
        "methods": [
            {
                "method": result.method,
                "estimate": None if index in result.failures else _to_json(result.estimates[index], _COLOUR_DIGITS),
                **{name: _to_json(result.errors[name][index], _DIGITS) for name in METRICS if name in result.errors},
                "expected_error": _to_json(result.expected[index], _DIGITS),
                "failure": result.failures.get(index),
            }
            for result in evaluation.methods
        ],
    }


def _round_p(p: float) -> float | None:
    return float(f"{p:.4g}") if math.isfinite(p) else None


def _to_json(value: object, digits: int | None = None) -> Any:
    """Convert a value of any origin to the few types of JSON, and round its real numbers."""
    if isinstance(value, np.ndarray | np.generic):
        return _to_json(value.tolist(), digits)
    if isinstance(value, Mapping):
        return {str(key): _to_json(each, digits) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(each, digits) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(str(each) for each in value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        # A difference may round to -0.0; adding 0 makes that 0.0.
        return value if digits is None else round(value, digits) + 0.0
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.as_posix() if isinstance(value, PurePath) else str(value)
