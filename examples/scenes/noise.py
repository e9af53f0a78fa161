"""Procedural noise: the irregularity of wood, stone, fruit and leaves. Points are float32 of shape (3, N)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_SIDE = 64
_LATTICE = np.random.default_rng(20).random(_SIDE**3, dtype=np.float32)


def value(p: Array) -> Array:
    """Smooth noise between 0 and 1 with one feature a unit, repeating every 64 units."""
    floor = np.floor(p)
    f = p - floor
    f = f * f * (3 - 2 * f)
    low = floor.astype(np.int32) & (_SIDE - 1)
    high = (low + 1) & (_SIDE - 1)
    total = np.zeros(p.shape[1], dtype=np.float32)
    for x, wx in ((low[0], 1 - f[0]), (high[0], f[0])):
        for y, wy in ((low[1], 1 - f[1]), (high[1], f[1])):
            row = (x * _SIDE + y) * _SIDE
            w = wx * wy
            total += w * ((1 - f[2]) * _LATTICE[row + low[2]] + f[2] * _LATTICE[row + high[2]])
    return total


def fractal(p: Array, octaves: int = 4, gain: float = 0.5) -> Array:
    """Octaves of `value` on top of one another, between 0 and 1."""
    total = np.zeros(p.shape[1], dtype=np.float32)
    weight, norm = 1.0, 0.0
    for _ in range(octaves):
        total += weight * value(p)
        norm += weight
        weight *= gain
        p = p * np.float32(2.03) + np.float32(17.3)
    return total / np.float32(norm)


def hashed(*cells: NDArray[np.int32]) -> Array:
    """One random number between 0 and 1 for each combination of whole numbers."""
    key = np.zeros(cells[0].shape, dtype=np.int64)
    for cell, prime in zip(cells, (73_856_093, 19_349_663, 83_492_791), strict=False):
        key ^= cell.astype(np.int64) * prime
    return _LATTICE[(key ^ (key >> 9)) & (_SIDE**3 - 1)]


def cellular(u: Array, v: Array) -> tuple[Array, Array]:
    """Voronoi cells of about one unit, for leaves and cobbles.

    Returns:
        The distance to the nearest border between cells, and a random number for the cell.
    """
    cu, cv = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    first = np.full(u.shape, 9.0, dtype=np.float32)
    second = first.copy()
    owner = np.zeros_like(first)
    for du in (-1, 0, 1):
        for dv in (-1, 0, 1):
            iu, iv = cu + du, cv + dv
            px = iu + 0.15 + 0.7 * hashed(iu, iv)
            py = iv + 0.15 + 0.7 * hashed(iv, iu + 57)
            distance = np.sqrt((u - px) ** 2 + (v - py) ** 2).astype(np.float32)
            nearer = distance < first
            second = np.where(nearer, first, np.minimum(second, distance))
            owner = np.where(nearer, hashed(iu + 11, iv + 5), owner)
            first = np.where(nearer, distance, first)
    return (second - first) / 2, owner


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below ``low``, 1 above ``high``, and a smooth slope between them."""
    t = np.clip((x - low) / (high - low), 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)
