"""Lights on the CIE 1976 chromaticity plane, each with the region in which its estimate is expected to lie.

On u' and v' (CIE 15:2018) equal distances look about equally different. A light of any camera has a place there, as far
as the camera's matrix is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from awbkit.colour.illuminant import Illuminant
from awbkit.colour.temperature import cct_duv_to_xy, daylight_xy
from awbkit.html.scales import Scale
from awbkit.html.svg import WIDTH, chart, element, horizontal_axis, label, number, polyline, title, vertical_axis
from awbkit.spelling import count_text

_U_ENDS, _V_ENDS = (0.14, 0.37), (0.38, 0.57)
"""The lights of lamps and skies; what lies beyond is drawn at the edge."""

_SMALL_WIDTH = 220.0
_RING_POINTS = 20
_MANY = 300
"""From so many lights on, their dots are small."""

_DARK = 1e-3
_MIREDS = np.linspace(1e6 / 25_000, 1e6 / 1_700, 48)
_DAYLIGHTS = np.geomspace(4000, 25_000, 16)
_LABEL_CCTS = (2000, 3000, 4000, 6500, 10_000)

Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """A light on the plane.

    Attributes:
        point: u' and v'.
        ring: Around it, u' and v' of the lights at the expected error from it; empty if none is stated.
    """

    point: Point
    ring: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Dot:
    """A light in the chart of all.

    Attributes:
        place: Where it is.
        target: The anchor of its picture.
        tip: Plain text.
        is_uncertain: Whether it stands out.
    """

    place: Place
    target: str
    tip: str
    is_uncertain: bool


def place_of(light: Illuminant) -> Place | None:
    """The place of a light; None where its camera has no matrix, or no real light looks like this."""
    xy = light.camera.white_xy(light.rgb)
    if xy is None or (point := _uv(*xy)) is None:
        return None
    return Place(point, _ring(light) if light.expected_error else ())


def _ring(light: Illuminant) -> tuple[Point, ...]:
    centre = np.asarray(light.rgb)
    angle = math.radians(light.expected_error or 0.0)
    first = np.cross(centre, np.eye(3)[int(np.argmin(centre))])
    first /= np.linalg.norm(first)
    second = np.cross(centre, first)
    points: list[Point] = []
    for turn in np.linspace(0, 2 * math.pi, _RING_POINTS, endpoint=False).tolist():
        rgb = math.cos(angle) * centre + math.sin(angle) * (math.cos(turn) * first + math.sin(turn) * second)
        # What a camera can see ends where a channel is dark; the region is cut off there.
        xy = light.camera.white_xy(np.maximum(rgb, _DARK))
        point = None if xy is None else _uv(*xy)
        if point is not None:
            points.append(point)
    return tuple(points)


def _uv(x: float, y: float) -> Point | None:
    scale = -2 * x + 12 * y + 3
    return (4 * x / scale, 9 * y / scale) if scale > 1e-6 and y > 0 else None


def shared_drawing() -> str:
    """A hidden drawing of the locus, which the small charts of a page use."""
    drawing = element("g", *_locus(*_small_scales(), labels=False), id="plane")
    return f'<svg class="hidden" aria-hidden="true"><defs>{drawing}</defs></svg>'


def small_chart(place: Place, description: str, *, is_uncertain: bool) -> str:
    """The chart of one light, over :func:`shared_drawing`."""
    x, y = _small_scales()
    u, v = place.point
    parts = ['<use href="#plane"/>']
    if place.ring:
        ring = np.array(place.ring)
        parts.append(element("path", class_="ring", d=polyline(x(ring[:, 0]), y(ring[:, 1])) + "Z"))
    parts.append(element("circle", class_=_dot_class(place, is_uncertain), cx=x.at(u), cy=y.at(v), r=4.0))
    box = f"0 0 {number(_SMALL_WIDTH)} {number(y.start)}"
    return element("svg", *parts, class_="small-plane", viewBox=box, role="img", aria_label=description)


def overview(dots: Sequence[Dot]) -> str:
    """All lights of a page; each leads to its picture."""
    x = Scale(*_U_ENDS, 48, WIDTH - 8)
    y = Scale(*_V_ENDS, 26 + _height(x), 26)
    parts = [*horizontal_axis(x, y.end, y.start, "u′"), *vertical_axis(y, x.start, x.end, "v′"), *_locus(x, y)]
    radius = 3.5 if len(dots) < _MANY else 2.0
    for dot in dots:
        u, v = dot.place.point
        kind = _dot_class(dot.place, dot.is_uncertain)
        mark = element("circle", title(dot.tip), class_=kind, cx=x.at(u), cy=y.at(v), r=radius)
        parts.append(element("a", mark, href=f"#{dot.target}", tabindex="-1"))
    description = f"The lights of {count_text(len(dots), 'picture')} on the CIE 1976 chromaticity plane."
    return chart(y.start + 40, description, parts)


def _dot_class(place: Place, is_uncertain: bool) -> str:
    inside = _U_ENDS[0] <= place.point[0] <= _U_ENDS[1] and _V_ENDS[0] <= place.point[1] <= _V_ENDS[1]
    return " ".join(["light", *(["unsure"] if is_uncertain else []), *([] if inside else ["beyond"])])


def _height(x: Scale) -> float:
    return (x.end - x.start) * (_V_ENDS[1] - _V_ENDS[0]) / (_U_ENDS[1] - _U_ENDS[0])


@lru_cache(maxsize=1)
def _small_scales() -> tuple[Scale, Scale]:
    x = Scale(*_U_ENDS, 0, _SMALL_WIDTH)
    return x, Scale(*_V_ENDS, _height(x), 0)


def _locus(x: Scale, y: Scale, *, labels: bool = True) -> list[str]:
    """Black bodies with their temperatures, and daylight."""
    parts = []
    lines = {
        "planckian": [cct_duv_to_xy(1e6 / mired) for mired in _MIREDS.tolist()],
        "daylight": [daylight_xy(cct) for cct in _DAYLIGHTS.tolist()],
    }
    for kind, points in lines.items():
        uv = np.array([_uv(*xy) for xy in points])
        parts.append(element("path", class_=kind, d=polyline(x(uv[:, 0]), y(uv[:, 1]))))
    for cct in _LABEL_CCTS:
        u, v = _uv(*cct_duv_to_xy(cct)) or (0.0, 0.0)
        parts.append(element("circle", class_="kelvin", cx=x.at(u), cy=y.at(v), r=2.2))
        text = f"{cct} K" if labels else f"{cct / 1000:g}"
        parts.append(label(x.at(u) + 5, y.at(v) + (14 if labels else 12), text, class_="over"))
    return parts
