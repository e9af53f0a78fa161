"""Every method: known answers, by hand or by mathematics."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import angular_error
from awbkit.errors import AwbError
from awbkit.estimators import parse
from awbkit.estimators._filters import NormalisedGaussian, gaussian_kernel
from awbkit.estimators._pixels import minkowski_norm
from awbkit.estimators.bright_gray import bright_gray
from awbkit.estimators.general_gray_world import general_gray_world
from awbkit.estimators.gray_edge import gray_edge, gray_edge_2
from awbkit.estimators.gray_index import gray_index
from awbkit.estimators.gray_world import gray_world
from awbkit.estimators.local_surface_reflectance import local_surface_reflectance
from awbkit.estimators.pca import pca
from awbkit.estimators.shades_of_gray import shades_of_gray
from awbkit.estimators.white_patch import white_patch
from tests.helpers.estimator_scenes import ANY_PARAMETERS, LIGHT, assert_direction, of, scene

# ---------------------------------------------------------------- known answers


TWO = np.array([[[0.1, 0.2, 0.3], [0.3, 0.2, 0.7]]])


def test_gray_world_is_the_mean() -> None:
    assert_direction(gray_world(of(TWO)), [0.2, 0.2, 0.5])


def test_shades_of_gray_by_hand() -> None:
    """p = 2: the root of the mean of the squares."""
    assert_direction(shades_of_gray(of(TWO), p=2), np.sqrt([0.05, 0.04, 0.29]))


@pytest.mark.parametrize("seed", [1, 2])
def test_shades_of_gray_leads_from_gray_world_to_white_patch(seed: int) -> None:
    image = of(scene(seed))
    assert_direction(shades_of_gray(image, p=1), gray_world(image))
    assert_direction(shades_of_gray(image, p=math.inf), image.pixels.max(axis=(0, 1)))
    assert_direction(shades_of_gray(image, p=math.inf), white_patch(image, percentile=100))
    assert_direction(shades_of_gray(image, p=1e5), shades_of_gray(image, p=math.inf), degrees=0.01)


def test_white_patch_is_numpys_percentile() -> None:
    image = of(scene(3))
    for percentile in (50.0, 90.0, 99.5, 100.0):
        expected = np.percentile(image.pixels.reshape(-1, 3).astype(float), percentile, axis=0)
        assert_direction(white_patch(image, percentile=percentile), expected)


def test_white_patch_finds_the_white_of_a_mondrian() -> None:
    reflectance = np.random.default_rng(4).uniform(0.05, 0.8, (8, 8, 3))
    reflectance[2, 5] = 0.9
    image = of(np.kron(reflectance * LIGHT, np.ones((4, 4, 1))))
    assert_direction(white_patch(image), LIGHT)
    assert_direction(bright_gray(image), LIGHT)


def test_general_gray_world_without_smoothing_is_shades_of_gray() -> None:
    image = of(scene(5))
    assert_direction(general_gray_world(image, p=6, sigma=0), shades_of_gray(image, p=6))


def test_general_gray_world_smooths_a_speck_away() -> None:
    """One red pixel decides the maximum, but not that of the smoothed image."""
    pixels = np.full((31, 31, 3), 0.2) * LIGHT
    pixels[15, 15] = (0.9, 0.01, 0.01)
    sharp = angular_error(general_gray_world(of(pixels), p=math.inf, sigma=0).tolist(), LIGHT.tolist())
    smooth = angular_error(general_gray_world(of(pixels), p=math.inf, sigma=4).tolist(), LIGHT.tolist())
    assert smooth < 3 < 30 < sharp


@pytest.mark.parametrize("method", [gray_edge, gray_edge_2])
@pytest.mark.parametrize("p", [1, 3, math.inf])
def test_edges_of_a_step_are_its_height(method: Any, p: float) -> None:
    """A step between two colours has every derivative proportional to their difference, whatever the colours."""
    left, right = np.array([0.50, 0.20, 0.30]), np.array([0.57, 0.30, 0.34])
    pixels = np.where(np.arange(20)[None, :, None] < 10, left, right) * np.ones((12, 1, 1))
    assert_direction(method(of(pixels), p=p, sigma=1), right - left, degrees=0.01)


def test_pca_of_two_colours_is_the_line_nearest_to_both() -> None:
    """Two pixels of equal length at 0 and 2 t: the first component lies at t."""
    first, second = np.array([0.6, 0.6, 0.3]), np.array([0.3, 0.6, 0.6])
    pixels = np.stack([first, second]).reshape(1, 2, 3)
    assert_direction(pca(of(pixels), percent=50), first + second)


def test_pca_sees_only_both_ends() -> None:
    """Dark and bright greys under the light, strong colours between them."""
    middle = np.random.default_rng(6).uniform(0.3, 0.4, (1, 80, 3)) * (0.4, 1.0, 1.4)
    ends = np.concatenate([np.full((1, 10, 1), 0.01), np.full((1, 10, 1), 0.9)], axis=1) * LIGHT
    pixels = np.concatenate([ends[:, :10], middle, ends[:, 10:]], axis=1)
    assert_direction(pca(of(pixels), percent=10), LIGHT, degrees=1e-3)
    assert angular_error(pca(of(pixels), percent=50).tolist(), LIGHT.tolist()) > 3


def test_gray_index_finds_the_shaded_grey_among_colours() -> None:
    """A quarter of the picture is a shaded grey surface; elsewhere every pixel has a colour of its own."""
    pixels = scene(7, (32, 32))
    ripple = 0.3 + 0.2 * np.sin(np.arange(16) * 0.9)
    pixels[:16, :16] = (ripple[:, None] * np.ones(16))[..., None] * LIGHT
    assert_direction(gray_index(of(pixels), percent=2), LIGHT, degrees=0.01)
    assert angular_error(gray_world(of(pixels)).tolist(), LIGHT.tolist()) > 3


def test_local_surface_reflectance_leads_from_white_patch_to_gray_world() -> None:
    image = of(scene(8))
    assert_direction(local_surface_reflectance(image, patches=1), white_patch(image, percentile=100))
    assert_direction(local_surface_reflectance(image, patches=1000), gray_world(image))


def test_local_surface_reflectance_by_hand() -> None:
    """Two patches of two pixels: red 1 and 2, then 3 and 4, so (1 + 2 + 3 + 4) / (1/2 + 1 + 3/4 + 1)."""
    red = np.array([1.0, 2.0, 3.0, 4.0])
    pixels = np.stack([red, np.full(4, 2.0), np.full(4, 1.0)], axis=1).reshape(1, 4, 3) / 8
    assert_direction(local_surface_reflectance(of(pixels), patches=2), [10 / 3.25, 2.0, 1.0])


def test_bright_gray_prefers_grey_to_a_brighter_colour() -> None:
    """A yellow lamp with the largest red and green; beside it a white wall, darker than the lamp."""
    pixels = scene(9, (30, 30)) * np.float32(0.2) * LIGHT
    pixels[4:10, 4:10] = np.array([0.9, 0.9, 0.05]) * LIGHT
    pixels[14:28, 14:28] = 0.6 * LIGHT
    assert_direction(bright_gray(of(pixels)), LIGHT)


@pytest.mark.parametrize("specification", ANY_PARAMETERS)
def test_a_grey_scene_has_the_colour_of_its_light(specification: str) -> None:
    shading = np.random.default_rng(10).uniform(0.05, 0.9, (24, 20, 1))
    assert_direction(parse(specification).estimate(of(shading * LIGHT)).rgb, LIGHT, degrees=0.01)


@pytest.mark.parametrize("specification", ANY_PARAMETERS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 3), (40, 1), (64, 64)])
def test_a_flat_picture_has_its_own_colour(specification: str, shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 0.37) * LIGHT
    assert_direction(parse(specification).estimate(of(flat)).rgb, LIGHT, degrees=1e-3)


@pytest.mark.parametrize("specification", ["gray-edge", "gray-edge-2"])
def test_edges_in_two_channels_only_are_no_edges(specification: str) -> None:
    """A constant blue channel has no edge, and no light is without blue: the answer is the mean."""
    pixels = scene(11)
    pixels[..., 2] = 0.25
    assert_direction(parse(specification).estimate(of(pixels)).rgb, gray_world(of(pixels)))


# ---------------------------------------------------------------- as shot


def test_as_shot_is_what_the_camera_chose() -> None:
    camera = Camera(name="A", as_shot=(0.5, 1.0, 0.625))
    image = replace(of(scene(12)), camera=camera)
    illuminant = parse("as-shot").estimate(image)
    assert illuminant.camera is camera
    assert_direction(illuminant.rgb, (0.5, 1.0, 0.625))


def test_as_shot_of_a_rendered_file_is_neutral() -> None:
    assert_direction(parse("as-shot").estimate(replace(of(scene(12)), camera=LINEAR_SRGB)).rgb, (1, 1, 1))


def test_as_shot_needs_no_pixel() -> None:
    clipped = replace(of(TWO, np.zeros((1, 2), dtype=bool)), camera=Camera(as_shot=(1.0, 2.0, 3.0)))
    assert_direction(parse("as-shot").estimate(clipped).rgb, (1, 2, 3))


def test_as_shot_unknown_is_an_error() -> None:
    with pytest.raises(AwbError, match="does not say which white the camera chose"):
        parse("as-shot").estimate(replace(of(scene(12)), camera=Camera()))


# ---------------------------------------------------------------- the parts


def test_minkowski_norm_by_hand() -> None:
    values = np.array([[3.0, 0.0], [4.0, 0.0]])
    np.testing.assert_allclose(minkowski_norm(values, 2), [math.sqrt(12.5), 0])
    np.testing.assert_allclose(minkowski_norm(values, 1), [3.5, 0])
    np.testing.assert_allclose(minkowski_norm(values, math.inf), [4, 0])


def test_minkowski_norm_does_not_overflow() -> None:
    np.testing.assert_allclose(minkowski_norm(np.array([[1e300], [1e300]]), 50), [1e300])


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.5])
def test_gaussian_kernels(sigma: float) -> None:
    """Sum 1, odd, even; the slope of a ramp is 1 but for the tails cut off, once the sampling is fine enough."""
    smooth, slope, bend = (gaussian_kernel(sigma, order) for order in (0, 1, 2))
    assert smooth.sum() == pytest.approx(1)
    np.testing.assert_allclose(slope, -slope[::-1])
    np.testing.assert_allclose(bend, bend[::-1])
    x = np.arange(len(slope)) - len(slope) // 2
    assert slope @ x == pytest.approx(1, abs=0.04 if sigma >= 1 else 0.15)


def test_derivatives_of_a_paraboloid_inside_the_picture() -> None:
    """x^2 + x y has the slope (2 x + y, x) and the curvatures 2, 1, 0; the tails cut off take a few per cent."""
    y, x = np.mgrid[0:60, 0:60].astype(float)
    jet = NormalisedGaussian((x**2 + x * y)[..., None], np.ones((60, 60), dtype=bool), 3.0)
    inside = (slice(20, 40), slice(20, 40))
    slope = jet.gradient()[:, 0].reshape(60, 60)[inside]
    np.testing.assert_allclose(slope, np.hypot(2 * x + y, x)[inside], rtol=0.05)
    bend = jet.curvature()[:, 0].reshape(60, 60)[inside]
    np.testing.assert_allclose(bend, np.sqrt(2**2 + 2 * 1**2), rtol=0.08)


def test_normalised_smoothing_keeps_a_constant_up_to_the_border_and_the_mask() -> None:
    valid = np.random.default_rng(19).uniform(size=(15, 15)) < 0.3
    smooth = NormalisedGaussian(np.full((15, 15, 1), 0.3), valid, 2.0).smooth()
    np.testing.assert_allclose(smooth, 0.3)
    assert smooth.shape == (valid.sum(), 1)
