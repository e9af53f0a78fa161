"""Photographs made of raw pictures: their stated light is what their grey surfaces show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_training_augmentation import CAMERA, degrees, grey_world

from awbkit.camera import Camera
from awbkit.image import LinearImage
from awbkit.training.augmentation import Labelled
from awbkit.training.rendering import GREYS, Rendering, rendered


def rendering(seed: int = 0) -> Rendering:
    return Rendering.draw(grey_world(seed), CAMERA, np.random.default_rng(seed))


def test_the_right_white_leaves_no_cast() -> None:
    for seed in range(20):
        picture = grey_world(seed)
        right = replace(rendering(seed), white=picture.light / picture.light[1])
        np.testing.assert_allclose(right.light(picture.light, 0.8 / right.exposure), 1, atol=1e-9)


def test_without_a_curve_the_cast_is_that_of_the_wrong_white() -> None:
    picture = grey_world(1)
    wrong = picture.light * (0.9, 1.0, 1.15)
    plain = replace(rendering(), white=wrong / wrong[1], matrix=np.eye(3), contrast=0.0, lift=0.0)
    expected = picture.light / wrong
    found = plain.light(picture.light, 0.8 / plain.exposure)
    np.testing.assert_allclose(found, expected / expected[1], rtol=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_grey_surfaces_of_middle_brightness_show_the_stated_light(seed: int) -> None:
    picture = grey_world(seed)
    found = rendered(picture, CAMERA, np.random.default_rng(seed))
    brightness = found.image.pixels.mean(axis=2)
    middle = found.image.valid & (brightness > 0.08) & (brightness < 0.4)
    if np.count_nonzero(middle) < 50:
        return
    off = degrees(found.image.pixels[middle].astype(float), found.light)
    cast = float(degrees(found.light, np.ones(3)))
    # Noise aside; the curve bends a strong cast differently from tone to tone.
    assert np.median(off) < 1.0 + 0.25 * cast


def test_casts_range_from_none_to_strong() -> None:
    casts = [
        float(degrees(rendered(grey_world(s), CAMERA, np.random.default_rng(s)).light, np.ones(3))) for s in range(100)
    ]
    assert min(casts) < 1
    assert 1 < np.median(casts) < 12
    assert max(casts) > 12


def test_curves_are_monotone_and_end_at_white() -> None:
    ramp = np.linspace(0, 1, 1000)[:, None] * np.ones(3)
    for contrast in (0.0, 0.5, 1.0):
        one = replace(rendering(), white=np.ones(3), matrix=np.eye(3), exposure=1.0, contrast=contrast)
        values = one.develop(ramp)
        assert (np.diff(values[:, 1]) >= 0).all()
        assert values[-1, 1] == pytest.approx(1)
        assert values[0, 1] == pytest.approx(one.lift)


def test_highlights_are_white_whatever_the_light() -> None:
    one = rendering(2)
    bright = one.develop(np.full((1, 3), 1e6))
    np.testing.assert_allclose(bright, bright[0, 1], atol=1e-9)


@pytest.mark.parametrize("light", [(30.0, 1.0, 0.02), (0.05, 1.0, 12.0), (1.0, 1.0, 1.0)])
@pytest.mark.parametrize("camera", [CAMERA, Camera("Unknown")])
def test_far_lights_and_unknown_cameras(light: tuple[float, float, float], camera: Camera) -> None:
    for seed in range(10):
        found = rendered(grey_world(seed, np.array(light)), camera, np.random.default_rng(seed))
        assert (found.light > 0).all()
        assert np.isfinite(found.light).all()
        assert found.image.valid.any()
        assert (found.image.pixels[found.image.valid] > 0).all()
        assert found.image.camera.space == "linear-srgb"


def test_a_picture_that_is_all_black_is_no_trouble() -> None:
    black = Labelled(LinearImage(np.full((64, 64, 3), 1e-9, np.float32), np.ones((64, 64), bool)), np.ones(3))
    found = rendered(black, CAMERA, np.random.default_rng(0))
    assert found.image.valid.any()


def test_the_greys_lie_around_eighteen_percent() -> None:
    assert GREYS.tolist() == [0.09, 0.18, 0.36]
