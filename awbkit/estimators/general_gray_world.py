"""General gray-world: shades of gray after smoothing, which takes noise and highlights of a few pixels away."""

from __future__ import annotations

import math
from typing import Annotated

from awbkit.colour.image import LinearImage
from awbkit.estimators._filters import NormalisedGaussian
from awbkit.estimators._pixels import FloatArray, minkowski_norm, scale_image
from awbkit.estimators.parameter import Range

CITATION = (
    "J. van de Weijer, T. Gevers and A. Gijsenij, Edge-based color constancy, "
    "IEEE Transactions on Image Processing 16(9), 2007, DOI 10.1109/TIP.2007.901808"
)


def general_gray_world(
    image: LinearImage,
    *,
    p: Annotated[float, Range(1, math.inf, "Minkowski norm; inf is the maximum")] = 5.0,
    sigma: Annotated[float, Range(0, 100, "standard deviation of the Gaussian, in pixels")] = 0.5,
) -> FloatArray:
    """The Minkowski norm of the smoothed pixels (van de Weijer et al. 2007).

    Args:
        image: Linear image; only valid pixels count, and are smoothed only with valid ones.
        p: The order of the norm.
        sigma: The scale of the smoothing; with 0 the method is shades of gray.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale.

    Raises:
        AwbError: If no pixel is valid.
    """
    return minkowski_norm(NormalisedGaussian(scale_image(image), image.valid, sigma).smooth(), p)
