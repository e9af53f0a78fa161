"""Tone curves of strange profiles: neutral gains move no number, and what has no inverse is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

import awbkit
from awbkit.colour.illuminant import Illuminant
from awbkit.correction.codes import CodeCorrection
from awbkit.correction.picture import correct_picture
from awbkit.correction.von_kries import Correction
from awbkit.errors import UnsupportedImage
from awbkit.files.encoding import parse_profile
from awbkit.files.rendered import RenderedPhoto
from tests.helpers.pictures import ADOBE_PRIMARIES, P3_PRIMARIES, SRGB_PRIMARIES, icc_profile, with_profile

NEUTRAL = Correction(Illuminant.of((1, 1, 1)))
WARM = Correction(Illuminant.of((1, 0.62, 0.28)))
STEPS = np.linspace(0, 1, 256)


def table(values: np.ndarray) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + np.rint(values * 65535).astype(">u2").tobytes()


def parametric(kind: int, *values: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + b"".join(struct.pack(">i", round(v * 65536)) for v in values)


CURVES = {
    "two entries": table(np.array([0.0, 1.0])),
    "three entries": table(np.array([0.0, 0.2, 1.0])),
    "flat black": table(np.maximum(STEPS - 0.1, 0) / 0.9),
    "flat black and white": table(np.clip((STEPS - 0.1) / 0.6, 0, 1)),
    "few levels": table(np.round(STEPS**2.2 * 20) / 20),
    "black above nothing": table(0.05 + 0.95 * STEPS**2),
    "white below full": table(0.5 * STEPS**2.2),
    "a dent": table(0.99 * STEPS**2 + 0.002 * np.sin(STEPS * 150) ** 2),
    "gamma 1": parametric(0, 1.0),
    "gamma 0.45": parametric(0, 0.45),
    "gamma 4": parametric(0, 4.0),
    "clipped black": parametric(1, 2.0, 1.25, -0.25),
    "offset": parametric(2, 2.0, 0.9, 0.0, 0.1),
    "a step at the knee": parametric(4, 2.4, 0.9, 0.1, 0.05, 0.2, 0.0, 0.0),
    "above full": parametric(0, 2.2)[:8] + parametric(2, 2.0, 1.1, 0.0, 0.0)[8:],
}
REFUSED = {
    "constant table": table(np.full(16, 0.5)),
    "beyond 32 bits": parametric(3, 111.0, 2.95, 0.05, 0.08, 0.04),
    "falling table": table(1 - STEPS),
    "there and back": table(np.abs(np.sin(STEPS * 6))),
    "falling power": parametric(3, 2.0, -0.5, 1.0, 0.1, 0.0),
    "nearly constant": table(0.5 + 0.0001 * STEPS),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("primaries", [SRGB_PRIMARIES, P3_PRIMARIES], ids=["srgb", "p3"])
@pytest.mark.parametrize("name", CURVES)
@pytest.mark.slow
def test_numbers_whose_light_stays_are_kept(name: str, primaries: tuple[tuple[float, float], ...], dtype: type) -> None:
    encoding = parse_profile(icc_profile(primaries, CURVES[name]))
    assert encoding is not None
    top = np.iinfo(dtype).max
    ramp = np.repeat(np.linspace(0, top, 4096).round().astype(dtype)[None, :, None], 3, axis=2)
    for correction in (NEUTRAL, Correction(Illuminant.of((1, 1, 1)), "bradford")):
        codes = ramp.copy()
        CodeCorrection.of(correction, encoding, float(top), np.dtype(dtype))(codes)
        assert np.array_equal(codes, ramp)


@pytest.mark.parametrize("cat", [None, "bradford"], ids=["gains", "matrix"])
@pytest.mark.parametrize("blue", [0.9999, 1.0001])
@pytest.mark.parametrize("name", CURVES)
def test_a_light_that_hardly_changes_moves_no_number_by_more_than_one(name: str, blue: float, cat: str | None) -> None:
    encoding = parse_profile(icc_profile(SRGB_PRIMARIES, CURVES[name]))
    assert encoding is not None
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    codes = ramp.copy()
    CodeCorrection.of(Correction(Illuminant.of((1, 1, blue)), cat), encoding, 255.0, codes.dtype)(codes)
    assert np.abs(codes.astype(int) - ramp).max() <= 1


@pytest.mark.parametrize("name", CURVES)
def test_black_stays_black_and_a_ramp_a_ramp(name: str) -> None:
    encoding = parse_profile(icc_profile(P3_PRIMARIES, CURVES[name]))
    assert encoding is not None
    codes = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    CodeCorrection.of(WARM, encoding, 255.0, codes.dtype)(codes)
    black = encoding.decode(np.zeros((1, 3)))[0, 0] <= 0
    assert (codes[0, 0] == 0).all() or not black
    if name not in ("a dent", "few levels", "a step at the knee"):
        # Where one number is kept for its black light, the next one may start from the least number for it.
        falls = -np.diff(codes[0].astype(int), axis=0).clip(max=0)
        assert (falls[40:] == 0).all()


@pytest.mark.parametrize("name", REFUSED)
def test_curves_without_an_inverse_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with_profile(np.full((8, 8, 3), 100, np.uint8), icc_profile(ADOBE_PRIMARIES, REFUSED[name]), path)
    with pytest.raises(UnsupportedImage, match=r"profile .* curve .*; pass --encoding srgb"):
        awbkit.open(path)


def test_full_scale_is_clipped_even_where_it_is_half_the_light(tmp_path: Path) -> None:
    codes = np.full((64, 64, 3), 100, np.uint8)
    codes[:32] = 255
    path = with_profile(codes, icc_profile(SRGB_PRIMARIES, CURVES["white below full"]), tmp_path / "a.png")
    valid = awbkit.open(path).thumbnail().valid
    assert not valid[:32].any()
    assert valid[32:].all()


@pytest.mark.parametrize("name", ["flat black and white", "two entries", "gamma 4", "clipped black"])
def test_floating_point_beyond_a_curves_ends(name: str, tmp_path: Path) -> None:
    profile = icc_profile(P3_PRIMARIES, CURVES[name])
    pixels = np.linspace(-0.5, 3, 300, dtype=np.float32).reshape(10, 10, 3)
    tags = [(34675, 7, len(profile), profile, True)]
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", metadata=None, extratags=tags)
    photo = awbkit.open(tmp_path / "a.tif")
    assert isinstance(photo, RenderedPhoto)
    nearly = correct_picture(photo, Correction(Illuminant.of((1, 1, 1.00001))))
    told_apart = (pixels > 0.26) & ((pixels < 0.69) | (pixels > 1))
    assert np.abs(nearly - pixels)[told_apart].max() < 0.01
