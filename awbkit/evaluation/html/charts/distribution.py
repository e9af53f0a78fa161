"""Charts of the errors' distribution: cumulative curves, shapes by camera, and means with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from awbkit.evaluation.html.charts.binning import density
from awbkit.evaluation.result import Summary
from awbkit.html.scales import Scale, error_range, pad_range
from awbkit.html.svg import (
    WIDTH,
    chart,
    element,
    figure_text,
    horizontal_axis,
    label,
    marker,
    number,
    polyline,
    series,
    shorten,
    title,
)

_QUANTILES = (0.25, 0.5, 0.75, 0.95)
_POINTS = 160
_ROW = 44.0
_DODGE = 11.0


def cumulative_curves(methods: Sequence[str], errors: Sequence[NDArray[np.float64]], metric: str) -> str:
    """Cumulative distribution of each method's errors, marked at quartiles and the 95th percentile.

    Args:
        methods: Names.
        errors: For each, float64 (N,) degrees.
        metric: "recovery" or "reproduction".
    """
    low, high = error_range(np.concatenate(errors))
    x, y = Scale(low, high, 44, WIDTH - 10, log=True), Scale(0, 1, 300, 26)
    parts = horizontal_axis(x, y.end, y.start, f"{metric} angular error, degrees (logarithmic)")
    shares = (0.0, *_QUANTILES, 1.0)
    lines = "".join(f"M{number(x.start)} {number(y.at(share))}H{number(x.end)}" for share in shares)
    parts.append(element("path", class_="grid", d=lines))
    parts += [label(x.start - 6, y.at(s) + 4, f"{100 * s:.0f} %", class_="tick", text_anchor="end") for s in shares]
    parts.append(label(0, y.end - 12, "share of the images with at most this error", class_="axis"))
    grid = np.geomspace(low, high, _POINTS)
    for index, (method, values) in enumerate(zip(methods, errors, strict=True)):
        reached = np.searchsorted(np.sort(values), grid, side="right") / len(values)
        curve = element("path", title(method), class_="line", d=polyline(x(grid), y(reached)))
        marks = [
            marker(index, x.at(float(value)), y.at(share), f"{method}: {_share(share)} {figure_text(value)}°")
            for share, value in zip(_QUANTILES, np.quantile(values, _QUANTILES).tolist(), strict=True)
        ]
        parts.append(series(index, [curve, *marks]))
    medians = ", ".join(f"{method} {np.median(values):.2f}" for method, values in zip(methods, errors, strict=True))
    return chart(
        340,
        f"Cumulative distribution of the {metric} error. Medians in degrees: {medians}.",
        parts,
        data_left=x.start,
        data_right=x.end,
        data_top=y.end,
        data_bottom=y.start,
        data_low=f"{low:.6g}",
        data_high=f"{high:.6g}",
    )


def strips(
    methods: Sequence[str], errors: Sequence[NDArray[np.float64]], metric: str, ends: tuple[float, float]
) -> str:
    """A row for each method: the density of its errors, 5th to 95th percentile, quartiles, median and mean.

    Args:
        methods: Names.
        errors: For each, float64 (M,) degrees of one group of images.
        metric: "recovery" or "reproduction".
        ends: Ends of the axis, in degrees, so that several groups can share it.
    """
    x = Scale(*ends, 8, WIDTH - 8, log=True)
    bottom = 6 + _ROW * len(methods)
    parts = horizontal_axis(x, 6, bottom, f"{metric} angular error, degrees (logarithmic)")
    for index, (method, values) in enumerate(zip(methods, errors, strict=True)):
        line = 6 + _ROW * (index + 1) - 9
        heights = density(np.log(np.maximum(values, ends[0])), math.log(ends[0]), math.log(ends[1]))
        at = x(np.geomspace(*ends, len(heights)))
        outline = polyline(at, line - 18 * heights) + f"V{number(line)}H{number(x.start)}z"
        p5, p25, p50, p75, p95 = (x.at(value) for value in np.percentile(values, (5, 25, 50, 75, 95)).tolist())
        figures = f"mean {figure_text(values.mean())}, median {figure_text(float(np.median(values)))}"
        row = [
            element("path", class_="silhouette", d=outline),
            element("path", class_="whisker", d=f"M{number(p5)} {number(line)}H{number(p95)}"),
            element("path", class_="box", d=f"M{number(p25)} {number(line)}H{number(p75)}"),
            element("path", class_="median", d=f"M{number(p50)} {number(line - 4)}v8"),
            marker(index, x.at(float(values.mean())), line, f"{method}: {figures}"),
            label(x.start, line - 22, shorten(method, 36), class_="name over"),
            label(x.end, line - 22, figures, class_="name over", text_anchor="end"),
        ]
        parts.append(series(index, row))
    spoken = "; ".join(
        f"{m}: mean {v.mean():.2f}, median {np.median(v):.2f}" for m, v in zip(methods, errors, strict=True)
    )
    return chart(bottom + 40, f"Distributions of the {metric} error in degrees. {spoken}.", parts)


def intervals(
    methods: Sequence[str],
    groups: Sequence[str],
    summaries: Mapping[tuple[str, str], Summary],
    metric: str,
    statistic: str,
) -> str:
    """A row for each group of images: one statistic of every method with its 95 % interval.

    Args:
        methods: Names.
        groups: Names, in the order of the rows.
        summaries: By method and group, of one metric; pairs may be missing.
        metric: "recovery" or "reproduction".
        statistic: One of ``STATISTICS``.
    """
    found = [summaries[method, group] for group in groups for method in methods if (method, group) in summaries]
    x = Scale(*pad_range([place for s in found for place in _places(s, statistic)]), 8, WIDTH - 8)
    height = 24 + _DODGE * len(methods)
    bottom = 4 + height * len(groups)
    parts = horizontal_axis(x, 4, bottom, f"{metric} angular error, degrees, with 95 % interval")
    for row, group in enumerate(groups):
        top = 4 + height * row
        parts.append(element("path", class_="rule", d=f"M{number(x.start)} {number(top)}H{number(x.end)}"))
        parts.append(label(x.start, top + 14, shorten(group, 60), class_="name over"))
        for index, method in enumerate(methods):
            if (method, group) not in summaries:
                continue
            value, low, high = _places(summaries[method, group], statistic)
            if not np.isfinite(value):
                continue
            line = top + 24 + _DODGE * index
            tip = f"{method}, {group}: {figure_text(value)}°, {figure_text(low)} to {figure_text(high)}"
            whisker = f"M{number(x.at(low))} {number(line)}H{number(x.at(high))}"
            drawn = [element("path", class_="line", d=whisker), marker(index, x.at(value), line, tip)]
            parts.append(series(index, drawn))
    return chart(
        bottom + 40, f"{metric} error by group, {statistic}; the figures are in the table.".capitalize(), parts
    )


def _places(summary: Summary, statistic: str) -> tuple[float, float, float]:
    """A statistic and its interval; the statistic three times without an interval."""
    value = summary.values.get(statistic, np.nan)
    low, high = summary.intervals.get(statistic, (np.nan, np.nan))
    return (value, low, high) if np.isfinite(low) and np.isfinite(high) else (value, value, value)


def _share(share: float) -> str:
    return "median" if share == 0.5 else f"{100 * share:.0f} % of the images have at most"
