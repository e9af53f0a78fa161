"""Levels and masks of the Cube data sets, which share their cameras, black level and grey target."""

from __future__ import annotations

import numpy as np

from awbkit.colour.camera import Camera
from awbkit.colour.image import CLIP, LinearImage
from awbkit.datasets.originals import original_codes
from awbkit.datasets.pixels import linear_thumbnail
from awbkit.store.source import Source

BLACK = 2048
WHITE = 2**14 - 1
"""The greatest number of 14 bits; where a picture clips depends on its ISO speed and lies somewhat lower."""

TARGET = {(2601, 1732): (1050, 2050), (2592, 1728): (728, 1892), (648, 432): (182, 473)}
"""First row and column of the lower right corner that holds the SpyderCube, by the picture's width and height:
Cube and Cube+, Cube++, SimpleCube++."""


def load_cube(source: Source, name: str, camera: str, *sizes: tuple[int, int]) -> LinearImage:
    """One picture of a Cube data set, reduced, its target masked.

    Where a picture clips is not stated; the picture's own greatest number is taken for it, which is right wherever
    anything clips, and a margin of 2 % of the way down to black.

    Args:
        source: Where it is.
        name: Its file there.
        camera: What took it.
        sizes: Width and height that it may have, keys of :data:`TARGET`.

    Raises:
        UnreadableFile: If it is damaged.
        UnsupportedImage: If it is no original.
    """
    codes = original_codes(source, name, sizes)
    top, left = TARGET[codes.shape[1], codes.shape[0]]
    masked = np.zeros(codes.shape[:2], np.bool_)
    masked[top:, left:] = True
    clip = BLACK + CLIP * max(0, int(codes.max()) - BLACK)
    return linear_thumbnail(codes, Camera(camera), black=BLACK, white=WHITE, clip=clip, masked=masked)
