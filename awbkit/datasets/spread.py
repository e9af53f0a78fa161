"""How far the lights of one scene lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from awbkit.illuminant import angular_error

ONE_LIGHT = 3.0
"""Degrees of spread under which a scene passes for lit by one light."""

_ROUNDING = 1e-5
"""Lights that differ by no more are one light, in single precision."""


def angular_spread(chroma: NDArray[np.floating]) -> float:
    """Degrees between the lights at the first and third quartile, along the direction in which they differ most.

    For two lights in equal shares it is the angle between them, for one light 0; a light on less than a quarter of the
    places does not show.

    Args:
        chroma: (n, 2), ln(r / g) and ln(b / g) of the light at each of n places.
    """
    if len(chroma) < 2 or np.ptp(chroma, axis=0).max() < _ROUNDING:
        return 0.0
    middle = np.median(chroma, axis=0)
    axis = np.linalg.eigh(np.cov(chroma, rowvar=False))[1][:, -1]
    quartiles = middle + np.quantile((chroma - middle) @ axis, (0.25, 0.75))[:, None] * axis
    first, third = np.exp(np.insert(quartiles, 1, 0.0, axis=1))
    return angular_error(first.tolist(), third.tolist())
