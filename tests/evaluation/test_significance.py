"""Tests of significance against SciPy, brute force, and the printed examples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from awbkit.evaluation.significance import (
    bootstrap_p,
    holm,
    midranks,
    normal_from_student,
    student_from_normal,
    wilcoxon,
)


@pytest.mark.parametrize("count", [1, 2, 5, 12, 25, 50])
def test_small_samples_have_the_exact_distribution(count: int, rng: np.random.Generator) -> None:
    values = rng.normal(0.3, 1, count)
    assert wilcoxon(values) == pytest.approx(scipy.stats.wilcoxon(values, method="exact").pvalue, rel=1e-12)


@pytest.mark.parametrize("count", [51, 400, 5000])
def test_large_samples_have_the_normal_distribution(count: int, rng: np.random.Generator) -> None:
    values = rng.normal(0.02, 1, count)
    oracle = scipy.stats.wilcoxon(values, correction=True, method="asymptotic")
    assert wilcoxon(values) == pytest.approx(oracle.pvalue, rel=1e-9)


def test_ties_and_zeros_in_large_samples(rng: np.random.Generator) -> None:
    values = rng.integers(-4, 6, 300).astype(float)
    oracle = scipy.stats.wilcoxon(values, zero_method="pratt", correction=True, method="asymptotic")
    assert wilcoxon(values) == pytest.approx(oracle.pvalue, rel=1e-9)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_ties_and_zeros_in_small_samples(values: list[int]) -> None:
    """The exact p, by a count over all combinations of signs."""
    array = np.array(values, dtype=float)
    ranks = scipy.stats.rankdata(np.abs(array))[array != 0]
    observed = float(ranks[array[array != 0] > 0].sum())
    sums = [float(np.dot(ranks, signs)) for signs in itertools.product((0, 1), repeat=len(ranks))]
    tail = min(np.mean([s <= observed for s in sums]), np.mean([s >= observed for s in sums]))
    assert wilcoxon(array) == pytest.approx(min(1.0, 2 * tail))


def test_no_difference_is_no_evidence() -> None:
    assert wilcoxon([0.0, 0.0]) == 1
    assert wilcoxon([]) == 1


def test_the_sign_of_the_difference_does_not_matter(rng: np.random.Generator) -> None:
    values = rng.normal(0.5, 1, 30)
    assert wilcoxon(values) == wilcoxon(-values)


def test_bootstrap_p_is_near_that_of_the_t_test(rng: np.random.Generator) -> None:
    values = rng.normal(0.1, 1, 400)
    drawn = values[rng.integers(0, 400, (4000, 400))].mean(axis=1)
    assert bootstrap_p(float(values.mean()), drawn, 400) == pytest.approx(
        scipy.stats.ttest_1samp(values, 0).pvalue, rel=0.2
    )


@pytest.mark.parametrize(
    ("difference", "draws", "scenes", "p"),
    [
        (0.0, [0.0, 0.0, 0.0], 100, 1.0),
        (2.0, [2.0, 2.0, 2.0], 10, 2**-9),
        (2.0, [np.nan], 12, 2**-11),
        (2.0, [1.9, 2.0, 2.1], 9, np.nan),
        (0.0, [0.0, 0.0], 1, np.nan),
    ],
)
def test_few_scenes_promise_little(difference: float, draws: list[float], scenes: int, p: float) -> None:
    assert bootstrap_p(difference, np.array(draws), scenes) == pytest.approx(p, nan_ok=True)


@pytest.mark.parametrize("scenes", [10, 30, 1000])
@pytest.mark.parametrize("value", [0.0, 0.5, 2.0, 4.0])
def test_student_is_taken_for_normal_and_back(value: float, scenes: int) -> None:
    exact = scipy.stats.norm.isf(scipy.stats.t.sf(value, scenes - 1))
    assert normal_from_student(value, scenes) == pytest.approx(exact, rel=2e-3, abs=1e-12)
    assert student_from_normal(normal_from_student(value, scenes), scenes) == pytest.approx(value)


def test_holm_as_in_its_textbook_example() -> None:
    """Holm 1979, the step-down procedure at 0.01, 0.03, 0.04, 0.005."""
    assert holm([0.01, 0.03, 0.04, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_of_nothing_and_of_one() -> None:
    assert holm([]) == []
    assert holm([0.7]) == [0.7]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_never_helps(values: list[float]) -> None:
    corrected = holm(values)
    assert all(p <= q <= 1 for p, q in zip(values, corrected, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_midranks_are_those_of_scipy(values: list[int]) -> None:
    assert np.array_equal(midranks(np.array(values, float)), scipy.stats.rankdata(values))
