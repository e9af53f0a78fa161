"""What a correction does to light and to stored numbers: gray comes out gray, white stays white, brightness is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import awbkit
from awbkit.choices import CATS
from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.correction.highlights import recover
from awbkit.correction.picture import correct_picture
from awbkit.errors import UsageError
from awbkit.files.encoding import SRGB, parse_profile
from awbkit.files.rendered import RenderedPhoto
from tests.helpers.pictures import PROFILES, TUNGSTEN, encode, with_profile

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
SHADE = np.array([0.72, 0.86, 1.0])
GREENISH = np.array([0.8, 1.0, 0.7])
LIGHTS = {"tungsten": TUNGSTEN, "shade": SHADE, "greenish": GREENISH}

channels = st.floats(0.02, 1)
lights = st.tuples(channels, channels, channels)


def correction(light: np.ndarray, **options: object) -> awbkit.Correction:
    return awbkit.Correction(Illuminant.of(light), **options)  # type: ignore[arg-type]


def open_rendered(path: Path) -> RenderedPhoto:
    photo = awbkit.open(path)
    assert isinstance(photo, RenderedPhoto)
    return photo


@given(lights, st.sampled_from([None, "bradford", "cat02", "cat16"]))
def test_gray_under_the_light_becomes_neutral_and_keeps_its_luminance(
    light: tuple[float, float, float], cat: str | None
) -> None:
    try:
        matrix = correction(np.array(light), cat=cat).matrix()
    except UsageError:
        # Far outside real lights a cone space can have no positive response; gains always have.
        if cat is None:
            raise
        reject()
    corrected = matrix @ light
    assert corrected == pytest.approx(np.full(3, corrected.mean()), rel=1e-9)
    assert LUMINANCE @ corrected == pytest.approx(LUMINANCE @ light, rel=1e-3)


@given(lights)
def test_no_strength_changes_nothing_and_full_strength_all(light: tuple[float, float, float]) -> None:
    assert correction(np.array(light), strength=0.0).matrix() == pytest.approx(np.eye(3), abs=1e-12)
    full, plain = correction(np.array(light), strength=1.0).matrix(), correction(np.array(light)).matrix()
    assert full == pytest.approx(plain)


def test_half_strength_twice_is_full_strength() -> None:
    half = correction(TUNGSTEN, strength=0.5).gains
    assert half**2 == pytest.approx(correction(TUNGSTEN).gains)


def test_partial_correction_of_a_raw_stops_at_its_daylight_white() -> None:
    camera = Camera("c", matrices=((6504.0, ((0.69, -0.12, -0.09), (-0.38, 1.16, 0.25), (-0.04, 0.15, 0.6))),))
    light = Illuminant.of((0.9, 1.0, 0.3), camera)
    none = awbkit.Correction(light, strength=0.0).gains
    white = np.array(camera.white_d65)
    assert none == pytest.approx(white[1] / white)


def test_apply_divides_by_the_light() -> None:
    pixels = np.array([[[0.1, 0.2, 0.3]]], dtype=np.float32)
    result = awbkit.apply_correction(pixels, correction(TUNGSTEN))
    assert result == pytest.approx(pixels / TUNGSTEN * (LUMINANCE @ TUNGSTEN), rel=1e-5)


@pytest.mark.parametrize("options", [{"cat": "cat97"}, {"strength": -0.1}, {"strength": 1.1}, {"strength": np.nan}])
def test_bad_corrections_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        correction(TUNGSTEN, **options)


def test_cat_without_a_camera_matrix_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a camera matrix"):
        awbkit.Correction(Illuminant.of((1, 1, 1), Camera("no matrix")), "bradford").matrix()


# Stored numbers


@pytest.mark.slow
@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("profile", [None, *PROFILES])
def test_gray_ramp_comes_out_gray_to_within_rounding(
    tmp_path: Path, profile: str | None, dtype: type, light: str
) -> None:
    encoding = parse_profile(PROFILES[profile]) if profile else SRGB
    assert encoding is not None
    top = np.iinfo(dtype).max
    gray = np.linspace(0.02, 0.9, 500)[:, None] * LIGHTS[light]
    in_file = np.clip(gray @ np.linalg.inv(encoding.matrix).T, 0, 1)
    codes = np.rint(encoding.encode(in_file) * top).astype(dtype)[None]
    path = tmp_path / "ramp.png"
    with_profile(codes, PROFILES[profile or "srgb"], path)
    result = correct_picture(open_rendered(path), correction(LIGHTS[light])).astype(float)[0]
    # Half a step of rounding on the way in, amplified by what the gain does to codes, and half a step on the way out.
    step = 1 / top
    up = encoding.encode(np.clip(encoding.decode(codes[0] / top + step) @ _file_matrix(encoding, light).T, 0, 1))
    here = encoding.encode(np.clip(encoding.decode(codes[0] / top) @ _file_matrix(encoding, light).T, 0, 1))
    amplification = np.abs(up - here).max(axis=1) * top
    spread = np.ptp(result, axis=1)
    assert (spread <= 1.01 * amplification + 1.5).all(), (spread - amplification).max()
    level = (LUMINANCE @ LIGHTS[light]) * np.linspace(0.02, 0.9, 500)
    expected = encoding.encode(np.repeat(level[:, None], 3, axis=1)) * top
    assert (np.abs(result - expected).max(axis=1) <= amplification + 1).all()


def _file_matrix(encoding: object, light: str) -> np.ndarray:
    to_srgb = encoding.matrix  # type: ignore[attr-defined]
    return np.linalg.solve(to_srgb, correction(LIGHTS[light]).matrix() @ to_srgb)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_neutral_light_changes_no_number(tmp_path: Path, profile: str, dtype: type, rng: np.random.Generator) -> None:
    codes = rng.integers(0, np.iinfo(dtype).max, (40, 50, 3), endpoint=True).astype(dtype)
    codes[0] = np.iinfo(dtype).max
    path = with_profile(codes, PROFILES[profile], tmp_path / "any.png")
    assert np.array_equal(correct_picture(open_rendered(path), correction(np.ones(3))), codes)


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("cat", [None, *CATS])
def test_numbers_are_those_of_a_plain_computation(
    tmp_path: Path, scene: np.ndarray, profile: str, cat: str | None
) -> None:
    encoding = parse_profile(PROFILES[profile])
    assert encoding is not None
    in_file = np.clip((scene * TUNGSTEN) @ np.linalg.inv(encoding.matrix).T, 0, 1)
    codes = np.rint(encoding.encode(in_file) * 65535).astype(np.uint16)
    path = with_profile(codes, PROFILES[profile], tmp_path / "scene.tif")
    result = correct_picture(open_rendered(path), correction(TUNGSTEN, cat=cat)).astype(float)
    linear = encoding.decode(codes / 65535) @ encoding.matrix.T @ correction(TUNGSTEN, cat=cat).matrix().T
    expected = encoding.encode(np.clip(linear @ np.linalg.inv(encoding.matrix).T, 0, 1)) * 65535
    unclipped = (expected < 0.9 * 65535).all(axis=2) & (codes < 0.9 * 65535).all(axis=2)
    assert unclipped.mean() > 0.8
    # Near black a step of the encoding table is steeper than a step of the file.
    assert np.abs(result - expected)[unclipped].max() <= 2


def test_floating_point_goes_beyond_white_and_below_black(tmp_path: Path) -> None:
    import pyvips

    pixels = np.array([[[2.0, 1.0, 0.5], [-0.1, 0.2, 0.3]]], dtype=np.float32)
    path = tmp_path / "hdr.tif"
    pyvips.Image.new_from_array(pixels).write_to_file(str(path))
    result = correct_picture(open_rendered(path), correction(TUNGSTEN))
    assert result.dtype == np.float32
    assert result == pytest.approx(pixels / TUNGSTEN * (LUMINANCE @ TUNGSTEN), rel=1e-5)


def test_alpha_is_passed_on(tmp_path: Path, scene: np.ndarray, rng: np.random.Generator) -> None:
    import pyvips

    alpha = rng.integers(0, 256, (96, 128, 1)).astype(np.uint8)
    path = tmp_path / "cut-out.png"
    pyvips.Image.new_from_array(np.concatenate([encode(scene * TUNGSTEN), alpha], axis=2)).write_to_file(str(path))
    result = correct_picture(open_rendered(path), correction(TUNGSTEN))
    assert np.array_equal(result[..., 3:], alpha)


# Highlights


@given(lights)
def test_clipped_white_stays_white(light: tuple[float, float, float]) -> None:
    gains = correction(np.array(light)).gains * (LUMINANCE @ light) / light[1]
    before = np.ones((1, 3), np.float32)
    after = np.clip(gains, 0, 1).astype(np.float32)[None]
    assert recover(before, after, gains) == pytest.approx(np.ones((1, 3)), abs=1e-6)


@given(lights, st.floats(0, 1))
def test_gray_is_never_changed_however_bright(light: tuple[float, float, float], level: float) -> None:
    before = (np.array(light) / max(light) * level).astype(np.float32)[None]
    gray = np.full((1, 3), LUMINANCE @ before[0], np.float32)
    gains = (gray / np.maximum(before, 1e-6))[0]
    assert recover(before, gray, gains) == pytest.approx(gray, abs=1e-6)


@given(st.tuples(*[st.floats(0, 1)] * 3), lights)
def test_channels_are_only_ever_raised_and_never_above_their_old_value(
    pixel: tuple[float, float, float], light: tuple[float, float, float]
) -> None:
    before = np.array([pixel], np.float32)
    gains = np.diag(correction(np.array(light)).matrix())
    after = np.clip(before * gains, 0, 1).astype(np.float32)
    result = recover(before, after, gains)
    assert (result >= after).all()
    assert (result <= np.maximum(before, after) + 1e-6).all()


def test_saturated_red_stays_red() -> None:
    gains = np.diag(correction(TUNGSTEN).matrix())
    before = np.array([[1.0, 0.2, 0.1]], np.float32)
    after = np.clip(before * gains, 0, 1).astype(np.float32)
    result = recover(before, after, gains)
    assert result == pytest.approx(after)


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("profile", ["srgb", "display-p3"])
def test_blown_window_in_a_picture_stays_white(tmp_path: Path, scene: np.ndarray, light: str, profile: str) -> None:
    codes = encode(scene * LIGHTS[light] * 1.2)
    codes[60:80, 60:100] = 255
    path = with_profile(codes, PROFILES[profile], tmp_path / "window.png")
    result = correct_picture(open_rendered(path), correction(LIGHTS[light]))
    assert (result[60:80, 60:100] == 255).all()


def test_highlight_roll_off_has_no_steps(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    ramp[..., 2] = np.minimum(ramp[..., 2], 240)
    path = with_profile(ramp, PROFILES["srgb"], tmp_path / "ramp.png")
    result = correct_picture(open_rendered(path), correction(SHADE)).astype(int)[0]
    assert np.diff(result, axis=0).min() >= 0
    assert np.diff(result, axis=0).max() <= 16


def test_photograph_keeps_its_mean_luminance(tmp_path: Path, scene: np.ndarray) -> None:
    codes = encode(scene * TUNGSTEN)
    path = with_profile(codes, PROFILES["srgb"], tmp_path / "scene.png")
    result = correct_picture(open_rendered(path), correction(TUNGSTEN))
    before = (SRGB.decode(codes / 255) @ LUMINANCE).mean()
    after = (SRGB.decode(result / 255) @ LUMINANCE).mean()
    assert after == pytest.approx(before, rel=0.05)


def test_linear_srgb_is_its_own_camera() -> None:
    assert LINEAR_SRGB.white_d65 == pytest.approx((1, 1, 1), abs=1e-4)
