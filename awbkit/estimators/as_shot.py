"""As shot: no estimate at all, but the white that the camera itself chose."""

from __future__ import annotations

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError
from awbkit.estimators._pixels import FloatArray

CITATION = "Adobe Systems, Digital Negative (DNG) Specification, version 1.7, 2023, tag AsShotNeutral"


def as_shot(image: LinearImage) -> FloatArray:
    """The white that the camera chose, as its file says.

    Args:
        image: Linear image; the pixels are not looked at.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB. A rendered file is balanced already: (1, 1, 1).

    Raises:
        AwbError: If the image is in camera RGB and the file does not say.
    """
    if image.camera.space == "linear-srgb":
        return np.ones(3)
    if image.camera.as_shot is None:
        raise AwbError("the file does not say which white the camera chose; use another --method than as-shot")
    return np.asarray(image.camera.as_shot, dtype=np.float64)
