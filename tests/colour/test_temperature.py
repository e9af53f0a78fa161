"""CCT and Duv against published values and against colour-science, which integrates Planck's law at 1 nm."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.temperature import CCT_MAX, CCT_MIN, DUV_MAX, cct_duv_to_xy, daylight_xy, nearest_cct, xy_to_cct_duv
from awbkit.errors import UsageError

cct_range = st.floats(10, 1000).map(lambda mired: min(max(1e6 / mired, CCT_MIN), CCT_MAX))
duv_range = st.floats(-DUV_MAX, DUV_MAX)


# Chromaticity and CCT as CIE 15:2018 prints them; Duv of the D series from ANSI C78.377.
PUBLISHED = {
    "A": (0.44758, 0.40745, 2856, 0.0000),
    "D50": (0.34567, 0.35851, 5003, 0.0032),
    "D55": (0.33243, 0.34744, 5503, 0.0033),
    "D65": (0.31272, 0.32903, 6504, 0.0032),
    "D75": (0.29903, 0.31488, 7504, 0.0031),
    "FL1": (0.3131, 0.3371, 6430, None),
    "FL2": (0.3721, 0.3751, 4230, None),
    "FL7": (0.3129, 0.3292, 6500, None),
    "FL11": (0.3805, 0.3769, 4000, None),
    "FL12": (0.4370, 0.4042, 3000, None),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_illuminants(name: str) -> None:
    x, y, cct, duv = PUBLISHED[name]
    found = xy_to_cct_duv(x, y)
    assert found is not None
    # The fluorescents are printed to 10 K and their chromaticities to four places.
    assert found[0] == pytest.approx(cct, abs=1.5 if duv is not None else 10)
    if duv is not None:
        assert found[1] == pytest.approx(duv, abs=1e-4)


@pytest.mark.parametrize("cct", [1000, 1500, 1850, 2856, 4000, 6504, 10_000, 25_000, 50_000, 100_000])
def test_planckian_locus_against_oracle(cct: float, colour: ModuleType) -> None:
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    u, v = colour.temperature.CCT_to_uv_Planck1900(cct, observer)
    scale = 2 * u - 8 * v + 4
    assert cct_duv_to_xy(cct) == pytest.approx((3 * u / scale, 2 * v / scale), abs=2e-8)


@pytest.mark.parametrize("cct", [4000, 5003, 6504, 7000, 7100, 15_000, 25_000])
@pytest.mark.filterwarnings("ignore")
def test_daylight_is_that_of_the_cie(cct: float, colour: ModuleType) -> None:
    assert daylight_xy(cct) == pytest.approx(colour.temperature.CCT_to_xy_CIE_D(cct), abs=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_cct_and_duv_against_oracle(colour: ModuleType) -> None:
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    for cct in np.geomspace(1500, 25_000, 9):
        for duv in (-0.03, -0.01, 0.0, 0.005, 0.03):
            u, v = colour.temperature.CCT_to_uv_Ohno2013((cct, duv), observer)
            scale = 2 * u - 8 * v + 4
            found = xy_to_cct_duv(3 * u / scale, 2 * v / scale)
            assert found is not None
            # The oracle takes the tangent from a difference over 0.01 K, which is its error at high CCT.
            assert found[0] == pytest.approx(cct, abs=1.0)
            assert found[1] == pytest.approx(duv, abs=1e-6)
            reverse = colour.temperature.uv_to_CCT_Ohno2013((u, v), observer)
            assert found[0] == pytest.approx(float(reverse[0]), abs=1.0)
            assert found[1] == pytest.approx(float(reverse[1]), abs=1e-5)


@given(cct=cct_range, duv=duv_range)
def test_round_trip(cct: float, duv: float) -> None:
    found = xy_to_cct_duv(*cct_duv_to_xy(cct, duv))
    assert found is not None
    assert found[0] == pytest.approx(cct, rel=1e-8)
    assert found[1] == pytest.approx(duv, abs=1e-9)


@given(x=st.floats(allow_nan=True, allow_infinity=True), y=st.floats(allow_nan=True, allow_infinity=True))
def test_any_numbers_give_an_answer_in_range_or_none(x: float, y: float) -> None:
    found = xy_to_cct_duv(x, y)
    assert found is None or (CCT_MIN <= found[0] <= CCT_MAX and abs(found[1]) <= DUV_MAX * (1 + 1e-8))
    nearest = nearest_cct(x, y)
    assert nearest is None or CCT_MIN <= nearest <= CCT_MAX


@given(x=st.floats(0, 1), y=st.floats(0, 1))
def test_every_chromaticity_is_within_reach_of_its_nearest_black_body(x: float, y: float) -> None:
    found = xy_to_cct_duv(x, y)
    if found is None:
        return
    again = np.array(cct_duv_to_xy(found[0], min(max(found[1], -DUV_MAX), DUV_MAX)))
    assert np.abs(again - (x, y)).max() < 1e-6


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (0.7347, 0.2653),  # spectral red, 700 nm
        (0.0743, 0.8338),  # spectral green, 520 nm
        (0.15, 0.06),  # the blue primary of sRGB
        (0.23, 0.22),  # bluer than an infinitely hot body
        (0.6716, 0.3268),  # a black body of 850 K
        (0.3, 0.0),
        (0.3, -0.1),
        (math.nan, 0.3),
        (math.inf, 0.3),
    ],
)
def test_off_the_scale_is_none(x: float, y: float) -> None:
    assert xy_to_cct_duv(x, y) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cct_duv_to_xy(999.0), "between 1000 and 100000 K, not 999"),
        (lambda: cct_duv_to_xy(1e6), "between 1000 and 100000 K, not 1e+06"),
        (lambda: cct_duv_to_xy(math.nan), "between 1000 and 100000 K, not nan"),
        (lambda: cct_duv_to_xy(6500, 0.06), "between -0.05 and 0.05, not 0.06"),
        (lambda: cct_duv_to_xy(6500, math.nan), "between -0.05 and 0.05, not nan"),
    ],
)
def test_out_of_range_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_import_is_light() -> None:
    code = (
        "import sys, awbkit.colour.temperature; sys.exit(any(m in sys.modules for m in ('colour', 'scipy', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
