"""SVG elements as text: short numbers, all text escaped, reproducible bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.escaping import markup
from awbkit.html.scales import Scale

WIDTH = 440.0
"""Width of a chart in units; in a column of the page a unit is about one CSS pixel."""

_MARKERS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "M-3.6 -3.6h7.2v7.2h-7.2z",
    "M0 -4.6L4.6 3.6H-4.6z",
    "M0 -5L5 0L0 5L-5 0z",
    "M0 4.6L4.6 -3.6H-4.6z",
    "M-1.5 -4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    "M0 -5L4.8 -1.5L2.9 4H-2.9L-4.8 -1.5z",
    "M-4.5 -2.2L0 -5L4.5 -2.2V2.2L0 5L-4.5 2.2z",
)
"""Eight outlines around (0, 0), which identify methods without their colours."""


def number(value: float) -> str:
    """Format a coordinate, with at most one decimal."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def figure_text(value: float, decimals: int = 2) -> str:
    """Format a number for readers, with a true minus sign; a dash for NaN."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def tick_text(value: float) -> str:
    """Format a tick's number, without trailing digits."""
    return "0" if abs(value) < 1e-12 else f"{value:.6g}".replace("-", "−")


def shorten(text: str, length: int) -> str:
    """Shorten a long text to its two ends around an ellipsis."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"


def element(name: str, *children: str, **attributes: str | float) -> str:
    """One element; ``_`` in the name of an attribute stands for ``-``, a trailing one for nothing.

    Args:
        name: Name of the element.
        children: Markup, already escaped.
        attributes: Text is escaped; numbers become coordinates.
    """
    parts = [name]
    for key, value in attributes.items():
        text = markup(value) if isinstance(value, str) else number(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{text}"')
    opened = " ".join(parts)
    return f"<{opened}>{''.join(children)}</{name}>" if children else f"<{opened}/>"


def label(x: float, y: float, text: str, **attributes: str | float) -> str:
    """A text on a chart."""
    return element("text", markup(text), x=x, y=y, **attributes)


def title(text: str) -> str:
    """The tooltip of the parent element."""
    return element("title", markup(text))


def polyline(x: ArrayLike, y: ArrayLike) -> str:
    """Path data of a line through points."""
    pairs = zip(np.asarray(x).tolist(), np.asarray(y).tolist(), strict=True)
    return "M" + "L".join(f"{number(a)} {number(b)}" for a, b in pairs)


def dots(points: NDArray[np.float64]) -> str:
    """Path data of points (N, 2), as dots of a stroke with round ends, which is the shortest form."""
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in points.tolist())


def hexagons(points: NDArray[np.float64], radius: float) -> str:
    """Path data of hexagons with a corner upwards around the points (N, 2)."""
    side, half = radius * math.sqrt(3) / 2, radius / 2
    offsets = f"l{number(side)} {number(half)}v{number(radius)}l-{number(side)} {number(half)}"
    offsets += f"l-{number(side)} -{number(half)}v-{number(radius)}z"
    return "".join(f"M{number(x)} {number(y - radius)}{offsets}" for x, y in points.tolist())


def marker(method: int, x: float, y: float, tip: str = "") -> str:
    """The mark of the method of this index; those after the eighth are hollow."""
    shape = _MARKERS[method % len(_MARKERS)]
    kind = "mark" if method // len(_MARKERS) % 2 == 0 else "mark hollow"
    inside = [title(tip)] if tip else []
    return element("path", *inside, class_=kind, d=shape, transform=f"translate({number(x)} {number(y)})")


def series(method: int, children: Iterable[str]) -> str:
    """The group of one method's elements: one colour, shown and hidden together."""
    return element("g", *children, class_=f"series m{method}")


def chart(height: float, description: str, children: Sequence[str], **attributes: str | float) -> str:
    """The whole chart.

    Args:
        height: Height, in the units of ``WIDTH``.
        description: Description for screen readers.
        children: Markup.
        attributes: Further attributes, for the page's script.
    """
    box = f"0 0 {number(WIDTH)} {number(height)}"
    return element("svg", *children, class_="chart", viewBox=box, role="img", aria_label=description, **attributes)


def horizontal_axis(scale: Scale, top: float, bottom: float, caption: str, count: int = 6) -> list[str]:
    """The horizontal axis: ticks below the chart, grid lines, and the label."""
    ticks = scale.ticks(count)
    lines = "".join(f"M{number(scale.at(value))} {number(top)}V{number(bottom)}" for value in ticks)
    parts = [element("path", class_="grid", d=lines)] if ticks else []
    parts += [
        label(scale.at(value), bottom + 15, tick_text(value), class_="tick", text_anchor="middle") for value in ticks
    ]
    parts.append(label((scale.start + scale.end) / 2, bottom + 33, caption, class_="axis", text_anchor="middle"))
    return parts


def vertical_axis(scale: Scale, left: float, right: float, caption: str, count: int = 6) -> list[str]:
    """The vertical axis: ticks beside the chart, grid lines, and the label above it."""
    ticks = scale.ticks(count)
    lines = "".join(f"M{number(left)} {number(scale.at(value))}H{number(right)}" for value in ticks)
    parts = [element("path", class_="grid", d=lines)] if ticks else []
    parts += [
        label(left - 6, scale.at(value) + 4, tick_text(value), class_="tick", text_anchor="end") for value in ticks
    ]
    parts.append(label(0, min(scale.start, scale.end) - 10, caption, class_="axis"))
    return parts
