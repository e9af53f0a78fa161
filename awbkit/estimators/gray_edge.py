"""Gray-edge: the mean difference between neighbouring surfaces is grey; of the second order, their mean curvature."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.estimators._filters import NormalisedGaussian
from awbkit.estimators._pixels import FloatArray, minkowski_norm, scale_image, valid_pixels
from awbkit.estimators.parameter import Range

CITATION = (
    "J. van de Weijer, T. Gevers and A. Gijsenij, Edge-based color constancy, "
    "IEEE Transactions on Image Processing 16(9), 2007, DOI 10.1109/TIP.2007.901808"
)

FLAT = 1e-6
"""Edges weaker than this share of the pixels are the rounding of float32 pixels, not edges."""


def gray_edge(
    image: LinearImage,
    *,
    p: Annotated[float, Range(1, math.inf, "Minkowski norm; inf is the maximum")] = 3.0,
    sigma: Annotated[float, Range(0.3, 100, "scale of the Gaussian derivative, in pixels")] = 0.5,
) -> FloatArray:
    """The Minkowski norm of the gradient (van de Weijer et al. 2007).

    Args:
        image: Linear image; only valid pixels count, and are filtered only with valid ones.
        p: The order of the norm.
        sigma: The scale of the derivative.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale. Where a channel has no
        edge at all, the mean of the pixels: a flat picture's answer is its own colour.

    Raises:
        AwbError: If no pixel is valid.
    """
    return _norm_of_edges(image, NormalisedGaussian(scale_image(image), image.valid, sigma).gradient(), p)


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
        image: Linear image; only valid pixels count, and are filtered only with valid ones.
        p: The order of the norm.
        sigma: The scale of the derivative.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale. Where a channel has no
        edge at all, the mean of the pixels: a flat picture's answer is its own colour.

    Raises:
        AwbError: If no pixel is valid.
    """
    return _norm_of_edges(image, NormalisedGaussian(scale_image(image), image.valid, sigma).curvature(), p)


def _norm_of_edges(image: LinearImage, edges: FloatArray, p: float) -> FloatArray:
    """The Minkowski norm of ``edges`` (N, 3), or the mean of the pixels where a channel has none."""
    mean = valid_pixels(image).mean(axis=0)
    norm = minkowski_norm(edges, p)
    return norm if np.all(norm > FLAT * mean) else mean
