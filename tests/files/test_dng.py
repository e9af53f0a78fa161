"""DNG colour tags, written here by tifffile and read back as a camera."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.camera import Camera
from awbkit.errors import UnreadableFile
from awbkit.files.dng import LIGHT_SOURCE_CCT, read_dng_camera

ASCII, BYTE, SHORT, RATIONAL, SRATIONAL, DOUBLE = 2, 1, 3, 5, 10, 12
WARM = np.array([[0.5309, -0.0229, -0.0336], [-0.6241, 1.3265, 0.3337], [-0.0817, 0.1215, 0.6664]])
COOL = np.array([[0.4716, 0.0603, -0.0830], [-0.7798, 1.5474, 0.2480], [-0.1496, 0.1937, 0.6651]])
BODY = np.array([[1.03, 0.01, 0.0], [0.0, 1.0, 0.02], [0.0, -0.01, 0.96]])
LIGHT_A, LIGHT_D65 = 17, 21

Tag = tuple[int, int, int, Any, bool]


def rationals(code: int, values: Any, *, signed: bool = False) -> Tag:
    flat = np.ravel(values)
    pairs = [number for value in flat for number in (round(float(value) * 10_000), 10_000)]
    return code, SRATIONAL if signed else RATIONAL, len(flat), tuple(pairs), True


def short_tag(code: int, value: int) -> Tag:
    return code, SHORT, 1, value, True


def text(code: int, value: str) -> Tag:
    return code, ASCII, 0, value, True


VERSION: Tag = (50706, BYTE, 4, b"\x01\x07\x01\x00", True)
MODEL = text(50708, "Acme One")
DUAL = [
    VERSION,
    MODEL,
    rationals(50721, WARM, signed=True),
    rationals(50722, COOL, signed=True),
    short_tag(50778, LIGHT_A),
    short_tag(50779, LIGHT_D65),
]
NEUTRAL = rationals(50728, (0.5, 1.0, 0.625))


def dng(*tags: Tag) -> bytes:
    """A 16 x 16 Bayer mosaic with these tags in its only directory."""
    buffer = io.BytesIO()
    mosaic = np.full((16, 16), 1000, dtype=np.uint16)
    tifffile.imwrite(buffer, mosaic, photometric=32803, extratags=tags, metadata=None)
    return buffer.getvalue()


def read(*tags: Tag) -> Camera:
    camera = read_dng_camera(io.BytesIO(dng(*tags)))
    assert camera is not None
    return camera


def matrices(camera: Camera) -> dict[float, np.ndarray]:
    return {cct: np.array(matrix) for cct, matrix in camera.matrices}


def test_two_calibrations_and_neutral(tmp_path: Path) -> None:
    path = tmp_path / "image.dng"
    path.write_bytes(dng(*DUAL, NEUTRAL))
    camera = read_dng_camera(path)
    assert camera is not None
    assert read_dng_camera(str(path)) == camera
    assert camera.name == "Acme One"
    assert camera.space == "camera"
    assert camera.as_shot == pytest.approx((0.5, 1.0, 0.625))
    assert list(matrices(camera)) == [2856.0, 6504.0]
    np.testing.assert_allclose(matrices(camera)[2856.0], WARM, atol=1e-12)
    np.testing.assert_allclose(matrices(camera)[6504.0], COOL, atol=1e-12)


def test_neutral_is_scaled_to_green() -> None:
    assert read(*DUAL, rationals(50728, (0.4, 0.8, 0.5))).as_shot == pytest.approx((0.5, 1.0, 0.625))


@pytest.mark.parametrize("xy", [(0.3127, 0.3290), (0.4476, 0.4074), (0.3805, 0.3769)], ids=["D65", "A", "FL11"])
def test_white_xy_becomes_the_camera_neutral(xy: tuple[float, float]) -> None:
    analog = np.array([1.1, 1.0, 0.9])
    body = [rationals(tag, BODY, signed=True) for tag in (50723, 50724)]
    camera = read(*DUAL, rationals(50729, xy), rationals(50727, analog), *body)
    x, y = xy
    cct = {(0.3127, 0.3290): 6504.0, (0.4476, 0.4074): 2856.0, (0.3805, 0.3769): 4000.0}[xy]
    share = (1 / cct - 1 / 2856) / (1 / 6504 - 1 / 2856)
    color = (1 - share) * WARM + share * COOL
    # DNG 1.7.1, chapter 6: CameraNeutral = AB x CC x CM x XYZ(white).
    neutral = np.diag(analog) @ BODY @ color @ [x / y, 1, (1 - x - y) / y]
    assert camera.as_shot == pytest.approx(neutral / neutral[1], rel=2e-3)
    assert camera.white_xy(camera.as_shot or ()) == pytest.approx(xy, abs=1e-9)


def test_neutral_comes_before_white_xy() -> None:
    assert read(*DUAL, NEUTRAL, rationals(50729, (0.4476, 0.4074))).as_shot == pytest.approx((0.5, 1.0, 0.625))


def test_white_xy_without_a_matrix_is_left_out() -> None:
    assert read(VERSION, MODEL, rationals(50729, (0.3127, 0.3290))) == Camera("Acme One")


@pytest.mark.parametrize(
    ("signatures", "applied"),
    [
        ([], True),
        ([text(50931, "com.acme"), text(50932, "com.acme")], True),
        ([(50931, BYTE, 8, b"com.acme", True), text(50932, "com.acme")], True),
        ([text(50931, "com.acme"), text(50932, "com.other")], False),
        ([text(50931, "com.acme")], False),
    ],
    ids=["none", "same", "same as bytes", "different", "one"],
)
def test_body_calibration_needs_the_profiles_signature(signatures: list[Tag], applied: bool) -> None:
    camera = read(*DUAL, rationals(50723, BODY, signed=True), *signatures)
    np.testing.assert_allclose(matrices(camera)[2856.0], BODY @ WARM if applied else WARM, atol=1e-12)
    np.testing.assert_allclose(matrices(camera)[6504.0], COOL, atol=1e-12)


def test_analog_balance_scales_the_channels() -> None:
    camera = read(*DUAL, rationals(50727, (2.0, 1.0, 1.5)))
    np.testing.assert_allclose(matrices(camera)[6504.0], np.diag([2.0, 1.0, 1.5]) @ COOL, atol=1e-12)


@pytest.mark.parametrize("code", LIGHT_SOURCE_CCT)
def test_calibration_illuminants(code: int) -> None:
    camera = read(VERSION, rationals(50721, COOL, signed=True), short_tag(50778, code))
    assert camera.matrices[0][0] == LIGHT_SOURCE_CCT[code]
    assert 2800 < camera.matrices[0][0] < 7600


@pytest.mark.parametrize(
    ("lights", "expected"),
    [
        ((LIGHT_D65, LIGHT_A), {6504.0: WARM, 2856.0: COOL}),
        ((255, LIGHT_D65), {5000.0: WARM}),
        ((LIGHT_A, 255), {2856.0: WARM}),
        ((LIGHT_A, 0), {2856.0: WARM}),
        ((LIGHT_D65, LIGHT_D65), {6504.0: WARM}),
        ((999, 999), {5000.0: WARM}),
    ],
)
def test_two_matrices_need_two_different_lights(lights: tuple[int, int], expected: dict[float, np.ndarray]) -> None:
    camera = read(*DUAL[:4], short_tag(50778, lights[0]), short_tag(50779, lights[1]))
    assert list(matrices(camera)) == list(expected)
    for cct, matrix in expected.items():
        np.testing.assert_allclose(matrices(camera)[cct], matrix, atol=1e-12)


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ([text(50708, "Acme One"), text(271, "ACME"), text(272, "ONE")], "Acme One"),
        ([text(271, "Acme Inc."), text(272, "One")], "Acme Inc. One"),
        ([text(271, "Canon"), text(272, "Canon EOS 550D")], "Canon EOS 550D"),
        ([text(272, "One")], "One"),
        ([], ""),
    ],
)
def test_camera_name(tags: list[Tag], name: str) -> None:
    assert read(VERSION, *tags).name == name


ZERO_DIVISOR = tuple([1, 0] * 9)


@pytest.mark.parametrize(
    "bad",
    [
        rationals(50721, np.zeros((3, 3)), signed=True),
        rationals(50721, np.ones((3, 3)), signed=True),
        (50721, SRATIONAL, 9, ZERO_DIVISOR, True),
        (50721, DOUBLE, 9, tuple(np.full(9, np.nan)), True),
        (50721, DOUBLE, 9, tuple(np.diag([1e300, 1e-300, 1.0]).ravel()), True),
        rationals(50721, np.ones((4, 3)), signed=True),
        text(50721, "matrix"),
    ],
    ids=["zero", "singular", "divisor", "nan", "extreme", "four planes", "text"],
)
def test_bad_matrix_is_left_out(bad: Tag) -> None:
    assert read(VERSION, MODEL, bad, NEUTRAL) == Camera("Acme One", as_shot=(0.5, 1.0, 0.625))
    second = read(*DUAL[:2], bad, *DUAL[3:])
    assert list(matrices(second)) == [6504.0]


@pytest.mark.parametrize(
    "bad",
    [
        rationals(50728, (0.0, 0.0, 0.0)),
        rationals(50728, (0.5, 0.0, 0.5)),
        rationals(50728, (1.0,)),
        (50728, RATIONAL, 3, (1, 0, 1, 0, 1, 0), True),
        (50728, DOUBLE, 3, (1e300, 1e-300, 1.0), True),
        (50728, DOUBLE, 3, (-0.5, 1.0, 0.5), True),
        rationals(50729, (0.0, 0.0)),
        rationals(50729, (0.3, 0.0)),
    ],
)
def test_bad_white_is_left_out(bad: Tag) -> None:
    camera = read(*DUAL, bad)
    assert camera.as_shot is None
    assert len(camera.matrices) == 2


def test_bad_neutral_gives_way_to_white_xy() -> None:
    camera = read(*DUAL, rationals(50728, (0.0, 0.0, 0.0)), rationals(50729, (0.3127, 0.3290)))
    assert camera.as_shot == pytest.approx(camera.white_d65, rel=1e-9)


def test_tiff_without_dng_version_is_no_dng() -> None:
    assert read_dng_camera(io.BytesIO(dng(*DUAL[1:], NEUTRAL))) is None


def test_file_object_keeps_its_position() -> None:
    file = io.BytesIO(dng(*DUAL))
    file.seek(7)
    assert read_dng_camera(file) is not None
    assert file.tell() == 7
    assert not file.closed


@pytest.mark.parametrize(
    "content",
    [b"", b"II", b"II*\0", b"II*\0\x08\0\0\0", b"II*\0\xff\xff\xff\xff", b"\xff\xd8\xff\xe0 not a TIFF", b"\0" * 4096],
)
def test_garbage_is_no_dng(content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file = io.BytesIO(content)
    assert read_dng_camera(file) is None
    assert file.tell() == 0


WHOLE = dng(*DUAL, NEUTRAL)


def test_every_truncation_is_survived() -> None:
    for length in range(0, len(WHOLE), 7):
        camera = read_dng_camera(io.BytesIO(WHOLE[:length]))
        assert camera is None or camera.name in ("", "Acme One")


@given(st.binary(max_size=400), st.integers(0, 600))
def test_random_damage_is_survived(noise: bytes, start: int) -> None:
    damaged = WHOLE[:start] + noise + WHOLE[start + len(noise) :]
    camera = read_dng_camera(io.BytesIO(damaged))
    assert camera is None or isinstance(camera, Camera)


@given(st.binary(max_size=400))
def test_random_directories_are_survived(noise: bytes) -> None:
    assert read_dng_camera(io.BytesIO(b"II*\0\x08\0\0\0" + noise)) is None


@pytest.mark.parametrize("name", ["missing.dng", "."])
def test_unopenable_path_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"(?i)no such file|is a directory"):
        read_dng_camera(tmp_path / name)


def test_damage_is_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("tifffile")
    assert any(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    read_dng_camera(io.BytesIO(WHOLE[: len(WHOLE) // 3]))
    assert capfd.readouterr().err == ""


def test_tag_pointing_past_the_end_is_left_out() -> None:
    entry = (50721).to_bytes(2, "little") + SRATIONAL.to_bytes(2, "little") + (9).to_bytes(4, "little")
    at = WHOLE.index(entry) + len(entry)
    camera = read_dng_camera(io.BytesIO(WHOLE[:at] + b"\0\0\xff\x7f" + WHOLE[at + 4 :]))
    assert camera is not None
    assert camera.as_shot == pytest.approx((0.5, 1.0, 0.625))
    assert list(matrices(camera)) == [6504.0]
