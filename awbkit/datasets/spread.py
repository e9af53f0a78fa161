"""The spread of the lights of one scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.illuminant import angular_error

ONE_LIGHT = 3.0
"""Greatest spread, in degrees, of a scene under one light."""

_ROUNDING = 1e-5
"""Rounding of single precision; lights with smaller differences are one light."""


def angular_spread(chroma: NDArray[np.floating]) -> float:
    """Degrees between the lights one sixth from either end, along the direction in which they differ most.

    For two lights it is the angle between them, if each has a sixth of the places; for one light it is 0. A spread
    between quartiles would miss a light on a fifth of a scene; one between deciles would measure the noise of dark
    pictures.

    Args:
        chroma: (n, 2), ln(r / g) and ln(b / g) of the light at each of n places.
    """
    if len(chroma) < 2 or np.ptp(chroma, axis=0).max() < _ROUNDING:
        return 0.0
    middle = np.median(chroma, axis=0)
    axis = np.linalg.eigh(np.cov(chroma, rowvar=False))[1][:, -1]
    ends = middle + np.quantile((chroma - middle) @ axis, (1 / 6, 5 / 6))[:, None] * axis
    low, high = np.exp(np.insert(ends, 1, 0.0, axis=1))
    return angular_error(low.tolist(), high.tolist())
