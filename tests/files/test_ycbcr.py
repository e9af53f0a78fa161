"""TIFFs of luminance and colour differences come out in the colours that libtiff shows, with three channels."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

import awbkit
from awbkit.errors import UnsupportedImage

WIDTH, HEIGHT = 64, 48
FULL = (0, 255, 128, 255, 128, 255)
VIDEO = (16, 235, 128, 240, 128, 240)


def planes(across: int, down: int) -> list[np.ndarray]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    luma, blue, red = (60 + 2 * x).astype("u1"), (90 + x).astype("u1"), (150 - y).astype("u1")
    return [luma, blue[::down, ::across], red[::down, ::across]]


def write(path: Path, across: int, down: int, order: str = "<", levels: tuple[int, ...] = FULL) -> Path:
    luma, blue, red = planes(across, down)
    units = [luma[row::down, column::across] for row in range(down) for column in range(across)]
    data = np.stack([*units, blue, red], axis=-1).tobytes()
    weights = (299, 1000, 587, 1000, 114, 1000)
    references = [number for level in levels for number in (level, 1)]
    fields = [(256, 3, 1, WIDTH), (257, 3, 1, HEIGHT), (258, 3, 3, 200), (259, 3, 1, 1), (262, 3, 1, 6)]
    fields += [(273, 4, 1, 400), (277, 3, 1, 3), (278, 3, 1, HEIGHT), (279, 4, 1, len(data))]
    fields += [(529, 5, 3, 210), (530, 3, 2, 0), (532, 5, 6, 240)]
    table = b""
    for tag, kind, count, value in fields:
        shown = struct.pack(order + "2H", across, down) if tag == 530 else b""
        if not shown:
            shown = struct.pack(
                order + ("HH" if kind == 3 and count == 1 else "I"),
                *([value, 0] if kind == 3 and count == 1 else [value]),
            )
        table += struct.pack(order + "HHI", tag, kind, count) + shown
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(fields)) + table + bytes(4)
    head = head.ljust(200, b"\0") + struct.pack(order + "3H", 8, 8, 8)
    head = head.ljust(210, b"\0") + struct.pack(order + "6I", *weights)
    head = head.ljust(240, b"\0") + struct.pack(order + "12I", *references)
    path.write_bytes(head.ljust(400, b"\0") + data)
    return path


def expected(levels: tuple[int, ...]) -> np.ndarray:
    """BT.601, from the numbers at full resolution."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    luma = (60 + 2 * x - levels[0]) * 255 / (levels[1] - levels[0])
    blue = (90 + x - levels[2]) * 127 / (levels[3] - levels[2])
    red = (150 - y - levels[4]) * 127 / (levels[5] - levels[4])
    r, b = luma + 1.402 * red, luma + 1.772 * blue
    return np.clip(np.stack([r, (luma - 0.299 * r - 0.114 * b) / 0.587, b], axis=-1), 0, 255)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("levels", [FULL, VIDEO])
@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2), (4, 1)])
def test_colours(across: int, down: int, levels: tuple[int, ...], order: str, tmp_path: Path) -> None:
    source = write(tmp_path / "a.tif", across, down, order, levels)
    awbkit.correct(source, tmp_path / "b.tif", illuminant=(1, 1, 1 - 1e-7))
    with tifffile.TiffFile(tmp_path / "b.tif") as written:
        page = written.pages[0].aspage()
        assert page.photometric == tifffile.PHOTOMETRIC.RGB
        assert page.samplesperpixel == 3
        shown = page.asarray().astype(float)
    assert np.abs(shown - expected(levels)).max() < 2 + 2.2 * (across + down - 2)


def test_other_codings_of_ycbcr_are_named(tmp_path: Path) -> None:
    numbers = np.stack(planes(1, 1), axis=-1)
    deep, packed = tmp_path / "deep.tif", tmp_path / "packed.tif"
    tifffile.imwrite(deep, numbers.astype(np.uint16) * 257, photometric="ycbcr")
    tifffile.imwrite(packed, numbers, photometric="ycbcr", compression="zstd")
    for path in (deep, packed):
        with pytest.raises(UnsupportedImage, match="is a TIFF of YCbCr"):
            awbkit.open(path)
