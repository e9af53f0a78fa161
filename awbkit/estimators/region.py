"""The light from a region that is known to be grey: a gray card, a white wall, the user's rectangle."""

from __future__ import annotations

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.estimators._pixels import FloatArray, valid_pixels

TRIM = 0.25
"""The share of the pixels left out, those farthest from the median colour."""


def gray_card(image: LinearImage) -> tuple[FloatArray, float]:
    """The colour of a region, whatever its brightness, and how uniform it is.

    The colour is a trimmed mean: of the three quarters of the pixels whose chromaticity is closest to the median
    chromaticity, so that dust, a frame or a finger within the rectangle does not pull it.

    The spread is the interquartile range, third minus first quartile, of the angle in degrees between each valid pixel
    and the answer, counted with its sign along the direction in which the colours differ most. (Without the sign, a
    region of two colours in equal parts, all as far from their mean, would pass for uniform.) One colour has a spread
    of 0 under whatever shading, a card with noise some tenths of a degree, a rectangle that caught other colours
    several degrees; fewer than a quarter of the pixels do not show.

    Args:
        image: The region only; only valid pixels count.

    Returns:
        float64 (3,): the light's RGB, positive, its components' sum 1; and the spread in degrees.

    Raises:
        AwbError: If no pixel is valid.
    """
    pixels = valid_pixels(image)
    chromaticity = pixels / pixels.sum(axis=1, keepdims=True)
    distance = np.linalg.norm(chromaticity - np.median(chromaticity, axis=0), axis=1)
    kept = max(1, round(len(pixels) * (1 - TRIM)))
    rgb = chromaticity[np.argsort(distance, kind="stable")[:kept]].mean(axis=0)
    return np.asarray(rgb), _spread(chromaticity, rgb)


def _spread(chromaticity: FloatArray, rgb: FloatArray) -> float:
    """Interquartile range, in degrees, of the signed angles between the rows of ``chromaticity`` and ``rgb``."""
    centre = rgb / np.linalg.norm(rgb)
    along = chromaticity @ centre
    across = chromaticity - along[:, None] * centre
    length = np.linalg.norm(across, axis=1)
    angle = np.degrees(np.arctan2(length, along))
    turned = across * np.divide(angle, length, out=np.zeros_like(length), where=length > 0)[:, None]
    direction = np.linalg.eigh(turned.T @ turned)[1][:, -1]
    first, third = np.percentile(turned @ direction, (25, 75))
    return float(third - first)
