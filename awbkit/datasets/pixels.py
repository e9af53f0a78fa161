"""From a data set's image file to the linear thumbnail that estimators see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from awbkit.camera import Camera
from awbkit.datasets.source import Source
from awbkit.image import LinearImage

CLIP = 0.98


def read_codes(source: Source, name: str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The numbers that an image file stores, (H, W, 3), without any colour management or rotation.

    PNG, TIFF (LZW, deflate or plain) and JPEG.

    Raises:
        UnreadableFile: If it is damaged.
        UnsupportedImage: If it has not three channels of 8 or 16 bits.
    """
    raise NotImplementedError


def linear_thumbnail(
    codes: NDArray[np.integer] | NDArray[np.floating],
    camera: Camera,
    *,
    black: float | Sequence[float] = 0,
    white: float,
    clip: float | None = None,
    masked: NDArray[np.bool_] | None = None,
) -> LinearImage:
    """The 64 x 64 mean of linear codes (H, W, 3), strip by strip, so that no float copy of the whole is made.

    Args:
        codes: Linear numbers as stored.
        camera: Where the RGB comes from.
        black: The number of no light, for all channels or each.
        white: The number of the white level, before black is subtracted.
        clip: The number from which a channel counts as clipped; by default 0.98 of the way from black to white.
        masked: (H, W), True where nothing may be looked at, such as the colour chart.
    """
    raise NotImplementedError


def srgb_thumbnail(codes: NDArray[np.uint8], masked: NDArray[np.bool_] | None = None) -> LinearImage:
    """The same of 8-bit sRGB, in linear sRGB."""
    raise NotImplementedError
