"""Gray index: find the grey pixels by how little their colour changes where their brightness does, and average them.

Under the dichromatic reflection model, shading and highlights on a grey surface scale all channels alike, so the local
contrast of log R, of log B and of the logarithm of the brightness are equal there, whatever the light.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.estimators._filters import NormalisedGaussian
from awbkit.estimators._pixels import FloatArray, scale_image
from awbkit.estimators.parameter import Range

CITATION = "Y. Qian, J.-K. Kämäräinen, J. Nikkanen and J. Matas, On finding gray pixels, CVPR 2019, arXiv:1901.03198"


def gray_index(
    image: LinearImage,
    *,
    percent: Annotated[float, Range(0, 100, "share of the pixels taken as grey, in percent")] = 1.0,
    sigma: Annotated[float, Range(0.3, 100, "scale of the local contrast, in pixels")] = 0.5,
    contrast: Annotated[float, Range(0, math.inf, "least contrast of log brightness that tells anything")] = 0.1,
) -> FloatArray:
    """The mean of the greyest pixels (Qian et al. 2019).

    A pixel's gray index is the length of the gradients of log(R / (R + G + B)) and log(B / (R + G + B)), put together:
    0 for grey. Pixels where brightness does not change either, say nothing and are left out. The paper's mean-shift for
    several lights is not part of this.

    Args:
        image: Linear image; only valid pixels count, and are filtered only with valid ones.
        percent: Share of the valid pixels; at least one is taken, and all that are as grey as the last.
        sigma: The scale of the Gaussian derivative.
        contrast: Length of the gradient of log brightness, per pixel.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale. Where nothing has that
        much contrast, the mean of the pixels: a flat picture's answer is its own colour.

    Raises:
        AwbError: If no pixel is valid.
    """
    whole = scale_image(image)
    pixels = whole[image.valid]
    brightness = pixels.sum(axis=1)
    logs = np.zeros_like(whole)
    logs[image.valid] = np.log(np.stack([pixels[:, 0] / brightness, pixels[:, 2] / brightness, brightness], axis=1))
    red, blue, shading = NormalisedGaussian(logs, image.valid, sigma).gradient().T
    telling = np.flatnonzero(shading > contrast)
    if len(telling) == 0:
        return np.asarray(pixels.mean(axis=0))
    count = min(max(1, math.ceil(len(pixels) * percent / 100)), len(telling))
    index = np.hypot(red, blue)[telling]
    greyest = telling[index <= np.partition(index, count - 1)[count - 1]]
    return np.asarray(pixels[greyest].mean(axis=0))
