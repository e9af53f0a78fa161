"""Luminance and colour differences in a TIFF (TIFF 6.0, section 21).

libvips takes them for RGB where the differences are not subsampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from awbkit.files.ifd import Tiff, map_file

if TYPE_CHECKING:
    import pyvips

_COEFFICIENTS, _REFERENCES = 529, 532
_RATIONAL = 5
_BT601 = (0.299, 0.587, 0.114)
_FULL_RANGE = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)
_FULL_SCALE = (255, 127, 127)


def to_rgb(image: pyvips.Image, path: str, offset: int) -> pyvips.Image:
    """RGB of an image of 8-bit Y, Cb and Cr.

    Args:
        image: As the file stores it.
        path: The file, for the coefficients and reference levels that it states.
        offset: Of the directory of the image.

    Raises:
        OSError: The file cannot be read.
        ValueError: The directory does not lie in the file.
    """
    with map_file(path) as data:
        tiff = Tiff(data)
        red, green, blue = _rationals(tiff, offset, _COEFFICIENTS, _BT601)
        levels = _rationals(tiff, offset, _REFERENCES, _FULL_RANGE)
    black, white = np.array(levels[::2]), np.array(levels[1::2])
    scale = np.array(_FULL_SCALE) / np.where(white == black, 1, white - black)
    of_red, of_blue = 2 - 2 * red, 2 - 2 * blue
    matrix = [[1, 0, of_red], [1, -blue * of_blue / green, -red * of_red / green], [1, of_blue, 0]]
    colours = image.linear(scale.tolist(), (-black * scale).tolist()).recomb(matrix)
    return colours.rint().cast("uchar").copy(interpretation="srgb")


def _rationals(tiff: Tiff, offset: int, tag: int, usual: tuple[float, ...]) -> tuple[float, ...]:
    """The values of a field; the usual ones where it is absent or makes no sense."""
    entry = tiff.ifd(offset).entries.get(tag)
    if entry is None or entry.kind != _RATIONAL or entry.values != len(usual):
        return usual
    numbers = np.frombuffer(tiff.bytes_of(entry), dtype=f"{tiff.order}u4").astype(float)
    if (numbers[1::2] == 0).any():
        return usual
    values = numbers[::2] / numbers[1::2]
    return tuple(values.tolist()) if len(usual) != len(_BT601) or (values > 0).all() else usual
