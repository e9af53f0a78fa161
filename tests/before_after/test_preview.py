"""Previews: upright, in sRGB, of the right size; raws as the camera balanced them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from awbkit.before_after.preview import PAGE_BYTES, Preview, PreviewSize, make_preview
from awbkit.colour.orientation import turn_upright
from awbkit.files.encoding import srgb_to_linear
from awbkit.files.open import open_photo
from tests.helpers.command import DAYLIGHT
from tests.helpers.pictures import icc_profile
from tests.helpers.raw_files import RGGB, mosaic, write_dng

SIZE = PreviewSize(200, 60_000)
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + b"".join(
    round(value * 65536).to_bytes(4, "big") for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
)


def pixels(preview: Preview) -> np.ndarray:
    shown = np.asarray(Image.open(io.BytesIO(preview.jpeg)).convert("RGB")).astype(int)
    assert shown.shape == (preview.height, preview.width, 3)
    return shown


def preview_of(path: Path, size: PreviewSize = SIZE) -> Preview:
    return make_preview(open_photo(path), size)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_previews_are_upright(suffix: str, orientation: int, tmp_path: Path) -> None:
    stored = np.zeros((320, 480, 3), np.uint8)
    stored[:160, :240], stored[:160, 240:], stored[160:, :240] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"picture.{suffix}"
    Image.fromarray(stored).save(path, exif=exif.tobytes(), **({"quality": 95} if suffix == "jpg" else {}))
    shown = pixels(preview_of(path))
    expected = turn_upright(stored, orientation)
    assert shown.shape == ((133, 200, 3) if expected.shape[0] == 320 else (200, 133, 3))
    for y, x in ((1, 1), (1, 3), (3, 1), (3, 3)):
        here = shown[shown.shape[0] * y // 4, shown.shape[1] * x // 4]
        assert abs(here - expected[expected.shape[0] * y // 4, expected.shape[1] * x // 4].astype(int)).max() < 25


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("jpg", {"quality": 98, "subsampling": 0}), ("png", {}), ("tif", {}), ("webp", {"lossless": True})],
)
def test_previews_are_srgb_whatever_the_profile(suffix: str, options: dict[str, object], tmp_path: Path) -> None:
    # The red of sRGB in Display P3.
    path = tmp_path / f"picture.{suffix}"
    red = Image.new("RGB", (300, 200), (234, 51, 35))
    red.save(path, icc_profile=icc_profile(P3, SRGB_CURVE), **options)
    assert abs(pixels(preview_of(path)).mean((0, 1)) - (255, 0, 0)).max() < 6


def test_transparency_is_over_white(tmp_path: Path) -> None:
    image = np.zeros((100, 100, 4), np.uint8)
    image[:, :50] = (200, 0, 0, 255)
    image[:, 50:] = (0, 200, 0, 0)
    Image.fromarray(image).save(tmp_path / "picture.png")
    for size in (SIZE, PreviewSize(50, 60_000)):
        shown = pixels(preview_of(tmp_path / "picture.png", size))
        width = shown.shape[1]
        assert abs(shown[:, : width // 2 - 4].mean((0, 1)) - (200, 0, 0)).max() < 6
        assert shown[:, width // 2 + 4 :].min() > 240


def test_sixteen_bits_look_like_eight(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "picture.tif", np.full((120, 90, 3), 128 * 257, np.uint16), photometric="rgb")
    assert abs(pixels(preview_of(tmp_path / "picture.tif")) - 128).max() <= 2


def test_a_raw_is_as_the_camera_balanced_it(tmp_path: Path) -> None:
    gray = np.full((96, 128, 3), 0.3)
    for name, neutral in (("right.dng", DAYLIGHT), ("wrong.dng", (0.8, 1.0, 0.4))):
        write_dng(tmp_path / name, mosaic(gray * DAYLIGHT, RGGB), neutral=neutral)
    right, wrong = (
        srgb_to_linear(pixels(preview_of(tmp_path / name)).mean((0, 1)) / 255) for name in ("right.dng", "wrong.dng")
    )
    assert abs(right / right.mean() - 1).max() < 0.03
    # The camera took the light for redder and less blue than it was.
    assert wrong[2] > 1.5 * wrong[0]


@pytest.mark.parametrize("limit", [2500, 8000, 30_000])
def test_previews_keep_to_their_limit(limit: int, tmp_path: Path, rng: np.random.Generator) -> None:
    Image.fromarray(rng.integers(0, 255, (240, 320, 3), dtype=np.uint8)).save(tmp_path / "noise.png")
    assert len(preview_of(tmp_path / "noise.png", PreviewSize(300, limit)).jpeg) <= limit


@pytest.mark.parametrize("count", [0, 1, 10, 500, 2000, 4000])
def test_a_page_of_many_pictures_stays_small(count: int) -> None:
    size = PreviewSize.of(count)
    assert 160 <= size.side <= 1280
    assert count * (2 * size.limit * 4 / 3 + 2500) <= PAGE_BYTES + 1e6


def test_few_pictures_are_shown_larger() -> None:
    sides = [PreviewSize.of(count).side for count in (1, 300, 2000, 20_000)]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] >= 1200
    assert sides[2] >= 240
