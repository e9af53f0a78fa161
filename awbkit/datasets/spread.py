"""How far the lights of one scene lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.illuminant import angular_error

ONE_LIGHT = 3.0
"""Degrees of spread under which a scene passes for lit by one light."""

_ROUNDING = 1e-5
"""Lights that differ by no more are one light, in single precision."""


def angular_spread(chroma: NDArray[np.floating]) -> float:
    """Degrees between the lights one sixth from either end, along the direction in which they differ most.

    For two lights it is the angle between them, if each has a sixth of the places; for one light 0. Between quartiles,
    a light on a fifth of a scene would not show; between deciles, the noise of dark pictures does.

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
