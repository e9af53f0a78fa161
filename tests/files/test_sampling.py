"""The same pixels get the same answer, whatever file they come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

import awbkit
from awbkit.colour.image import LinearImage
from awbkit.files.encoding import srgb_to_linear
from awbkit.files.sampling import block_side, jpeg_shrink, sample, sample_array
from tests.helpers.pictures import PROFILES, with_profile

KITCHEN = Path(__file__).parents[2] / "examples" / "pictures" / "kitchen_tungsten.jpg"


def photograph(width: int, height: int) -> Image.Image:
    """A detailed picture with clipped lamps, black corners and strong colours."""
    with Image.open(KITCHEN) as image:
        return image.resize((width, height), Image.Resampling.LANCZOS)


def vips(pixels: np.ndarray) -> pyvips.Image:
    image = pyvips.Image.new_from_array(pixels)
    return image.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb")


def opaque(pixels: np.ndarray) -> np.ndarray:
    return np.dstack([pixels, np.full_like(pixels[..., 0], np.iinfo(pixels.dtype).max)])


def wide(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint16) * 257


FORMATS: dict[str, tuple[str, Callable[[Path, np.ndarray], object]]] = {
    "png": (".png", lambda path, x: vips(x).pngsave(str(path), compression=1)),
    "png, 16 bits": (".png", lambda path, x: vips(wide(x)).pngsave(str(path), compression=1)),
    "png, alpha": (".png", lambda path, x: vips(opaque(x)).pngsave(str(path), compression=1)),
    "png, profile": (".png", lambda path, x: with_profile(x, PROFILES["srgb"], path)),
    "tiff": (".tif", lambda path, x: tifffile.imwrite(path, x, photometric="rgb")),
    "tiff, 16 bits": (".tif", lambda path, x: tifffile.imwrite(path, wide(x), photometric="rgb")),
    "webp": (".webp", lambda path, x: vips(x).webpsave(str(path), lossless=True, effort=0)),
}


@pytest.mark.parametrize("size", [(255, 301), (256, 257), (517, 511), (523, 513)])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.slow
def test_pixels_of_a_jpeg_in_another_format(size: tuple[int, int], subsampling: int, tmp_path: Path) -> None:
    photograph(*size).save(tmp_path / "a.jpg", quality=80, subsampling=subsampling)
    expected = awbkit.open(tmp_path / "a.jpg").thumbnail()
    pixels = pyvips.Image.jpegload(str(tmp_path / "a.jpg")).numpy()
    for name, (suffix, write) in FORMATS.items():
        if subsampling and name != "tiff":
            continue
        write(tmp_path / f"b{suffix}", pixels)
        found = awbkit.open(tmp_path / f"b{suffix}").thumbnail()
        np.testing.assert_array_equal(found.valid, expected.valid, name)
        np.testing.assert_allclose(found.pixels, expected.pixels, rtol=2e-4, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_pixels_of_a_large_jpeg_which_is_scaled_while_decoding(tmp_path: Path) -> None:
    image = photograph(2561, 1709)
    image.save(tmp_path / "a.jpg", quality=85)
    assert jpeg_shrink(*image.size) == block_side(*image.size) // 2 == 4
    pixels = pyvips.Image.jpegload(str(tmp_path / "a.jpg")).numpy()
    lights = []
    for path, kind in ((tmp_path / "b.tif", np.uint8), (tmp_path / "c.tif", np.uint16)):
        tifffile.imwrite(path, pixels if kind is np.uint8 else wide(pixels), photometric="rgb")
        lights.append(awbkit.estimate(path).rgb)
    assert float(awbkit.angular_error(*lights)) < 0.001
    assert float(awbkit.angular_error(awbkit.estimate(tmp_path / "a.jpg").rgb, lights[0])) < 0.5


class TestBlocks:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    @pytest.mark.parametrize("side", [2, 4, 8])
    def test_means_of_numbers(self, side: int, dtype: type, rng: np.random.Generator) -> None:
        pixels = rng.integers(0, np.iinfo(dtype).max, (7 * side - 1, 9 * side - 1, 3), dtype=dtype, endpoint=True)
        padded = np.pad(pixels, ((0, 1), (0, 1), (0, 0)), mode="edge").astype(float)
        means = padded.reshape(7, side, 9, side, 3).mean(axis=(1, 3)) / np.iinfo(dtype).max * 65535
        for found in (sample_array(pixels, side), sample(vips(pixels), side)):
            assert found.dtype == np.uint16
            np.testing.assert_allclose(found, means, atol=0.51)

    def test_of_a_tall_picture_rows_are_chosen_evenly_up_to_the_last(self) -> None:
        pixels = np.repeat(np.arange(1000, dtype=np.uint16)[:, None, None], 3, axis=2).repeat(4, axis=0)
        rows = sample_array(np.tile(pixels, (1, 4, 1)), 4)[:, 0, 0].astype(int)
        assert len(rows) == 256
        assert rows[-1] == 999
        assert 2 <= np.diff(rows).min() <= np.diff(rows).max() <= 6

    def test_what_is_transparent_is_not_seen(self, rng: np.random.Generator, tmp_path: Path) -> None:
        pixels = rng.integers(40, 200, (256, 256, 4), dtype=np.uint8)
        pixels[..., 3] = 255
        hidden = rng.random((256, 256)) < 0.3
        pixels[hidden] = (255, 0, 255, 0)
        pixels[:64, :64, 3] = 0
        Image.fromarray(pixels).save(tmp_path / "a.png")
        found = awbkit.open(tmp_path / "a.png").thumbnail()
        assert not found.valid[:16, :16].any()
        assert found.valid[16:].mean() > 0.85
        assert found.pixels[found.valid].max() < srgb_to_linear(np.array(200 / 255))
        pixels[pixels[..., 3] == 0, :3] = (0, 90, 0)
        Image.fromarray(pixels).save(tmp_path / "b.png")
        np.testing.assert_array_equal(awbkit.open(tmp_path / "b.png").thumbnail().pixels, found.pixels)


@pytest.mark.parametrize("code", [0, 1, 252, 253])
def test_16_bits_are_black_or_clipped_where_8_are(code: int, tmp_path: Path) -> None:
    pixels = np.full((64, 64, 3), 128, np.uint8)
    pixels[..., 2] = code
    vips(pixels).pngsave(str(tmp_path / "a.png"))
    assert awbkit.open(tmp_path / "a.png").thumbnail().valid.all() == (code in (1, 252))
    for near in (-100, 100):
        finer = np.maximum(wide(pixels).astype(int) + near, 0).astype(np.uint16)
        vips(finer).pngsave(str(tmp_path / "b.png"))
        assert awbkit.open(tmp_path / "b.png").thumbnail().valid.all() == (code in (1, 252))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_numbers_that_are_light_are_judged_one_by_one(suffix: str, tmp_path: Path) -> None:
    pixels = np.full((320, 320, 3), 100, np.uint8)
    pixels[::2, ::2] = 255
    Image.fromarray(pixels).save(
        tmp_path / f"a{suffix}", **({"quality": 100, "subsampling": 0} if suffix == ".jpg" else {})
    )
    photo = awbkit.open(tmp_path / f"a{suffix}", encoding="linear")
    exact = LinearImage.from_array(pixels / 255).thumbnail()
    np.testing.assert_array_equal(photo.thumbnail().valid, exact.valid)
    np.testing.assert_allclose(photo.thumbnail().pixels, exact.pixels, rtol=0.02)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_a_file_that_ends_early_is_refused(suffix: str, tmp_path: Path) -> None:
    whole = tmp_path / f"a{suffix}"
    vips(np.asarray(photograph(640, 427))).write_to_file(str(whole))
    (tmp_path / f"b{suffix}").write_bytes(whole.read_bytes()[: whole.stat().st_size * 97 // 100])
    with pytest.raises(awbkit.AwbError, match=r"decoded|ends before"):
        awbkit.estimate(tmp_path / f"b{suffix}")
