"""The DNG colour model: known whites, interpolation between two calibrations, and what is refused."""

from __future__ import annotations

import math
import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from awbkit.colour.camera import D65_XY, LINEAR_SRGB, Camera
from awbkit.colour.temperature import cct_duv_to_xy, nearest_cct
from awbkit.errors import UsageError

# Calibrations of the kind that one full-frame camera has under CIE A and under D65.
WARM = ((0.5309, -0.0229, -0.0336), (-0.6241, 1.3265, 0.3337), (-0.0817, 0.1215, 0.6664))
COOL = ((0.4716, 0.0603, -0.0830), (-0.7798, 1.5474, 0.2480), (-0.1496, 0.1937, 0.6651))
DUAL = Camera("Two calibrations", matrices=((2856.0, WARM), (6504.0, COOL)))
SINGLE = Camera("One calibration", matrices=((6504.0, COOL),))

lights = st.builds(cct_duv_to_xy, st.floats(3000, 20_000), st.floats(-0.015, 0.015))


def white_by_repeated_substitution(camera: Camera, rgb: tuple[float, float, float]) -> tuple[float, float]:
    """The procedure of the DNG specification, word for word, started at D50."""
    x, y = 0.3457, 0.3585
    for _ in range(60):
        cct = nearest_cct(x, y)
        assert cct is not None
        xyz = np.linalg.inv(camera.xyz_to_rgb(cct)) @ rgb
        x, y = xyz[:2] / xyz.sum()
    return float(x), float(y)


def test_white_of_linear_srgb_is_d65() -> None:
    assert LINEAR_SRGB.white_d65 == pytest.approx((1, 1, 1), abs=1e-12)
    assert LINEAR_SRGB.white_xy((1, 1, 1)) == pytest.approx(D65_XY, abs=1e-12)
    found = LINEAR_SRGB.cct_duv((7, 7, 7))
    assert found is not None
    assert found[0] == pytest.approx(6504, abs=1)
    assert found[1] == pytest.approx(0.0032, abs=5e-5)


def test_linear_srgb_matrix_is_that_of_the_standard(colour: ModuleType) -> None:
    matrix = LINEAR_SRGB.xyz_to_rgb()
    # IEC 61966-2-1:1999, which inverts a matrix that it rounded to four places.
    printed = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    np.testing.assert_allclose(matrix, printed, atol=4e-4)
    space = colour.RGB_COLOURSPACES["sRGB"].copy()
    space.use_derived_transformation_matrices(True)
    np.testing.assert_allclose(matrix, space.matrix_XYZ_to_RGB, atol=1e-9)


@pytest.mark.parametrize(
    ("cct", "expected"),
    [(1000, WARM), (2856, WARM), (6504, COOL), (50_000, COOL), (math.inf, COOL), (2 / (1 / 2856 + 1 / 6504), None)],
)
def test_matrices_blend_by_reciprocal_cct_and_stop_at_the_ends(cct: float, expected: Any) -> None:
    halfway = (np.array(WARM) + np.array(COOL)) / 2
    np.testing.assert_allclose(DUAL.xyz_to_rgb(cct), halfway if expected is None else expected, rtol=1e-12)


def test_order_of_the_calibrations_does_not_matter() -> None:
    turned = Camera(matrices=DUAL.matrices[::-1])
    np.testing.assert_allclose(turned.xyz_to_rgb(4000), DUAL.xyz_to_rgb(4000), rtol=1e-12)
    rgb = (0.5, 1.0, 0.6)
    assert turned.white_xy(rgb) == pytest.approx(DUAL.white_xy(rgb), abs=1e-10)


def test_two_calibrations_under_one_light_use_the_first() -> None:
    camera = Camera(matrices=((5000.0, WARM), (5000.0, COOL)))
    np.testing.assert_array_equal(camera.xyz_to_rgb(3000), WARM)
    assert camera.white_xy((0.5, 1, 0.6)) is not None


@pytest.mark.parametrize("camera", [LINEAR_SRGB, SINGLE, DUAL], ids=["srgb", "single", "dual"])
@given(xy=lights)
def test_white_round_trip(camera: Camera, xy: tuple[float, float]) -> None:
    rgb = camera.rgb_of_xy(*xy)
    assert rgb is not None
    assert rgb[1] == 1
    assert camera.white_xy(rgb) == pytest.approx(xy, abs=1e-9)
    assert camera.white_xy([2.5 * value for value in rgb]) == pytest.approx(xy, abs=1e-9)


@pytest.mark.slow
@given(red=st.floats(0.3, 0.9), blue=st.floats(0.3, 1.0))
def test_white_is_the_fixed_point_of_the_dng_specification(red: float, blue: float) -> None:
    rgb = (red, 1.0, blue)
    assert DUAL.white_xy(rgb) == pytest.approx(white_by_repeated_substitution(DUAL, rgb), abs=1e-7)


# Further off the locus the nearest point on it jumps from end to end, and there need not be a matrix that fits.
@given(cct=st.floats(1800, 15000), duv=st.floats(-0.04, 0.04))
def test_white_and_its_matrix_belong_together(cct: float, duv: float) -> None:
    rgb = DUAL.rgb_of_xy(*cct_duv_to_xy(cct, duv))
    assume(rgb is not None)
    found = DUAL.white(rgb)
    assert found is not None
    xyz, matrix = found
    np.testing.assert_allclose(matrix @ xyz, rgb, atol=1e-12)
    nearest = nearest_cct(*(xyz[:2] / xyz.sum()))
    assert nearest is not None
    np.testing.assert_allclose(matrix, DUAL.xyz_to_rgb(nearest), atol=1e-9)


@pytest.mark.parametrize(
    "rgb",
    [(0.0, 0.0, 0.0), (-1.0, -1.0, -1.0), (math.nan, 1.0, 1.0), (math.inf, 1.0, 1.0), (1.0, 1.0), ()],
    ids=["black", "negative", "nan", "inf", "two", "none"],
)
@pytest.mark.parametrize("camera", [LINEAR_SRGB, DUAL], ids=["srgb", "dual"])
def test_what_is_no_light_has_no_white(camera: Camera, rgb: Any) -> None:
    assert camera.white_xy(rgb) is None
    assert camera.cct_duv(rgb) is None


def test_light_off_the_cct_scale_still_has_a_chromaticity() -> None:
    assert LINEAR_SRGB.white_xy((0.0, 1.0, 0.0)) == pytest.approx((0.30, 0.60))
    assert LINEAR_SRGB.cct_duv((0.0, 1.0, 0.0)) is None


def test_without_a_matrix_there_is_no_colorimetry() -> None:
    camera = Camera("Unknown")
    assert camera.xyz_to_rgb() is None
    assert camera.white_xy((1, 1, 1)) is None
    assert camera.rgb_of_xy(*D65_XY) is None
    assert camera.cct_duv((1, 1, 1)) is None
    assert camera.white_d65 is None


@pytest.mark.parametrize("xy", [(0.3, 0.0), (math.nan, 0.3), cct_duv_to_xy(1500)], ids=["dark", "nan", "out of gamut"])
def test_rgb_of_what_srgb_cannot_show_is_none(xy: tuple[float, float]) -> None:
    assert LINEAR_SRGB.rgb_of_xy(*xy) is None


def test_singular_blend_of_two_sound_matrices_is_none() -> None:
    mirrored = tuple(tuple(-value for value in row) for row in WARM)
    camera = Camera(matrices=((2856.0, WARM), (6504.0, mirrored)))
    assert camera.white_xy((0.5, 1.0, 0.6)) is None


def test_value_semantics() -> None:
    arrays: Any = [[2856, np.array(WARM)], [6504, np.array(COOL)]]
    same = Camera("Two calibrations", matrices=arrays)
    assert same == DUAL
    assert hash(same) == hash(DUAL)
    assert pickle.loads(pickle.dumps(same)) == DUAL
    assert Camera(as_shot=np.array([0.5, 1, 0.6])).as_shot == (0.5, 1.0, 0.6)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"matrices": ((6504.0, ((1, 0, 0), (0, 1, 0), (1, 1, 0))),)}, "singular"),
        ({"matrices": ((6504.0, np.zeros((3, 3))),)}, "singular"),
        ({"matrices": ((6504.0, np.eye(3) * 1e-320),)}, "of similar size"),
        ({"matrices": ((6504.0, np.eye(3) * 1e300),)}, "of similar size"),
        ({"matrices": ((6504.0, ((math.nan, 0, 0), (0, 1, 0), (0, 0, 1))),)}, "3x3 finite"),
        ({"matrices": ((6504.0, np.eye(4)),)}, "3x3 finite"),
        ({"matrices": ((6504.0, ((1, 0), (0, 1, 0), (0, 0))),)}, "3x3 finite"),
        ({"matrices": ((6504.0, "matrix"),)}, "3x3 finite"),
        ({"matrices": ((0.0, COOL),)}, "positive number of kelvins"),
        ({"matrices": ((math.nan, COOL),)}, "positive number of kelvins"),
        ({"matrices": ((2856.0, WARM), (5000.0, WARM), (6504.0, COOL))}, "one or two matrices, not 3"),
        ({"as_shot": (0.0, 1.0, 0.5)}, "three positive numbers"),
        ({"as_shot": (0.5, 1.0)}, "three positive numbers"),
        ({"as_shot": (math.inf, 1.0, 0.5)}, "three positive numbers"),
    ],
)
def test_bad_calibrations_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Camera(**fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cct", [0.0, -1.0, math.nan])
def test_matrix_for_no_temperature_is_refused(cct: float) -> None:
    with pytest.raises(UsageError, match="positive number of kelvins"):
        DUAL.xyz_to_rgb(cct)
