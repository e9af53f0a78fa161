"""Shades of gray: the Minkowski norm of a scene's surfaces is grey.

One parameter leads from gray-world (p = 1) to white-patch (p = infinity).
"""

from __future__ import annotations

import math
from typing import Annotated

from awbkit.colour.image import LinearImage
from awbkit.estimators._pixels import FloatArray, minkowski_norm, valid_pixels
from awbkit.estimators.parameter import Range

CITATION = (
    "G. D. Finlayson and E. Trezzi, Shades of gray and colour constancy, "
    "IS&T/SID Twelfth Color Imaging Conference, 2004, pages 37-41"
)


def shades_of_gray(
    image: LinearImage,
    *,
    p: Annotated[float, Range(1, math.inf, "Minkowski norm; 1 is gray-world, inf white-patch")] = 5.0,
) -> FloatArray:
    """The Minkowski norm of the pixels (Finlayson and Trezzi 2004).

    Args:
        image: Linear image; only valid pixels count.
        p: The order of the norm.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale.

    Raises:
        AwbError: If no pixel is valid.
    """
    return minkowski_norm(valid_pixels(image), p)
