"""The gray card: its colour in spite of dirt, and a spread that tells a card from a picture."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError
from awbkit.estimators.region import gray_card

LIGHT = np.array([0.7, 1.0, 0.4])
ORANGE = np.array([0.9, 0.6, 0.1])


def of(pixels: NDArray[Any], valid: NDArray[Any] | None = None) -> LinearImage:
    linear = np.asarray(pixels, dtype=np.float32)
    return LinearImage(linear, np.ones(linear.shape[:2], dtype=bool) if valid is None else valid)


def card(shape: tuple[int, int] = (20, 20), noise: float = 0.0) -> NDArray[np.float64]:
    """A shaded card, the brightest corner three times as bright as the darkest."""
    shading = np.linspace(0.3, 0.9, shape[0] * shape[1]).reshape(*shape, 1)
    return np.asarray(shading * LIGHT * (1 + noise * np.random.default_rng(1).standard_normal((*shape, 3))))


def error(rgb: NDArray[np.float64]) -> float:
    return angular_error(rgb.tolist(), LIGHT.tolist())


def test_a_shaded_card_is_uniform() -> None:
    rgb, spread = gray_card(of(card()))
    assert error(rgb) < 1e-3
    assert 0 <= spread < 1e-3


def test_one_pixel_is_a_card() -> None:
    rgb, spread = gray_card(of(LIGHT.reshape(1, 1, 3)))
    assert error(rgb) < 1e-4
    assert spread == pytest.approx(0, abs=1e-4)


def test_noise_shows_as_some_tenths_of_a_degree() -> None:
    rgb, spread = gray_card(of(card(noise=0.01)))
    assert error(rgb) < 0.1
    assert 0.2 < spread < 1


def test_dust_and_a_frame_do_not_pull_the_colour() -> None:
    pixels = card(noise=0.01)
    pixels[:4] = ORANGE
    rgb, spread = gray_card(of(pixels))
    assert error(rgb) < 0.2
    assert spread < 2


@pytest.mark.parametrize("pattern", ["halves", "checkerboard", "third"])
def test_two_colours_are_not_a_card(pattern: str) -> None:
    """The spread of a region that is half card is the whole angle between its colours, however they are laid out."""
    pixels = card()
    rows, columns = np.indices(pixels.shape[:2])
    other = {"halves": rows < 10, "checkerboard": (rows + columns) % 2 == 0, "third": columns < 7}[pattern]
    pixels[other] = ORANGE
    _, spread = gray_card(of(pixels))
    assert spread == pytest.approx(error(ORANGE), rel=0.05)


def test_a_picture_is_not_a_card() -> None:
    _, spread = gray_card(of(np.random.default_rng(2).uniform(0.05, 0.9, (20, 20, 3))))
    assert spread > 10


def test_the_spread_by_hand() -> None:
    """Turned away from the card's colour by -1, -1, 0, 0, 0, 0, 1, 1 degrees: quartiles at -0.25 and 0.25."""
    centre = LIGHT / np.linalg.norm(LIGHT)
    side = np.cross(centre, [0, 0, 1.0])
    side /= np.linalg.norm(side)
    turns = np.radians([-1, -1, 0, 0, 0, 0, 1, 1])
    pixels = np.cos(turns)[:, None] * centre + np.sin(turns)[:, None] * side
    rgb, spread = gray_card(of(pixels.reshape(2, 4, 3)))
    assert error(rgb) < 0.4
    assert spread == pytest.approx(0.5, abs=0.01)


@settings(max_examples=20, deadline=None)
@given(exposure=st.sampled_from([1e-20, 1e-3, 7.0, 1e20]), seed=st.integers(0, 1000))
def test_exposure_does_not_matter(exposure: float, seed: int) -> None:
    pixels = np.random.default_rng(seed).uniform(0.1, 0.9, (6, 6, 3))
    (rgb, spread), (same, again) = gray_card(of(pixels)), gray_card(of(pixels * exposure))
    assert angular_error(rgb.tolist(), same.tolist()) < 1e-4
    assert spread == pytest.approx(again, abs=1e-3)


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -1.0])
def test_what_is_not_valid_is_never_read(garbage: float) -> None:
    pixels = card()
    valid = np.ones(pixels.shape[:2], dtype=bool)
    valid[3:9] = False
    expected = gray_card(of(pixels, valid))
    pixels[~valid] = garbage
    rgb, spread = gray_card(of(pixels, valid))
    np.testing.assert_array_equal(rgb, expected[0])
    assert spread == expected[1]


def test_no_valid_pixel_is_an_error_in_words() -> None:
    with pytest.raises(AwbError, match="no valid pixel: every pixel is clipped, black or masked"):
        gray_card(of(card(), np.zeros((20, 20), dtype=bool)))
