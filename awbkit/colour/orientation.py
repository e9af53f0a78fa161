"""How stored pixels are turned to be displayed: EXIF orientation (EXIF 3.0, tag 274), decided here for all of awbkit.

Pixels, thumbnails, light maps and prepared arrays are in stored orientation: nothing turns them on the way to an
estimator. Sizes that a user sees, regions that a user states and developed raw files are in displayed orientation.

Orientations are 1 to 8. Each mirrors the stored columns, the stored rows or neither, and then transposes or does not.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)

OF_FLIP = (1, 2, 4, 3, 5, 8, 6, 7)
"""The orientation for each flip of LibRaw: its bit 1 mirrors the columns, 2 mirrors the rows, 4 transposes."""


def turn_upright(stored: NDArray[Scalar], orientation: int) -> NDArray[Scalar]:
    """A view of stored rows and columns (H, W, ...) as they are displayed."""
    columns, rows, transposed = _steps(orientation)
    mirrored = stored[:: -1 if rows else 1, :: -1 if columns else 1]
    return mirrored.swapaxes(0, 1) if transposed else mirrored


def displayed_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Displayed width and height of a picture of this stored size."""
    return (height, width) if _steps(orientation)[2] else (width, height)


def stored_rectangle(
    x: int, y: int, width: int, height: int, size: tuple[int, int], orientation: int
) -> tuple[int, int, int, int]:
    """Left, top, width and height, in stored pixels, of a rectangle in a picture of displayed ``size``."""
    columns, rows, transposed = _steps(orientation)
    if transposed:
        x, y, width, height, size = y, x, height, width, (size[1], size[0])
    return size[0] - x - width if columns else x, size[1] - y - height if rows else y, width, height


def _steps(orientation: int) -> tuple[bool, bool, bool]:
    """Whether it mirrors the columns, mirrors the rows, transposes."""
    flip = OF_FLIP.index(orientation)
    return bool(flip & 1), bool(flip & 2), bool(flip & 4)
