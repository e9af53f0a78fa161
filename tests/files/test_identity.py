"""A correction that changes nothing, or next to nothing, changes nothing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

import awbkit
from awbkit.colour.illuminant import Illuminant
from awbkit.correction.von_kries import Correction
from awbkit.errors import OutputError, UnreadableFile
from tests.helpers.pictures import TUNGSTEN, encode

NEARLY_NEUTRAL = (1.0, 1.0, 1.0 - 1e-7)
"""Not so neutral that nothing is done, and so near that no number may change."""


def write(path: Path, pixels: np.ndarray) -> Path:
    if path.suffix == ".heic":
        import pillow_heif

        pillow_heif.from_pillow(Image.fromarray(pixels)).save(path)
    else:
        Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif", ".heic"])
def test_neutral_light_gives_a_copy(suffix: str, scene: np.ndarray, tmp_path: Path) -> None:
    source = write(tmp_path / f"a{suffix}", encode(scene))
    whole = source.read_bytes() + (b"a gain map" if suffix == ".jpg" else b"")
    source.write_bytes(whole)
    awbkit.correct(source, tmp_path / f"b{suffix}", illuminant=(1, 1, 1))
    awbkit.correct(source, tmp_path / f"c{suffix}", illuminant=TUNGSTEN, strength=0)
    assert (tmp_path / f"b{suffix}").read_bytes() == (tmp_path / f"c{suffix}").read_bytes() == whole
    with pytest.raises(OutputError, match="exists"):
        awbkit.correct(source, tmp_path / f"b{suffix}", illuminant=(1, 1, 1))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_damaged_pixels_are_not_copied(suffix: str, scene: np.ndarray, tmp_path: Path) -> None:
    source = write(tmp_path / f"a{suffix}", encode(scene))
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(UnreadableFile):
        awbkit.correct(source, tmp_path / f"b{suffix}", illuminant=(1, 1, 1))
    assert not (tmp_path / f"b{suffix}").exists()


def test_what_changes_nothing() -> None:
    assert Correction(Illuminant.of((1, 1, 1))).changes_nothing
    assert Correction(Illuminant.of((3, 3, 3))).changes_nothing
    assert Correction(Illuminant.of(TUNGSTEN), strength=0).changes_nothing
    assert not Correction(Illuminant.of(NEARLY_NEUTRAL)).changes_nothing
    assert not Correction(Illuminant.of(TUNGSTEN)).changes_nothing


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_chroma_of_a_jpeg_is_not_blurred(
    subsampling: int, progressive: bool, scene: np.ndarray, tmp_path: Path
) -> None:
    """Patches of strong colour: blending their chroma at the edges, and averaging it again, costs 50 of 255."""
    source, output = tmp_path / "a.jpg", tmp_path / "b.jpg"
    options = {"quality": 90, "subsampling": subsampling, "progressive": progressive}
    Image.fromarray(encode(scene)).save(source, **options)
    awbkit.correct(source, output, illuminant=NEARLY_NEUTRAL)
    before, after = (np.asarray(Image.open(path)).astype(int) for path in (source, output))
    assert np.abs(after - before).max() <= 1


@pytest.mark.parametrize("subsampling", [1, 2])
def test_corrected_jpeg_is_near_the_correction_of_what_viewers_show(
    subsampling: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    smooth = pyvips.Image.new_from_array(rng.integers(20, 200, (96, 128, 3)).astype(np.uint8)).gaussblur(4).numpy()
    smooth = np.clip((smooth.astype(float) - 110) * 4 + 110, 0, 255).astype(np.uint8)
    source = tmp_path / "a.jpg"
    Image.fromarray(smooth).save(source, quality=95, subsampling=subsampling)
    shown = io.BytesIO()
    Image.open(source).save(shown, "PNG")
    (tmp_path / "shown.png").write_bytes(shown.getvalue())
    for name, suffix in (("a", ".jpg"), ("shown", ".png")):
        awbkit.correct(tmp_path / f"{name}{suffix}", tmp_path / f"{name}_awb{suffix}", illuminant=(1, 0.8, 0.6))
    ours, ideal = (np.asarray(Image.open(tmp_path / n)).astype(float) for n in ("a_awb.jpg", "shown_awb.png"))
    assert np.sqrt(((ours - ideal) ** 2).mean()) < 1.5
