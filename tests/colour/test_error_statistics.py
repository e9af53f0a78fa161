"""Angular errors and the statistics of them: against mathematics, and weights against repetition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.error_statistics import STATISTICS, geometric_mean, sorted_statistics, statistics
from awbkit.colour.illuminant import angular_error
from awbkit.evaluation.angles import recovery_error, reproduction_error

component = st.floats(0.01, 1.0)
rgb = st.tuples(component, component, component)
errors = st.lists(st.floats(0, 60), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("estimate", "truth", "degrees"),
    [
        ((1, 1, 1), (2, 2, 2), 0),
        ((1, 0, 0), (0, 1, 0), 90),
        ((1, 1, 1), (1, 1, 0), math.degrees(math.acos(2 / math.sqrt(6)))),
        ((1, 0, 0), (-1, 0, 0), 180),
    ],
)
def test_recovery_error_is_the_angle(estimate: tuple[float, ...], truth: tuple[float, ...], degrees: float) -> None:
    assert recovery_error(estimate, truth) == pytest.approx(degrees, abs=1e-12)


@given(rgb, rgb)
def test_recovery_error_is_that_of_a_single_image(estimate: tuple[float, ...], truth: tuple[float, ...]) -> None:
    assert recovery_error([estimate, truth], [truth, truth])[0] == pytest.approx(
        angular_error(estimate, truth), abs=1e-9
    )


def test_small_angles_keep_their_digits() -> None:
    assert recovery_error((1, 1e-9, 0), (1, 0, 0)) == pytest.approx(math.degrees(1e-9), rel=1e-9)


@given(rgb, rgb, rgb)
def test_reproduction_error_does_not_depend_on_the_light(
    estimate: tuple[float, ...], truth: tuple[float, ...], light: tuple[float, ...]
) -> None:
    """Finlayson and Zakizadeh 2014: one surface, one algorithm's ratio, any light."""
    e, t, c = np.array(estimate), np.array(truth), np.array(light)
    assert reproduction_error(e * c, t * c) == pytest.approx(reproduction_error(e, t), abs=1e-6)


def test_reproduction_error_is_that_of_a_white_surface() -> None:
    assert reproduction_error((1, 1, 1), (2, 1, 1)) == pytest.approx(math.degrees(math.acos(4 / math.sqrt(18))))


def test_an_estimate_that_is_none_has_no_error() -> None:
    assert np.isnan(recovery_error([[math.nan] * 3], [1, 1, 1])).all()
    assert np.isnan(reproduction_error([[math.nan] * 3], [1, 1, 1])).all()


def test_statistics_of_one_to_eight() -> None:
    assert statistics([8, 1, 7, 2, 6, 3, 5, 4]) == pytest.approx(
        {
            "mean": 4.5,
            "median": 4.5,
            "trimean": (2.75 + 2 * 4.5 + 6.25) / 4,
            "best25": 1.5,
            "worst25": 7.5,
            "p95": 7.65,
            "max": 8,
        }
    )


def test_a_quarter_is_rounded_up() -> None:
    assert statistics([1, 2, 3, 4, 5])["best25"] == 1.5
    assert statistics([1, 2, 3, 4, 5])["worst25"] == 4.5


def test_one_error_is_every_statistic() -> None:
    assert statistics([3.25]) == dict.fromkeys(STATISTICS, 3.25)


@given(errors)
def test_quantiles_are_those_of_numpy(values: list[float]) -> None:
    found = statistics(values)
    low, middle, high, tail = np.quantile(values, (0.25, 0.5, 0.75, 0.95))
    assert found["median"] == pytest.approx(middle, abs=1e-9)
    assert found["trimean"] == pytest.approx((low + 2 * middle + high) / 4, abs=1e-9)
    assert found["p95"] == pytest.approx(tail, abs=1e-9)
    quarter = math.ceil(len(values) / 4)
    assert found["best25"] == pytest.approx(np.mean(sorted(values)[:quarter]), abs=1e-9)
    assert found["worst25"] == pytest.approx(np.mean(sorted(values)[-quarter:]), abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 60), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_a_weight_is_a_repetition(rows: list[tuple[float, int, int]]) -> None:
    rows = sorted(rows)
    values = np.array([row[0] for row in rows])
    counts = np.array([[row[1] for row in rows], [row[2] for row in rows]])
    found = sorted_statistics(values, counts)
    for weighted, repeats in zip(found, counts, strict=True):
        if repeats.sum():
            plain = list(statistics(np.repeat(values, repeats)).values())
            np.testing.assert_allclose(weighted, plain, rtol=1e-12, atol=1e-12)
        else:
            assert np.isnan(weighted).all()


def test_geometric_mean() -> None:
    assert geometric_mean([1, 2, 4]) == pytest.approx(2)
    assert geometric_mean([0, 2]) == 0
    assert np.isnan(geometric_mean([math.nan, 2]))
