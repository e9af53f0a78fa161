"""DNGs of every layout: read as they are, refused where they are damaged or stored as LibRaw does not read them."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import awbkit
from awbkit.errors import AwbWarning, FileError, UnreadableFile, UnsupportedImage
from awbkit.files.raw import RawPhoto
from tests.helpers.dng_files import (
    HEIGHT,
    OPCODE_LIST_2,
    TILE,
    WIDTH,
    change_field,
    data_of,
    jpeg,
    lossless,
    opcode_list,
    overwrite,
    polynomial,
    scene,
    seeds,
    tiles,
    write,
)
from tests.helpers.raw_files import RGGB, mosaic

RNG = np.random.default_rng(5)
LINEAR = scene(RNG)
SAMPLES = mosaic(LINEAR, RGGB, 0)
THREE = np.rint(LINEAR * 4000).astype(np.uint16)
EIGHT = np.rint(LINEAR * 250).astype(np.uint8)
JPEG = {"compression": 7, "tile": (TILE, TILE)}
LOSSY = {"compression": 34892, "tile": (TILE, TILE)}
SEEDS = seeds(np.random.default_rng(5))
MAPS = [polynomial(plane, 0.0, 1.0) for plane in range(3)]


def open_raw(path: Path) -> RawPhoto:
    photo = awbkit.open(path)
    assert isinstance(photo, RawPhoto)
    return photo


def pixels(path: Path) -> np.ndarray:
    return np.asarray(open_raw(path).thumbnail().pixels)


def opcodes(*content: bytes, count: int | None = None, tag: int = OPCODE_LIST_2) -> list[Any]:
    return [(tag, 7, 0, opcode_list(*content, count=count), True)]


def pair_columns(tile: np.ndarray) -> bytes:
    """As Adobe's converter stores a mosaic: two columns are one pixel of two components."""
    return lossless(tile.reshape(len(tile), -1, 2))


def wide(tile: np.ndarray) -> bytes:
    """As some cinema cameras store it: two rows of the sensor in one of the stream."""
    return lossless(tile.reshape(len(tile) // 2, -1))


GOOD: dict[str, tuple[np.ndarray, Any, dict[str, Any]]] = {
    "strips": (SAMPLES, None, {"rowsperstrip": 10}),
    "tiles": (SAMPLES, None, {"tile": (TILE, TILE)}),
    "tiles that reach beyond the edge": (SAMPLES, None, {"tile": (80, 80)}),
    "one tile": (SAMPLES, None, {"tile": (HEIGHT, WIDTH)}),
    "lossless JPEG": (SAMPLES, tiles(SAMPLES, lossless), JPEG),
    "lossless JPEG in one strip": (SAMPLES, iter([lossless(SAMPLES)]), {"compression": 7, "rowsperstrip": HEIGHT}),
    "tiles of JPEG beyond the edge": (SAMPLES, tiles(SAMPLES, lossless, 80), {"compression": 7, "tile": (80, 80)}),
    "pairs of columns": (SAMPLES, tiles(SAMPLES, pair_columns), JPEG),
    "pairs of rows": (SAMPLES, tiles(SAMPLES, wide), JPEG),
    "streams without an end": (SAMPLES, tiles(SAMPLES, lambda tile: lossless(tile)[:-2]), JPEG),
    "streams with zeros behind them": (SAMPLES, tiles(SAMPLES, lambda tile: lossless(tile) + bytes(3000)), JPEG),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_sound_mosaic_is_read(name: str, tmp_path: Path) -> None:
    stored, data, layout = GOOD[name]
    seen = pixels(write(tmp_path / "a.dng", stored, data, **layout))
    np.testing.assert_array_equal(seen, pixels(write(tmp_path / "b.dng", SAMPLES)))


@pytest.mark.parametrize("name", SEEDS)
def test_each_seed_of_the_fuzzer_is_sound(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(SEEDS[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_raw(path).thumbnail().valid.any()
        awbkit.correct(path, tmp_path / "b.tif", illuminant=(0.5, 1.0, 0.7))


def test_three_colours_in_lossless_jpeg(tmp_path: Path) -> None:
    seen = pixels(write(tmp_path / "a.dng", THREE, tiles(THREE, lossless), **JPEG))
    np.testing.assert_array_equal(seen, pixels(write(tmp_path / "b.dng", THREE)))


FLOATS = (SAMPLES / np.float32(4095)).astype(np.float32)
FLOAT_LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 10},
    "tiles": {"tile": (80, 80)},
    "Deflate in strips": {"compression": "zlib", "predictor": 3, "rowsperstrip": 16},
    "Deflate in tiles": {"compression": "zlib", "predictor": 3, "tile": (80, 80)},
}


@pytest.mark.parametrize("name", FLOAT_LAYOUTS)
def test_floating_point(name: str, tmp_path: Path) -> None:
    seen = pixels(write(tmp_path / "a.dng", FLOATS, **FLOAT_LAYOUTS[name]))
    np.testing.assert_array_equal(seen, pixels(write(tmp_path / "b.dng", FLOATS)))


def test_the_bytes_that_a_strip_says_to_have_do_not_count(tmp_path: Path) -> None:
    expected = pixels(write(tmp_path / "a.dng", SAMPLES))
    np.testing.assert_array_equal(pixels(change_field(tmp_path / "a.dng", 279, 1000)), expected)


def test_an_even_surface_may_be_a_run_of_zero_bits(tmp_path: Path) -> None:
    flat = SAMPLES.copy()
    flat[:100] = 777
    path = write(tmp_path / "a.dng", flat, iter([lossless(flat)]), compression=7, rowsperstrip=HEIGHT)
    assert bytes(600) in path.read_bytes()
    np.testing.assert_array_equal(pixels(path), pixels(write(tmp_path / "b.dng", flat)))


def test_a_lossy_dng_is_what_its_polynomials_say(tmp_path: Path) -> None:
    options = LOSSY | {"extra": opcodes(*MAPS)}
    seen = pixels(write(tmp_path / "a.dng", EIGHT, tiles(EIGHT, jpeg), **options))
    assert np.abs(seen - pixels(write(tmp_path / "b.dng", EIGHT))).mean() < 0.005


def test_a_lossy_dng_that_says_nothing_of_its_numbers_is_told_of(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dng", EIGHT, tiles(EIGHT, jpeg), **LOSSY)
    with pytest.warns(AwbWarning, match="does not say how its 8 bits stand for light"):
        assert open_raw(path).thumbnail().valid.any()


UNSUPPORTED: dict[str, tuple[np.ndarray, Any, dict[str, Any], str]] = {
    "Deflate": (SAMPLES, None, {"compression": "zlib", "tile": (TILE, TILE)}, "Deflate"),
    "LZW": (SAMPLES, None, {"compression": "lzw"}, "LZW"),
    "JPEG XL": (SAMPLES, None, {"compression": "jpegxl"}, "JPEG XL"),
    "lossy mosaic": (EIGHT[..., 1], tiles(EIGHT[..., 1], jpeg), LOSSY, "lossy JPEG"),
    "baseline JPEG for lossless": (EIGHT[..., 1], tiles(EIGHT[..., 1], jpeg), JPEG, "lossy JPEG"),
    "JPEG in strips": (
        SAMPLES,
        iter([lossless(SAMPLES[top : top + 16]) for top in range(0, HEIGHT, 16)]),
        {"compression": 7, "rowsperstrip": 16},
        "8 strips",
    ),
    "a tile wider than the picture": (SAMPLES, None, {"tile": (256, 256)}, "wider"),
    "a stream wider than the picture": (
        SAMPLES,
        tiles(SAMPLES, lossless, 256),
        {"compression": 7, "tile": (256, 256)},
        "256",
    ),
    "colours apart": (np.moveaxis(THREE, 2, 0), None, {"planarconfig": "separate", "photometric": 34892}, "its own"),
    "32 bits": (SAMPLES.astype(np.uint32), None, {}, "32 bits a sample"),
    "floats without a predictor": (FLOATS, None, {"compression": "zlib", "tile": (TILE, TILE)}, "without a predictor"),
    "floats in a wide tile": (FLOATS, None, {"tile": (256, 256)}, "wider"),
    "64-bit floats": (FLOATS.astype(np.float64), None, {}, "64 bits a sample"),
    "no polynomials": (EIGHT, tiles(EIGHT, jpeg), LOSSY | {"extra": opcodes()}, "polynomial"),
    "two polynomials": (EIGHT, tiles(EIGHT, jpeg), LOSSY | {"extra": opcodes(*MAPS[:2])}, "polynomial"),
}


def crop_tiles() -> Any:
    for top in range(0, HEIGHT, 80):
        for left in range(0, WIDTH, 80):
            yield lossless(SAMPLES[top : top + 80, left : left + 80])


UNSUPPORTED["cropped tiles"] = (SAMPLES, crop_tiles(), {"compression": 7, "tile": (80, 80)}, "crops")


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_sound_layout_that_libraw_gets_wrong_is_named(name: str, tmp_path: Path) -> None:
    stored, data, layout, words = UNSUPPORTED[name]
    path = write(tmp_path / "a.dng", stored, data, **layout)
    with pytest.raises(UnsupportedImage, match=words) as caught:
        awbkit.open(path)
    assert "Adobe DNG Converter" in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "name"),
    [(9, "GoPro's VC-5"), (52546, "JPEG XL"), (32946, "old-style Deflate"), (4711, "compression 4711")],
)
def test_a_coding_is_named_by_its_number(code: int, name: str, tmp_path: Path) -> None:
    path = change_field(write(tmp_path / "a.dng", SAMPLES), 259, code)
    with pytest.raises(UnsupportedImage, match=f"in {name}, which LibRaw does not read;"):
        awbkit.estimate(path)


@pytest.mark.parametrize("three", [False, True])
def test_a_monochrome_sensor_is_told_as_such(three: bool, tmp_path: Path) -> None:
    path = change_field(write(tmp_path / "a.dng", SAMPLES), 262, 34892)
    out = tmp_path / "b.tif"
    work: Callable[[], object] = (
        (lambda: awbkit.correct(path, out, illuminant=(1, 1, 1))) if three else (lambda: awbkit.estimate(path))
    )
    with pytest.raises(UnsupportedImage, match=r"monochrome sensor; there is no colour to balance"):
        work()


def jpegs(folder: Path) -> Path:
    return write(folder / "a.dng", SAMPLES, tiles(SAMPLES, lossless), **JPEG)


def in_tile(folder: Path, index: int, at: int, content: bytes) -> Path:
    """A good DNG with other bytes in one of its JPEG streams, counted from the stream's end if ``at`` is negative."""
    path = jpegs(folder)
    start, length = data_of(path, index)
    return overwrite(path, start + (at if at >= 0 else length + at), content)


def frame(folder: Path, offset: int, content: bytes) -> Path:
    """A good DNG with other bytes in the frame header of its second stream."""
    path = jpegs(folder)
    start, length = data_of(path, 1)
    return overwrite(path, path.read_bytes().index(b"\xff\xc3", start, start + length) + offset, content)


def lossy(folder: Path, **options: Any) -> Path:
    return write(folder / "a.dng", EIGHT, tiles(EIGHT, jpeg), **(LOSSY | options))


DAMAGED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no offset": (lambda f: change_field(jpegs(f), 324, 0, 2), "lacks 1 of its 6 tiles"),
    "no bytes": (lambda f: change_field(jpegs(f), 325, 0, 2), "lacks 1 of its 6 tiles"),
    "fewer offsets than tiles": (lambda f: change_field(jpegs(f), 322, 32), "lacks 6 of its 12 tiles"),
    "no width": (lambda f: change_field(jpegs(f), 256, 0), "not state the size"),
    "tiles without a width": (lambda f: change_field(jpegs(f), 322, 0), "not state the size"),
    "no samples": (lambda f: change_field(jpegs(f), 277, 0), "not state the size"),
    "offset beyond the end": (lambda f: change_field(jpegs(f), 324, 1 << 30, 2), "ends before its sensor data"),
    "count beyond the end": (lambda f: change_field(jpegs(f), 325, 60000, 2), "ends before its sensor data"),
    "the same tile twice": (lambda f: change_field(p := jpegs(f), 324, data_of(p, 1)[0], 2), "tiles that overlap"),
    "too few bytes for the samples": (
        lambda f: change_field(write(f / "a.dng", SAMPLES, tile=(TILE, TILE)), 325, 4000, 1),
        "too few bytes",
    ),
    "a stream that was never copied": (lambda f: in_tile(f, 3, 0, bytes(5000)), "tile 4 of 6 is not there"),
    "a hole of zeros": (lambda f: in_tile(f, 3, 1000, bytes(1200)), "tile 4 of 6 has a hole of 1[0-9]+ zero bytes"),
    "a hole of ones": (lambda f: in_tile(f, 3, 1000, b"\xff" * 1200), "tile 4 of 6 has a hole|foreign marker"),
    "a foreign marker": (lambda f: in_tile(f, 0, 2000, b"\xff\xc4"), "tile 1 of 6 is interrupted"),
    "a restart that nobody announced": (lambda f: in_tile(f, 0, 2000, b"\xff\xd0"), "1 restart markers and not 0"),
    "an early end": (lambda f: in_tile(f, 0, 2000, b"\xff\xd9"), "tile 1 of 6 ends before its samples"),
    "no end where others have one": (lambda f: in_tile(f, 2, -2, b"\x12\x34"), "1 of 6 JPEG streams have no end"),
    "no code tables": (
        lambda f: overwrite(p := jpegs(f), p.read_bytes().index(b"\xff\xc4"), b"\xff\xfe"),
        "has no code tables",
    ),
    "code tables that overflow": (
        lambda f: overwrite(p := jpegs(f), p.read_bytes().index(b"\xff\xc4") + 5, b"\x09"),
        "damaged code tables",
    ),
    "a lower stream": (lambda f: frame(f, 5, struct.pack(">H", TILE // 2)), "fewer than the tile"),
    "a stream without columns": (lambda f: frame(f, 7, b"\0\0"), "does not state its size"),
    "an opcode missing": (lambda f: lossy(f, extra=opcodes(*MAPS, count=4)), "announces 4 opcodes and holds 3"),
    "an opcode cut short": (lambda f: lossy(f, extra=opcodes(*MAPS[:2], MAPS[2][:-8])), "reaches beyond the end"),
    "a smaller lossy tile": (
        lambda f: write(
            f / "a.dng",
            EIGHT,
            tiles(EIGHT, lambda tile: jpeg(tile[:32])),
            **(LOSSY | {"extra": opcodes(*MAPS)}),
        ),
        "fewer than the tile",
    ),
    "filters that are no colours": (lambda f: change_field(jpegs(f), 33422, 9, 1), "damaged pattern of colour filters"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_refused(name: str, tmp_path: Path) -> None:
    make, words = DAMAGED[name]
    path = make(tmp_path)
    for work in (
        lambda: awbkit.estimate(path),
        lambda: awbkit.correct(path, tmp_path / "b.tif", illuminant=(0.5, 1.0, 0.7)),
    ):
        with pytest.raises(UnreadableFile, match=words) as caught:
            work()
        assert "copy it again" in str(caught.value)
    assert not (tmp_path / "b.tif").exists()


def test_a_pattern_without_blue(tmp_path: Path) -> None:
    path = change_field(write(tmp_path / "a.dng", SAMPLES), 33422, 0, 3)
    with pytest.raises(FileError, match="without red, green and blue"):
        awbkit.open(path)


def test_strips_apart_from_each_other(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dng", SAMPLES, rowsperstrip=64)
    start, length = data_of(path, 1)
    content = path.read_bytes()
    path.write_bytes(content + content[start : start + length])
    change_field(path, 273, len(content), 1)
    with pytest.raises(UnsupportedImage, match="strips apart"):
        awbkit.open(path)


@pytest.mark.parametrize("tag", [51008, OPCODE_LIST_2, 51022])
def test_a_damaged_list_that_is_not_applied_is_told_of(tag: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.dng", SAMPLES, extra=opcodes(b"\0" * 16, count=9, tag=tag))
    with pytest.warns(AwbWarning, match=r"damaged OpcodeList\d \(it announces 9 opcodes and holds 1\)"):
        awbkit.open(path)


def test_side_pictures_may_be_anything(tmp_path: Path) -> None:
    """Previews and masks are not what is looked at."""
    path = write(tmp_path / "a.dng", SAMPLES)
    expected = pixels(path)
    mask = np.full((32, 32), 9, np.uint8)
    tifffile.imwrite(path, mask, append=True, photometric=1, subfiletype=1, compression="jpegxl", metadata=None)
    content = path.read_bytes()
    path.write_bytes(content[:-200] + bytes(200))
    np.testing.assert_array_equal(pixels(path), expected)


@pytest.mark.parametrize("matrix", [True, False])
def test_half_a_sensor_of_zeros_is_told_of(matrix: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(SEEDS["plain" if matrix else "linear"])
    start, length = data_of(path)
    overwrite(path, start + length // 2, bytes(length - length // 2))
    with pytest.warns(AwbWarning, match="a quarter or more of its rows are exactly zero"):
        awbkit.estimate(path, "gray-world")
    with pytest.warns(AwbWarning, match="a quarter or more of its rows are exactly zero"):
        awbkit.correct(path, tmp_path / "b.tif", illuminant=(0.5, 1.0, 0.7))
