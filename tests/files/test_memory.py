"""Pictures in memory: the answer that their file gets, and corrected pixels as its corrected file has them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

import awbkit
from tests.helpers.pictures import TUNGSTEN, encode

METHODS = ("awbnet", "bright-gray", "gray-world", "white-patch")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def scene(height: int, width: int, dtype: type = np.uint8) -> np.ndarray:
    """Patches of many colours under tungsten light, with detail in every pixel."""
    generator = np.random.default_rng(height)
    patches = generator.uniform(0.02, 0.9, (height // 16 + 1, width // 16 + 1, 3)).repeat(16, axis=0).repeat(16, axis=1)
    noise = generator.normal(1, 0.05, (height, width, 1))
    light = np.array(TUNGSTEN) / max(TUNGSTEN)
    return encode(np.clip(patches[:height, :width] * noise * light, 0, 1), dtype)


def png(pixels: np.ndarray, path: Path) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def tensor(pixels: np.ndarray) -> Any:
    return pytest.importorskip("torch").from_numpy(pixels)


def strided(pixels: np.ndarray) -> np.ndarray:
    return np.flip(np.flip(pixels, 0).copy(), 0)


SOURCES: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda pixels: pixels,
    "array of other strides": strided,
    "array that nobody may write to": lambda pixels: np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.shape),
    "tensor": tensor,
    "image": Image.fromarray,
    "image with a profile": lambda pixels: Image.open(with_profile(pixels)),
}


def with_profile(pixels: np.ndarray) -> io.BytesIO:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", icc_profile=SRGB)
    return stream


class TestEstimate:
    @pytest.mark.parametrize("source", SOURCES)
    @pytest.mark.parametrize("size", [(40, 70), (150, 200), (700, 520)])
    def test_of_pixels_is_that_of_their_file(self, tmp_path: Path, size: tuple[int, int], source: str) -> None:
        pixels = scene(*size)
        path = png(pixels, tmp_path / "a.png")
        for method in METHODS:
            of_file = awbkit.estimate(path, method)
            assert awbkit.estimate(SOURCES[source](pixels), method).rgb == pytest.approx(of_file.rgb, abs=1e-9)

    def test_of_16_bits_alpha_and_floating_point(self, tmp_path: Path) -> None:
        deep = scene(300, 290, np.uint16)
        transparent = np.dstack([deep, np.full(deep.shape[:2], 65535, np.uint16)])
        transparent[:50, :, :3] = 9000
        transparent[:50, :, 3] = 0
        linear = np.random.default_rng(1).uniform(0.05, 0.8, (290, 300, 3)).astype(np.float32)
        for pixels, extra in ((deep, {}), (transparent, {"extrasamples": ["unassalpha"]}), (linear, {})):
            path = tmp_path / "a.tif"
            tifffile.imwrite(path, pixels, photometric="rgb", **extra)
            for method in METHODS:
                expected = awbkit.estimate(path, method).rgb
                assert awbkit.estimate(pixels, method).rgb == pytest.approx(expected, abs=1e-6), method

    def test_of_the_content_of_a_file(self, tmp_path: Path) -> None:
        path = png(scene(150, 200), tmp_path / "a.png")
        data = path.read_bytes()
        expected = awbkit.estimate(path).rgb
        with path.open("rb") as file:
            for source in (data, bytearray(data), memoryview(data), io.BytesIO(data), file):
                assert awbkit.estimate(source).rgb == expected

    def test_of_a_region_as_displayed(self) -> None:
        pixels = scene(64, 96)
        pixels[10:20, 30:50] = (180, 120, 60)
        turned = Image.fromarray(pixels)
        turned.getexif()[0x0112] = 6
        expected = awbkit.estimate(np.full((8, 8, 3), (180, 120, 60), np.uint8), "gray-world").rgb
        assert awbkit.estimate(pixels, region=(30, 10, 20, 10)).rgb == pytest.approx(expected, abs=1e-6)
        # Displayed a quarter turn to the right, the stored row y is the column 64 - 1 - y.
        assert awbkit.estimate(turned, region=(64 - 20, 30, 10, 20)).rgb == pytest.approx(expected, abs=1e-6)

    def test_of_an_image_in_the_colours_of_its_exif(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jpg"
        exif = Image.Exif()
        # DCF 2.0: "uncalibrated", and the optional colour space "R03", which is Adobe RGB.
        exif.get_ifd(0x8769)[0xA001] = 0xFFFF
        exif.get_ifd(0x8769)[0xA005] = {1: "R03", 2: b"0100"}
        Image.fromarray(scene(150, 200)).save(path, exif=exif)
        plain = awbkit.estimate(np.asarray(Image.open(path))).rgb
        assert awbkit.estimate(Image.open(path)).rgb == pytest.approx(awbkit.estimate(path).rgb, abs=1e-6)
        assert awbkit.estimate(path).rgb != pytest.approx(plain, abs=1e-3)

    def test_of_an_image_that_pillow_cannot_decode(self) -> None:
        data = with_profile(scene(150, 200)).getvalue()
        with pytest.raises(awbkit.AwbError, match="the picture in memory: is damaged, says Pillow"):
            awbkit.estimate(Image.open(io.BytesIO(data[: len(data) // 2])))

    def test_of_a_sensor(self) -> None:
        light = awbkit.estimate(np.full((70, 70, 3), (0.2, 0.4, 0.3)), "gray-world", encoding="camera")
        assert light.camera.space == "camera"
        assert np.array(light.gains) == pytest.approx([2, 1, 4 / 3])
        codes = np.full((70, 70, 3), (2000, 4000, 3000), np.uint16)
        assert awbkit.estimate(codes, "gray-world", encoding="camera").gains == pytest.approx(light.gains)

    def test_of_a_large_linear_image_is_that_of_its_array(self) -> None:
        pixels = np.random.default_rng(1).uniform(0.05, 0.8, (290, 300, 3)).astype(np.float32)
        image = awbkit.LinearImage.from_array(pixels)
        assert awbkit.estimate(image).rgb == pytest.approx(awbkit.estimate(pixels).rgb, abs=1e-6)


class TestCorrect:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_pixels_are_those_of_the_corrected_file(self, tmp_path: Path, dtype: type) -> None:
        pixels = scene(90, 120, dtype)
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
        awbkit.correct(tmp_path / "a.tif", tmp_path / "b.tif")
        before = pixels.copy()
        corrected = awbkit.correct(pixels)
        assert corrected.dtype == dtype
        np.testing.assert_array_equal(corrected, tifffile.imread(tmp_path / "b.tif"))
        np.testing.assert_array_equal(pixels, before)

    def test_linear_pixels_are_multiplied_by_the_gains(self) -> None:
        pixels = np.full((4, 5, 3), (0.6, 0.4, 0.2))
        corrected = awbkit.correct(pixels, illuminant=(0.6, 0.4, 0.2))
        assert corrected.dtype == np.float64
        assert (np.ptp(corrected, axis=2) < 1e-9).all()

    def test_an_image_keeps_its_profile_and_its_exif(self) -> None:
        image = Image.open(with_profile(scene(60, 80)))
        image.getexif()[0x010F] = "A maker"
        image.info["exif"] = image.getexif().tobytes()
        corrected = awbkit.correct(image, illuminant=(3, 2, 1))
        assert corrected.mode == "RGB"
        assert corrected.info["icc_profile"] == SRGB
        assert corrected.getexif()[0x010F] == "A maker"
        np.testing.assert_array_equal(np.asarray(corrected), awbkit.correct(np.asarray(image), illuminant=(3, 2, 1)))

    @pytest.mark.parametrize(("to", "suffix"), [(None, "png"), ("jpeg", "jpeg"), ("tif", "tif")])
    def test_the_content_of_a_file_comes_back_as_one(self, tmp_path: Path, to: str | None, suffix: str) -> None:
        path = png(scene(60, 80), tmp_path / "a.png")
        awbkit.correct(path, tmp_path / f"b.{suffix}")
        expected = (tmp_path / f"b.{suffix}").read_bytes()
        assert awbkit.correct(path.read_bytes(), to=to) == expected
        assert awbkit.correct(path, to=to) == expected
        assert [file.name for file in tmp_path.iterdir()].count("a.png") == 1
