"""Gray-world: the mean of a scene's surfaces is grey, so the mean of its image is the colour of the light."""

from __future__ import annotations

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.estimators._pixels import FloatArray, valid_pixels

CITATION = (
    "G. Buchsbaum, A spatial processor model for object colour perception, "
    "Journal of the Franklin Institute 310(1), 1980, DOI 10.1016/0016-0032(80)90058-7"
)


def gray_world(image: LinearImage) -> FloatArray:
    """The mean of the pixels (Buchsbaum 1980).

    Args:
        image: Linear image; only valid pixels count.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale.

    Raises:
        AwbError: If no pixel is valid.
    """
    return np.asarray(valid_pixels(image).mean(axis=0))
