"""What estimators see: linear pixels, which of them to trust, and the camera they come from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from awbkit.camera import LINEAR_SRGB, Camera

THUMBNAIL_SIZE = 64


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

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(f"pixels must have the shape (height, width, 3), not {self.pixels.shape}")
        if self.valid.shape != self.pixels.shape[:2]:
            raise ValueError(f"valid must have the shape {self.pixels.shape[:2]}, not {self.valid.shape}")

    @classmethod
    def from_array(
        cls,
        pixels: NDArray[np.floating],
        valid: NDArray[np.bool_] | None = None,
        camera: Camera = LINEAR_SRGB,
        clip: float = 0.98,
    ) -> LinearImage:
        """An image from any linear array.

        Args:
            pixels: (H, W, 3), linear, black at 0, white level at 1.
            valid: (H, W); by default every pixel whose channels all lie above 0 and under ``clip``.
            camera: Where the RGB comes from.
            clip: The level, as a share of the white level, at which a channel counts as clipped.
        """
        linear = np.ascontiguousarray(pixels, dtype=np.float32)
        if linear.ndim != 3 or linear.shape[2] != 3:
            raise ValueError(f"pixels must have the shape (height, width, 3), not {linear.shape}")
        usable = np.isfinite(linear) & (linear > 0)
        if valid is None:
            return cls(linear, np.all(usable & (linear < clip), axis=2), camera)
        return cls(linear, np.all(usable, axis=2) & np.asarray(valid, dtype=np.bool_), camera)

    def thumbnail(self, size: int = THUMBNAIL_SIZE) -> LinearImage:
        """Mean of the valid pixels in each cell of a ``size`` x ``size`` grid.

        A cell is valid if at least half of its pixels are; cells without a valid pixel are 0. An image with
        fewer rows or columns than ``size`` repeats the nearest ones.
        """
        weight = self.valid.astype(np.float32)
        total = _cells(np.where(self.valid[..., None], self.pixels, np.float32(0)), size)
        count = _cells(weight[..., None], size)
        area = _cells(np.ones_like(weight)[..., None], size)
        pixels = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        valid = (count * 2 >= area)[..., 0] & (pixels > 0).all(axis=2)
        return LinearImage(pixels.astype(np.float32), valid, self.camera)


def _cells(array: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Sums over the cells of a size x size grid laid over the first two axes of ``array`` (H, W, C)."""
    for axis in (0, 1):
        length = array.shape[axis]
        starts = np.arange(size) * length // size
        if length < size:
            array = array.take(starts, axis)
        else:
            array = np.add.reduceat(array, starts, axis=axis, dtype=np.float32)
    return array
