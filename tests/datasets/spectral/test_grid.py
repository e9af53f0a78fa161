"""Spectra brought to the common wavelengths: what the methods promise, and what they refuse."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.datasets.spectral.grid import WAVELENGTHS, resample
from awbkit.errors import UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour


def test_a_spectrum_on_the_grid_stays_as_it_is() -> None:
    values = np.random.default_rng(1).random((81, 3))
    np.testing.assert_allclose(resample(WAVELENGTHS, values), values, atol=1e-12)


@pytest.mark.parametrize("step", [1, 4, 10, 20])
def test_even_steps_as_colour_science_does_it(step: int) -> None:
    wavelengths = np.arange(380, 781, step)
    values = np.random.default_rng(step).random(len(wavelengths))
    np.testing.assert_allclose(
        resample(wavelengths, values), colour.SpragueInterpolator(wavelengths, values)(WAVELENGTHS), atol=1e-12
    )


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4), st.booleans(), st.randoms(use_true_random=False))
def test_cubics_come_out_exactly_whatever_the_steps(coefficients: list[float], even: bool, chance: object) -> None:
    rng = np.random.default_rng(chance.getrandbits(32))  # type: ignore[attr-defined]
    wavelengths = np.linspace(352, 793, 64) if even else np.cumsum([370, *rng.uniform(3, 15, 60)])

    def cubic(x: np.ndarray) -> np.ndarray:
        return np.polynomial.polynomial.polyval((x - 580) / 200, coefficients)

    # The first and last two even steps rest on points that Sprague's rule makes up.
    margin = 2 if even else 0
    inside = (wavelengths[margin] <= WAVELENGTHS) & (wavelengths[-1 - margin] >= WAVELENGTHS)
    np.testing.assert_allclose(resample(wavelengths, cubic(wavelengths))[inside], cubic(WAVELENGTHS)[inside], atol=1e-9)


def test_beyond_the_table_the_last_value_or_nothing() -> None:
    wavelengths, values = np.arange(400.0, 701, 10), np.linspace(1, 2, 31)
    held, ended = resample(wavelengths, values), resample(wavelengths, values, outside="zero")
    assert held[0] == pytest.approx(1)
    assert held[-1] == pytest.approx(2)
    assert ended[[0, 3, -1]].tolist() == [0, 0, 0]
    assert ended[4] == pytest.approx(1)


@pytest.mark.parametrize(
    ("wavelengths", "values"),
    [
        ([400, 500, 600], [1, 2, 3]),
        ([400, 450, 500, 500, 550, 600], [1] * 6),
        ([700, 650, 600, 550, 500, 450], [1] * 6),
        ([400, 450, 500, 550, 600, 650], [1] * 5),
        ([400, 450, 500, 550, 600, 650], [1, 1, np.nan, 1, 1, 1]),
        ([400, 450, 500, 550, 600, np.inf], [1] * 6),
    ],
)
def test_refuses_what_is_no_spectrum(wavelengths: list[float], values: list[float]) -> None:
    with pytest.raises(UsageError, match="a spectrum needs"):
        resample(wavelengths, values)
