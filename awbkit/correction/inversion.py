"""The inverse of a profile's tables: the device numbers that show a wanted light, on a lattice of numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from awbkit.files.profile_tables import ProfileTables, lattice

Floats = NDArray[np.float64]

NODES = 33
"""The nodes along each axis of the lattice."""

_STEPS = 12
_MAX_STEP = 0.2
_MARGIN = 0.5
# In cube roots of XYZ; one unit of CIELAB's lightness is 0.0086 of these.
_PRECISION, _TOLERANCE = 2e-4, 0.02
_MAX_MISS_SHARE = 0.25
_DAMPING = 1e-5
# IEC 61966-2-1, each row divided by its sum, so that white is 1.
_TO_XYZ = np.array([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]])


class InversionError(ValueError):
    """No device numbers show the corrected light of colours that lie within reach."""


def invert(tables: ProfileTables, light: Floats, wanted: Floats, start: Floats) -> Floats:
    """The numbers that show a wanted light, by Newton's method.

    Args:
        tables: Of the profile.
        light: (NODES ** 3, 3) linear sRGB of the lattice.
        wanted: (NODES ** 3, 3) linear sRGB to be shown.
        start: (NODES ** 3, 3) where to start from.

    Returns:
        (NODES ** 3, 3), below 0 or above 1 where the device cannot follow. Exactly the lattice where nothing changes.

    Raises:
        InversionError: If no numbers show the wanted light of many colours within reach.
    """
    numbers = lattice(NODES).reshape(-1, 3)
    roots, target = _roots(light), _roots(wanted)
    slopes, inverse = _slopes(roots)

    def missing_at(numbers: Floats, target: Floats) -> Floats:
        # Outside the range of device numbers, the tables go on with the slope of their edge.
        inside = np.clip(numbers, 0, 1)
        beyond = np.einsum("nij,nj->ni", slopes[_nearest(inside)], numbers - inside)
        return np.asarray(target - _roots(tables.light_of(inside)) - beyond)

    found, missing, pace = numbers.copy(), target - roots, np.ones((len(numbers), 1))
    first = missing_at(start, target)
    better = np.linalg.norm(first, axis=1) < np.linalg.norm(missing, axis=1)
    found[better], missing[better] = start[better], first[better]
    for _ in range(_STEPS):
        rows = np.flatnonzero(np.abs(missing).max(axis=1) > _PRECISION)
        if not rows.size:
            break
        step = np.einsum("nij,nj->ni", inverse[_nearest(found[rows])], missing[rows])
        trial = found[rows] + np.clip(step, -_MAX_STEP, _MAX_STEP) * pace[rows]
        trial = np.clip(trial, -_MARGIN, 1 + _MARGIN)
        left = missing_at(trial, target[rows])
        better = np.linalg.norm(left, axis=1) < np.linalg.norm(missing[rows], axis=1)
        found[rows[better]], missing[rows[better]] = trial[better], left[better]
        pace[rows] = np.where(better[:, None], 1, pace[rows] / 4)
    within = np.all((found >= 0) & (found <= 1), axis=1)
    missed = within & (np.abs(missing).max(axis=1) > _TOLERANCE)
    if missed.sum() > _MAX_MISS_SHARE * within.sum():
        raise InversionError("no numbers stand for the corrected light")
    return found


def _roots(light: Floats) -> Floats:
    """Cube roots of XYZ: device numbers are nearly proportional to them."""
    return np.asarray(np.cbrt(light @ _TO_XYZ.T))


def _slopes(roots: Floats) -> tuple[Floats, Floats]:
    """(N, 3, 3) how the lattice's cube roots change with each device number, and the damped inverse of that."""
    grid = roots.reshape(NODES, NODES, NODES, 3)
    slopes = np.stack(np.gradient(grid, 1 / (NODES - 1), axis=(0, 1, 2)), axis=-1).reshape(-1, 3, 3)
    turned = slopes.transpose(0, 2, 1)
    square = turned @ slopes
    damping = _DAMPING * np.mean(np.trace(square, axis1=1, axis2=2)) * np.eye(3)
    return slopes, np.asarray(np.linalg.solve(square + damping, turned))


def _nearest(numbers: Floats) -> NDArray[np.intp]:
    """Indices into the lattice."""
    cell = np.rint(np.clip(numbers, 0, 1) * (NODES - 1)).astype(np.intp)
    return np.asarray((cell[:, 0] * NODES + cell[:, 1]) * NODES + cell[:, 2])
