"""Bounds on the pixels and bytes that a file claims, checked before any memory is reserved for them."""

from __future__ import annotations

import os
from pathlib import Path

from awbkit.errors import UnsupportedImage, UsageError

MAX_PIXELS = 1 << 28
"""No camera makes larger pictures; a header that claims more is there to fill the memory."""

MAX_WHOLE_FILE = 1 << 30
"""Bytes of a file that is decoded from memory, as JPEGs are; cameras' own stay under a tenth of it."""

_MOST_PIXELS_PER_BYTE = 1 << 14
_ALWAYS_FINE = 1 << 26


def check_max_pixels(max_pixels: int | None) -> None:
    """Refuse a limit that no picture could keep.

    Raises:
        UsageError: If the limit is under 1.
    """
    if max_pixels is not None and max_pixels < 1:
        raise UsageError(f"max_pixels is at least 1, or None for no limit, not {max_pixels}")


def check_size(
    path: str | os.PathLike[str], width: int, height: int, max_pixels: int | None, size: int | None = None
) -> None:
    """Refuse a picture whose header claims more pixels than the limit, or than the file's bytes could hold.

    Args:
        path: The file.
        width: In pixels.
        height: In pixels.
        max_pixels: The limit; None for none.
        size: Bytes of the file; by default the system is asked.

    Raises:
        UnsupportedImage: If the picture is too large.
    """
    if max_pixels is None:
        return
    claim = f"{width} x {height} pixels"
    pixels = width * height
    if pixels > max_pixels:
        remedy = "raise --max-pixels (max_pixels in Python) if it is what it says"
        raise UnsupportedImage(path, f"claims {claim}, more than the limit of {max_pixels}", remedy)
    if pixels <= _ALWAYS_FINE:
        return
    size = Path(path).stat().st_size if size is None else size
    if pixels > size * _MOST_PIXELS_PER_BYTE:
        remedy = "lift the limit with --max-pixels 0 (max_pixels=None in Python) if it is a picture all the same"
        raise UnsupportedImage(path, f"claims {claim} in {size} bytes, which no photograph fits into", remedy)


def check_bytes(path: str | os.PathLike[str]) -> None:
    """Refuse a file too large to be decoded from memory.

    Raises:
        UnsupportedImage: If the file is too large.
    """
    size = Path(path).stat().st_size
    if size > MAX_WHOLE_FILE:
        problem = f"has {size >> 20} MiB, more than the {MAX_WHOLE_FILE >> 20} MiB of a picture in this format"
        raise UnsupportedImage(path, problem, "convert it to TIFF, which is read in pieces")
