"""Rendered pictures of every format, with a known scene under a known light."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import pyvips
import tifffile
from PIL import Image

import awbkit
from awbkit.colour.image import LinearImage
from awbkit.errors import UnsupportedImage
from awbkit.files.encoding import parse_profile, srgb_to_linear
from tests.helpers.pictures import (
    ADOBE_PRIMARIES,
    D50_WHITE,
    P3_PRIMARIES,
    PROFILES,
    PROPHOTO_PRIMARIES,
    SRGB_PRIMARIES,
    TUNGSTEN,
    encode,
    with_profile,
)
from tests.helpers.table_profile import lookup_table_profile

CARD = "52,36,24,24"
"""The inside of the scene's gray card."""


def degrees(first: Any, second: Any) -> float:
    return float(awbkit.angular_error(np.asarray(first), np.asarray(second)))


@pytest.fixture
def linear(scene: np.ndarray) -> np.ndarray:
    return scene * TUNGSTEN


def pillow(**options: Any) -> Callable[[Path, np.ndarray], None]:
    mode = options.pop("mode", "RGB")

    def write(path: Path, linear: np.ndarray) -> None:
        image = Image.fromarray(encode(linear))
        image = image.quantize(200) if mode == "P" else image.convert(mode)
        image.save(path, **options)

    return write


def vips(dtype: type = np.uint8, **options: Any) -> Callable[[Path, np.ndarray], None]:
    def write(path: Path, linear: np.ndarray) -> None:
        image = pyvips.Image.new_from_array(encode(linear, dtype))
        image.copy(interpretation="rgb16" if dtype is np.uint16 else "srgb").write_to_file(str(path), **options)

    return write


def tiff(dtype: type = np.uint16, alpha: bool = False, **options: Any) -> Callable[[Path, np.ndarray], None]:
    def write(path: Path, linear: np.ndarray) -> None:
        pixels = encode(linear, dtype) if issubclass(dtype, np.integer) else linear.astype(dtype)
        if alpha:
            pixels = np.dstack([pixels, np.full(pixels.shape[:2], 200, dtype)])
            options["extrasamples"] = ["unassalpha"]
        if options.get("planarconfig") == "separate":
            pixels = np.ascontiguousarray(np.moveaxis(pixels, 2, 0))
        tifffile.imwrite(path, pixels, photometric="rgb", **options)

    return write


def heif(dtype: type, alpha: bool = False) -> Callable[[Path, np.ndarray], None]:
    def write(path: Path, linear: np.ndarray) -> None:
        pixels = encode(linear, dtype)
        if alpha:
            pixels = np.dstack([pixels, np.full(pixels.shape[:2], np.iinfo(dtype).max, dtype)])
        mode = ("RGBA" if alpha else "RGB") + (";16" if dtype is np.uint16 else "")
        pillow_heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes()).save(path, quality=95)

    return write


LOSSLESS_8 = {
    "png": (".png", pillow()),
    "png with alpha": (".png", pillow(mode="RGBA")),
    "tiff": (".tif", tiff(np.uint8)),
    "tiff deflate": (".tif", tiff(np.uint8, compression="zlib")),
    "webp lossless": (".webp", pillow(lossless=True)),
    "png under another suffix": (".jpg", pillow(format="PNG")),
}
LOSSLESS_16 = {
    "png 16": (".png", vips(np.uint16)),
    "tiff 16": (".tif", tiff()),
    "tiff big-endian": (".tif", tiff(byteorder=">")),
    "tiff lzw": (".tif", tiff(compression="lzw", predictor=True)),
    "tiff tiled": (".tif", tiff(tile=(32, 32))),
    "tiff planar": (".tif", tiff(planarconfig="separate")),
    "bigtiff": (".tif", tiff(bigtiff=True)),
    "tiff with alpha": (".tif", tiff(alpha=True)),
}
FLOATING = {
    "tiff float": (".tif", tiff(np.float32)),
    "tiff half float": (".tif", tiff(np.float16)),
    "tiff double": (".tif", tiff(np.float64)),
    "tiff double compressed": (".tif", tiff(np.float64, compression="zlib")),
}
LOSSY = {
    "jpeg 4:2:0": (".jpg", pillow(quality=95, subsampling=2)),
    "jpeg 4:2:2": (".jpg", pillow(quality=95, subsampling=1)),
    "jpeg 4:4:4": (".jpg", pillow(quality=95, subsampling=0)),
    "jpeg progressive": (".jpg", pillow(quality=95, progressive=True)),
    "png palette": (".png", pillow(mode="P")),
    "tiff jpeg": (".tif", tiff(np.uint8, compression="jpeg", compressionargs={"level": 95})),
    "webp": (".webp", pillow(quality=95)),
    "webp with alpha": (".webp", pillow(quality=95, mode="RGBA")),
    "avif 8": (".avif", vips(compression="av1", Q=90)),
    "avif 10": (".avif", vips(np.uint16, compression="av1", bitdepth=10, Q=90)),
    "avif 12": (".avif", vips(np.uint16, compression="av1", bitdepth=12, Q=90)),
    "heic 8": (".heic", heif(np.uint8)),
    "heic 10": (".heic", heif(np.uint16)),
    "heic with alpha": (".heic", heif(np.uint8, alpha=True)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formats", "card_degrees", "world_degrees", "tolerance"),
    [
        (LOSSLESS_8, 0.35, 0.2, 0.02),
        (LOSSLESS_16, 0.005, 0.005, 1e-4),
        (FLOATING, 0.02, 0.02, 1e-3),
        (LOSSY, 1.0, 0.6, None),
    ],
    ids=["8 bits", "16 bits", "floating point", "lossy"],
)
def test_every_format(
    formats: dict[str, tuple[str, Callable[[Path, np.ndarray], None]]],
    card_degrees: float,
    world_degrees: float,
    tolerance: float | None,
    linear: np.ndarray,
    tmp_path: Path,
) -> None:
    reference = LinearImage.from_array(linear).thumbnail()
    world = reference.pixels[reference.valid].mean(axis=0)
    for name, (suffix, write) in formats.items():
        path = tmp_path / f"a{suffix}"
        write(path, linear)
        photo = awbkit.open(path)
        assert (photo.width, photo.height, photo.orientation) == (128, 96, 1), name
        assert degrees(awbkit.estimate(photo, region=CARD).rgb, TUNGSTEN) < card_degrees, name
        assert degrees(awbkit.estimate(photo, "gray-world").rgb, world) < world_degrees, name
        if tolerance is not None:
            thumbnail = photo.thumbnail()
            np.testing.assert_array_equal(thumbnail.valid, reference.valid, name)
            np.testing.assert_allclose(thumbnail.pixels, reference.pixels, rtol=tolerance, atol=3e-4, err_msg=name)


class TestThumbnail:
    def test_clipped_and_black_pixels_are_left_out(self, rng: np.random.Generator, tmp_path: Path) -> None:
        codes = rng.integers(20, 240, (128, 192, 3), dtype=np.uint8)
        codes[rng.random(codes.shape[:2]) < 0.3] = 255
        codes[rng.random(codes.shape[:2]) < 0.1, 2] = 0
        codes[:30, :30] = 254
        Image.fromarray(codes).save(tmp_path / "a.png")
        thumbnail = awbkit.open(tmp_path / "a.png").thumbnail()
        linear = srgb_to_linear(codes / 255)
        valid = ((linear > 0) & (linear < 0.98)).all(axis=2)
        cells = (linear * valid[..., None]).reshape(64, 2, 64, 3, 3).sum(axis=(1, 3))
        count = valid.reshape(64, 2, 64, 3).sum(axis=(1, 3))
        np.testing.assert_array_equal(thumbnail.valid, count >= 3)
        seen = count > 0
        np.testing.assert_allclose(thumbnail.pixels[seen], (cells[seen] / count[seen][:, None]), rtol=1e-5)
        assert not thumbnail.valid[:14, :9].any()

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    @pytest.mark.slow
    def test_big_picture_is_sampled_by_rows(self, suffix: str, rng: np.random.Generator, tmp_path: Path) -> None:
        smooth = pyvips.Image.new_from_array(rng.integers(60, 190, (64, 8, 3), dtype=np.uint8))
        smooth = smooth.copy(interpretation="srgb").resize(64)
        smooth.write_to_file(str(tmp_path / f"a{suffix}"))
        thumbnail = awbkit.open(tmp_path / f"a{suffix}").thumbnail()
        exact = LinearImage.from_array(srgb_to_linear(smooth.numpy() / 255)).thumbnail()
        np.testing.assert_array_equal(thumbnail.valid, exact.valid)
        apart = np.abs(np.log(thumbnail.pixels / exact.pixels))
        assert apart.max() < 0.1
        assert apart.mean() < 0.02

    @pytest.mark.parametrize("size", [(2500, 1700), (300, 2600)])
    @pytest.mark.parametrize("progressive", [False, True])
    @pytest.mark.slow
    def test_jpeg_of_any_size(
        self, size: tuple[int, int], progressive: bool, rng: np.random.Generator, tmp_path: Path
    ) -> None:
        small = Image.fromarray(rng.integers(10, 250, (7, 9, 3), dtype=np.uint8))
        image = small.resize(size, Image.Resampling.BICUBIC)
        image.save(tmp_path / "a.jpg", quality=95, progressive=progressive)
        thumbnail = awbkit.open(tmp_path / "a.jpg").thumbnail()
        exact = LinearImage.from_array(srgb_to_linear(np.asarray(image) / 255)).thumbnail()
        both = thumbnail.valid & exact.valid
        assert both.mean() > 0.9
        ratio = thumbnail.pixels[both] / exact.pixels[both]
        assert np.abs(np.log(ratio)).mean() < 0.05
        assert degrees(thumbnail.pixels[both].mean(axis=0), exact.pixels[both].mean(axis=0)) < 0.15

    @pytest.mark.slow
    @pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (63, 65), (3, 20_000), (20_000, 3)])
    def test_odd_shapes(self, shape: tuple[int, int], tmp_path: Path) -> None:
        pixels = np.full((*shape, 3), (200, 150, 80), np.uint8)
        for suffix in (".png", ".tif", ".webp", ".jpg", ".avif"):
            if max(shape) > 16_000 and suffix not in (".png", ".tif"):
                continue
            path = tmp_path / f"a{suffix}"
            Image.fromarray(pixels).save(path, **({"lossless": True} if suffix == ".webp" else {}))
            thumbnail = awbkit.open(path).thumbnail()
            assert thumbnail.valid.all()
            expected = np.broadcast_to(srgb_to_linear(pixels[0, 0] / 255), (64, 64, 3))
            np.testing.assert_allclose(thumbnail.pixels, expected, rtol=0.06, atol=0.01)
            out = tmp_path / f"b{suffix}"
            awbkit.correct(path, out, method="gray-world", if_exists="replace")
            with Image.open(out) as image:
                assert image.size == shape[::-1]


@pytest.mark.filterwarnings("ignore:.*exactly zero:awbkit.AwbWarning")
@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_all_black_or_white_has_no_light(level: int, suffix: str, tmp_path: Path) -> None:
    Image.new("RGB", (50, 40), (level,) * 3).save(tmp_path / f"a{suffix}")
    with pytest.raises(awbkit.AwbError, match="no valid pixel"):
        awbkit.estimate(tmp_path / f"a{suffix}", "gray-world")


def test_floats_that_are_no_numbers_are_left_out_and_pass_through(linear: np.ndarray, tmp_path: Path) -> None:
    pixels = linear.astype(np.float32) * 40
    pixels[:8], pixels[8:16, :20], pixels[90:, :10] = np.nan, np.inf, -1
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    assert degrees(awbkit.estimate(tmp_path / "a.tif", region=CARD).rgb, TUNGSTEN) < 0.01
    assert awbkit.estimate(tmp_path / "a.tif", "gray-world").rgb[0] > 0
    awbkit.correct(tmp_path / "a.tif", tmp_path / "b.tif", illuminant=TUNGSTEN)
    result = tifffile.imread(tmp_path / "b.tif")
    assert np.isnan(result[:8]).all()
    assert np.ptp(result[40:56, 56:72], axis=2).max() < 1e-4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_are_in_displayed_pixels(orientation: int, linear: np.ndarray, tmp_path: Path) -> None:
    image = np.full_like(linear, 0.05)
    image[16:40, 8:56] = 0.5 * TUNGSTEN
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(encode(image)).save(tmp_path / "a.jpg", exif=exif, quality=97, subsampling=0)
    Image.fromarray(encode(image)).save(tmp_path / "a.png", exif=exif)
    tifffile.imwrite(
        tmp_path / "a.tif", encode(image, np.uint16), photometric="rgb", extratags=[(274, 3, 1, orientation, True)]
    )
    for suffix in (".jpg", ".png", ".tif"):
        photo = awbkit.open(tmp_path / f"a{suffix}")
        shown = pyvips.Image.new_from_file(str(tmp_path / f"a{suffix}")).autorot().numpy().astype(float)
        assert (photo.height, photo.width) == shown.shape[:2]
        bright = shown[..., 0] > shown[..., 0].max() / 2
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        assert {len(rows), len(columns)} == {24, 48}
        crop = photo.crop(awbkit.Region(int(columns[0]), int(rows[0]), len(columns), len(rows)))
        assert crop.pixels[..., 0].min() > 0.4
        assert degrees(awbkit.estimate(photo, region=f"{columns[0]},{rows[0]},20,20").rgb, TUNGSTEN) < 0.4


PRIMARIES = {
    "srgb": (SRGB_PRIMARIES, (0.3127, 0.3290)),
    "display-p3": (P3_PRIMARIES, (0.3127, 0.3290)),
    "adobe-rgb": (ADOBE_PRIMARIES, (0.3127, 0.3290)),
    "prophoto": (PROPHOTO_PRIMARIES, D50_WHITE),
}


def in_profile(linear: np.ndarray, name: str, dtype: type) -> np.ndarray:
    """Numbers of linear sRGB in the encoding of one of the test profiles."""
    encoding = parse_profile(PROFILES[name])
    assert encoding is not None
    values = encoding.encode(np.clip(linear @ np.linalg.inv(encoding.matrix).T, 0, 1))
    return np.rint(np.clip(values, 0, 1) * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_profiles_are_honoured(suffix: str, dtype: type, linear: np.ndarray, tmp_path: Path) -> None:
    reference = LinearImage.from_array(linear).thumbnail()
    world = reference.pixels[reference.valid].mean(axis=0)
    for name, profile in PROFILES.items():
        path = with_profile(in_profile(linear, name, dtype), profile, tmp_path / f"{name}{suffix}")
        limit = 0.8 if dtype is np.uint8 else 0.02
        assert degrees(awbkit.estimate(path, region=CARD).rgb, TUNGSTEN) < limit, name
        assert degrees(awbkit.estimate(path, "gray-world").rgb, world) < limit, name


def test_encoding_can_be_chosen(linear: np.ndarray, tmp_path: Path) -> None:
    path = with_profile(in_profile(linear, "prophoto", np.uint16), PROFILES["prophoto"], tmp_path / "a.png")
    assert degrees(awbkit.estimate(path, region=CARD, encoding="icc").rgb, TUNGSTEN) < 0.05
    assert degrees(awbkit.estimate(path, region=CARD, encoding="srgb").rgb, TUNGSTEN) > 5
    tifffile.imwrite(tmp_path / "b.tif", np.rint(linear * 65535).astype(np.uint16), photometric="rgb")
    assert degrees(awbkit.estimate(tmp_path / "b.tif", region=CARD, encoding="linear").rgb, TUNGSTEN) < 0.01
    with pytest.raises(UnsupportedImage, match="no embedded profile"):
        awbkit.open(tmp_path / "b.tif", encoding="icc")
    with pytest.raises(awbkit.AwbError, match="unknown encoding"):
        awbkit.open(tmp_path / "b.tif", encoding="rec709")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lookup_table_profile(dtype: type, linear: np.ndarray, tmp_path: Path) -> None:
    profile = lookup_table_profile()
    assert parse_profile(profile) is None
    matrix = parse_profile(PROFILES["adobe-rgb"]).matrix  # type: ignore[union-attr]
    values = np.clip(linear @ np.linalg.inv(matrix).T, 0, 1) ** (1 / 2.2)
    codes = np.rint(values * np.iinfo(dtype).max).astype(dtype)
    path = with_profile(codes, profile, tmp_path / "a.png")
    assert degrees(awbkit.estimate(path, region=CARD).rgb, TUNGSTEN) < 0.6
    awbkit.correct(path, tmp_path / "b.png", illuminant=TUNGSTEN)
    result = pyvips.Image.new_from_file(str(tmp_path / "b.png"))
    assert bytes(result.get("icc-profile-data")) == profile
    card = result.numpy()[40:56, 56:72] / np.iinfo(dtype).max
    assert np.ptp(card.mean(axis=(0, 1))) < 0.01


def test_previews_do_not_make_a_tiff_a_document(linear: np.ndarray, tmp_path: Path) -> None:
    small = np.ascontiguousarray(encode(linear)[::2, ::2])
    for name, options in (("sub", {"subifds": 1}), ("next", {})):
        path = tmp_path / f"{name}.tif"
        with tifffile.TiffWriter(path) as writer:
            writer.write(encode(linear), photometric="rgb", **options)
            writer.write(small, photometric="rgb", subfiletype=1)
        assert degrees(awbkit.estimate(path, region=CARD).rgb, TUNGSTEN) < 0.4


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_grayscale_in_every_format(deep: bool, alpha: bool, linear: np.ndarray, tmp_path: Path) -> None:
    gray = encode(linear[..., 1], np.uint16 if deep else np.uint8)
    picture = np.dstack([gray, np.full_like(gray, np.iinfo(gray.dtype).max)]) if alpha else gray[..., None]
    image = pyvips.Image.new_from_array(picture).copy(interpretation="grey16" if deep else "b-w")
    files = {
        "a.png": image.write_to_buffer(".png"),
        "a.tif": image.write_to_buffer(".tif"),
    }
    if not deep and not alpha:
        files |= {
            "a.jpg": image.write_to_buffer(".jpg"),
            "a.avif": imagecodecs.avif_encode(gray),
            "a.heic": heic_of(gray),
        }
        one_bit = io.BytesIO()
        Image.fromarray(gray).convert("1").save(one_bit, "TIFF")
        files["1bit.tif"] = one_bit.getvalue()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnsupportedImage, match="is grayscale"):
            awbkit.open(tmp_path / name)


def heic_of(gray: np.ndarray) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_bytes("L", gray.shape[::-1], gray.tobytes()).save(out, format="HEIF")
    return out.getvalue()


@pytest.mark.parametrize("factors", [(3, 1), (4, 2), (1, 4), (4, 1)])
def test_rare_chroma_samplings(factors: tuple[int, int], tmp_path: Path) -> None:
    """Gray without a coefficient, whose codes in the usual tables are few enough to be written by hand."""
    across, down = factors
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (128, 128, 128)).save(out, "JPEG", quality=90, subsampling=0, optimize=False)
    data = bytearray(out.getvalue())
    frame = data.index(b"\xff\xc0")
    assert data[frame + 11] == 0x11
    data[frame + 11] = across << 4 | down
    bits = "001010" * (across * down) + "0000" * 2
    bits += "1" * (-len(bits) % 8)
    scan = data.index(b"\xff\xda") + 14
    data[scan:] = int(bits, 2).to_bytes(len(bits) // 8, "big") + b"\xff\xd9"
    (tmp_path / "a.jpg").write_bytes(data)
    assert awbkit.open(tmp_path / "a.jpg").thumbnail().pixels.mean() > 0.1
    awbkit.correct(tmp_path / "a.jpg", tmp_path / "b.jpg", illuminant=TUNGSTEN)
    with Image.open(tmp_path / "b.jpg") as written:
        assert written.size == (8, 8)
