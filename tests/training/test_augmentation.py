"""Augmentation keeps what it must: the light of a picture stays the light of what becomes of it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from awbkit.colour.camera import Camera
from awbkit.colour.image import LinearImage
from awbkit.training.augmentation import Chances, LabelledPicture, lights, variant
from awbkit.training.cameras import D65_XYZ, canonical_matrix, draw_camera, listed_matrices, measured_matrices
from tests.helpers.evaluation_sets import MATRICES

LIGHT = np.array([1.8, 1.0, 0.5])
NEVER = {field.name: 0.0 for field in fields(Chances)}
CAMERA = Camera("Canon EOS 550D", "camera", ((6504.0, MATRICES["Canon EOS 550D"]),))  # type: ignore[arg-type]


def grey_world(seed: int, light: np.ndarray = LIGHT) -> LabelledPicture:
    """Grey surfaces only, so that every valid pixel shows the light."""
    rng = np.random.default_rng(seed)
    grey = np.kron(rng.uniform(0.05, 0.9, (16, 16, 1)), np.ones((4, 4, 1)))
    return LabelledPicture(
        LinearImage((grey * light / light.max()).astype(np.float32), rng.random((64, 64)) < 0.9), light
    )


def degrees(pixels: np.ndarray, light: np.ndarray) -> np.ndarray:
    unit = pixels / np.linalg.norm(pixels, axis=-1, keepdims=True)
    return np.degrees(np.arccos(np.clip(unit @ (light / np.linalg.norm(light)), -1, 1)))


@pytest.mark.parametrize("happens", ["camera", "collage", "crop", "exposure", "blur"])
def test_grey_surfaces_still_show_the_light(happens: str) -> None:
    chances = Chances(**{**NEVER, happens: 1.0})
    changed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        start = grey_world(seed)
        other = grey_world(seed + 100, np.array([0.6, 1.0, 1.7]))
        found = variant(start, CAMERA, lambda draw, other=other: other, rng, chances=chances)
        assert degrees(found.image.pixels[found.image.valid].astype(float), found.light).max() < 0.01
        changed += not np.array_equal(found.image.pixels, start.image.pixels)
        assert found.telling
    assert changed > 15 or happens == "exposure"


@pytest.mark.parametrize("happens", ["one_colour", "grey"])
def test_pictures_of_one_colour(happens: str) -> None:
    chances = Chances(**{**NEVER, happens: 1.0})
    off, contrasts = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        paint = rng.uniform(0.1, 0.9, (8, 8, 3)).repeat(8, axis=0).repeat(8, axis=1)
        start = LabelledPicture(LinearImage((paint * LIGHT / 2).astype(np.float32), np.ones((64, 64), bool)), LIGHT)
        found = variant(start, CAMERA, lambda draw: start, rng, chances=chances)  # noqa: B023
        before, after = (np.sort(np.log(one.image.pixels.sum(axis=2).ravel())) for one in (start, found))
        contrasts.append(after.std() / before.std())
        np.testing.assert_array_equal(found.light, LIGHT)
        assert found.telling == (happens == "grey")
        mean = found.image.pixels.astype(float).reshape(-1, 3).mean(axis=0)
        assert np.median(degrees(found.image.pixels.astype(float), mean)) < 9
        off.append(degrees(mean, LIGHT))
    # Nearly all of one direction: that of the light where the colour is grey, else not.
    assert np.median(off) < 3 if happens == "grey" else np.median(off) > 15
    # An even one says as little of whether it is paint.
    assert min(contrasts) < 0.05
    assert 0.8 < max(contrasts) < 1.01


def test_blur_does_not_reach_round_the_edges() -> None:
    pixels = np.full((64, 64, 3), 0.01, np.float32)
    pixels[:, 0] = 0.9
    start = LabelledPicture(LinearImage(pixels, np.ones((64, 64), bool)), LIGHT)
    never_flipped = [
        variant(
            start, CAMERA, lambda draw: start, np.random.default_rng(seed), chances=Chances(**{**NEVER, "blur": 1.0})
        )
        for seed in range(8)
    ]
    for found in never_flipped:
        columns = np.sort(found.image.pixels.mean(axis=(0, 2)))
        np.testing.assert_allclose(columns[:62], 0.01, rtol=1e-5)
        assert columns[62] > 0.02


def test_noise_is_small_and_without_bias() -> None:
    chances = Chances(**{**NEVER, "noise": 1.0})
    for seed in range(10):
        start = grey_world(seed)
        found = variant(start, CAMERA, lambda draw: start, np.random.default_rng(seed), chances=chances)  # noqa: B023
        mean = found.image.pixels[found.image.valid].astype(float).mean(axis=0)
        assert degrees(mean, LIGHT) < 0.1


def test_a_second_light_moves_the_truth_to_the_mean_by_brightness() -> None:
    chances = Chances(**{**NEVER, "second_light": 1.0})
    for seed in range(10):
        start = grey_world(seed)
        found = variant(start, CAMERA, lambda draw: start, np.random.default_rng(seed), chances=chances)  # noqa: B023
        mean = found.image.pixels[found.image.valid].astype(float).mean(axis=0)
        # The brightness is that before the second light came on, and it changes with that.
        assert degrees(mean, found.light) < 2
        assert degrees(start.light, found.light) < 20


def test_a_camera_without_a_matrix_is_not_replaced() -> None:
    start = grey_world(0)
    chances = Chances(**{**NEVER, "camera": 1.0})
    found = variant(start, Camera("Unknown"), lambda draw: start, np.random.default_rng(3), chances=chances)
    np.testing.assert_array_equal(found.light, start.light)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_comes_can_be_described(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = np.exp(rng.normal(size=(64, 64, 3)) * 1.5).astype(np.float32)
    valid = rng.random((64, 64)) < rng.choice((0.01, 0.05, 0.5, 1.0))
    start = LabelledPicture(LinearImage(pixels, valid), np.exp(rng.normal(size=3)))
    chances = Chances(**dict.fromkeys(NEVER, 1.0))
    found = variant(start, CAMERA, lambda draw: start, rng, chances=chances)
    assert found.image.valid.any() == valid.any()
    assert (found.light > 0).all()
    assert (found.image.pixels[found.image.valid] > 0).all()
    assert np.isfinite(found.image.pixels[found.image.valid]).all()


def test_chance_alone_decides() -> None:
    start = grey_world(5)
    one, same, other = (variant(start, CAMERA, lambda draw: start, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.image.pixels, same.image.pixels)
    assert not np.array_equal(one.image.pixels, other.image.pixels)


def test_every_camera_sees_d65_as_white() -> None:
    assert len(listed_matrices()) > 400
    assert len(measured_matrices()) == 52
    for matrices in (
        listed_matrices(),
        measured_matrices(),
        np.array([draw_camera(np.random.default_rng(s)) for s in range(50)]),
    ):
        np.testing.assert_allclose(matrices @ D65_XYZ, 1, atol=1e-4)
    own = canonical_matrix(Camera("Nikon D810", "camera", ((6504.0, MATRICES["Nikon D810"]),)))  # type: ignore[arg-type]
    assert own is not None
    np.testing.assert_allclose(own @ D65_XYZ, 1, atol=1e-9)
    # It is among the cameras that LibRaw lists.
    assert np.abs(listed_matrices() - own).max(axis=(1, 2)).min() < 1e-3


def test_lights_lie_along_and_off_the_locus() -> None:
    found = lights(500, np.random.default_rng(0))
    assert np.isfinite(found).all()
    # Light that is red lacks blue, as along the locus; light that lacks red does not. Some is far from both.
    red, not_red = found[found[:, 0] > 0.3, 1], found[found[:, 0] < -0.3, 1]
    assert np.median(red) < -0.3
    assert np.median(not_red) > np.median(red) + 0.3
    assert found.min(axis=0).max() < -0.15
    assert found.max(axis=0).min() > 0.15
    # Daylight is white.
    assert np.linalg.norm(found, axis=1).min() < 0.1
