"""Photographs simulated from raw pictures: known casts, their stated lights, and what a real file of one decodes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import awbkit
from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.colour.temperature import cct_duv_to_xy
from awbkit.errors import UsageError
from awbkit.files.encoding import linear_to_srgb
from awbkit.files.known_cameras import known_camera
from awbkit.training.augmentation import LabelledPicture
from awbkit.training.cameras import canonical_matrix
from awbkit.training.photographs import FAMILIES, LEVELS, PRESETS, Rendering, Tone, render_photograph

Array = NDArray[Any]

CAMERA = known_camera("Canon EOS 5D Mark II")
assert CAMERA is not None
NO_MATRIX = Camera("Unknown")
GREY = (slice(16, 48), slice(16, 48))
WHITE = (1.0, 1.0, 1.0)
CURVES = [pytest.param(tone, id=f"{name}-{end}") for name, pair in FAMILIES.items() for end, tone in enumerate(pair)]


def light_of(cct: float, camera: Camera = CAMERA) -> tuple[float, float, float]:
    light = camera.rgb_of_xy(*cct_duv_to_xy(cct, 0.0))
    assert light is not None
    return light


def scene(light: Any, camera: Camera = CAMERA, levels: tuple[float, float] = (0.02, 0.4)) -> LinearImage:
    """Muted colours around a square of greys from dark to bright, all under one light."""
    rng = np.random.default_rng(5)
    surfaces = np.kron(
        np.exp(rng.normal(size=(16, 16, 3)) * 0.15) * rng.uniform(0.1, 0.6, (16, 16, 1)), np.ones((4, 4, 1))
    )
    surfaces[GREY] = np.geomspace(*levels, 32)[:, None]
    return LinearImage.from_array(surfaces * np.array(light) / max(light) * 0.9, camera=camera)


def greys(image: LinearImage) -> Array:
    """Colours (N, 3) of the valid cells of the grey square."""
    return np.asarray(image.pixels[GREY][image.valid[GREY]], dtype=np.float64)


def worst(colours: Array, light: Any) -> float:
    return max(angular_error(colour, light) for colour in colours)


@pytest.mark.parametrize("cct", [2500.0, 4000.0, 6504.0, 12_000.0])
def test_a_faithful_camera_leaves_no_cast(cct: float) -> None:
    image, light = Rendering(bright=0.9).render(scene(light_of(cct)), light_of(cct))
    assert image.camera is LINEAR_SRGB
    np.testing.assert_allclose(light, WHITE, atol=1e-6)
    bright = greys(image)[greys(image)[:, 1] > 0.1]
    assert len(bright) > 200
    assert worst(bright, WHITE) < 0.3


def test_without_a_curve_the_cast_is_that_of_the_white_seen_through_the_matrix() -> None:
    """In linear sRGB itself the matrix is the identity, and the cast is light over white, component by component."""
    light = np.array(light_of(4000, LINEAR_SRGB))
    image, truth = Rendering(preset=5200.0).render(scene(light, LINEAR_SRGB), light)
    cast = light / np.array(light_of(5200, LINEAR_SRGB))
    assert angular_error(truth, cast) < 0.05
    bright = greys(image)[greys(image).max(axis=1) > 0.1]
    assert worst(bright, cast) < 0.8
    assert angular_error(np.exp(np.log(bright).mean(axis=0)), cast) < 0.1


def test_errors_have_the_stated_size_and_direction() -> None:
    light = np.array(light_of(5000, LINEAR_SRGB))
    picture = scene(light, LINEAR_SRGB)
    _, green = Rendering(across=0.1).render(picture, light)
    np.testing.assert_allclose(green, (np.exp(0.1), 1, np.exp(0.1)), rtol=1e-6)
    _, warm = Rendering(shift=50.0).render(picture, light)
    np.testing.assert_allclose(warm, light / np.array(light_of(4000, LINEAR_SRGB)), rtol=5e-3)
    _, left = Rendering(completeness=0.7).render(picture, light)
    np.testing.assert_allclose(left, (light / light[1]) ** 0.3, rtol=1e-6)


def test_a_matrix_turns_the_cast() -> None:
    """A camera's grey under the wrong white is not what dividing in linear sRGB would make of it, but near it."""
    _, truth = Rendering(preset=5200.0).render(scene(light_of(3500)), light_of(3500))
    ideal = np.array(light_of(3500, LINEAR_SRGB)) / np.array(light_of(5200, LINEAR_SRGB))
    assert 0.1 < angular_error(truth, ideal) < 6
    assert truth[0] > 1 > truth[2]


@pytest.mark.slow
@pytest.mark.parametrize("tone", CURVES)
@pytest.mark.parametrize("white", [2850.0, 4000.0, 6000.0])
def test_the_stated_light_makes_greys_neutral_under_every_curve(tone: Tone, white: float) -> None:
    """In the mean; where a curve is not sRGB's own, dark ones keep some of the cast and bright ones lose too much."""
    rendering = Rendering(preset=white, tone=tone, bright=0.8)
    image, truth = rendering.render(scene(light_of(4800)), light_of(4800))
    colours = greys(image)
    strongest = colours.max(axis=1)
    shown = colours[(strongest > 0.1) & (strongest < 0.7)]
    neutral = shown / truth
    assert len(shown) > 100
    assert worst(neutral, WHITE) < (1 if tone == Tone() else 9)
    assert angular_error(np.exp(np.log(neutral).mean(axis=0)), WHITE) < 0.5


@pytest.mark.parametrize("tone", CURVES)
def test_curves_rise_from_their_black_to_white_and_are_undone(tone: Tone) -> None:
    linear = np.linspace(0, 1, 10_001)
    encoded = tone.encode(linear)
    assert (np.diff(encoded) > 0).all()
    assert encoded[0] == pytest.approx(tone.lift)
    assert encoded[-1] == pytest.approx(1)
    np.testing.assert_allclose(tone.inverse(encoded), linear, atol=1e-6)
    codes = tone.codes(np.array([-1, *linear, 2], dtype=np.float32))
    np.testing.assert_allclose(codes[1:-1], encoded * 255, atol=0.1)
    assert (codes[0], codes[-1]) == pytest.approx((tone.lift * 255, 255))


def test_what_the_sensor_or_the_photograph_clips_is_invalid() -> None:
    picture = scene(light_of(5000))
    picture.valid[:8] = False
    image, _ = Rendering(bright=0.97, tone=Tone(1.5, 6.0)).render(picture, light_of(5000))
    assert not image.valid[:8].any()
    lost = picture.valid & ~image.valid
    assert 0 < lost.mean() < 0.2
    assert picture.pixels[lost].max(axis=1).mean() > picture.pixels[image.valid].max(axis=1).mean()


def test_coarse_compression_makes_faint_colours_grey() -> None:
    """A chroma step of 8.5 codes at quality 12 swallows a cast of a few; that of quality 100 keeps it."""
    light = np.array(light_of(5000, LINEAR_SRGB))
    picture = scene(light, LINEAR_SRGB)
    seen = [greys(Rendering(across=0.02, quality=quality).render(picture, light)[0]) for quality in (12, 100)]
    coarse, fine = (float(np.median(np.abs(colours[:, 0] / colours[:, 1] - 1))) for colours in seen)
    assert coarse < 0.001
    assert fine > 0.01


def test_the_same_numbers_give_the_same_photograph() -> None:
    first, second = (Rendering.draw(np.random.default_rng(3)) for _ in range(2))
    assert first == second
    a, b = (one.render(scene(light_of(5000)), light_of(5000)) for one in (first, second))
    np.testing.assert_array_equal(a[0].pixels, b[0].pixels)
    np.testing.assert_array_equal(a[1], b[1])
    other = replace(first, seed=first.seed + 1).render(scene(light_of(5000)), light_of(5000))
    assert (other[0].pixels != a[0].pixels).any()
    np.testing.assert_array_equal(other[1], a[1])


@pytest.mark.slow
def test_casts_reach_from_none_to_those_of_wrong_presets() -> None:
    rng = np.random.default_rng(11)
    picture, light = scene(light_of(4500)), light_of(4500)
    casts = [angular_error(Rendering.draw(rng).render(picture, light)[1], WHITE) for _ in range(200)]
    assert 2 < np.median(casts) < 7
    assert np.quantile(casts, 0.1) < 2
    assert 10 < np.quantile(casts, 0.95) < 35


@pytest.mark.slow
@pytest.mark.parametrize("camera", [CAMERA, NO_MATRIX, LINEAR_SRGB], ids=["matrix", "none", "srgb"])
@pytest.mark.parametrize("light", [(3.0, 1.0, 0.05), (0.1, 1.0, 0.1), (0.2, 0.3, 4.0), (1e-4, 1.0, 1.0)], ids=str)
def test_any_light_gives_finite_pixels_and_a_positive_truth(camera: Camera, light: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(2)
    for preset in (None, *PRESETS):
        image, truth = replace(Rendering.draw(rng), preset=preset).render(scene(light, camera), light)
        assert np.isfinite(image.pixels).all()
        assert np.isfinite(truth).all()
        assert truth.min() > 0.001
        assert truth[1] == 1


def test_a_camera_without_a_matrix_is_balanced_as_well_as_any() -> None:
    light = (0.45, 1.0, 0.7)
    image, truth = Rendering().render(scene(light, NO_MATRIX), light)
    np.testing.assert_allclose(truth, WHITE, atol=1e-6)
    assert worst(greys(image)[greys(image)[:, 1] > 0.1], WHITE) < 0.3


def test_a_canonical_picture_is_rendered_like_the_camera_s_own() -> None:
    white = np.array(CAMERA.white_d65)
    picture, light = scene(light_of(4000)), np.array(light_of(4000))
    seen = LabelledPicture(LinearImage((picture.pixels / white).astype(np.float32), picture.valid), light / white)
    canonical_one = render_photograph(seen, CAMERA, np.random.default_rng(9))
    image, truth = Rendering.draw(np.random.default_rng(9)).render(picture, light)
    np.testing.assert_allclose(canonical_one.light, truth)
    assert np.mean(np.abs(canonical_one.image.pixels - image.pixels) > 1e-3) < 0.01
    assert canonical_matrix(CAMERA) is not None


@pytest.mark.parametrize("usable", [0, 50, 64 * 64])
def test_training_never_gets_a_photograph_without_valid_cells(usable: int) -> None:
    valid = np.arange(64 * 64).reshape(64, 64) < usable
    picture = LabelledPicture(
        LinearImage(np.where(valid[..., None], np.full(3, 0.3), np.nan).astype(np.float32), valid), np.ones(3)
    )
    made = render_photograph(picture, CAMERA, np.random.default_rng(0))
    assert np.count_nonzero(made.image.valid) >= 100
    assert np.isfinite(made.image.pixels).all()
    assert usable == 64 * 64 or made.light.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("size", "light", "message"),
    [
        (64, (1.0, 0.0, 1.0), "three positive numbers"),
        (64, (1.0, float("nan"), 1.0), "three positive numbers"),
        (64, (1.0, 1.0), "three positive numbers"),
        (32, (1.0, 1.0, 1.0), "64 x 64"),
    ],
)
def test_what_cannot_be_rendered_is_refused(size: int, light: tuple[float, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Rendering().render(LinearImage.from_array(np.full((size, size, 3), 0.5)), light)


@pytest.mark.slow
@pytest.mark.parametrize(("tone", "quality"), [(Tone(), 95), (Tone(0.8, 4.0, 0.45, 0.01), 80)], ids=["srgb", "strong"])
def test_a_real_file_of_the_scene_decodes_to_much_the_same(tmp_path: Path, tone: Tone, quality: int) -> None:
    """The same steps in linear sRGB on 1024 x 1024 noisy pixels, written as JPEG and read by awbkit."""
    light, white = (np.array(light_of(cct, LINEAR_SRGB)) for cct in (4000, 5200))
    full = textured(1024) * light
    small = averaged(full).astype(np.float32)
    rendering = Rendering(
        preset=5200.0, tone=tone, bright=0.8, texture=0.7, noise=0.3, quality=quality, sampling=(2, 2)
    )
    image, truth = rendering.render(LinearImage(small, np.ones((64, 64), np.bool_)), light)

    balanced = full / white
    wanted = tone.inverse(linear_to_srgb(np.array(0.8)))
    balanced *= wanted / np.quantile(averaged(balanced)[..., 1], 0.97)
    cast = light / white
    chart = tone.inverse(LEVELS)[:, None] * cast / cast.max()
    balanced[:64, : 64 * len(chart)] = np.repeat(chart, 64, axis=0)
    path = tmp_path / "scene.jpg"
    codes = np.rint(tone.encode(np.clip(balanced, 0, 1)) * 255).astype(np.uint8)
    Image.fromarray(codes).save(path, quality=quality, subsampling="4:2:0")
    read = awbkit.open(path).thumbnail()

    patches = np.log([read.pixels[1:3, 4 * place + 1 : 4 * place + 3].mean(axis=(0, 1)) for place in range(len(chart))])
    assert angular_error(np.exp(patches.mean(axis=0)), truth) < 0.3

    pixels, valid, expected = read.pixels[4:], read.valid[4:], image.valid[4:]
    both = valid & expected
    assert both.mean() > 0.9
    assert np.mean(valid != expected) < 0.05
    assert angular_error(pixels[valid].mean(axis=0), image.pixels[4:][expected].mean(axis=0)) < 0.3
    apart = [angular_error(*pair) for pair in zip(pixels[both], image.pixels[4:][both], strict=True)]
    assert np.median(apart) < 1


def textured(side: int) -> Array:
    """Muted surfaces in blocks of many sizes, with noise."""
    rng = np.random.default_rng(4)
    logs = np.zeros((side, side, 3))
    for count in (4, 16, 64, side // 4):
        surfaces = rng.normal(size=(count, count, 3)) * 0.03 + rng.normal(size=(count, count, 1)) * 0.3
        logs += np.kron(surfaces, np.ones((side // count, side // count, 1)))
    return np.asarray(0.2 * np.exp(logs) * (1 + 0.05 * rng.normal(size=logs.shape)))


def averaged(pixels: Array) -> Array:
    """Means of 64 x 64 cells."""
    cell = len(pixels) // 64
    return np.asarray(pixels.reshape(64, cell, 64, cell, 3).mean(axis=(1, 3)))
