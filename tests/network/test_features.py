"""What the network reads of a picture: relative to an anchor that moves with the light, and finite whatever comes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError, UsageError
from awbkit.network.features import GRID_CHANNELS, GRID_SIDE, describe
from awbkit.network.statistics import TABLE
from tests.helpers.network_pictures import picture, under

GAIN = st.floats(0.05, 20)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), red=GAIN, blue=GAIN, valid=st.sampled_from((1.0, 0.9, 0.3)))
def test_gains_move_the_anchor_and_nothing_else(seed: int, red: float, blue: float, valid: float) -> None:
    image = picture(seed, share_valid=valid)
    gained = image.pixels[image.valid] * np.array([red, 1, blue])
    # What is fainter than a millionth of the brightest is taken for that.
    assume(gained.min() > 1e-6 * gained.max())
    plain, lit = describe(image), describe(under(image, (red, 1, blue)))
    np.testing.assert_allclose(lit.anchor - plain.anchor, np.log([red, blue]), atol=2e-5)
    # A pixel at the very edge of a set of pixels may change sides by rounding.
    assert np.quantile(np.abs(lit.statistics - plain.statistics), 0.9) < 1e-3
    np.testing.assert_allclose(lit.grid, plain.grid, atol=5e-3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), exposure=st.floats(1e-4, 1e4))
def test_exposure_changes_nothing(seed: int, exposure: float) -> None:
    image = picture(seed, share_valid=0.8)
    plain, exposed = describe(image), describe(under(image, [exposure] * 3))
    np.testing.assert_allclose(exposed.anchor, plain.anchor, atol=1e-5)
    assert np.quantile(np.abs(exposed.statistics - plain.statistics), 0.9) < 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_a_mirrored_picture_has_the_same_statistics(seed: int) -> None:
    image = picture(seed, share_valid=0.9)
    mirrored = LinearImage(np.ascontiguousarray(image.pixels[:, ::-1]), np.ascontiguousarray(image.valid[:, ::-1]))
    one, other = describe(image), describe(mirrored)
    np.testing.assert_allclose(other.statistics, one.statistics, atol=1e-3)
    np.testing.assert_allclose(other.grid, one.grid[:, :, ::-1], atol=5e-3)


def test_what_is_not_valid_is_never_read() -> None:
    image = picture(3, share_valid=0.7)
    spoiled = image.pixels.copy()
    spoiled[~image.valid] = np.nan
    one, other = describe(image), describe(LinearImage(spoiled, image.valid))
    for name in ("anchor", "statistics", "grid"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("light", [(1, 1, 1), (2.5, 1, 0.3), (0.2, 1, 4)])
def test_a_gray_picture_is_its_light_and_no_colour_remains(light: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(1)
    gray = LinearImage((rng.uniform(0.1, 0.9, (64, 64, 1)) * light).astype(np.float32), np.ones((64, 64), bool))
    found = describe(gray)
    np.testing.assert_allclose(found.anchor, np.log([light[0], light[2]]), atol=1e-5)
    np.testing.assert_allclose(found.grid[:2], 0, atol=1e-5)
    # The answers of all estimators, and all means, agree with the anchor: zero relative to it.
    np.testing.assert_allclose(found.statistics[:72], 0, atol=1e-4)


@pytest.mark.parametrize("apart", [0.0, 0.01, 0.1, 0.4])
def test_how_even_a_picture_is(apart: float) -> None:
    """Half of the rows redder and half bluer: deviations are known, and what is even is a thousandth apart."""
    sign = np.where(np.arange(64) % 2, 1, -1)[:, None, None]
    rows = np.exp(sign * np.array([apart, 0, -apart])) * np.ones((64, 64, 3))
    found = describe(LinearImage(rows.astype(np.float32), np.ones((64, 64), bool))).statistics
    np.testing.assert_allclose(np.exp(2 * found[TABLE.places["spread"][:2]]), np.hypot(apart, 1e-3), rtol=1e-3)
    # Two of a pixel's four neighbours are like it; at the edges more on two sides, and fewer on the others.
    np.testing.assert_allclose(np.exp(2 * found[TABLE.places["contrast"][1]]), 2 * apart + 1e-3, rtol=1e-3)


@pytest.mark.parametrize("value", [1e-30, 1e-6, 1.0, 1e25])
@pytest.mark.parametrize("gains", [(1, 1, 1), (1e-6, 1, 1), (1, 1, 1e6), (1e5, 1, 1e-5)])
@pytest.mark.parametrize("kind", ["flat", "one", "few", "outlier", "noise"])
def test_features_are_finite_and_bounded(value: float, gains: tuple[float, float, float], kind: str) -> None:
    pixels = np.full((64, 64, 3), value) * gains
    valid = np.ones((64, 64), bool)
    if kind in ("one", "few"):
        valid[:] = False
        valid[10, 10 : 11 if kind == "one" else 15] = True
    if kind == "outlier":
        pixels[5, 5] *= 1e5
    if kind == "noise":
        pixels = pixels * np.exp(np.random.default_rng(0).normal(size=pixels.shape) * 2)
    with np.errstate(all="raise", under="ignore"):
        found = describe(LinearImage(pixels.astype(np.float32), valid))
    assert np.isfinite(found.anchor).all()
    assert np.isfinite(found.statistics).all()
    assert np.isfinite(found.grid).all()
    assert np.abs(found.statistics).max() <= 4
    assert (found.anchor.dtype, found.statistics.dtype, found.grid.dtype) == (np.float32,) * 3
    assert found.statistics.shape == (TABLE.count,)
    assert found.grid.shape == (GRID_CHANNELS, GRID_SIDE, GRID_SIDE)


@pytest.mark.parametrize(
    ("image", "kind", "says"),
    [
        (picture(0, share_valid=0.0), AwbError, "no valid pixel"),
        (LinearImage(np.ones((32, 64, 3), np.float32), np.ones((32, 64), bool)), UsageError, "64 x 64"),
    ],
)
def test_what_cannot_be_described(image: LinearImage, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        describe(image)


def test_the_grid_knows_where_pixels_are_valid() -> None:
    image = picture(4)
    image.valid[:4, :4] = False
    image.valid[4:8, :2] = False
    grid = describe(image).grid
    assert grid[:, 0, 0].tolist() == [0] * GRID_CHANNELS
    assert grid[4, 1, 0] == 0.5
    assert grid[4, 2, 2] == 1
