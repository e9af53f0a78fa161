"""Raw files developed by LibRaw at full quality, with the corrected light's multipliers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.orientation import displayed_size
from awbkit.correction.cat import camera_to_srgb_matrix
from awbkit.correction.von_kries import Correction
from awbkit.errors import UnsupportedImage
from awbkit.files.encoding import linear_to_srgb
from awbkit.files.extents import unusual_filters
from awbkit.files.memory_fill import filled_memory
from awbkit.files.raw import RawPhoto, libraw

if TYPE_CHECKING:
    import rawpy

_ROWS = 128
_RECODE = "convert it to a linear DNG first"
_SRGB_GAMMA = (2.4, 12.92)
# LibRaw takes the brightest sample for the white level if it reaches this share of it. Some sensors saturate a little
# under their declared white, hence not 1; its own 0.75 would brighten pictures by what happens to be in them.
_SATURATION = 0.95


def develop(
    photo: RawPhoto, correction: Correction, *, bits: int, auto_bright: bool = False, half_size: bool = False
) -> NDArray[Any]:
    """The picture in sRGB (AHD or X-Trans demosaicing), turned upright.

    Args:
        photo: The raw file.
        correction: In this camera's RGB. Gains go to LibRaw as multipliers; with a chromatic adaptation transform,
            LibRaw balances and demosaics in camera RGB and the transform follows.
        bits: 8 or 16.
        auto_bright: Stretch until 1 % of the pixels are white.
        half_size: Make one pixel of each 2 x 2 samples and interpolate none, which is quick.

    Returns:
        (height, width, 3) uint8 or uint16, without the margins that a DNG crops. What clips in the sensor comes out
        white, whatever the gains.

    Raises:
        UnreadableFile: If the raw data is damaged.
        UnsupportedImage: If LibRaw cannot demosaic this sensor.
        UsageError: If a chromatic adaptation is asked for and the camera has no matrix.
    """
    import rawpy

    if unusual_filters(photo.path) is not None:
        raise UnsupportedImage(photo.path, "has a pattern of colour filters that LibRaw cannot develop", _RECODE)
    red, green, blue = (float(gain) for gain in correction.gains)
    options: dict[str, Any] = {
        "user_wb": [red, green, blue, green],
        "no_auto_bright": not auto_bright,
        "adjust_maximum_thr": _SATURATION,
        "half_size": half_size,
    }
    with libraw(photo.path) as raw, filled_memory():
        if raw.num_colors < 3:
            raise UnsupportedImage(photo.path, "measures fewer than three colours", "leave it out")
        if correction.cat is None:
            return _cut_out(photo, raw.postprocess(output_bps=bits, gamma=_SRGB_GAMMA, **options), raw.sizes)
        matrix = _balanced_to_srgb(correction)
        developed = raw.postprocess(output_bps=16, gamma=(1, 1), output_color=rawpy.ColorSpace.raw, **options)
        balanced = _cut_out(photo, developed, raw.sizes)
    result = np.empty(balanced.shape, np.uint8 if bits == 8 else np.uint16)
    for row in range(0, len(balanced), _ROWS):
        linear = (balanced[row : row + _ROWS] / np.float32(65535)) @ matrix.T
        result[row : row + _ROWS] = np.rint(linear_to_srgb(np.clip(linear, 0, 1)) * ((1 << bits) - 1))
    return result


def _cut_out(photo: RawPhoto, pixels: NDArray[Any], sizes: rawpy.ImageSizes) -> NDArray[Any]:
    """The picture, from all that LibRaw has developed at full or half size and turned upright."""
    if photo.frame is None:
        return pixels
    stored = (sizes.width, sizes.height)
    frame = photo.frame.to_displayed(*stored, photo.orientation)
    width, _ = displayed_size(*stored, photo.orientation)
    step = 2 if pixels.shape[1] < width else 1
    top, left, bottom, right = (
        side // step for side in (frame.y, frame.x, frame.y + frame.height, frame.x + frame.width)
    )
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _balanced_to_srgb(correction: Correction) -> NDArray[np.float32]:
    """The 3x3 from camera RGB balanced for the light to linear sRGB; white (1, 1, 1) stays at full scale."""
    light = correction.light
    matrix = camera_to_srgb_matrix(light.rgb, light.camera, str(correction.cat)) @ np.diag(light.rgb)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True), dtype=np.float32)
