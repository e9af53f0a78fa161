"""White-patch: the brightest value of each channel comes from a surface that reflects all of it.

Land's Retinex takes the maximum, which a single hot pixel or speck of coloured light decides; the percentile is the
usual remedy. Only unclipped pixels can be trusted, and valid pixels are that.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.estimators._pixels import FloatArray, valid_pixels
from awbkit.estimators.parameter import Range

CITATION = (
    "E. H. Land, The retinex theory of color vision, Scientific American 237(6), 1977, "
    "DOI 10.1038/scientificamerican1277-108"
)


def white_patch(
    image: LinearImage,
    *,
    percentile: Annotated[float, Range(50, 100, "percentile of each channel; 100 is the maximum")] = 99.5,
) -> FloatArray:
    """A high percentile of each channel (Land 1977).

    Args:
        image: Linear image; only valid pixels count.
        percentile: Between values, the percentile is interpolated.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale.

    Raises:
        AwbError: If no pixel is valid.
    """
    pixels = valid_pixels(image)
    position = (len(pixels) - 1) * percentile / 100
    below, above = math.floor(position), math.ceil(position)
    ordered = np.partition(pixels, (below, above), axis=0)
    return np.asarray(ordered[below] + (position - below) * (ordered[above] - ordered[below]))
