"""Descriptions in whole numbers, beside those of floating point."""

from __future__ import annotations

import numpy as np
import pytest

from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError
from awbkit.network import features
from awbkit.network.integer.arithmetic import OCTAVE
from awbkit.network.integer.description import GRID_UNITS, describe, thumbnail
from awbkit.network.statistics import TABLE
from tests.helpers.integer_models import pictures
from tests.helpers.network_pictures import picture, under

LN2 = float(np.log(2))


@pytest.mark.slow
def test_statistics_are_those_of_floating_point() -> None:
    exact = [features.describe(image) for image in pictures(24)]
    whole = [describe(thumbnail(image)) for image in pictures(24)]
    anchors = np.array([[*a.anchor, *(b.anchor * LN2 / OCTAVE)] for a, b in zip(exact, whole, strict=True)])
    np.testing.assert_allclose(anchors[:, :2], anchors[:, 2:], atol=0.02)
    one = np.stack([found.statistics for found in exact])
    other = np.clip(np.stack([found.statistics for found in whole]) * TABLE.units, -4, 4)
    spread = np.maximum(one.std(axis=0), 0.02)
    off = np.abs(one - other) / spread
    assert np.median(off) < 0.03
    assert np.quantile(off, 0.95) < 0.6
    # Every one of them, in its own place and unit.
    assert np.median(off, axis=0).max() < 0.5


@pytest.mark.slow
def test_the_grid_is_that_of_floating_point() -> None:
    for image in pictures(24):
        exact, whole = features.describe(image), describe(thumbnail(image))
        found = whole.grid * GRID_UNITS[:, None, None]
        moved = (exact.anchor - whole.anchor * LN2 / OCTAVE)[:, None, None]
        seen = exact.grid[4] > 0
        inside = seen & (np.abs(exact.grid[:2]) < 1.3).all(axis=0)
        assert np.abs(found[:2] - exact.grid[:2] - moved)[:, inside].max() < 0.03
        assert np.abs(found[2] - exact.grid[2])[seen].max() < 0.06
        assert np.quantile(np.abs(found[3] - exact.grid[3]), 0.95) < 0.08
        np.testing.assert_array_equal(found[4], exact.grid[4])


def test_gains_move_the_anchor_alone() -> None:
    image = picture(3, colour=0.2)
    plain = thumbnail(image) // 4
    # Doubling a channel adds an octave to all of its logarithms, exactly.
    doubled = (plain.astype(np.int64) * [1, 1, 2]).astype(np.uint16)
    one, other = describe(plain), describe(doubled)
    np.testing.assert_array_equal(other.anchor - one.anchor, [0, OCTAVE])
    assert (np.abs(other.statistics - one.statistics) * TABLE.units).max() < 0.02
    assert np.abs(other.grid - one.grid).max() <= 1


def test_exposure_changes_nothing() -> None:
    image = picture(4)
    for factor in (0.5, 4.0, 1 / 1024):
        np.testing.assert_array_equal(thumbnail(under(image, [factor] * 3)), thumbnail(image))


def test_pixels_that_are_not_valid_do_not_count() -> None:
    image = picture(5, share_valid=0.6)
    wild = LinearImage(np.where(image.valid[..., None], image.pixels, np.float32(0.9)), image.valid, image.camera)
    one, other = describe(thumbnail(image)), describe(thumbnail(wild))
    np.testing.assert_array_equal(one.statistics, other.statistics)
    np.testing.assert_array_equal(one.grid, other.grid)


@pytest.mark.parametrize("value", [1, 7, 40_000, 65_535])
def test_an_even_picture_has_no_spread(value: int) -> None:
    found = describe(np.full((64, 64, 3), value, np.uint16))
    np.testing.assert_array_equal(found.anchor, [0, 0])
    assert found.statistics[TABLE.places["valid"]] == 2048
    flat = [TABLE.places[name][n] for name in ("spread", "bright_spread", "contrast") for n in (0, 1)]
    np.testing.assert_allclose(found.statistics[flat] * TABLE.units[flat], np.log(1e-3) / 2, atol=0.01)
    assert np.abs(found.statistics[:40]).max() <= 16
    assert (found.grid[4] == 16).all()


def test_what_fits_no_number_of_its_size_is_cut_off() -> None:
    rng = np.random.default_rng(1)
    for seed in range(20):
        pixels = np.exp(rng.uniform(0, 11, (64, 64, 3))).astype(np.uint16)
        pixels[rng.random((64, 64)) < seed / 20] = 0
        if not pixels.all(axis=2).any():
            continue
        found = describe(pixels)
        assert np.abs(found.grid).max() <= 127
        assert found.statistics.min() >= -(1 << 15)
        assert found.statistics.max() < 1 << 15


def test_nothing_to_see() -> None:
    with pytest.raises(AwbError, match="no valid pixel"):
        describe(np.zeros((64, 64, 3), np.uint16))
    dark = np.full((64, 64, 3), 9, np.uint16)
    dark[..., 1] = 0
    with pytest.raises(AwbError, match="no valid pixel"):
        describe(dark)
