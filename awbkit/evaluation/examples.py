"""The examples that a method is fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled images in one RGB space, columns of equal length N >= 1.

    Attributes:
        features: float64 (N, F), the method's features of each image.
        lights: float64 (N, 3), the true illuminants, unit length.
        whites: float64 (N, 3), the divisors of each image's RGB; ones in a camera's own RGB. Errors are measured in the
            camera's own RGB.
        scenes: (N,) number of each image's scene.
    """

    features: NDArray[np.float64]
    lights: NDArray[np.float64]
    whites: NDArray[np.float64]
    scenes: NDArray[np.intp]
