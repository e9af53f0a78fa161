"""The two angular errors of estimated illuminants, vectorised."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def recovery_error(estimates: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """The angle between estimates and truth: the field's usual measure.

    Agrees with :func:`awbkit.colour.illuminant.angular_error`. At small angles the arc tangent of sine and cosine stays
    precise, where the arc cosine loses half of its digits.

    Reference: S. D. Hordley and G. D. Finlayson, Reevaluation of color constancy algorithm performance, JOSA A 23(5),
    2006.

    Args:
        estimates: (..., 3), RGB on any scale.
        truth: (..., 3), likewise; broadcast against the estimates.

    Returns:
        float64 (...), degrees from 0 to 180; NaN where the estimate is NaN.
    """
    a = np.asarray(estimates, dtype=np.float64)
    b = np.asarray(truth, dtype=np.float64)
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.degrees(np.arctan2(cross, np.sum(a * b, axis=-1))))


def reproduction_error(estimates: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """The angle between a white surface after the correction and neutral.

    Unlike the recovery error it does not depend on the colour of the light: it measures the remaining cast only.

    Reference: G. D. Finlayson and R. Zakizadeh, Reproduction angular error: an improved performance metric for
    illuminant estimation, BMVC 2014.

    Args:
        estimates: (..., 3), RGB on any scale, every component positive.
        truth: (..., 3), likewise; broadcast against the estimates.

    Returns:
        float64 (...), degrees from 0 to 54.74; NaN where the estimate is NaN.
    """
    white = np.asarray(truth, dtype=np.float64) / np.asarray(estimates, dtype=np.float64)
    return recovery_error(white, np.ones(3))
