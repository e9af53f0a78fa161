"""Levels and masks of the Cube data sets, which have the same cameras, black level and grey target."""

from __future__ import annotations

import numpy as np

from awbkit.colour.camera import Camera
from awbkit.colour.image import CLIP, LinearImage
from awbkit.datasets.originals import original_codes
from awbkit.datasets.pixels import linear_thumbnail
from awbkit.store.source import Source

BLACK = 2048
WHITE = 2**14 - 1
"""The greatest number of 14 bits; the clipping level of a picture depends on its ISO speed and is slightly lower."""

TARGET = {(2601, 1732): (1050, 2050), (2592, 1728): (728, 1892), (648, 432): (182, 473)}
"""First row and column of the corner with the SpyderCube, by the picture's width and height:
Cube and Cube+, Cube++, SimpleCube++."""


def load_cube(source: Source, name: str, camera: str, *sizes: tuple[int, int]) -> LinearImage:
    """Read one picture of a Cube data set, reduced, its target masked.

    The set does not state the clipping level. The picture's own maximum is used, which is right if any pixel clips,
    with a margin of 2 % of the way down to black.

    Args:
        source: The source.
        name: The picture's name in the source.
        camera: The camera.
        sizes: Allowed widths and heights, keys of :data:`TARGET`.

    Raises:
        UnreadableFile: If it is damaged.
        UnsupportedImage: If it is no original.
    """
    codes = original_codes(source, name, sizes)
    top, left = TARGET[codes.shape[1], codes.shape[0]]
    mask = np.zeros(codes.shape[:2], np.bool_)
    mask[top:, left:] = True
    clip = BLACK + CLIP * max(0, int(codes.max()) - BLACK)
    return linear_thumbnail(codes, Camera(camera), black=BLACK, white=WHITE, clip=clip, mask=mask)
