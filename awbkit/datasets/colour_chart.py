"""A 24-patch colour chart in a picture: its patches and its area, from its corners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import UsageError

_WIDTH, _HEIGHT = 16.75, 11.25
"""Size of the area of the patches, in units in which a patch measures 2.5 and a gap 0.25."""

_PITCH = 2.75
_GREYS = tuple((1.5 + _PITCH * column, 1.5 + _PITCH * 3) for column in range(6))
"""Centres of the patches of the last row, from white to black."""

_HALF_SIDE = 0.625
"""Half the side of the sampled square: the middle half of a patch, well away from its rim."""

_SAMPLES = 9


@dataclass(frozen=True)
class ColourChart:
    """The area of the patches, in perspective.

    Attributes:
        corners: x and y, in pixels, of the four corners of the area of the patches, in turn from the upper
            left, the chart held so that the greys are its last row.

    Raises:
        UsageError: If they are not the corners of a convex quadrilateral.
    """

    corners: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        try:
            points = np.array(self.corners, dtype=np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.shape != (4, 2) or not np.isfinite(points).all():
            raise UsageError("a chart has four corners of two finite numbers each")
        turns = _cross(np.roll(points, -1, axis=0) - points, np.roll(points, -2, axis=0) - np.roll(points, -1, axis=0))
        if not ((turns > 0).all() or (turns < 0).all()):
            raise UsageError("a chart's corners must go round a convex quadrilateral")

    @classmethod
    def of(cls, corners: Sequence[Sequence[float]], scale: float = 1.0) -> ColourChart:
        """Create a chart from a list of corners, in pixels of a picture that is ``1 / scale`` times as large."""
        return cls(tuple((float(x) * scale, float(y) * scale) for x, y in corners))

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """A mask (height, width) of the pixels that it covers."""
        # A corner is given by the pixel that it lies on.
        return quadrilateral(np.array(self.corners) + 0.5, height, width)

    def greys(self, height: int, width: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Rows and columns of pixels within each of the six grey patches, white first; hidden patches are left out."""
        across = np.linspace(-_HALF_SIDE, _HALF_SIDE, _SAMPLES)
        found = []
        for x, y in _GREYS:
            grid = np.stack([*np.meshgrid(x + across, y + across), np.ones((_SAMPLES, _SAMPLES))]).reshape(3, -1)
            projected = self._perspective() @ grid
            columns, rows = np.rint(projected[:2] / projected[2]).astype(np.intp)
            inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            found.append((rows[inside], columns[inside]))
        return found

    def _perspective(self) -> NDArray[np.float64]:
        """The homography (3, 3) from the units of the chart to pixels, by its four corners."""
        equations, results = [], []
        plane = (0.0, 0.0), (_WIDTH, 0.0), (_WIDTH, _HEIGHT), (0.0, _HEIGHT)
        for (x, y), (u, v) in zip(plane, self.corners, strict=True):
            equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
            results += [u, v]
        return np.append(np.linalg.solve(np.array(equations), np.array(results)), 1.0).reshape(3, 3)


def quadrilateral(corners: NDArray[np.floating], height: int, width: int) -> NDArray[np.bool_]:
    """A mask (height, width) of the pixels whose centre lies inside a convex quadrilateral.

    Args:
        corners: (4, 2), x and y from the upper left corner of the image, in any order.
        height: Height of the image.
        width: Width of the image.
    """
    y, x = np.ogrid[0.5:height, 0.5:width]
    inside = np.ones((height, width), np.bool_)
    for (x0, y0), (dx, dy) in edges(corners):
        inside &= (x - x0) * dy <= (y - y0) * dx
    return inside


def edges(corners: NDArray[np.floating]) -> list[tuple[NDArray[np.floating], NDArray[np.floating]]]:
    """Start and direction of each edge, sorted by angle, because the files' corners are unsorted."""
    offset = corners - corners.mean(axis=0)
    around = corners[np.argsort(np.arctan2(offset[:, 1], offset[:, 0]))]
    return list(zip(around, np.roll(around, -1, axis=0) - around, strict=True))


def _cross(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])
