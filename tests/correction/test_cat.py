"""Chromatic adaptation against colour-science, and what the two correction matrices promise."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.choices import CATS
from awbkit.colour.camera import D65_XY, LINEAR_SRGB, Camera
from awbkit.colour.temperature import cct_duv_to_xy
from awbkit.correction.cat import adaptation_matrix, camera_to_srgb_matrix, rgb_correction_matrix
from awbkit.errors import UsageError

A_XY = (0.44758, 0.40745)
D50_XY = (0.34567, 0.35851)
WARM = ((0.5309, -0.0229, -0.0336), (-0.6241, 1.3265, 0.3337), (-0.0817, 0.1215, 0.6664))
COOL = ((0.4716, 0.0603, -0.0830), (-0.7798, 1.5474, 0.2480), (-0.1496, 0.1937, 0.6651))
RAW = Camera("Raw", matrices=((2856.0, WARM), (6504.0, COOL)))
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
ORACLE_NAMES = {"von-kries": "Von Kries", "bradford": "Bradford", "cat02": "CAT02", "cat16": "CAT16", "sharp": "Sharp"}

lights = st.builds(cct_duv_to_xy, st.floats(3000, 15_000), st.floats(-0.01, 0.01))


def white_xyz(xy: tuple[float, float]) -> np.ndarray:
    x, y = xy
    return np.array([x / y, 1.0, (1 - x - y) / y])


@pytest.mark.parametrize("cat", CATS)
@pytest.mark.parametrize("target", [D65_XY, D50_XY], ids=["D65", "D50"])
@pytest.mark.parametrize("source", [A_XY, D50_XY, (0.3741, 0.3727)], ids=["A", "D50", "FL2"])
def test_against_oracle(cat: str, source: tuple[float, float], target: tuple[float, float], colour: ModuleType) -> None:
    expected = colour.adaptation.matrix_chromatic_adaptation_VonKries(
        white_xyz(source), white_xyz(target), transform=ORACLE_NAMES[cat]
    )
    np.testing.assert_allclose(adaptation_matrix(source, target, cat), expected, atol=1e-9)


def test_bradford_d65_to_d50_as_published_by_the_icc() -> None:
    # The chromaticAdaptationTag of the ICC's sRGB v4 display profile.
    published = [[1.0479, 0.0229, -0.0502], [0.0296, 0.9904, -0.0171], [-0.0092, 0.0151, 0.7519]]
    np.testing.assert_allclose(adaptation_matrix(D65_XY, (0.3457, 0.3585), "bradford"), published, atol=5e-4)


@pytest.mark.parametrize("cat", CATS)
def test_same_white_is_the_identity(cat: str) -> None:
    np.testing.assert_allclose(adaptation_matrix(A_XY, A_XY, cat), np.eye(3), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("cat", CATS)
@given(xy=lights)
def test_srgb_light_turns_neutral_at_its_luminance(cat: str, xy: tuple[float, float]) -> None:
    light = np.array(LINEAR_SRGB.rgb_of_xy(*xy))
    neutral = rgb_correction_matrix(light, cat=cat) @ light
    np.testing.assert_allclose(neutral, neutral[1], rtol=1e-9)
    assert neutral[1] == pytest.approx(LUMINANCE @ light, rel=1e-3)
    np.testing.assert_allclose(
        rgb_correction_matrix(light, cat=cat), camera_to_srgb_matrix(light, LINEAR_SRGB, cat), atol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("cat", CATS)
@given(xy=lights)
def test_raw_light_turns_into_the_cameras_d65(cat: str, xy: tuple[float, float]) -> None:
    light = np.array(RAW.rgb_of_xy(*xy))
    corrected = rgb_correction_matrix(light, RAW, cat) @ light
    np.testing.assert_allclose(corrected / corrected[1], RAW.white_d65, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("cat", CATS)
@given(xy=lights, scale=st.floats(1e-3, 1e3))
def test_raw_light_of_unit_luminance_turns_into_srgb_white(cat: str, xy: tuple[float, float], scale: float) -> None:
    direction = RAW.rgb_of_xy(*xy)
    assert direction is not None
    found = RAW.white(direction)
    assert found is not None
    matrix = camera_to_srgb_matrix([scale * value for value in direction], RAW, cat)
    np.testing.assert_allclose(matrix @ direction / found[0][1], 1.0, rtol=1e-9)


def test_colours_under_d65_stay_as_they_are() -> None:
    np.testing.assert_allclose(rgb_correction_matrix((1, 1, 1)), np.eye(3), atol=1e-12)
    white = RAW.white_d65
    assert white is not None
    np.testing.assert_allclose(rgb_correction_matrix(white, RAW), np.eye(3), atol=1e-9)
    expected = np.asarray(LINEAR_SRGB.xyz_to_rgb()) @ np.linalg.inv(COOL)
    np.testing.assert_allclose(camera_to_srgb_matrix(white, RAW), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: adaptation_matrix(A_XY, D65_XY, "cat97"),
            "'cat97'; choose from von-kries, bradford, cat02, cat16, sh",
        ),
        (lambda: adaptation_matrix((0.4, 0.0), D65_XY), "no positive cone response to a white of xy (0.4, 0)"),
        (lambda: adaptation_matrix(D65_XY, (0.9, 0.05)), "no positive cone response to a white of xy (0.9, 0.05)"),
        (lambda: adaptation_matrix((math.nan, 0.3), D65_XY), "no positive cone response"),
        (lambda: rgb_correction_matrix((1, 1, 1), cat=""), "no chromatic adaptation transform ''"),
        (lambda: rgb_correction_matrix((1, 1, 1), Camera("Box")), "needs a camera matrix, and Box has none"),
        (lambda: camera_to_srgb_matrix((1, 1, 1), Camera()), "needs a camera matrix, and this camera has none"),
        (lambda: rgb_correction_matrix((0, 0, 0)), "cannot place the light (0, 0, 0) in XYZ"),
        (lambda: camera_to_srgb_matrix((math.nan, 1, 1), RAW), "cannot place the light (nan, 1, 1) in XYZ"),
    ],
)
def test_what_cannot_be_adapted_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
