"""Calibration and selective risk: known answers, ties, and what must not depend on the order of images."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from awbkit.evaluation.bootstrap import Resamples
from awbkit.evaluation.calibration import COVERAGE, calibrate, risk_coverage, spearman
from awbkit.evaluation.result import Calibration, MethodResult
from tests.helpers.evaluation_sets import truth_of_rows


def calibration(expected: np.ndarray, actual: np.ndarray, estimates: np.ndarray | None = None) -> Calibration | None:
    truth = truth_of_rows([("set", "A", str(i), "") for i in range(len(actual))])
    known = np.ones((len(actual), 3)) if estimates is None else estimates
    return calibrate(MethodResult("m", known, expected, {}, {"recovery": actual}), Resamples.of(truth, 100))


def test_a_method_that_knows_its_error_is_perfect(rng: np.random.Generator) -> None:
    errors = rng.exponential(3, 200)
    found = calibration(errors, errors)
    assert found is not None
    assert found.calibration_error == pytest.approx(0, abs=1e-12)
    assert found.bias == pytest.approx(0, abs=1e-12)
    assert found.rank_correlation == pytest.approx(1)
    assert found.risk == pytest.approx(found.oracle)
    assert found.area[0] == pytest.approx(found.area[1])
    assert [bin.images for bin in found.bins] == [20] * 10
    assert [bin.expected for bin in found.bins] == pytest.approx(np.sort(errors).reshape(10, 20).mean(axis=1))


def test_a_method_that_is_too_sure_has_a_bias(rng: np.random.Generator) -> None:
    errors = rng.exponential(3, 200)
    found = calibration(errors - 1, errors)
    assert found is not None
    assert found.bias == pytest.approx(-1)
    assert found.calibration_error == pytest.approx(1)
    assert found.rank_correlation == pytest.approx(1)


def test_a_method_that_knows_nothing_gains_nothing(rng: np.random.Generator) -> None:
    errors = rng.exponential(3, 50)
    found = calibration(np.full(50, 3.0), errors)
    assert found is not None
    assert found.risk == pytest.approx([errors.mean()] * len(COVERAGE))
    assert found.area[0] == pytest.approx(errors.mean())
    assert np.isnan(found.rank_correlation)
    assert [bin.actual for bin in found.bins] == pytest.approx([errors.mean()] * 10)


def test_bins_hold_what_came_with_an_interval(rng: np.random.Generator) -> None:
    expected = rng.uniform(1, 5, 500)
    found = calibration(expected, rng.exponential(expected))
    assert found is not None
    assert sum(bin.images for bin in found.bins) == 500
    assert all(bin.interval[0] < bin.actual < bin.interval[1] for bin in found.bins)
    assert sum(bin.interval[0] < bin.expected < bin.interval[1] for bin in found.bins) >= 7


def test_images_without_an_expectation_or_estimate_are_left_out() -> None:
    expected = np.array([1.0, np.nan, 3.0, 4.0])
    estimates = np.ones((4, 3))
    estimates[3] = np.nan
    found = calibration(expected, np.array([1.5, 9.0, 2.5, 9.0]), estimates)
    assert found is not None
    assert found.images == 2
    assert [(bin.images, bin.expected, bin.actual) for bin in found.bins] == [(1, 1.0, 1.5), (1, 3.0, 2.5)]
    assert all(np.isnan(bin.interval).all() for bin in found.bins)


def test_nothing_stated_is_nothing_to_judge() -> None:
    assert calibration(np.full(4, np.nan), np.ones(4)) is None


def test_risk_and_area_by_hand() -> None:
    risk, area = risk_coverage(np.array([0.1, 0.4, 0.2, 0.3]), np.array([1.0, 7.0, 2.0, 3.0]))
    assert area == pytest.approx((1 + 1.5 + 2 + 13 / 4) / 4)
    at = dict(zip(COVERAGE, risk, strict=True))
    assert at[1.0] == pytest.approx(13 / 4)
    assert at[0.5] == pytest.approx(1.5)
    assert at[0.6] == pytest.approx((1 + 2 + 0.4 * 3) / 2.4)


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 20)), min_size=1, max_size=5))
def test_ties_are_the_average_over_all_orders(rows: list[tuple[int, float]]) -> None:
    expected, actual = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    areas = []
    for order in itertools.permutations(range(len(rows))):
        chosen = sorted(order, key=lambda index: expected[index])
        areas.append(np.mean(np.cumsum(actual[chosen]) / np.arange(1, len(rows) + 1)))
    assert risk_coverage(expected, actual)[1] == pytest.approx(np.mean(areas))


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 20)), min_size=3, max_size=40), st.randoms())
def test_the_order_of_the_images_changes_nothing(rows: list[tuple[int, float]], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (
        calibration(np.array([row[0] for row in some], float), np.array([row[1] for row in some]))
        for some in (rows, shuffled)
    )
    assert first is not None
    assert second is not None
    assert first.risk == pytest.approx(second.risk, abs=1e-9)
    assert first.calibration_error == pytest.approx(second.calibration_error, abs=1e-9)
    assert [bin.actual for bin in first.bins] == pytest.approx([bin.actual for bin in second.bins], abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=30))
def test_rank_correlation_is_that_of_scipy(rows: list[tuple[int, int]]) -> None:
    first, second = np.array(rows, float).T
    found = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(scipy.stats.spearmanr(first, second).statistic, abs=1e-12)
