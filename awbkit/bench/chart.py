"""A plot of accuracy against cost, as a self-contained SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from awbkit.bench.bench import Cost
from awbkit.html.scales import Scale, pad_range, round_down, round_up
from awbkit.html.svg import (
    WIDTH,
    element,
    figure_text,
    horizontal_axis,
    label,
    marker,
    series,
    vertical_axis,
)

_STYLE = """
svg { background: #fff; font: 11px system-ui, sans-serif; }
.grid { stroke: #e4e4e4; fill: none; } .tick { fill: #666; } .axis { fill: #222; }
.title { fill: #222; font-size: 13px; }
.statistic { --c: #8a8a8a; } .network { --c: #1f6fb4; } .quantised { --c: #c2491d; }
.mark { fill: var(--c); stroke: #fff; } .name { fill: var(--c); } .asked { font-weight: bold; }
"""

_HEIGHT = 360.0
_KINDS = ("network", "quantised", "statistic")
_LINE = 11.0
"""Least vertical distance of names."""

_LETTER = 6.5
"""Approximate width of a letter."""


def chart(costs: Sequence[Cost], dataset: str) -> str:
    """Plot the mean error on a data set against the time of an estimate: quantised networks in C, all others in numpy.

    Args:
        costs: Costs; at least one has a figure on the data set, and those without one are left out.
        dataset: Its name.
    """
    shown = [cost for cost in costs if dataset in cost.accuracy]
    places = [(_microseconds(cost), cost.accuracy[dataset].mean) for cost in shown]
    low, high = (min(x for x, _ in places), max(x for x, _ in places))
    x = Scale(round_down(low / 1.5), round_up(high * 2), 40, WIDTH - 40, log=True)
    y = Scale(*pad_range([error for _, error in places], 0.12), _HEIGHT - 76, 40)
    parts = [element("style", _STYLE)]
    parts.append(label(8, 20, f"Mean recovery error on {dataset}, degrees", class_="title"))
    parts += horizontal_axis(x, y.end, y.start, "microseconds of an estimate on this machine, one core (logarithmic)")
    parts += vertical_axis(y, x.start, x.end, "")
    points = [(x.at(time), y.at(error)) for time, error in places]
    boxes = [(left - 5, top, left + 5) for left, top in points]
    for cost, point, (time, error) in zip(shown, points, places, strict=True):
        name = Path(cost.name).name + ("*" if cost.accuracy[dataset].overlap else "")
        tip = f"{cost.name}: {figure_text(error)}°, {time:.0f} microseconds"
        style = "name asked" if cost.request else "name"
        words = label(point[0] + 8, _name_height(point, name, boxes) + 4, name, class_=style)
        kind = _KINDS.index(cost.kind)
        parts.append(element("g", series(kind, [marker(kind, *point, tip), words]), class_=cost.kind))
    notes = (
        "● network in numpy    ■ whole numbers in C    ▲ statistic in numpy",
        "* trained on some of these pictures",
    )
    parts += [label(8, _HEIGHT - 22 + 15 * row, note, class_="tick") for row, note in enumerate(notes)]
    box = f"0 0 {WIDTH:.0f} {_HEIGHT:.0f}"
    size = {"width": f"{2 * WIDTH:.0f}", "height": f"{2 * _HEIGHT:.0f}"}
    return element("svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=box, **size) + "\n"


def _microseconds(cost: Cost) -> float:
    return max(cost.numpy if cost.c is None else cost.c, 0.1)


def _name_height(point: tuple[float, float], name: str, boxes: list[tuple[float, float, float]]) -> float:
    """Place a name beside its mark, or at the nearest free height above or below.

    Args:
        point: The mark.
        name: The name.
        boxes: Left end, height and right end of each mark and name so far; the name is added.
    """
    left = point[0] + 8
    right = left + _LETTER * len(name)
    for step in range(40):
        place = point[1] + math.ceil(step / 2) * _LINE / 2 * (-1 if step % 2 else 1)
        if all(abs(place - top) >= _LINE or left >= end or right <= start for start, top, end in boxes):
            break
    boxes.append((left, place, right))
    return place
