"""A DNG's default crop: the picture is what the file says, not all that light reaches."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import pyvips

import awbkit
from awbkit.errors import AwbWarning
from awbkit.files.raw import RawPhoto
from tests.helpers.raw_files import BAYER, LONG, RGGB, XTRANS, mosaic, rationals, write_dng

TOP, LEFT, HEIGHT, WIDTH = 12, 18, 60, 84
MAGENTA = (0.9, 0.05, 0.9)
LIGHT = (0.5, 1.0, 0.7)


@pytest.fixture
def framed(scene: np.ndarray) -> np.ndarray:
    """A picture with margins whose colour would be seen in any mean."""
    picture = np.empty((96, 128, 3))
    picture[...] = MAGENTA
    picture[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH] = scene[:HEIGHT, :WIDTH]
    return picture


def crop(top: int = TOP, left: int = LEFT, height: int = HEIGHT, width: int = WIDTH) -> list[object]:
    return [(50719, LONG, 2, (left, top), True), (50720, LONG, 2, (width, height), True)]


def open_raw(path: Path) -> RawPhoto:
    photo = awbkit.open(path)
    assert isinstance(photo, RawPhoto)
    return photo


def develop(path: Path) -> np.ndarray:
    awbkit.correct(path, path.with_suffix(".tif"), illuminant=LIGHT)
    return np.asarray(pyvips.Image.new_from_file(str(path.with_suffix(".tif"))).numpy())


@pytest.mark.parametrize("pattern", [*BAYER.values(), XTRANS], ids=[*BAYER, "xtrans"])
def test_estimates_see_the_picture_alone(tmp_path: Path, framed: np.ndarray, pattern: np.ndarray) -> None:
    whole = mosaic(framed, pattern)
    cut = whole[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]
    ours = open_raw(write_dng(tmp_path / "a.dng", whole, pattern, extra=crop()))
    theirs = open_raw(write_dng(tmp_path / "b.dng", np.ascontiguousarray(cut), pattern))
    assert (ours.width, ours.height) == (WIDTH, HEIGHT) == (theirs.width, theirs.height)
    np.testing.assert_array_equal(ours.thumbnail().pixels, theirs.thumbnail().pixels)
    region = awbkit.Region(24, 12, 24, 36)
    np.testing.assert_array_equal(ours.crop(region).pixels, theirs.crop(region).pixels)


def test_an_odd_corner_shifts_the_pattern(tmp_path: Path, framed: np.ndarray) -> None:
    whole = mosaic(framed, RGGB)
    ours = open_raw(write_dng(tmp_path / "a.dng", whole, extra=crop(TOP + 1, LEFT + 1, HEIGHT - 2, WIDTH - 2)))
    cut = np.ascontiguousarray(whole[TOP + 1 : TOP + HEIGHT - 1, LEFT + 1 : LEFT + WIDTH - 1])
    theirs = open_raw(write_dng(tmp_path / "b.dng", cut, BAYER["bggr"]))
    np.testing.assert_array_equal(ours.thumbnail().pixels, theirs.thumbnail().pixels)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["mosaic", "linear"])
def test_the_developed_picture_is_cut_out(tmp_path: Path, framed: np.ndarray, orientation: int, kind: str) -> None:
    samples = mosaic(framed, RGGB) if kind == "mosaic" else np.rint(framed * 4000).astype(np.uint16)
    whole = develop(write_dng(tmp_path / "a.dng", samples, orientation=orientation))
    path = write_dng(tmp_path / "b.dng", samples, orientation=orientation, extra=crop())
    photo = open_raw(path)
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    expected = np.rot90(np.rot90(whole, -turns)[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH], turns)
    assert (photo.height, photo.width) == expected.shape[:2]
    np.testing.assert_array_equal(develop(path), expected)


def test_it_counts_from_the_active_area_and_may_be_fractions(tmp_path: Path, framed: np.ndarray) -> None:
    tags = [rationals(50719, (LEFT - 8, TOP - 4.2)), rationals(50720, (WIDTH, HEIGHT))]
    path = write_dng(tmp_path / "a.dng", mosaic(framed, RGGB), active=(4, 8, 92, 120), extra=tags)
    plain = write_dng(tmp_path / "b.dng", mosaic(framed, RGGB), extra=crop())
    np.testing.assert_array_equal(open_raw(path).thumbnail().pixels, open_raw(plain).thumbnail().pixels)


def test_the_crop_of_the_photographer_lies_within(tmp_path: Path, framed: np.ndarray) -> None:
    path = write_dng(
        tmp_path / "a.dng", mosaic(framed, RGGB), extra=[*crop(), rationals(51125, (0.1, 0.25, 0.9, 0.75))]
    )
    plain = write_dng(tmp_path / "b.dng", mosaic(framed, RGGB), extra=crop(TOP + 6, LEFT + 21, 48, 42))
    assert (open_raw(path).width, open_raw(path).height) == (42, 48)
    np.testing.assert_array_equal(open_raw(path).thumbnail().pixels, open_raw(plain).thumbnail().pixels)


@pytest.mark.parametrize(
    ("tags", "size"),
    [
        (crop(0, 0, 96, 128), (128, 96)),
        (crop(0, 0, 0, 0), (128, 96)),
        (crop(0, 0, 500, 500), (128, 96)),
        (crop(0, 0, 1 << 31, 1 << 31), (128, 96)),
        ([(50720, 5, 2, (1, 0, 1, 0), True)], (128, 96)),
        ([(50720, LONG, 1, 50, True)], (128, 96)),
        ([rationals(51125, (0.9, 0.9, 0.1, 0.1))], (128, 96)),
        ([(50720, LONG, 2, (100, 80), True)], (100, 80)),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    tmp_path: Path, framed: np.ndarray, tags: list[object], size: tuple[int, int]
) -> None:
    path = write_dng(tmp_path / "a.dng", mosaic(framed, RGGB), extra=tags)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = open_raw(path)
    assert (photo.width, photo.height) == size


def test_a_crop_that_is_too_small_is_told_of(tmp_path: Path, framed: np.ndarray) -> None:
    path = write_dng(tmp_path / "a.dng", mosaic(framed, RGGB), extra=crop(10, 10, 8, 8))
    with pytest.warns(AwbWarning, match="states a default crop, which is not applied"):
        assert open_raw(path).width == 128
