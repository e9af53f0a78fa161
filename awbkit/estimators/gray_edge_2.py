"""Second-order gray-edge: the mean curvature of a scene's colours is grey."""

from __future__ import annotations

import math
from typing import Annotated

from awbkit.colour.image import LinearImage
from awbkit.estimators._filters import NormalisedGaussian
from awbkit.estimators._pixels import FloatArray, scaled
from awbkit.estimators.gray_edge import CITATION as CITATION
from awbkit.estimators.gray_edge import norm_of_edges
from awbkit.estimators.parameter import Range


def gray_edge_2(
    image: LinearImage,
    *,
    p: Annotated[float, Range(1, math.inf, "Minkowski norm; inf is the maximum")] = 3.0,
    sigma: Annotated[float, Range(0.3, 100, "scale of the Gaussian derivative, in pixels")] = 0.5,
) -> FloatArray:
    """The Minkowski norm of the second derivatives (van de Weijer et al. 2007).

    The derivatives of a pixel are put together by the Frobenius norm of their matrix, so that a turned picture has
    the same answer.

    Args:
        image: Linear image; valid pixels only are seen, and filtered with valid pixels only.
        p: The order of the norm.
        sigma: The scale of the derivative.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale. Where a channel has no
        edge at all, the mean of the pixels: a flat picture's answer is its own colour.

    Raises:
        AwbError: If no pixel is valid.
    """
    return norm_of_edges(image, NormalisedGaussian(scaled(image), image.valid, sigma).curvature(), p)
