"""Every method: what must not change the answer, and images that leave little to estimate from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awbkit.errors import AwbError
from awbkit.estimators import parse
from tests.helpers.estimator_scenes import ANY_PARAMETERS, FROM_PIXELS, LIGHT, assert_direction, of, scene

GLOBAL = ["gray-world", "white-patch", "shades-of-gray", "pca", "local-surface-reflectance:patches=1"]
EQUIVARIANT = [
    "gray-world",
    "white-patch",
    "shades-of-gray",
    "general-gray-world",
    "gray-edge",
    "gray-edge-2",
    "local-surface-reflectance",
    "bright-gray",
]

# ---------------------------------------------------------------- what must not change the answer

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=12, deadline=None)


@pytest.mark.slow
@pytest.mark.parametrize("specification", ANY_PARAMETERS)
@quick
@given(seed=seeds, exposure=st.sampled_from([1e-30, 1e-6, 0.01, 0.5, 3.0, 1e4, 1e30]))
def test_exposure_does_not_matter(specification: str, seed: int, exposure: float) -> None:
    method, pixels = parse(specification), scene(seed)
    assert_direction(method.estimate(of(pixels * np.float32(exposure))).rgb, method.estimate(of(pixels)).rgb, 1e-3)


@pytest.mark.parametrize("specification", EQUIVARIANT)
@quick
@given(seed=seeds, gains=st.tuples(*[st.sampled_from([0.125, 0.25, 0.5, 1.0, 2.0, 4.0])] * 3))
def test_gains_multiply_the_answer(specification: str, seed: int, gains: tuple[float, float, float]) -> None:
    """The property that makes an estimate mean the same for every camera and every light."""
    method, pixels = parse(specification), scene(seed)
    before, after = method.estimate(of(pixels)).rgb, method.estimate(of(pixels * np.array(gains))).rgb
    assert_direction(after, np.multiply(before, gains), degrees=1e-3)


@pytest.mark.parametrize("specification", GLOBAL)
@quick
@given(seed=seeds)
def test_the_place_of_a_pixel_does_not_matter(specification: str, seed: int) -> None:
    method, pixels = parse(specification), scene(seed)
    shuffled = np.random.default_rng(seed).permutation(pixels.reshape(-1, 3)).reshape(12, 40, 3)
    assert_direction(method.estimate(of(shuffled)).rgb, method.estimate(of(pixels)).rgb)


@pytest.mark.slow
@pytest.mark.parametrize("specification", ANY_PARAMETERS)
@quick
@given(
    seed=seeds, garbage=st.sampled_from([0.0, 1.0, -1.0, 1e30, math.nan, math.inf, -math.inf]), share=st.floats(0, 1)
)
def test_what_is_not_valid_is_never_read(specification: str, seed: int, garbage: float, share: float) -> None:
    method, pixels = parse(specification), scene(seed)
    valid = np.random.default_rng(seed).uniform(size=pixels.shape[:2]) >= share
    valid[7, 7] = True
    spoilt = np.where(valid[..., None], pixels, np.float32(garbage))
    assert method.estimate(of(spoilt, valid)).rgb == method.estimate(of(pixels, valid)).rgb


@pytest.mark.parametrize(
    "specification", ["general-gray-world", "gray-edge", "gray-edge-2", "gray-index", "bright-gray"]
)
def test_a_mask_over_a_flat_part_makes_no_edges(specification: str) -> None:
    """A hole in a grey wall is nothing new: the answer is the light, though the hole has hard edges."""
    shading = np.linspace(0.2, 0.8, 40)[None, :, None] * np.ones((40, 1, 1))
    pixels = shading * LIGHT
    valid = np.ones((40, 40), dtype=bool)
    valid[10:25, 12:30] = False
    pixels[~valid] = (0.9, 0.0, 0.9)
    assert_direction(parse(specification).estimate(of(pixels, valid)).rgb, LIGHT, degrees=0.01)


@pytest.mark.parametrize("specification", [*GLOBAL, "gray-edge", "gray-edge-2", "general-gray-world", "gray-index"])
def test_a_turned_picture_has_the_same_light(specification: str) -> None:
    method, pixels = parse(specification), scene(13, (24, 24))
    straight = method.estimate(of(pixels)).rgb
    for turned in (np.rot90(pixels), pixels[::-1], pixels[:, ::-1], pixels.transpose(1, 0, 2)):
        assert_direction(method.estimate(of(turned)).rgb, straight)


# ---------------------------------------------------------------- little to estimate from


@pytest.mark.parametrize("specification", FROM_PIXELS)
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (0, 0), (0, 4)])
def test_no_valid_pixel_is_an_error_in_words(specification: str, shape: tuple[int, int]) -> None:
    image = of(np.full((*shape, 3), 0.5), np.zeros(shape, dtype=bool))
    with pytest.raises(AwbError, match="no valid pixel: every pixel is clipped, black or masked"):
        parse(specification).estimate(image)


@pytest.mark.parametrize("specification", FROM_PIXELS)
@pytest.mark.filterwarnings("error")
def test_valid_pixels_without_light_are_an_error_in_words(specification: str) -> None:
    with pytest.raises(AwbError, match="no light"):
        parse(specification).estimate(of(np.zeros((64, 64, 3))))


@pytest.mark.parametrize("specification", ANY_PARAMETERS)
@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (3, 200)])
def test_one_valid_pixel_is_the_answer(specification: str, shape: tuple[int, int]) -> None:
    pixels = scene(14, shape)
    valid = np.zeros(shape, dtype=bool)
    valid[0, -1] = True
    assert_direction(parse(specification).estimate(of(pixels, valid)).rgb, pixels[0, -1])


@pytest.mark.parametrize("specification", ANY_PARAMETERS)
@pytest.mark.parametrize("shape", [(1, 2), (2, 2), (1, 50), (50, 1), (7, 5)])
def test_small_pictures_have_an_answer(specification: str, shape: tuple[int, int]) -> None:
    rgb = parse(specification).estimate(of(scene(15, shape))).rgb
    assert all(math.isfinite(value) and value > 0 for value in rgb)


@pytest.mark.parametrize("specification", FROM_PIXELS)
def test_extreme_values_have_an_answer(specification: str) -> None:
    """The range of float32 within one picture: no overflow, no warning, no zero."""
    pixels = scene(16)
    pixels[::2] *= np.float32(1e30)
    pixels[..., 2] *= np.float32(1e-4)
    rgb = parse(specification).estimate(of(pixels)).rgb
    assert all(math.isfinite(value) and value > 0 for value in rgb)


@pytest.mark.slow
@pytest.mark.parametrize("specification", FROM_PIXELS)
def test_a_large_picture_has_an_answer(specification: str) -> None:
    pixels = np.kron(scene(17, (10, 15)), np.ones((40, 40, 1)))
    rgb = parse(specification).estimate(of(pixels)).rgb
    assert all(math.isfinite(value) and value > 0 for value in rgb)


@pytest.mark.parametrize("specification", FROM_PIXELS)
def test_the_image_is_left_as_it_was(specification: str) -> None:
    image = of(scene(18))
    before = image.pixels.copy()
    image.pixels.setflags(write=False)
    image.valid.setflags(write=False)
    parse(specification).estimate(image)
    np.testing.assert_array_equal(image.pixels, before)
