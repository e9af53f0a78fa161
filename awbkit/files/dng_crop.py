"""The part of a DNG's sensor data that is the picture; LibRaw hands out all that light reaches.

DefaultCropOrigin, DefaultCropSize and DefaultUserCrop: Adobe, "DNG Specification" 1.7.1.0, chapter 4.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from awbkit.errors import warn
from awbkit.files.dng_picture import DngPicture, main_pictures
from awbkit.files.ifd import map_file
from awbkit.files.photo import Region

if TYPE_CHECKING:
    import rawpy

_ORIGIN, _SIZE, _USER_CROP = 50719, 50720, 51125
_LEAST_SIDE = 24
_VISIBLE = 0.02


def read_crop(path: str | os.PathLike[str], sizes: rawpy.ImageSizes) -> Region | None:
    """The picture within what LibRaw hands out, in stored orientation; None where it is all of that.

    Warns of a picture that is notably smaller, but cannot be cut out: with pixels that are not square, or less than
    24 pixels wide or high.

    Args:
        path: The file.
        sizes: From LibRaw.

    Raises:
        OSError: The file cannot be read.
    """
    with map_file(path) as data:
        pictures = list(main_pictures(data))
        sides = _read_sides(pictures[0]) if len(pictures) == 1 else None
    if sides is None:
        return None
    top, left, bottom, right = sides
    top, bottom = (min(max(side - sizes.top_margin, 0), sizes.height) for side in (top, bottom))
    left, right = (min(max(side - sizes.left_margin, 0), sizes.width) for side in (left, right))
    if (top, left, bottom, right) == (0, 0, sizes.height, sizes.width):
        return None
    is_whole = (sizes.iheight, sizes.iwidth) == (sizes.height, sizes.width)
    if is_whole and min(bottom - top, right - left) >= _LEAST_SIDE:
        return Region(left, top, right - left, bottom - top)
    if bottom - top < (1 - _VISIBLE) * sizes.height or right - left < (1 - _VISIBLE) * sizes.width:
        warn(path, "states a default crop, which is not applied", "crop the output, if its margins matter")
    return None


def _read_sides(picture: DngPicture) -> tuple[int, int, int, int] | None:
    """Top, left, bottom and right of the default crop in the sensor data; None without a sound one."""
    origin, size, user = (picture.fractions(tag) for tag in (_ORIGIN, _SIZE, _USER_CROP))
    top, left, bottom, right = picture.active_area
    corner = np.array([top, left], dtype=float)
    extent = np.array([bottom - top, right - left], dtype=float)
    if len(size) == 2:
        corner += origin[::-1] if len(origin) == 2 else 0
        extent = size[::-1].copy()
    if len(user) == 4 and (user >= 0).all() and (user <= 1).all() and (user[:2] < user[2:]).all():
        corner, extent = corner + user[:2] * extent, (user[2:] - user[:2]) * extent
    sides = np.concatenate([corner, corner + extent])
    if not np.isfinite(sides).all() or not (extent >= 1).all() or not (np.abs(sides) < 1 << 31).all():
        return None
    top, left, bottom, right = (int(side) for side in np.rint(sides))
    return top, left, bottom, right
