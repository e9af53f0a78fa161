"""A simple model of a device, from its numbers to light: a curve for each channel, then primaries.

Most profiles with lookup tables describe nearly such a device, and the difference is smooth elsewhere. Where colours
leave the gamut or end in black, a correction of the model is exact and one by a lattice is coarse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from awbkit.files.profile_tables import ProfileTables, lattice

Floats = NDArray[np.float64]

_STEPS = 1025
_LEAST_RISE = 6e-5
_NODES = 9
_TURNS = 3
_INLIERS = 0.8
_DARK_LIGHT = 0.02
_MIN_DETERMINANT = 1e-4
# How far full scale may be from white, and, relative, half of the colours from the model.
_MAX_UNEVENNESS, _MAX_MISS = 0.3, 0.15


@dataclass(frozen=True, eq=False)
class DeviceModel:
    """A device of three independent channels.

    Attributes:
        curves: (1025, 3) the light, from 0 to 1, of evenly spaced numbers of each channel, rising.
        primaries: 3x3, the linear sRGB of each channel's full light in a column.
    """

    curves: Floats
    primaries: Floats

    def decode(self, numbers: Floats) -> Floats:
        """(..., 3) light of each channel, 1 = full, of device numbers from 0 to 1."""
        even = np.linspace(0, 1, _STEPS)
        return np.stack([np.interp(numbers[..., c], even, self.curves[:, c]) for c in range(3)], axis=-1)

    def encode(self, light: Floats) -> Floats:
        """(..., 3) device numbers from 0 to 1 of each channel's light."""
        even = np.linspace(0, 1, _STEPS)
        return np.stack([np.interp(light[..., c], self.curves[:, c], even) for c in range(3)], axis=-1)

    def matrix(self, correction: Floats) -> Floats:
        """3x3 on the channels' light of a 3x3 on linear sRGB."""
        return np.asarray(np.linalg.solve(self.primaries, correction @ self.primaries))


@lru_cache(maxsize=4)
def fit(tables: ProfileTables) -> DeviceModel | None:
    """The model of a profile's device; None where the device's three channels do not add up to white, as in YCC.

    The gray axis gives the curves and all colours give the primaries, in turns. Colours that the tables cut off are
    left out of the fit.
    """
    gray = tables.light_of(np.repeat(np.linspace(0, 1, _STEPS)[:, None], 3, axis=1))
    numbers = lattice(_NODES).reshape(-1, 3)
    light = tables.light_of(numbers)
    weights = 1 / (_DARK_LIGHT + np.abs(light).mean(axis=1, keepdims=True))
    shares = np.repeat(gray.mean(axis=1, keepdims=True), 3, axis=1)
    model, used = DeviceModel(_smooth_curves(shares), np.eye(3)), slice(None)
    for _ in range(_TURNS):
        amounts = model.decode(numbers)
        primaries = np.linalg.lstsq((amounts * weights)[used], (light * weights)[used], rcond=None)[0].T
        misses = np.linalg.norm((amounts @ primaries.T - light) * weights, axis=1)
        used = misses <= np.quantile(misses, _INLIERS)
        if abs(np.linalg.det(primaries)) < _MIN_DETERMINANT:
            return None
        shares = gray @ np.linalg.inv(primaries).T
        if (shares[-1] <= 0).any():
            return None
        model = DeviceModel(_smooth_curves(shares), primaries * shares[-1])
    is_white = np.abs(gray[-1] - 1).max() < _MAX_UNEVENNESS
    return model if is_white and np.median(misses) < _MAX_MISS else None


def _smooth_curves(shares: Floats) -> Floats:
    """(1025, 3) curves that rise everywhere to 1, from values along them.

    Steps that come from the tables' rounding become slopes; on a step, numbers would jump at the least change of light.
    """
    even = np.linspace(0, 1, _STEPS)
    whole = np.maximum.accumulate(np.maximum(shares, 0), axis=0)
    return np.stack([np.interp(even, *_knots(even, values / values[-1])) for values in whole.T], axis=-1)


def _knots(even: Floats, values: Floats) -> tuple[Floats, Floats]:
    chosen = [0]
    for index, value in enumerate(values.tolist()):
        if value >= values[chosen[-1]] + _LEAST_RISE:
            chosen.append(index)
    if chosen[-1] == len(values) - 1:
        return even[chosen], values[chosen]
    # White from here on.
    return np.append(even[chosen], 1.0), np.append(values[chosen], 1 + 1e-9)
