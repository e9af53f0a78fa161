"""Files with a small fault that other readers forgive, and codings at the edge of what is usual."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

import awbkit
from awbkit.errors import AwbWarning, UnsupportedImage
from tests.helpers.pictures import ADOBE_PRIMARIES, encode, gamma_curve, icc_profile

PROFILE = icc_profile(ADOBE_PRIMARIES, gamma_curve(2.2))


def odd_length(profile: bytes) -> bytes:
    longer = profile + bytes(4 - len(profile) % 4 + 1)
    return len(longer).to_bytes(4, "big") + longer[4:8] + b"\4" + longer[9:]


PROFILES = {
    "intent in the wrong order of bytes": PROFILE[:64] + b"\1\0\0\0" + PROFILE[68:],
    "a length that is no multiple of 4": odd_length(PROFILE),
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_that_libpng_passes_over_counts_in_a_png_as_in_a_tiff(
    tmp_path: Path, scene: np.ndarray, name: str
) -> None:
    in_png, in_tiff = tmp_path / "in.png", tmp_path / "in.tif"
    for path in (in_png, in_tiff):
        Image.fromarray(encode(scene)).save(path, icc_profile=PROFILES[name])
    of_png, of_tiff = (awbkit.estimate(path, "gray-world") for path in (in_png, in_tiff))
    assert np.allclose(of_png.rgb, of_tiff.rgb, atol=1e-6)
    for source in (in_png, in_tiff):
        for target in (tmp_path / f"{source.suffix[1:]}.png", tmp_path / f"{source.suffix[1:]}.tif"):
            awbkit.correct(source, target, illuminant=(1, 1, 0.9999))
            with Image.open(target) as written:
                assert written.info["icc_profile"] == PROFILES[name]


@pytest.mark.parametrize("profile", [PROFILE[:200], b"no profile at all"], ids=["cut off", "no profile"])
def test_a_damaged_profile_is_told_of_in_a_png_too(tmp_path: Path, scene: np.ndarray, profile: bytes) -> None:
    path = tmp_path / "in.png"
    Image.fromarray(encode(scene)).save(path, icc_profile=profile)
    with pytest.raises(UnsupportedImage, match="the embedded profile is damaged"):
        awbkit.estimate(path)


def test_a_tiff_of_complex_numbers_is_no_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, np.ones((20, 20, 3), np.complex64), photometric="rgb")
    with pytest.raises(UnsupportedImage, match="64-bit complex numbers"):
        awbkit.estimate(path)


def test_a_lossless_jpeg_that_becomes_lossy_is_told_of(tmp_path: Path, scene: np.ndarray) -> None:
    (tmp_path / "in.jpg").write_bytes(imagecodecs.jpeg8_encode(encode(scene), lossless=True))
    with pytest.warns(AwbWarning, match="lossless JPEG"):
        awbkit.correct(tmp_path / "in.jpg", tmp_path / "out.jpg", illuminant=(1, 1, 0.9999))


@pytest.mark.parametrize("chroma", [444, 422, 420])
def test_a_heic_loses_no_chroma(tmp_path: Path, chroma: int) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    stripes = np.full((32, 32, 3), (180, 90, 60), np.uint8)
    stripes[:, ::2] = (60, 90, 180)
    pillow_heif.from_bytes("RGB", (32, 32), stripes.tobytes()).save(tmp_path / "in.heic", quality=95, chroma=chroma)
    awbkit.correct(tmp_path / "in.heic", tmp_path / "out.heic", illuminant=(1, 1, 0.9999))
    before, after = (np.asarray(pillow_heif.open_heif(tmp_path / f"{name}.heic")).astype(int) for name in ("in", "out"))
    assert np.abs(before - after).max() <= 6
