"""The cluster bootstrap: compared with theory and with a plain bootstrap, and what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from awbkit.choices import METRICS
from awbkit.colour.error_statistics import STATISTICS, statistics
from awbkit.evaluation.bootstrap import Resamples, interval, ratio_interval, resample_means, resample_statistics
from awbkit.evaluation.evaluate import evaluate, select
from awbkit.evaluation.result import FEWEST_SCENES, GEOMETRIC_MEAN, POOLED, MethodResult
from awbkit.evaluation.significance import bootstrap_p
from tests.helpers.evaluation_sets import truth_of_rows


def one_camera(count: int, per_scene: int = 1) -> Resamples:
    return Resamples.of(truth_of_rows([("set", "A", f"{index // per_scene}", "") for index in range(count)]), 400)


def draws(errors: np.ndarray, resamples: Resamples) -> np.ndarray:
    return resample_statistics(errors[None], [np.arange(len(errors))], resamples)[0, 0]


def ends(drawn: np.ndarray, errors: np.ndarray, scenes: int) -> np.ndarray:
    return interval(drawn, np.array(list(statistics(errors).values())), scenes)


def test_every_round_is_a_plain_resample(rng: np.random.Generator) -> None:
    errors = rng.exponential(3, 60)
    resamples = one_camera(60, per_scene=3)
    found = draws(errors, resamples)
    counts = np.concatenate([chunk for _, chunk in resamples.chunks()])
    assert (counts.sum(axis=1) == 20).all()
    for round_ in (0, 57, 399):
        repeated = np.repeat(errors, counts[round_][resamples.scene])
        np.testing.assert_allclose(found[:, round_], list(statistics(repeated).values()), rtol=1e-12)


def test_the_spread_of_the_mean_is_that_of_theory(rng: np.random.Generator) -> None:
    errors = rng.exponential(3, 500)
    spread = draws(errors, one_camera(500))[STATISTICS.index("mean")].std()
    assert spread == pytest.approx(errors.std() / np.sqrt(500), rel=0.15)


def test_copies_of_an_image_in_its_scene_prove_nothing(rng: np.random.Generator) -> None:
    errors = rng.exponential(3, 100)
    alone = ends(draws(errors, one_camera(100)), errors, 100)
    copied = ends(draws(np.repeat(errors, 10), one_camera(1000, per_scene=10)), errors, 100)
    as_if_new = ends(draws(np.repeat(errors, 10), one_camera(1000)), errors, 1000)
    np.testing.assert_allclose(copied[0], alone[0], rtol=1e-9)
    assert np.diff(as_if_new[0]) < np.diff(alone[0]) / 2


@pytest.mark.slow
def test_intervals_hold_the_true_mean_as_often_as_they_say(rng: np.random.Generator) -> None:
    """100 samples of 80 scenes of 2 images; about 5 of the 95 % intervals may miss, with skewed errors a few more."""
    resamples = one_camera(160, per_scene=2)
    hits = 0
    for _ in range(100):
        errors = np.repeat(rng.exponential(3, 80), 2)
        share = np.ones((160, 1))
        low, high = interval(resample_means(errors, share, resamples), errors.mean(), 80)[0]
        hits += low <= 3 <= high
    assert 85 <= hits <= 99


def test_the_order_of_the_images_changes_nothing(rng: np.random.Generator) -> None:
    truth = truth_of_rows([(f"s{i % 2}", f"c{i % 3}", f"{i // 2}", "") for i in range(50)])
    errors = rng.exponential(3, 50)
    order = rng.permutation(50)
    first = draws(errors, Resamples.of(truth, 100))
    second = draws(errors[order], Resamples.of(select(truth, order), 100))
    np.testing.assert_allclose(first, second, rtol=1e-12)


def test_seeds_differ_and_repeat(rng: np.random.Generator) -> None:
    truth = truth_of_rows([("set", "A", str(i), "") for i in range(30)])
    errors = rng.exponential(3, 30)
    first, again, other = (draws(errors, Resamples.of(truth, 100, seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_scenes_are_drawn_from_all_cameras_and_shared_scenes_stay_whole() -> None:
    rows = [("set", camera, f"{camera}{i}", "") for camera in "AB" for i in range(20)]
    rows += [("set", camera, f"both{i}", "") for i in range(10) for camera in "AB"]
    truth = truth_of_rows(rows)
    resamples = Resamples.of(truth, 200)
    cameras = np.array(truth.cameras)
    both = np.array([scene.startswith("both") for scene in truth.scenes])
    counts = np.concatenate([chunk for _, chunk in resamples.chunks()])
    by_image = counts[:, resamples.scene]
    assert (counts.sum(axis=1) == 50).all()
    assert np.array_equal(by_image[:, (cameras == "A") & both], by_image[:, (cameras == "B") & both])
    # 50 draws, each with a chance of 20 in 50 of being A's alone.
    alone = by_image[:, (cameras == "A") & ~both].sum(axis=1)
    assert alone.mean() == pytest.approx(20, abs=1)
    assert alone.std() == pytest.approx(12**0.5, rel=0.2)


@pytest.mark.parametrize(("cameras", "each"), [(1, 30), (1, 100), (10, 10), (20, 2), (20, 1)])
@pytest.mark.slow
def test_any_number_of_cameras_is_as_sure_as_it_says(cameras: int, each: int, rng: np.random.Generator) -> None:
    """400 pairs of methods with log-normal errors of equal mean; 5 % of them has a standard error of 1.1 %."""
    count = cameras * each
    rows = [("set", f"c{index % cameras}", str(index), "") for index in range(count)]
    errors = rng.lognormal(0, 0.8, (800, count))
    means = resample_statistics(errors, [np.arange(count)], Resamples.of(truth_of_rows(rows), 300))[:, 0, 0]
    low, high = interval(means, errors.mean(axis=1), count).T
    assert 0.87 <= np.mean((low <= np.exp(0.32)) & (np.exp(0.32) <= high)) <= 0.98
    differences = errors[::2].mean(axis=1) - errors[1::2].mean(axis=1)
    drawn = means[::2] - means[1::2]
    alarms = [bootstrap_p(float(d), row, count) < 0.05 for d, row in zip(differences, drawn, strict=True)]
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.033)


def test_scenes_of_one_name_in_two_sets_are_two_scenes() -> None:
    resamples = Resamples.of(truth_of_rows([("a", "A", "1", ""), ("b", "A", "1", "")]))
    assert len(np.unique(resamples.scene)) == 2


def test_many_images_are_worked_on_in_parts(rng: np.random.Generator) -> None:
    truth = truth_of_rows([("set", "A", str(i), "") for i in range(30_000)])
    rounds = [chunk.shape[0] for _, chunk in Resamples.of(truth, 100).chunks()]
    assert len(rounds) > 1
    assert sum(rounds) == 100


def test_a_group_that_no_draw_holds_is_unknown() -> None:
    values = np.array([[np.nan, 1.0, 2.0, 3.0], [np.nan] * 4])
    assert interval(values, 2.0, 10**6)[0] == pytest.approx([1.05, 2.95], abs=1e-4)
    assert np.isnan(interval(values, 2.0, 10**6)[1]).all()


@pytest.mark.parametrize("cameras", [1, 2, 8])
@pytest.mark.parametrize("each", [10, 25])
@pytest.mark.parametrize("tail", [0.3, 2.0])
def test_every_interval_holds_its_figure(cameras: int, each: int, tail: float, rng: np.random.Generator) -> None:
    rows = [("set", f"c{index % cameras}", str(index), "") for index in range(cameras * each)]
    truth = truth_of_rows(rows)
    errors = {metric: rng.lognormal(0, tail, len(truth)) for metric in METRICS}
    result = MethodResult("m", truth.illuminants, np.full(len(truth), np.nan), {}, errors)
    found = evaluate(truth, [result], rounds=200)
    assert {summary.group for summary in found.summaries} >= ({POOLED, GEOMETRIC_MEAN} if cameras > 1 else {POOLED})
    for summary in found.summaries:
        for name, value in summary.values.items():
            low, high = summary.intervals[name]
            assert low <= value <= high, (summary.group, name)


def test_of_the_geometric_mean_of_maxima_the_figure_is_the_lower_end() -> None:
    """Two cameras with errors from 1 to 10: few draws contain both tens, and none exceeds them."""
    draws_below = np.array([6.0, 7.0, 8.0, 9.0] * 50)
    low, high = ratio_interval(draws_below, np.array(10.0), 10**6)
    assert low == 10
    assert high == pytest.approx(100 / 6, rel=1e-6)
    around = np.array([8.0, 9.0, 11.0, 12.5] * 50)
    assert ratio_interval(around, np.array(10.0), 10**6) == pytest.approx([8.0, 12.5], rel=1e-6)


@pytest.mark.parametrize("scenes", [10, 30, 1000])
def test_intervals_of_few_scenes_are_wider(scenes: int) -> None:
    beyond = scipy.stats.norm.cdf(-np.sqrt(scenes / (scenes - 1)) * scipy.stats.t.ppf(0.975, scenes - 1))
    found = interval(np.linspace(0, 1, 1001), 0.5, scenes)
    assert found == pytest.approx([beyond, 1 - beyond], abs=1e-4)


def test_too_few_scenes_have_no_interval() -> None:
    values = np.ones((2, 3, 100))
    assert np.isnan(interval(values, 1.0, FEWEST_SCENES - 1)).all()
    assert interval(values, 1.0, FEWEST_SCENES).shape == (2, 3, 2)
    assert np.isfinite(interval(values, 1.0, FEWEST_SCENES)).all()
