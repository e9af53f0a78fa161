"""Raw files that the tests write themselves: DNGs with any mosaic, levels, compression and orientation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile

from awbkit.colour.camera import Camera

BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10

MATRIX = np.array([[0.6844, -0.0996, -0.0856], [-0.3876, 1.1761, 0.2396], [-0.0593, 0.1772, 0.6198]])
"""XYZ to camera RGB."""

CAMERA = Camera("Acme One", matrices=((6504.0, tuple(map(tuple, MATRIX.tolist()))),))

RGGB = np.array([[0, 1], [1, 2]])
BAYER = {"rggb": RGGB, "bggr": RGGB[::-1, ::-1], "grbg": RGGB[:, ::-1], "gbrg": RGGB[::-1]}
QUAD = np.kron(RGGB, np.ones((2, 2), int))
XTRANS = np.array(
    [
        [1, 2, 1, 1, 0, 1],
        [0, 1, 0, 2, 1, 2],
        [1, 2, 1, 1, 0, 1],
        [1, 0, 1, 1, 2, 1],
        [2, 1, 2, 0, 1, 0],
        [1, 0, 1, 1, 2, 1],
    ]
)
_TILE = 64


def mosaic(linear: np.ndarray, pattern: np.ndarray, black: Any = 64, white: int = 4095) -> np.ndarray:
    """The samples (H, W) that a sensor takes of linear camera RGB (H, W, 3), 1 = white level.

    Args:
        linear: The picture.
        pattern: Which channel each place of the repeated pattern measures.
        black: A number, or one for each place of a repeated pattern.
        white: The number at which samples clip.
    """
    shape = linear.shape[:2]
    values = np.take_along_axis(linear, _repeat(pattern, shape)[..., None], 2)[..., 0]
    floor = _repeat(np.atleast_2d(black), shape)
    return np.rint(floor + np.clip(values, 0, 1) * (white - floor)).astype(np.uint16)


def _repeat(pattern: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    rows, columns = (-(-length // period) for length, period in zip(shape, pattern.shape, strict=True))
    return np.tile(pattern, (rows, columns))[: shape[0], : shape[1]]


def write_dng(
    path: Path,
    samples: np.ndarray,
    pattern: np.ndarray = RGGB,
    *,
    black: Any = 64,
    white: int = 4095,
    neutral: Sequence[float] | None = None,
    white_xy: tuple[float, float] | None = None,
    make: str = "Acme",
    model: str = "One",
    matrix: np.ndarray | None = MATRIX,
    orientation: int = 1,
    active: tuple[int, int, int, int] | None = None,
    bits: int = 16,
    lossless_jpeg: bool = False,
    byteorder: str = "<",
    extra: Sequence[Any] = (),
) -> Path:
    """Write a mosaic (H, W), or three samples a pixel (H, W, 3), as the only picture of a DNG.

    Args:
        path: Where to.
        samples: uint16, or float for a floating-point DNG.
        pattern: Of the colour filters, counted from the active area's corner.
        black: A number, or one for each place of a repeated pattern.
        white: The white level.
        neutral: AsShotNeutral.
        white_xy: AsShotWhiteXY.
        make: Of the camera.
        model: Of the camera.
        matrix: XYZ to camera RGB under D65.
        orientation: EXIF orientation.
        active: Top, left, bottom and right of the samples that light reaches.
        bits: Of each sample in the file.
        lossless_jpeg: Compress in tiles.
        byteorder: Of the file.
        extra: Further tags, as tifffile takes them.
    """
    name = model if model.startswith(make) else f"{make} {model}"
    tags = [
        _tag(50706, BYTE, (1, 4, 0, 0)),
        *((code, ASCII, 0, text, True) for code, text in ((271, make), (272, model), (50708, name))),
        _tag(274, SHORT, orientation),
        _tag(50714, LONG, black),
        _tag(50717, LONG, [white] * (1 if samples.ndim == 2 else 3)),
    ]
    if samples.ndim == 2:
        tags += [_tag(33421, SHORT, pattern.shape), _tag(33422, BYTE, pattern), _tag(50713, SHORT, _shape(black))]
    else:
        tags[-2] = _tag(50714, LONG, [black] * 3)
    if matrix is not None:
        tags += [rationals(50721, matrix, signed=True), _tag(50778, SHORT, 21)]
    if neutral is not None:
        tags.append(rationals(50728, neutral))
    if white_xy is not None:
        tags.append(rationals(50729, white_xy))
    if active is not None:
        tags.append(_tag(50829, LONG, active))
    layout: dict[str, Any] = {"photometric": 32803 if samples.ndim == 2 else 34892, "metadata": None, "software": False}
    data: Any = samples
    if lossless_jpeg:
        data, layout["compression"], layout["tile"] = _tiles(samples, bits), 7, (_TILE, _TILE)
    elif bits != 8 * samples.itemsize:
        data = (imagecodecs.packints_encode(row, bits) for row in samples)
        layout |= {"bitspersample": bits, "rowsperstrip": 1}
    if data is not samples:
        layout |= {"shape": samples.shape, "dtype": samples.dtype}
    tifffile.imwrite(path, data, byteorder=byteorder, extratags=[*tags, *extra], **layout)
    return path


def _shape(black: Any) -> tuple[int, ...]:
    return np.atleast_2d(black).shape


def _tiles(samples: np.ndarray, bits: int) -> Iterator[bytes]:
    height, width = samples.shape
    padded = np.pad(samples, ((0, -height % _TILE), (0, -width % _TILE)))
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            tile = np.ascontiguousarray(padded[top : top + _TILE, left : left + _TILE])
            yield imagecodecs.ljpeg_encode(tile, bitspersample=bits)


def _tag(code: int, kind: int, values: Any) -> tuple[int, int, int, Any, bool]:
    flat = np.ravel(values).tolist()
    return code, kind, len(flat), tuple(flat) if len(flat) > 1 else flat[0], True


def rationals(code: int, values: Any, *, signed: bool = False) -> tuple[int, int, int, Any, bool]:
    """A tag of fractions."""
    flat = np.ravel(values)
    pairs = [number for value in flat for number in (round(float(value) * 10_000), 10_000)]
    return code, SRATIONAL if signed else RATIONAL, len(flat), tuple(pairs), True
