"""The light of a scene from a pair of pictures, on scenes rendered under known lights."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.pair import PairIlluminant, geometric_median, illuminant_from_pair
from awbkit.datasets.reduction import Reduction, edges
from awbkit.datasets.registration import register, shift_picture
from awbkit.datasets.spread import ONE_LIGHT
from awbkit.errors import UsageError
from tests.helpers.pair_scenes import Array, Pair, Scene, random_light, render

pytestmark = pytest.mark.slow

WARM = (1.0, 0.62, 0.28)
COOL = (0.7, 1.0, 1.5)
ROSE = (1.2, 0.7, 0.9)


@cache
def render_pair(scene: Scene) -> Pair:
    return render(scene)


def compare(picture: Array, reference: Array) -> PairIlluminant:
    return illuminant_from_pair(Reduction.of(picture), Reduction.of(reference))


def compare_scene(scene: Scene) -> PairIlluminant:
    pair = render_pair(scene)
    return compare(pair.picture, pair.reference)


def true_cells(pair: Pair) -> Array:
    """(64, 64, 3) mean light of each cell."""
    rows, columns = (edges(length, 64)[:-1] for length in pair.light.shape[:2])
    return np.add.reduceat(np.add.reduceat(pair.light, rows, axis=0), columns, axis=1)


def local_errors(found: PairIlluminant, pair: Pair) -> Array:
    """Recovery error in degrees of each cell whose light is known."""
    light = found.light_map.rgb.astype(np.float64)
    truth = true_cells(pair)
    cosine = (light * truth).sum(axis=2) / np.linalg.norm(light, axis=2) / np.linalg.norm(truth, axis=2)
    errors = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return errors[np.isfinite(errors)]


def true_spread(pair: Pair) -> float:
    """Degrees between the light's sixths along its principal axis, by the true light of each cell."""
    truth = true_cells(pair).reshape(-1, 3)
    chroma = np.log(truth[:, (0, 2)] / truth[:, 1:2])
    axis = np.linalg.svd(chroma - chroma.mean(axis=0), full_matrices=False)[2][0]
    first, third = np.quantile(chroma @ axis, (1 / 6, 5 / 6))
    across = np.median(chroma, axis=0) - axis * (np.median(chroma, axis=0) @ axis)
    lights = [np.exp([point[0], 0, point[1]]) for point in (across + first * axis, across + third * axis)]
    return angular_error(*(light.tolist() for light in lights))


PLAIN = Scene(1, (WARM,))


@pytest.mark.parametrize(
    ("scene", "degrees"),
    [
        pytest.param(PLAIN, 0.15, id="plain"),
        pytest.param(replace(PLAIN, codes=False, noise=0.0), 0.05, id="linear, without noise"),
        pytest.param(replace(PLAIN, lights=(COOL,), seed=2), 0.15, id="cool"),
        pytest.param(replace(PLAIN, shift=(1, -1)), 0.15, id="shifted by one pixel"),
        pytest.param(replace(PLAIN, shift=(-6, 4)), 0.15, id="shifted by several"),
        pytest.param(replace(PLAIN, exposure=-3.0), 0.3, id="three stops darker"),
        pytest.param(replace(PLAIN, exposure=1.5), 0.3, id="clipped"),
        pytest.param(replace(PLAIN, highlights=0.02), 0.15, id="highlights"),
        pytest.param(replace(PLAIN, moved=0.04), 0.3, id="something moved"),
        pytest.param(replace(PLAIN, border=20), 0.15, id="black border"),
        pytest.param(replace(PLAIN, textured=False), 0.15, id="without texture"),
        pytest.param(replace(PLAIN, lights=((1.0, 0.12, 0.06),)), 0.3, id="red lamp"),
        pytest.param(replace(PLAIN, lights=((0.05, 0.15, 1.0),)), 0.3, id="blue lamp"),
        pytest.param(replace(PLAIN, shift=(1, 1), exposure=-2.0, highlights=0.01, moved=0.03), 0.3, id="all at once"),
    ],
)
def test_one_light_is_recovered(scene: Scene, degrees: float) -> None:
    found = compare_scene(scene)
    assert angular_error(found.rgb, scene.lights[0]) < degrees
    assert found.spread < ONE_LIGHT
    assert np.linalg.norm(found.rgb) == pytest.approx(1)
    assert np.median(local_errors(found, render_pair(scene))) < 1.5


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("lights", [(WARM, COOL), (WARM, COOL, ROSE)], ids=["two", "three"])
def test_mixtures_are_recovered_where_they_are(seed: int, lights: tuple[tuple[float, float, float], ...]) -> None:
    scene = Scene(seed, lights, shape=(160, 216), shift=(seed % 3 - 1, 1), highlights=0.01)
    found, pair = compare_scene(scene), render_pair(scene)
    errors = local_errors(found, pair)
    assert errors.size > 0.7 * 64 * 64
    assert errors.mean() < 1.6
    assert np.median(errors) < 1
    assert found.spread >= ONE_LIGHT
    assert found.spread == pytest.approx(true_spread(pair), rel=0.1)
    assert angular_error(found.rgb, pair.mean.tolist()) < 2.2


def test_spread_distinguishes_one_light_from_several() -> None:
    """Over 60 scenes: the area under the ROC curve, and the figures at the threshold of 3 degrees."""
    one, several = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        count = (1, 1, 2, 3)[seed % 4]
        lights = tuple(random_light(rng) for _ in range(count))
        scene = Scene(
            *(seed, lights, (120, 160)),
            shift=(seed % 3 - 1, seed % 2),
            highlights=0.01 * (seed % 2),
            exposure=(-2.0, -0.3, 0.3)[seed % 3],
        )
        pair = render(scene)
        found = compare(pair.picture, pair.reference)
        (one if count == 1 else several).append(found.spread)
    ranks = np.greater.outer(several, one)
    assert ranks.mean() > 0.98
    assert np.mean(np.array(one) < 3) == 1
    assert np.mean(np.array(several) > 3) > 0.9


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.floats(0.1, 1.0)] * 3), st.floats(0.3, 1.0), st.integers(0, 3))
def test_a_picture_multiplied_by_a_light_gives_that_light(
    light: tuple[float, float, float], exposure: float, seed: int
) -> None:
    reference = render_pair(Scene(seed, (WARM,), shape=(60, 80), codes=False)).reference
    found = compare(reference * np.float32(exposure) * np.array(light, np.float32), reference)
    # A channel is exact unless it has less light than some two steps of 8-bit sRGB.
    assert angular_error(found.rgb, light) < 0.2
    assert found.spread < 0.2


def test_a_picture_is_neutral_against_itself() -> None:
    reference = render_pair(PLAIN).reference
    found = compare(reference, reference)
    assert found.rgb == pytest.approx((1 / math.sqrt(3),) * 3, abs=1e-9)
    assert found.spread == pytest.approx(0, abs=1e-6)
    assert np.nanmax(np.abs(found.light_map.chroma)) < 1e-6


def test_what_is_unknown_is_said_to_be() -> None:
    reference = render_pair(PLAIN).reference
    picture = reference * np.array(WARM, np.float32)
    picture[:120] = 1.0
    picture[:, :20] = np.nan
    found = compare(picture, reference)
    assert not found.light_map.known[:31].any()
    assert not found.light_map.known[:, :3].any()
    assert (found.light_map.confidence[:31] == 0).all()
    assert found.light_map.known[34:62, 6:62].mean() > 0.95
    assert angular_error(found.rgb, WARM) < 0.3


def test_large_pictures_are_shifted_too() -> None:
    found = compare_scene(Scene(5, (COOL,), shape=(400, 1040), shift=(3, -5)))
    assert angular_error(found.rgb, COOL) < 0.15


def test_a_plain_wall_needs_no_registration() -> None:
    rng = np.random.default_rng(1)
    wall = np.clip(0.4 + 0.01 * rng.normal(size=(100, 120, 3)), 0, 1)
    found = compare(wall * [0.9, 0.7, 0.5], np.clip(0.4 + 0.01 * rng.normal(size=wall.shape), 0, 1))
    assert angular_error(found.rgb, (0.9, 0.7, 0.5)) < 0.1


GOOD = np.full((40, 50, 3), 0.4, np.float32)


@pytest.mark.parametrize(
    ("picture", "reference", "message"),
    [
        (np.ones((40, 50, 3)), GOOD, "only 0.0% of the pixels are neither clipped nor dark"),
        (GOOD, np.zeros((40, 50, 3)), "only 0.0% of the pixels"),
        (np.full((40, 50, 3), np.nan), GOOD, "only 0.0% of the pixels"),
        (np.full((40, 50, 3), np.inf), GOOD, "only 0.0% of the pixels"),
        (np.full((40, 50, 3), 0.01), GOOD, "only 0.0% of the pixels"),
        (GOOD, GOOD[:, :48], r"picture is 50 x 40 pixels and its reference 48 x 40"),
        (GOOD[..., 0], GOOD, r"shape \(height, width, 3\), not \(40, 50\)"),
        (GOOD, np.ones((40, 50, 4)), r"shape \(height, width, 3\), not \(40, 50, 4\)"),
        (GOOD, np.full((40, 50, 3), 128, np.uint8), "not uint8"),
        (GOOD[:8], GOOD[:8], "50 x 8 pixels is too small"),
        (np.empty((0, 0, 3)), np.empty((0, 0, 3)), "0 x 0 pixels is too small"),
    ],
)
def test_what_cannot_be_compared_is_refused(picture: Array, reference: Array, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        compare(picture, reference)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(4))
def test_different_scenes_are_not_a_pair(seed: int) -> None:
    with pytest.raises(UsageError, match="do they show the same scene"):
        compare(render_pair(Scene(seed, (WARM,))).picture, render_pair(Scene(seed + 10, (WARM,))).reference)


@pytest.mark.parametrize(("rows", "columns"), [(0.0, 0.0), (0.5, -0.25), (-1.3, 2.7), (4.0, -6.0)])
def test_shifts_are_found_to_a_few_hundredths(rows: float, columns: float) -> None:
    pair = render_pair(Scene(2, (WARM, COOL), codes=False))
    picture, reference = Reduction.of(pair.picture), Reduction.of(pair.reference)
    found = register(shift_picture(picture, rows, columns), reference)
    assert found.has_peak
    assert (found.rows, found.columns) == pytest.approx((rows, columns), abs=0.06)


def test_whole_shifts_move_and_parts_interpolate() -> None:
    y, x = np.mgrid[:60, :80]
    waves = np.repeat((0.5 + 0.2 * np.sin(x / 6) * np.cos(y / 7))[..., None], 3, axis=2).astype(np.float32)
    image = Reduction(waves, np.ones((60, 80), bool), 60, 80)
    moved = shift_picture(image, 3, -2)
    np.testing.assert_array_equal(moved.pixels[3:, :-2], waves[:-3, 2:])
    assert not moved.usable[:3].any()
    assert not moved.usable[:, -2:].any()
    part = shift_picture(image, 0.4, -1.7)
    expected = 0.5 + 0.2 * np.sin((x + 1.7) / 6) * np.cos((y - 0.4) / 7)
    np.testing.assert_allclose(part.pixels[part.usable][:, 0], expected[part.usable], atol=5e-4)


def test_codes_are_reduced_as_the_light_that_they_stand_for() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 256, (1000, 1200, 3)).astype(np.uint8)
    light = (np.arange(256, dtype=np.float32) / 255) ** 2.2
    first, second = Reduction.of(codes, light), Reduction.of(light[codes])
    assert first.pixels.shape == (500, 600, 3)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.usable, second.usable)
    blocks = light[codes].reshape(500, 2, 600, 2, 3)
    np.testing.assert_allclose(first.pixels, blocks.mean(axis=(1, 3)), rtol=1e-5)
    np.testing.assert_array_equal(first.usable, (blocks <= 0.95).all(axis=(1, 3, 4)))


def test_geometric_median_of_known_points() -> None:
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(3) / 2]])
    np.testing.assert_allclose(geometric_median(corners, np.ones(3)), corners.mean(axis=0), atol=1e-4)
    # A point of more than half of the weight is the median itself.
    np.testing.assert_allclose(geometric_median(corners, np.array([1, 5, 1])), corners[1], atol=1e-4)
    # The start, the median of each axis, is one of the points; the iteration must not stay there.
    cross = np.array([[0.0, 0.0], [3.0, 1.0], [-1.0, 4.0], [2.0, -5.0], [-7.0, -1.0], [9.0, 9.0], [10.0, 8.0]])
    median = geometric_median(cross, np.ones(7))
    assert _cost(cross, median) <= min(_cost(cross, point) for point in cross)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 30))
def test_geometric_median_costs_least(seed: int, count: int) -> None:
    minimize = pytest.importorskip("scipy.optimize").minimize
    rng = np.random.default_rng(seed)
    points, weights = rng.normal(size=(count, 2)), rng.uniform(0.1, 2, count)
    best = minimize(lambda m: _cost(points, m, weights), points.mean(axis=0), method="Nelder-Mead", tol=1e-10)
    # The nearer a heavy point the shorter the steps; half a percent is far less than the estimate needs.
    assert _cost(points, geometric_median(points, weights), weights) <= best.fun * 1.005


def _cost(points: Array, middle: Array, weights: Array | float = 1.0) -> float:
    return float((weights * np.linalg.norm(points - middle, axis=1)).sum())


@pytest.mark.parametrize("share", [0.1, 0.15, 0.2, 0.3])
def test_a_lesser_light_counts_by_its_brightness(share: float) -> None:
    rng = np.random.default_rng(4)
    paint = np.kron(rng.uniform(0.1, 0.8, (12, 16, 3)), np.ones((20, 20, 1)))
    light = np.ones((240, 320, 3)) * (1.0, 0.6, 0.3)
    light[:, : int(320 * share)] = (0.24, 0.4, 0.8)
    found = compare((paint * light).astype(np.float32), (0.9 * paint).astype(np.float32))
    green = (paint * light)[..., 1:2]
    mean = (light / light[..., 1:2] * green).sum(axis=(0, 1))
    assert angular_error(found.rgb, mean.tolist()) < 1.5
