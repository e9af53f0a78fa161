"""Parts of a picture that are zeros: told where the format lets them pass, refused where a decoder notices."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from awbkit.errors import AwbWarning
from awbkit.files.gaps import warn_of_zero_bytes, warn_of_zero_rows
from tests.helpers.command import awbkit

RNG = np.random.default_rng(11)
PATCHES = np.kron(RNG.integers(20, 230, (24, 30, 3)), np.ones((8, 8, 1)))
PIXELS = np.clip(PATCHES + RNG.normal(0, 4, PATCHES.shape), 1, 250).astype(np.uint8)
HEIGHT = len(PIXELS)


def tiff(pixels: np.ndarray = PIXELS, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **{"photometric": "rgb"} | options)
    return out.getvalue()


def webp(**options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, "WEBP", **options)
    return out.getvalue()


def heic(**options: Any) -> bytes:
    out = io.BytesIO()
    heif = pillow_heif.from_bytes("RGB", PIXELS.shape[1::-1], PIXELS.tobytes())
    heif.save(out, format="HEIF", enc_params={"preset": "ultrafast"}, **options)
    return out.getvalue()


PASSING = {
    "tiff": tiff(),
    "tiff 16": tiff(PIXELS.astype(np.uint16) * 257),
    "tiff float": tiff(PIXELS.astype(np.float32) / 255),
    "tiff with alpha": tiff(
        np.dstack([PIXELS, np.full((*PIXELS.shape[:2], 1), 255, np.uint8)]), extrasamples=["unassalpha"]
    ),
    "tiff of single channels": tiff(np.moveaxis(PIXELS, 2, 0), planarconfig="separate", tile=(32, 32)),
    "webp lossless": webp(lossless=True),
    "webp": webp(quality=90),
    "heic": heic(),
    "heic in tiles": heic(tile_size=64),
}
REFUSED = {f"tiff in tiles by {name}": tiff(compression=name, tile=(64, 64)) for name in ("lzw", "zlib", "packbits")}


def half(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


@pytest.mark.slow
@pytest.mark.parametrize("how", [("-m", "gray-world"), ("--gains", "1,1,1")])
@pytest.mark.parametrize("name", PASSING)
def test_a_second_half_of_zeros_is_told(name: str, how: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / f"a.{name.split()[0]}"
    path.write_bytes(half(PASSING[name]))
    ran = awbkit("correct", path, "-d", tmp_path / "out", "-q", *how)
    if name == "tiff of single channels" and how[0] == "-m":
        # Nothing is left of blue, and so there is no light to estimate.
        assert ran.code == 1
        return
    assert "zero" in ran.record["warning"]
    assert "as where a copy broke off; look at the picture" in ran.complaint
    if how[0] == "-m":
        assert awbkit("estimate", path, *how).record["warning"] == ran.record["warning"]


@pytest.mark.slow
@pytest.mark.parametrize("name", PASSING)
def test_sound_files_are_not_suspected(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{name.split()[0]}"
    path.write_bytes(PASSING[name])
    assert awbkit("correct", path, "-d", tmp_path / "out", "-m", "gray-world", "-q").record["warning"] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_tiles_that_do_not_decode_are_no_zeros(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(half(REFUSED[name]))
    for command in (("estimate", path), ("correct", path, "-d", tmp_path / "out", "--gains", "1,1,1")):
        ran = awbkit(*command, "-q")
        assert ran.code == 1
        assert "the pixels cannot be decoded (tiff2vips: " in ran.complaint


def has_warned(work: Any, *arguments: Any) -> bool:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AwbWarning)
        work(*arguments)
    return bool(caught)


@pytest.mark.parametrize(("rows", "expected"), [(0, False), (47, False), (48, True), (192, True)])
def test_a_quarter_of_the_rows(rows: int, expected: bool) -> None:
    for pixels in (PIXELS, PIXELS.astype(np.float32), PIXELS[..., 0], np.dstack([PIXELS, PIXELS[..., 0]])):
        damaged = pixels.copy()
        damaged[5 : 5 + rows, ..., :3] = 0
        if pixels.ndim == 2:
            damaged[5 : 5 + rows] = 0
        if rows < HEIGHT:
            assert has_warned(warn_of_zero_rows, "a", damaged) == expected


OPAQUE = np.dstack([PIXELS, np.full((*PIXELS.shape[:2], 1), 255, np.uint8)])
WIDTH = OPAQUE.shape[1]


def lose(start: int, end: int, tile: int = 0) -> np.ndarray:
    """An opaque picture with alpha without a range of its pixels, as stored in rows or tiles."""
    pixels = OPAQUE.copy()
    if not tile:
        pixels.reshape(-1, 4)[start:end] = 0
        return pixels
    squares = [(y, x) for y in range(0, HEIGHT, tile) for x in range(0, WIDTH, tile)]
    for y, x in squares[start // tile**2 : end // tile**2]:
        pixels[y : y + tile, x : x + tile] = 0
    return pixels


@pytest.mark.parametrize(
    ("start", "end"),
    [(1, 2), (HEIGHT // 2 * WIDTH, 1 << 20), (70 * WIDTH + 9, 1 << 20), (40 * WIDTH, 100 * WIDTH + 30)],
)
@pytest.mark.parametrize("tile", [0, 16, 24])
def test_lost_rows_with_alpha_are_told(start: int, end: int, tile: int) -> None:
    assert has_warned(warn_of_zero_rows, "a", lose(start, end, tile)) == (end > 2)


def test_a_lost_plane_is_told_though_alpha_is_lost_too() -> None:
    pixels = OPAQUE.copy()
    pixels[..., 2:] = 0
    assert has_warned(warn_of_zero_rows, "a", pixels)


def cut_out(name: str) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    inside = {
        "ellipse": ((y - 60) / 50) ** 2 + ((x - 120) / 120) ** 2 < 1,
        "frame": (y > 40) & (y < 140) & (x > 30) & (x < 200),
        "ground": y > 80 + 20 * np.sin(x / 9),
        "sky": y < 80 + 20 * np.sin(x / 9),
        "left corner": (y < 100) & (x < 100),
        "slope": y < 120 - x / 4,
        "lower half": y >= HEIGHT // 2,
        "stripes": y // 24 % 2 == 0,
        "nothing": y < 0,
    }[name]
    return np.where(inside[..., None], OPAQUE, 0).astype(np.uint8)


@pytest.mark.parametrize(
    "name", ["ellipse", "frame", "ground", "sky", "left corner", "slope", "lower half", "stripes", "nothing"]
)
def test_cut_outs_are_no_damage(name: str) -> None:
    assert not has_warned(warn_of_zero_rows, "a", cut_out(name))


@given(st.integers(0, 20_000), st.integers(2600, 10_000))
def test_a_stretch_is_found_wherever_it_begins(start: int, length: int) -> None:
    import tempfile

    content = bytearray(RNG.integers(1, 256, 40_000).astype(np.uint8).tobytes())
    content[start : start + length] = bytes(length)
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        assert has_warned(warn_of_zero_bytes, file.name)


@pytest.mark.parametrize("length", [0, 1, 255, 1000])
def test_short_stretches_are_normal(length: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\1" * 100 + bytes(length) + b"\1" * 40_000)
    assert not has_warned(warn_of_zero_bytes, path)


def test_an_empty_file_has_no_stretch(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert not has_warned(warn_of_zero_bytes, tmp_path / "a")
