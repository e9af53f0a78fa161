"""What the estimators share: the valid pixels of an image, and the Minkowski norm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError

FloatArray = NDArray[np.float64]


def scale_image(image: LinearImage) -> FloatArray:
    """The image with its largest valid value at 1 and all that is not valid at 0.

    Powers and products of it can neither overflow nor depend on the exposure.

    Args:
        image: Any image.

    Returns:
        float64 (H, W, 3).

    Raises:
        AwbError: If no pixel is valid, or all that are valid are black.
    """
    if not image.valid.any():
        raise AwbError("no valid pixel: every pixel is clipped, black or masked")
    pixels = np.where(image.valid[..., None], image.pixels, np.float32(0)).astype(np.float64)
    largest = pixels.max()
    if not largest > 0:
        raise AwbError("no light: every valid pixel is black")
    return np.asarray(pixels / largest)


def valid_pixels(image: LinearImage) -> FloatArray:
    """The valid pixels in reading order, scaled so that the largest value is 1.

    Args:
        image: Any image.

    Returns:
        float64 (N, 3), N >= 1, every value in (0, 1].

    Raises:
        AwbError: If no pixel is valid.
    """
    return scale_image(image)[image.valid]


def minkowski_norm(values: FloatArray, p: float) -> FloatArray:
    """The normalised Minkowski norm, (mean of values ** p) ** (1 / p), of each column.

    Args:
        values: (N, C), not negative.
        p: 1 is the mean, infinity the maximum.

    Returns:
        (C,).
    """
    # Relative to the maximum, no power can overflow, and whatever underflows is too small to count.
    largest = values.max(axis=0)
    if np.isinf(p):
        return np.asarray(largest)
    relative = np.divide(values, largest, out=np.zeros_like(values), where=largest > 0)
    return np.asarray(largest * np.power(relative, p).mean(axis=0) ** (1 / p))
