"""Gaps: zeros where a broken copy or a failing disk has lost a part of a file that still decodes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import warn
from awbkit.files.ifd import map_file

_ROWS = 0.25
_SAMPLES = 64
_PARTS = 32
_MIN_LENGTH = 256
COPY_AGAIN = "the file is damaged or was not copied in full; copy it again from its source"
_REMEDY = "look at the picture, and copy the file again if a part is missing"


def warn_of_zero_rows(path: str | os.PathLike[str], pixels: NDArray[Any]) -> None:
    """Warn where at least a quarter of the rows are exactly zero in one channel; a file may store channels apart.

    Args:
        path: The file.
        pixels: Stored numbers of all rows or an even sample of them, (H, W) of a sensor or (H, W, 3 or 4); rows whose
            alpha is zero throughout hold no picture and do not count.
    """
    height = len(pixels)
    colours = (pixels[..., :3] if pixels.ndim == 3 else pixels).reshape(height, pixels.shape[1], -1)
    # Few rows begin with a sample of zeros, and the others need not be read.
    empty = np.all(colours[:, :: max(pixels.shape[1] // _SAMPLES, 1)] == 0, axis=1)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        empty &= (pixels[..., 3:] != 0).any(axis=1)
    for channel in range(empty.shape[1]):
        rows = np.flatnonzero(empty[:, channel])
        empty[rows, channel] = (colours[rows, :, channel] == 0).all(axis=1)
    if empty.sum(axis=0).max(initial=0) >= max(_ROWS * height, 1):
        warn(path, "a quarter or more of its rows are exactly zero, as where a copy broke off", _REMEDY)


def warn_of_zero_bytes(path: str | os.PathLike[str]) -> None:
    """Warn where at least a sixteenth of a file is one stretch of zero bytes, which no entropy coder writes.

    Raises:
        OSError: The file cannot be read.
    """
    with map_file(path) as data:
        part = max(len(data) // _PARTS, _MIN_LENGTH)
        blank = bytes(part)
        # A stretch of twice the length covers one of these parts whole, wherever it begins.
        found = any(data[start : start + part] == blank for start in range(0, len(data) - part + 1, part))
    if found:
        warn(path, "has a long stretch of zero bytes among its pixels, as where a copy broke off", _REMEDY)
