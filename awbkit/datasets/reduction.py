"""A photograph averaged down to some 500 pixels, with a mask of clipped and dark pixels.

At this size noise, demosaicing and a misregistration by one original pixel are harmless, and a picture of 24 megapixels
takes a few megabytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.pixels import all_channels
from awbkit.errors import UsageError

SIDE = 512
"""Target of the longer side, which is divided by the best whole number."""

LEAST_SIDE = 16
"""Least shorter side of a picture to compare."""

CLIP_LEVEL = 0.95
"""Level from which a channel counts as clipped: tone curves and sharpening bend below the white level."""

DARK_LEVEL = 0.02
"""Least level of the brightest channel; below it noise and flare outweigh the light."""

_CLIPPED_SHARE = 0.02
"""Greatest share of clipped pixels in a mean, which they would shift towards white."""


@dataclass(frozen=True, eq=False)
class Reduction:
    """A linear picture, averaged over areas.

    Attributes:
        pixels: float32 (h, w, 3), linear, 1.0 = white level.
        usable: bool (h, w), False where pixels are clipped, not finite, or dark.
        height: Rows of the original.
        width: Columns of the original.
    """

    pixels: NDArray[np.float32]
    usable: NDArray[np.bool_]
    height: int
    width: int

    @classmethod
    def of(cls, picture: NDArray[Any], light: NDArray[np.float32] | None = None) -> Reduction:
        """Reduce a picture strip by strip, without a linear copy of the whole.

        Args:
            picture: (H, W, 3): linear floating point, 1.0 = white level, or with ``light`` the codes of a file.
            light: The linear light of each code, 1.0 = white level.

        Raises:
            UsageError: If the array has another shape or type, or is smaller than 16 x 16.
        """
        if light is None and not np.issubdtype(picture.dtype, np.floating):
            raise UsageError(f"pixels must be linear floating point with the white level at 1, not {picture.dtype}")
        if picture.ndim != 3 or picture.shape[2] != 3:
            raise UsageError(f"pixels must have the shape (height, width, 3), not {picture.shape}")
        height, width = picture.shape[:2]
        if min(height, width) < LEAST_SIDE:
            raise UsageError(f"a picture of {width} x {height} pixels is too small to compare; it needs {LEAST_SIDE}")
        step = max(1, round(max(height, width) / SIDE))
        rows, columns = edges(height, round(height / step)), edges(width, round(width / step))
        shape = len(rows) - 1, len(columns) - 1
        total = np.empty((*shape, 3), np.float32)
        bad = np.empty(shape, np.float32)
        for row, (top, bottom) in enumerate(pairwise(rows)):
            strip = picture[top:bottom]
            linear = strip.astype(np.float32) if light is None else np.take(light, strip)
            # In this form a NaN counts as out of range.
            within = all_channels(linear <= CLIP_LEVEL)
            if light is None and not within.all():
                linear = np.nan_to_num(linear, nan=0.0, posinf=1.0, neginf=0.0)
            total[row] = np.add.reduceat(linear.sum(axis=0), columns[:-1], axis=0)
            bad[row] = np.add.reduceat((~within).sum(axis=0, dtype=np.float32), columns[:-1])
        area = (np.diff(rows)[:, None] * np.diff(columns)).astype(np.float32)
        pixels = total / area[..., None]
        usable = (bad <= _CLIPPED_SHARE * area) & (pixels.max(axis=2) >= DARK_LEVEL)
        return cls(pixels, usable, height, width)


def edges(length: int, parts: int) -> NDArray[np.intp]:
    """Bounds (parts + 1,) that divide ``length`` pixels into equal parts, to the whole pixel."""
    return np.arange(parts + 1) * length // parts
