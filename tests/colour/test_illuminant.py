"""Illuminants: one direction said in several ways."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.illuminant import Illuminant, angular_error
from awbkit.errors import UsageError

channels = st.floats(1e-3, 1e3)
lights = st.tuples(channels, channels, channels)


@given(lights)
def test_gains_and_chromaticity_follow_from_the_direction(rgb: tuple[float, float, float]) -> None:
    light = Illuminant.of(rgb)
    assert math.hypot(*light.rgb) == pytest.approx(1)
    assert light.gains == pytest.approx((rgb[1] / rgb[0], 1, rgb[1] / rgb[2]))
    assert light.chromaticity == pytest.approx((rgb[0] / sum(rgb), rgb[1] / sum(rgb)))
    assert np.multiply(light.rgb, light.gains) == pytest.approx(np.full(3, light.rgb[1]))


@pytest.mark.parametrize(
    ("rgb", "cct", "duv"),
    [((1, 1, 1), 6504, 0.0032), ((1.84517, 0.82623, 0.23332), 2856, None), ((0.1, 0.1, 0.9), None, None)],
)
def test_temperature_in_linear_srgb(rgb: tuple[float, float, float], cct: float | None, duv: float | None) -> None:
    found = Illuminant.of(rgb).cct_duv
    assert (found is None) == (cct is None)
    if found and cct:
        assert found[0] == pytest.approx(cct, rel=0.005)
    if found and duv:
        assert found[1] == pytest.approx(duv, abs=1e-4)


@pytest.mark.parametrize("rgb", [(1, 1), (1, 1, 0), (1, -1, 1), (math.nan, 1, 1), (math.inf, 1, 1), ()])
def test_what_is_no_light_is_refused(rgb: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="three positive numbers"):
        Illuminant.of(rgb)


@pytest.mark.parametrize(
    ("first", "second", "degrees"),
    [
        ((1, 0, 0), (0, 1, 0), 90),
        ((1, 1, 1), (2, 2, 2), 0),
        ((1, 1, 0), (1, 0, 0), 45),
        ((1, 1, 1), (1, 1, 1 + 1e-9), 0),
    ],
)
def test_recovery_angular_error(first: tuple[float, ...], second: tuple[float, ...], degrees: float) -> None:
    assert angular_error(first, second) == pytest.approx(degrees, abs=1e-6)
