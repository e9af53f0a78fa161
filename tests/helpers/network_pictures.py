"""Pictures for the tests of the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import LinearImage

Array = NDArray[Any]


def picture(seed: int, *, share_valid: float = 1.0, colour: float = 0.4) -> LinearImage:
    """64 x 64 pixels: surfaces in blocks of many sizes and colours, shaded, log-uniform over five stops."""
    rng = np.random.default_rng(seed)
    pixels = np.ones((64, 64, 3))
    for size in (32, 16, 8, 4):
        side = 64 // size
        patches = np.exp(rng.normal(size=(side, side, 3)) * colour + rng.normal(size=(side, side, 1)) * 0.5)
        pixels *= np.kron(patches, np.ones((size, size, 1)))
    pixels *= np.exp(rng.normal(size=(64, 64, 1)) * 0.1)
    valid = rng.random((64, 64)) < share_valid
    return LinearImage((pixels / pixels.max()).astype(np.float32), valid)


def under(image: LinearImage, gains: Any) -> LinearImage:
    """The picture with its channels multiplied by gains."""
    return LinearImage(image.pixels * np.asarray(gains, np.float32), image.valid, image.camera)
