"""Records: what they state of a light, and which of their numbers counts after an edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.cli.digits import round_record
from awbkit.cli.output import ESTIMATE_KEYS
from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.errors import UsageError
from awbkit.files.open import open_photo
from awbkit.records import error_record, estimate_record, light_of, light_of_cct
from tests.helpers.command import angle
from tests.helpers.raw_files import CAMERA

PICTURE = Path(__file__).parents[1] / "examples/pictures/lane_shade.jpg"
NO_MATRIX = Camera("Unknown")

components = st.floats(0.02, 1)
lights = st.tuples(components, components, components)
cameras = st.sampled_from([LINEAR_SRGB, CAMERA, NO_MATRIX])


def write(light: Illuminant) -> dict[str, Any]:
    """The record of a light after its way through JSON."""
    record = estimate_record(PICTURE, open_photo(PICTURE), "pca", light, 1.0)
    read: dict[str, Any] = json.loads(json.dumps(round_record(record, ESTIMATE_KEYS)))
    return {**read, "space": light.camera.space}


@given(lights, cameras)
def test_rounding_is_never_taken_for_an_edit(rgb: tuple[float, float, float], camera: Camera) -> None:
    light = Illuminant.of(rgb, camera)
    record = write(light)
    assert angle(light_of(record, camera).rgb, light.rgb) < 1e-3
    # Neither by its absence.
    for key in ("illuminant", "gains", "chromaticity", "cct", "duv"):
        assert angle(light_of({**record, key: None}, camera).rgb, light.rgb) < 1e-3


@given(lights, lights, cameras, st.sampled_from(["illuminant", "gains", "chromaticity"]))
def test_an_edit_counts(
    rgb: tuple[float, float, float], other: tuple[float, float, float], camera: Camera, key: str
) -> None:
    record = {**write(Illuminant.of(rgb, camera)), key: write(Illuminant.of(other, camera))[key]}
    assert angle(light_of(record, camera).rgb, other) < 5e-3


@given(st.integers(2500, 15000), st.sampled_from([LINEAR_SRGB, CAMERA]), st.floats(-0.005, 0.005))
def test_an_edited_temperature_counts(cct: int, camera: Camera, duv: float) -> None:
    record = write(Illuminant.of(light_of_cct(5000, 0.001, camera).rgb, camera))
    told = light_of({**record, "cct": cct, "duv": round(duv, 5)}, camera)
    assert told.cct_duv == pytest.approx((cct, round(duv, 5)), rel=2e-4, abs=3e-5)


@pytest.mark.parametrize("kelvin", [-20, -3, 3, 20])
@pytest.mark.parametrize("cct", [3000, 5000, 9000])
def test_a_few_kelvin_are_an_edit(cct: int, kelvin: int) -> None:
    record = write(light_of_cct(cct, 0.0, LINEAR_SRGB))
    told = light_of({**record, "cct": cct + kelvin}, LINEAR_SRGB).cct_duv
    assert told is not None
    assert round(told[0]) == cct + kelvin


def test_a_record_has_the_keys_of_the_stream() -> None:
    light = Illuminant.of((2, 3, 1))
    record = estimate_record(PICTURE, open_photo(PICTURE), "pca", light, 1.0)
    assert list(record) == [key for key in ESTIMATE_KEYS if key not in ("error", "warning")]
    assert (record["width"], record["height"], record["space"]) == (640, 960, "linear-srgb")
    assert record["expected_error"] is None
    assert set(error_record("a.jpg", "gone")) <= set(ESTIMATE_KEYS)


def test_values_of_python_will_do() -> None:
    told = light_of({"gains": (2.0, 1.0, 4.0), "chromaticity": None}, NO_MATRIX)
    assert told.rgb == pytest.approx(np.array([2, 4, 1]) / np.sqrt(21))
    assert told.camera is NO_MATRIX


@pytest.mark.parametrize(
    ("record", "camera", "message"),
    [
        ({}, LINEAR_SRGB, "states no light"),
        ({"duv": 0.01}, LINEAR_SRGB, "states no light"),
        ({"cct": 5000}, NO_MATRIX, "Unknown has no known colour matrix to turn 5000 K into RGB"),
        ({"cct": 5000, "space": "camera"}, LINEAR_SRGB, "is in camera RGB and the file in linear-srgb RGB"),
        ({"gains": [1, 1, 1], "space": "linear-srgb"}, CAMERA, "is in linear-srgb RGB and the file in camera RGB"),
        ({"gains": "1,1,1"}, LINEAR_SRGB, "gains of the record must be a list of 3 numbers, not '1,1,1'"),
        ({"gains": [1, 1]}, LINEAR_SRGB, "gains of the record must be a list of 3 numbers"),
        ({"gains": [1, None, 1]}, LINEAR_SRGB, "gains of the record must consist of numbers, not None"),
        ({"gains": [1, -1, 1]}, LINEAR_SRGB, "gains of the record: an illuminant needs three positive numbers"),
        ({"chromaticity": [0.5, 0.5]}, LINEAR_SRGB, "chromaticity of the record: an illuminant needs three"),
        ({"gains": [1, 1, 1], "illuminant": [1, 2, 3]}, LINEAR_SRGB, "illuminant, gains of the record disagree"),
        (
            {"gains": [1, 1, 1], "illuminant": [1, 2, 3], "chromaticity": [0.2, 0.5]},
            LINEAR_SRGB,
            "illuminant, gains, chromaticity of the record disagree; set those that you do not mean to null",
        ),
        ({"cct": float("nan")}, LINEAR_SRGB, "cct of the record must consist of numbers, not nan"),
        ({"cct": 1200, "duv": 0.04}, LINEAR_SRGB, "is outside the gamut of this file's RGB"),
    ],
)
def test_what_states_no_light_is_refused(record: dict[str, Any], camera: Camera, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        light_of(record, camera)
