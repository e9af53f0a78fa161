"""Charts of the expected errors: calibration, and risk against coverage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from awbkit.evaluation.result import Calibration
from awbkit.html.scales import Scale, pad_range
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
    title,
    vertical_axis,
)
from awbkit.spelling import count_text


def reliability(calibrations: Sequence[Calibration], methods: Mapping[str, int]) -> str:
    """Actual against expected error, by bins of similar expected error, with the 95 % interval of the actual error.

    Args:
        calibrations: Not empty.
        methods: Index of each method.
    """
    bins = [each for calibration in calibrations for each in calibration.bins]
    high = pad_range([0.0, *(v for b in bins for v in (b.expected, b.actual, b.interval[1]))])[1]
    x, y = Scale(0, high, 40, WIDTH - 8), Scale(0, high, 300, 26)
    parts = [
        *horizontal_axis(x, y.end, y.start, "expected error, degrees"),
        *vertical_axis(y, x.start, x.end, "mean actual recovery error, degrees"),
        element("path", class_="zero", d=f"M{number(x.start)} {number(y.start)}L{number(x.end)} {number(y.end)}"),
        label(x.end - 4, y.at(0.8 * high), "as stated", class_="tick", text_anchor="end"),
    ]
    for calibration in calibrations:
        index = methods[calibration.method]
        drawn = [
            element(
                "path",
                class_="line",
                d=polyline(x([b.expected for b in calibration.bins]), y([b.actual for b in calibration.bins])),
            )
        ]
        for each in calibration.bins:
            at, low, top = x.at(each.expected), y.at(each.interval[0]), y.at(each.interval[1])
            if math.isfinite(low) and math.isfinite(top):
                drawn.append(element("path", class_="whisker", d=f"M{number(at)} {number(low)}V{number(top)}"))
            tip = f"{calibration.method}, {count_text(each.images, 'image')}: expected {figure_text(each.expected)}°, "
            tip += f"actual {figure_text(each.actual)}°"
            drawn.append(marker(index, at, y.at(each.actual), tip))
        parts.append(series(index, drawn))
    spoken = "; ".join(f"{c.method}: off by {c.calibration_error:.2f} on average" for c in calibrations)
    return chart(340, f"Calibration of the expected errors, degrees. {spoken}.", parts)


def risk_coverage(calibrations: Sequence[Calibration], methods: Mapping[str, int]) -> str:
    """Mean error of the most certain images at each coverage; dashed for a perfect order of the images.

    Args:
        calibrations: Not empty.
        methods: Index of each method.
    """
    highest = pad_range([0.0, *(value for c in calibrations for value in (*c.risk, *c.oracle))])[1]
    x, y = Scale(0, 100, 40, WIDTH - 12), Scale(0, highest, 300, 26)
    parts = [
        *horizontal_axis(x, y.end, y.start, "coverage: share of the images kept, the most certain first, %"),
        *vertical_axis(y, x.start, x.end, "mean recovery error of these images, degrees"),
    ]
    for calibration in calibrations:
        index = methods[calibration.method]
        at = x([100 * share for share in calibration.coverage])
        drawn = [
            element("path", title(calibration.method), class_="line", d=polyline(at, y(calibration.risk))),
            element(
                "path",
                title("with a perfect order of the images"),
                class_="oracle",
                d=polyline(at, y(calibration.oracle)),
            ),
        ]
        for place, share, risk in zip(at.tolist(), calibration.coverage, calibration.risk, strict=True):
            tip = (
                f"{calibration.method}: the most certain {100 * share:.0f} % have a mean error of {figure_text(risk)}°"
            )
            drawn.append(marker(index, place, y.at(risk), tip))
        parts.append(series(index, drawn))
    spoken = "; ".join(f"{c.method}: {c.area[0]:.2f}, perfect {c.area[1]:.2f}" for c in calibrations)
    return chart(340, f"Risk against coverage; areas under the curves in degrees: {spoken}.", parts)
