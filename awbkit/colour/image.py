"""What estimators see: linear pixels, which of them to trust, and the camera they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.errors import UsageError

THUMBNAIL_SIZE = 64

# The sun's disc and starlight lie within these limits; beyond them sums and products overflow.
_LEAST_LIGHT, _MOST_LIGHT = np.float32(1e-12), np.float32(1e12)

CLIP = 0.98
"""Share of the range from black to white level from which a linear sample counts as clipped, unless a data set's
authors published another."""


@dataclass(frozen=True, eq=False)
class LinearImage:
    """Scene-linear pixels in one camera's RGB.

    Attributes:
        pixels: float32 (H, W, 3), black level subtracted, 1.0 = white level.
        valid: bool (H, W); False where a channel is clipped, at or under black, or masked. Estimators see
            valid pixels only.
        camera: Where the RGB comes from; linear sRGB for rendered files.
    """

    pixels: NDArray[np.float32]
    valid: NDArray[np.bool_]
    camera: Camera = field(default=LINEAR_SRGB)

    def __repr__(self) -> str:
        height, width = self.valid.shape
        return f"<LinearImage {width} x {height}, {self.camera.space}, {self.valid.mean():.0%} valid>"

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise UsageError(f"pixels must have the shape (height, width, 3), not {self.pixels.shape}")
        if self.valid.shape != self.pixels.shape[:2]:
            raise UsageError(f"valid must have the shape {self.pixels.shape[:2]}, not {self.valid.shape}")

    @classmethod
    def from_array(
        cls,
        pixels: NDArray[np.floating],
        valid: NDArray[np.bool_] | None = None,
        camera: Camera = LINEAR_SRGB,
        clip: float = CLIP,
    ) -> LinearImage:
        """An image from any linear array.

        Args:
            pixels: (H, W, 3), linear, black at 0, white level at 1.
            valid: (H, W); by default every pixel whose channels all lie above 0 and under ``clip``. A pixel with a
                channel that is not finite or not between 1e-12 and 1e12 is never valid.
            camera: Where the RGB comes from.
            clip: The level, as a share of the white level, at which a channel counts as clipped.

        Raises:
            UsageError: If the array has another shape, or holds whole numbers, whose encoding and white level are
                unknown.
        """
        kind = np.asarray(pixels).dtype
        if not np.issubdtype(kind, np.floating):
            raise UsageError(f"pixels must be linear floating point with the white level at 1, not {kind} numbers")
        with np.errstate(over="ignore"):
            linear = np.ascontiguousarray(pixels, dtype=np.float32)
        if linear.ndim != 3 or linear.shape[2] != 3:
            raise UsageError(f"pixels must have the shape (height, width, 3), not {linear.shape}")
        usable = (linear > _LEAST_LIGHT) & (linear < _MOST_LIGHT)
        if valid is None:
            return cls(linear, np.all(usable & (linear < clip), axis=2), camera)
        return cls(linear, np.all(usable, axis=2) & np.asarray(valid, dtype=np.bool_), camera)

    def thumbnail(self, size: int = THUMBNAIL_SIZE) -> LinearImage:
        """Mean of the valid pixels in each cell of a ``size`` x ``size`` grid.

        A cell is valid if at least half of its pixels are; cells without a valid pixel are 0. An image with
        fewer rows or columns than ``size`` repeats the nearest ones.
        """
        height, width = self.valid.shape
        return thumbnail_of(
            lambda top, bottom: (self.pixels[top:bottom], self.valid[top:bottom]), height, width, self.camera, size
        )


def thumbnail_of(
    rows: Callable[[int, int], tuple[NDArray[np.float32], NDArray[np.bool_]]],
    height: int,
    width: int,
    camera: Camera = LINEAR_SRGB,
    size: int = THUMBNAIL_SIZE,
) -> LinearImage:
    """As :meth:`LinearImage.thumbnail`, to the last bit, of an image that is read a few rows at a time.

    Args:
        rows: Pixels (bottom - top, width, 3) and validity (bottom - top, width) of the rows from ``top`` up to, but
            not including, ``bottom``; asked for from top to bottom, one row of cells at a time.
        height: Of the whole image.
        width: Of the whole image.
        camera: Where the RGB comes from.
        size: Of the thumbnail.
    """
    total = np.zeros((size, width, 3), np.float32)
    count = np.zeros((size, width), np.float32)
    for cell, (top, bottom) in enumerate(_spans(height, size).tolist()):
        pixels, valid = rows(top, bottom)
        if not valid.all():
            pixels = pixels.copy()
            pixels[~valid] = 0
        pixels.sum(axis=0, out=total[cell])
        valid.sum(axis=0, out=count[cell])
    total, count = _column_sums(total, size), _column_sums(count, size)
    area = np.diff(_spans(height, size)) * np.diff(_spans(width, size)).T
    mean = np.divide(total, count[..., None], out=np.zeros_like(total), where=count[..., None] > 0)
    return LinearImage(mean, (count * 2 >= area) & np.all(mean > 0, axis=2), camera)


def _spans(length: int, size: int) -> NDArray[np.intp]:
    """(size, 2) first and past-the-last index of each of ``size`` cells along ``length`` pixels."""
    starts = np.arange(size) * length // size
    return np.stack([starts, np.append(starts[1:], length) if length >= size else starts + 1], axis=1)


def _column_sums(array: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Sums of an array (H, W, ...) over the cells along its second axis."""
    starts = _spans(array.shape[1], size)[:, 0]
    if array.shape[1] < size:
        return array[:, starts]
    return np.asarray(np.add.reduceat(array, starts, axis=1), dtype=np.float32)
