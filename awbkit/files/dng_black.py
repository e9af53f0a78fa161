"""Black levels of single rows and columns of a DNG, of which LibRaw takes the mean alone.

BlackLevelDeltaH and BlackLevelDeltaV: Adobe, "Digital Negative (DNG) Specification" 1.7.1.0, chapter 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from awbkit.files.dng_picture import DngPicture, main_pictures
from awbkit.files.ifd import Buffer

if TYPE_CHECKING:
    import rawpy

_OF_COLUMNS, _OF_ROWS, _WHITE = 50715, 50716, 50717
_VISIBLE = 0.002
_ROWS = 128
# LibRaw reads no longer sides.
_LONGEST = 65535


def lacks_black(picture: DngPicture, pictures: int) -> bool:
    """Whether rows or columns have black levels of their own that show and that :func:`level_black` cannot take off.

    Args:
        picture: One of the main pictures of a file.
        pictures: How many there are.
    """
    deltas = _read_deltas(picture) if pictures == 1 else None
    stated = [picture.fractions(tag) for tag in (_OF_COLUMNS, _OF_ROWS)]
    if deltas is not None or not any(len(values) for values in stated):
        return False
    white = max(picture.numbers(_WHITE), default=0) or (1 if picture.is_float else 65535)
    if not all(np.isfinite(values).all() for values in stated):
        return True
    return any(np.abs(values - values.mean()).max() > _VISIBLE * white for values in stated if len(values))


def level_black(raw: rawpy.RawPy, data: Buffer) -> None:
    """Take from the unpacked samples, in place, what the black levels of their row and column differ from the mean.

    Clipped samples stay clipped. Nothing is done where the file states no such levels, or states them for another size.

    Args:
        raw: The file, unpacked by LibRaw, which takes off the mean itself.
        data: The file.
    """
    pictures = list(main_pictures(data))
    deltas = _read_deltas(pictures[0]) if len(pictures) == 1 else None
    if deltas is None:
        return
    samples: NDArray[Any] = raw.raw_image_visible
    top, left, _, _ = pictures[0].active_area
    # LibRaw begins at even rows and columns.
    of_rows, of_columns = (
        values[start : start + length]
        for values, start, length in zip(
            deltas, (raw.sizes.top_margin - top, raw.sizes.left_margin - left), samples.shape, strict=False
        )
    )
    if min(raw.sizes.top_margin - top, raw.sizes.left_margin - left) < 0:
        return
    if (len(of_rows), len(of_columns)) != samples.shape[:2]:
        return
    white = min(pictures[0].numbers(_WHITE), default=0) or 65535
    for row in range(0, len(samples), _ROWS):
        part = samples[row : row + _ROWS]
        shift = np.rint(of_rows[row : row + _ROWS, None] + of_columns).astype(np.int32)
        shift = shift.reshape(shift.shape + (1,) * (part.ndim - 2))
        part[...] = np.where(part < white, np.clip(part - shift, 0, 65535), part)


def _read_deltas(picture: DngPicture) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """For rows and for columns of the active area, the black level less the mean; None where there is nothing to do."""
    top, left, bottom, right = picture.active_area
    lengths = (bottom - top, right - left)
    stated = [picture.fractions(tag) for tag in (_OF_ROWS, _OF_COLUMNS)]
    if (
        picture.is_float
        or not any(len(values) for values in stated)
        or not 0 < min(lengths) <= max(lengths) <= _LONGEST
    ):
        return None
    found = []
    for values, length in zip(stated, lengths, strict=True):
        if len(values) not in (0, length) or not np.isfinite(values).all():
            return None
        found.append(values - values.mean() if len(values) else np.zeros(length))
    rows, columns = found
    return None if np.abs(rows).max() + np.abs(columns).max() < 0.5 else (rows, columns)
