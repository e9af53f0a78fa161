"""PCA of the darkest and the brightest pixels.

The bright and the dark pixels of a scene, seen along the mean colour, say more of the light than those in between; the
line from black that passes closest to them points to it.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.estimators._pixels import FloatArray, valid_pixels
from awbkit.estimators.parameter import Range

CITATION = (
    "D. Cheng, D. K. Prasad and M. S. Brown, Illuminant estimation for color constancy: why spatial-domain methods "
    "work and the role of the color distribution, JOSA A 31(5), 2014, DOI 10.1364/JOSAA.31.001049"
)


def pca(
    image: LinearImage,
    *,
    percent: Annotated[float, Range(0, 50, "share of the pixels taken at each end, in percent")] = 3.5,
) -> FloatArray:
    """First principal component of the darkest and brightest pixels (Cheng et al. 2014).

    Pixels are ordered by their projection on the mean colour. The component is that of the second moments about black,
    not about the mean.

    Args:
        image: Linear image; only valid pixels count.
        percent: At least one pixel is taken at each end, and all that equal the last.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale.

    Raises:
        AwbError: If no pixel is valid.
    """
    pixels = valid_pixels(image)
    projection = pixels @ pixels.mean(axis=0)
    count = max(1, math.ceil(len(pixels) * percent / 100))
    places = (count - 1, len(pixels) - count)
    dark, bright = np.partition(projection, places)[list(places)]
    ends = pixels[(projection <= dark) | (projection >= bright)]
    component = np.linalg.eigh(ends.T @ ends)[1][:, -1]
    # Positive pixels have a positive first component; rounding may hide that where a channel is next to nothing.
    return np.asarray(np.maximum(np.abs(component), np.finfo(np.float64).tiny))
