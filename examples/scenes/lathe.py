"""Shapes of revolution: fruit, bowls, bottles, lamp shades. Drawn as an outline, turned about the y axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scenes.materials import Material
from scenes.solids import Array, Marched

_COLUMNS, _ROWS = 128, 160


class Outline:
    """A closed outline in (radius, height), tabulated as a signed distance.

    Args:
        points: (radius, height) from the bottom of the axis, around the outside, to the top of the axis.
        smooth: Round the corners off; repeat a point to keep its corner.
        scale: Multiplies radius and height.
    """

    def __init__(self, points: Sequence[tuple[float, float]], smooth: bool = True, scale: float = 1.0) -> None:
        corners = np.asarray(points, dtype=np.float64) * scale
        line = _catmull_rom(corners) if smooth else corners
        line[:, 0] = np.maximum(line[:, 0], 0)
        self.low, self.high = float(line[:, 1].min()), float(line[:, 1].max())
        self.wide = float(line[:, 0].max())
        margin = 0.06 * max(self.wide, self.high - self.low)
        # The table starts left of the axis, mirrored, so that slopes at the poles come out flat.
        self._left, self._base = np.float32(-margin), np.float32(self.low - margin)
        across, along = self.wide + 2 * margin, self.high - self.low + 2 * margin
        self._across, self._along = np.float32((_COLUMNS - 1) / across), np.float32((_ROWS - 1) / along)
        u = -margin + across * np.arange(_COLUMNS) / (_COLUMNS - 1)
        v = self.low - margin + along * np.arange(_ROWS) / (_ROWS - 1)
        table = _signed_distance(line, *np.meshgrid(np.abs(u), v)).astype(np.float32)
        # A cell's four corners side by side: one look-up a ray instead of four.
        padded = np.pad(table, ((0, 1), (0, 1)), mode="edge")
        corners = [padded[:-1, :-1], padded[1:, :-1], padded[:-1, 1:], padded[1:, 1:]]
        self._table = np.stack([corner.ravel() for corner in corners], axis=1)

    def distance(self, radius: Array, height: Array) -> Array:
        u = (radius - self._left) * self._across
        v = (height - self._base) * self._along
        np.minimum(np.maximum(v, 0, out=v), _ROWS - np.float32(1.01), out=v)
        np.minimum(u, _COLUMNS - np.float32(1.01), out=u)
        column, row = u.astype(np.int32), v.astype(np.int32)
        u -= column
        v -= row
        corners = self._table[row * _COLUMNS + column]
        left = corners[:, 0] + (corners[:, 1] - corners[:, 0]) * v
        right = corners[:, 2] + (corners[:, 3] - corners[:, 2]) * v
        return left + (right - left) * u


def _catmull_rom(points: NDArray[np.float64], parts: int = 8) -> NDArray[np.float64]:
    padded = np.vstack([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, parts, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.vstack([*pieces, points[-1:]])


def _signed_distance(line: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    nearest = np.full(u.shape, np.inf)
    inside = np.zeros(u.shape, dtype=bool)
    for (x0, y0), (x1, y1) in pairwise(line):
        ex, ey = x1 - x0, y1 - y0
        along = np.clip(((u - x0) * ex + (v - y0) * ey) / max(ex * ex + ey * ey, 1e-12), 0, 1)
        nearest = np.minimum(nearest, (u - x0 - along * ex) ** 2 + (v - y0 - along * ey) ** 2)
        if y0 != y1:
            # Even-odd rule, with rays cast away from the axis: the axis itself closes the outline.
            inside ^= ((v < y0) != (v < y1)) & (u < x0 + (v - y0) * ex / ey)
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)


class Lathe(Marched):
    """An `Outline` turned about its axis, standing where its height is 0; its own origin is half way up."""

    def __init__(
        self,
        material: Material,
        foot: Sequence[float],
        outline: Outline,
        turn: Array | None = None,
        casts: bool = True,
    ) -> None:
        self.outline = outline
        self.middle = np.float32((outline.low + outline.high) / 2)
        reach = float(np.hypot(outline.wide, (outline.high - outline.low) / 2))
        super().__init__(material, foot, reach * 1.01, turn, casts)
        self.centre = self.centre + self.turn @ np.array([[0], [self.middle], [0]], dtype=np.float32)

    def distance(self, p: Array) -> Array:
        return self.outline.distance(np.sqrt(p[0] * p[0] + p[2] * p[2]), p[1] + self.middle)


_APPLE = [
    (0, -0.80), (0.16, -0.86), (0.42, -0.90), (0.72, -0.62), (0.95, -0.10), (0.98, 0.30), (0.78, 0.74), (0.48, 0.90),
    (0.24, 0.82), (0.07, 0.62), (0, 0.58),
]  # fmt: skip
_PEAR = [
    (0, -0.92), (0.3, -0.95), (0.68, -0.72), (0.84, -0.30), (0.74, 0.12), (0.5, 0.52), (0.36, 0.86), (0.3, 1.12),
    (0.14, 1.26), (0, 1.26),
]  # fmt: skip
_LEMON = [
    (0, -1.22), (0.12, -1.16), (0.26, -1.0), (0.6, -0.76), (0.82, -0.32), (0.86, 0.08), (0.76, 0.5), (0.48, 0.86),
    (0.2, 1.08), (0.1, 1.2), (0, 1.22),
]  # fmt: skip


def apple(radius: float) -> Outline:
    return Outline(_APPLE, scale=radius)


def pear(radius: float) -> Outline:
    return Outline(_PEAR, scale=radius)


def lemon(radius: float) -> Outline:
    return Outline(_LEMON, scale=radius)


def bowl(radius: float, depth: float, wall: float = 0.006) -> Outline:
    """An open bowl on a low foot."""
    r, h, w = radius, depth, wall
    return Outline(
        [
            (0, 0.05 * h), (0.4 * r, 0.05 * h), (0.42 * r, 0), (0.42 * r, 0), (0.47 * r, 0), (0.47 * r, 0),
            (0.5 * r, 0.1 * h), (0.8 * r, 0.42 * h), (r, h - w), (r, h), (r - w, h), (r - w, h - w),
            (0.78 * r - w, 0.46 * h), (0.5 * r, 0.2 * h), (0.2 * r, 0.13 * h), (0, 0.12 * h),
        ]
    )  # fmt: skip


def mug(radius: float, height: float, wall: float = 0.005) -> Outline:
    r, h, w = radius, height, wall
    return Outline(
        [
            (0, 0), (0.8 * r, 0), (0.92 * r, 0.01 * h), (r, 0.08 * h), (r, 0.5 * h), (r, h - w), (r - w / 2, h),
            (r - w, h - w), (r - w, 0.5 * h), (r - w, 0.12 * h), (0.8 * r, 0.07 * h), (0, 0.07 * h),
        ]
    )  # fmt: skip


def rod(radius: float, height: float) -> Outline:
    """A plain cylinder, or a flat disc."""
    return Outline([(0, 0), (radius, 0), (radius, height), (0, height)], smooth=False)


def tube(low: float, high: float, height: float, wall: float = 0.004) -> Outline:
    """An open cone frustum with a thin wall: a lamp shade, a flower pot without a floor."""
    return Outline([(low - wall, 0), (low, 0), (high, height), (high - wall, height), (low - wall, 0)], smooth=False)
