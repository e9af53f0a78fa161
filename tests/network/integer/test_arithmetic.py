"""Whole-number logarithms, exponentials and ratios, beside exact ones."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.network.integer.arithmetic import EXP2_TABLE, LOG2_TABLE, OCTAVE, exp2, log2, ratio


@pytest.mark.parametrize(
    ("x", "found"), [(-5, 0), (0, 0), (1, 0), (2, 2048), (3, 3246), (1 << 31, 63488), (1 << 62, 126976)]
)
def test_logarithms_that_are_known(x: int, found: int) -> None:
    assert log2(np.int64(x)) == found


@given(st.integers(1, (1 << 63) - 1))
def test_a_logarithm_is_off_by_less_than_a_unit(x: int) -> None:
    # The logarithm of so large a number is not that of its nearest double, but as near as makes no difference.
    assert abs(int(log2(np.int64(x))) - OCTAVE * math.log2(x)) < 1


@given(st.integers(1, (1 << 62) - 1), st.integers(1, 1 << 20))
def test_logarithms_grow(x: int, more: int) -> None:
    assert log2(np.int64(x + more)) >= log2(np.int64(x))


@given(st.integers(-20 * OCTAVE, 15 * OCTAVE), st.sampled_from([8, 12, 14, 15]))
def test_an_exponential_is_off_by_a_hundredth_of_a_percent_and_a_half(x: int, bits: int) -> None:
    exact = 2.0 ** (bits + x / OCTAVE)
    assert abs(int(exp2(np.int64(x), bits)) - exact) <= 0.5 + 1e-4 * exact


@given(st.integers(0, 15 * OCTAVE))
def test_one_undoes_the_other(x: int) -> None:
    assert abs(int(log2(exp2(np.int64(x), 15))) - 15 * OCTAVE - x) <= 1


@given(st.integers(-(1 << 31) + 1, (1 << 31) - 1), st.integers(1, (1 << 31) - 1))
def test_ratios_are_the_nearest_numbers(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert int(ratio(np.int64(numerator), np.int64(denominator))) == int(abs(exact) + Fraction(1, 2)) * (
        -1 if numerator < 0 else 1
    )


@given(st.integers(-(1 << 62), 1 << 62), st.integers(1 << 20, (1 << 62) - 1))
def test_ratios_of_large_numbers_are_near(numerator: int, denominator: int) -> None:
    exact = numerator / denominator
    if abs(exact) < 1 << 14:
        assert abs(int(ratio(np.int64(numerator), np.int64(denominator))) - exact) <= 0.5 + 1e-4 * abs(exact) + 1e-4


def test_nothing_over_nothing_is_nothing() -> None:
    assert ratio(np.int64(7), np.int64(0)) == 0


def test_tables_fit_sixteen_bits() -> None:
    for table in (LOG2_TABLE, EXP2_TABLE):
        assert table.min() == 0
        assert table.max() == 1 << 15
        assert (np.diff(table) > 0).all()
