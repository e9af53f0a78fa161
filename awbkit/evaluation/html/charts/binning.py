"""Thousands of points as a few shapes: hexagonal bins, and smooth densities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEVELS = 5


@dataclass(frozen=True, eq=False)
class Cells:
    """The occupied cells of a hexagonal lattice.

    Attributes:
        centres: float64 (K, 2).
        counts: int (K,), positive.
        cell: int (N,), the index of each point's cell.
        levels: int (K,), 0 for the emptiest cells to 4 for the fullest, equal steps of the square root of the count.
    """

    centres: NDArray[np.float64]
    counts: NDArray[np.intp]
    cell: NDArray[np.intp]
    levels: NDArray[np.intp]


def bin_hexagons(points: NDArray[np.float64], radius: float) -> Cells:
    """Count points in hexagons with a corner upwards (Carr et al., "Scatterplot Matrix Techniques for Large N", 1987).

    Args:
        points: (N, 2), finite.
        radius: Distance from the centre of a hexagon to its corners.
    """
    width, height = radius * math.sqrt(3), radius * 3
    # A hexagonal lattice is two rectangular ones; a point belongs to the nearer of its nearest nodes in the two.
    first = np.rint(points / [width, height])
    second = np.floor(points / [width, height]) + 0.5
    nodes = np.stack([first, second]) * [width, height]
    nearest = np.argmin(((points - nodes) ** 2).sum(axis=2), axis=0)
    chosen = np.where(nearest[:, None] == 0, first, second)
    keys = np.rint(chosen * 2).astype(np.int64)
    cells, cell, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    share = np.sqrt(counts / counts.max()) if counts.size else counts.astype(np.float64)
    levels = np.minimum((share * _LEVELS).astype(np.intp), _LEVELS - 1)
    return Cells(cells / 2 * [width, height], counts, cell.reshape(-1), levels)


def density(values: NDArray[np.float64], low: float, high: float, size: int = 64) -> NDArray[np.float64]:
    """A smooth density on a grid over ``low`` to ``high``, its maximum 1 (binned Gaussian kernel, Silverman's width).

    Args:
        values: (N,), not empty; values outside the range count at its ends.
        low: First point of the grid.
        high: Last point.
        size: Number of points.
    """
    step = (high - low) / (size - 1)
    counts = np.bincount(np.rint((np.clip(values, low, high) - low) / step).astype(np.intp), minlength=size)
    quartiles = np.percentile(values, (25, 75))
    spread = min(float(values.std()), float(quartiles[1] - quartiles[0]) / 1.34) or float(values.std())
    # Under one step the kernel would show the grid instead of the values.
    width = max(0.9 * spread * len(values) ** -0.2 / step, 1.0)
    reach = np.arange(-math.ceil(4 * width), math.ceil(4 * width) + 1)
    smooth = np.convolve(counts, np.exp(-0.5 * (reach / width) ** 2))[len(reach) // 2 :][:size]
    return np.asarray(smooth / smooth.max(), dtype=np.float64)
