"""Gaps: zeros where a broken copy or a failing disk has lost a part of a file that still decodes."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import warn
from awbkit.files.ifd import map_file

_ROWS = 0.25
# Tiles may be lost in the middle of a row of them.
_FULL_ROWS = 0.6
_SAMPLES = 64
_PARTS = 32
_MIN_LENGTH = 256
COPY_AGAIN = "the file is damaged or was not copied in full; copy it again from its source"
_FEW_STRAY_BYTES = 64
_REMEDY_FOR_COLOURS = "look at the picture, and copy the file again if its colours are wrong"
_REMEDY = "look at the picture, and copy the file again if a part is missing"


def warn_of_zero_rows(path: str | os.PathLike[str], pixels: NDArray[Any]) -> None:
    """Warn where at least a quarter of the rows are exactly zero in one channel; a file may store channels apart.

    Rows whose four channels are zero throughout are what is around a cut-out. They count where an opaque picture breaks
    off, as after the last row of a banner that has transparent rows below.

    Args:
        path: The file.
        pixels: Stored numbers of all rows or an even sample of them, (H, W) of a sensor or (H, W, 3 or 4).
    """
    height = len(pixels)
    colours = (pixels[..., :3] if pixels.ndim == 3 else pixels).reshape(height, pixels.shape[1], -1)
    # Few rows begin with a sample of zeros, and the others need not be read.
    empty = np.all(colours[:, :: max(pixels.shape[1] // _SAMPLES, 1)] == 0, axis=1)
    for channel in range(empty.shape[1]):
        rows = np.flatnonzero(empty[:, channel])
        empty[rows, channel] = (colours[rows, :, channel] == 0).all(axis=1)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        blank = np.flatnonzero(empty.all(axis=1))
        blank = blank[~pixels[blank, :, 3].any(axis=1)]
        if not _breaks_off(pixels, blank):
            empty[blank] = False
    if empty.sum(axis=0).max(initial=0) >= max(_ROWS * height, 1):
        warn(path, "a quarter or more of its rows are exactly zero, as where a copy broke off", _REMEDY)


def _breaks_off(pixels: NDArray[Any], blank: NDArray[np.intp]) -> bool:
    """Whether an opaque picture (H, W, 4) ends at its first blank row, and not a cut-out with rows of any shape."""
    if not len(blank) or blank[0] == 0 or blank[-1] - blank[0] >= len(blank):
        return False
    last = pixels[blank[0] - 1].any(axis=1)
    # What is lost of the last row is its end.
    if not last[0] or (np.diff(last.astype(np.int8)) > 0).any():
        return False
    others = np.delete(pixels, blank, axis=0) != 0
    return bool(np.mean(others.any(axis=2).all(axis=1)) >= _FULL_ROWS)


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


def warn_of_stray_bytes(path: str | os.PathLike[str]) -> None:
    """Warn of a JPEG in whose head a profile or other segments may be lost.

    Raises:
        OSError: The file cannot be read.
    """
    from awbkit.files.jpeg_scans import count_stray_bytes

    with map_file(path) as data, suppress(ValueError):
        number = count_stray_bytes(data)
        if number > _FEW_STRAY_BYTES:
            warn(path, f"has {number} stray bytes in its head, where a profile may be lost", _REMEDY_FOR_COLOURS)
