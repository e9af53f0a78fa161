"""Stored numbers and thumbnails of data sets; imagecodecs, tifffile and Pillow write what is read here."""

from __future__ import annotations

import io
import math
import struct
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.image import LinearImage
from awbkit.datasets.pixels import is_8_bit, linear_thumbnail, read_codes, read_stored, srgb_thumbnail
from awbkit.errors import AwbError, UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.source import Source
from tests.files.test_tiff_codings import pack as tiff_of_depth
from tests.store.test_source import write_zip

CAMERA = Camera("Canon EOS 550D")
RNG = np.random.default_rng(7)
DEEP = RNG.integers(0, 65536, (37, 53, 3), dtype=np.uint16)
SHALLOW = RNG.integers(0, 256, (37, 53, 3), dtype=np.uint8)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray, *chunks: bytes) -> bytes:
    """A PNG with more chunks behind its header."""
    data = bytes(imagecodecs.png_encode(pixels, level=1))
    return data[:33] + b"".join(chunks) + data[33:]


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **{"photometric": "rgb"} | options)
    return out.getvalue()


def pillow(kind: str, pixels: np.ndarray, mode: str | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(out, kind, **options)
    return out.getvalue()


def add_alpha(pixels: np.ndarray, alpha: int | None = None) -> np.ndarray:
    full = np.iinfo(pixels.dtype).max if alpha is None else alpha
    return np.dstack([pixels, np.full_like(pixels[..., :1], full)])


def source_of(folder: Path, data: bytes, archived: bool = False) -> Source:
    if archived:
        return Source.open(write_zip(folder / "set.zip", {"x.img": data}))
    (folder / "x.img").write_bytes(data)
    return Source.open(folder)


# Twice the brightness, other primaries, a quarter turn: none of it may touch the numbers.
GAMMA = chunk(b"gAMA", struct.pack(">I", 100_000))
CHROMATICITIES = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600))
PROFILE = chunk(b"iCCP", b"x\0\0" + zlib.compress(Path(imagecodecs.__file__).read_bytes()[:200]))
DEPTH_13 = chunk(b"sBIT", b"\x0d\x0d\x0d")
TURNED = chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0")

STORED: dict[str, tuple[bytes, np.ndarray]] = {
    "16-bit PNG": (png(DEEP), DEEP),
    "16-bit PNG with gamma": (png(DEEP, GAMMA, CHROMATICITIES), DEEP),
    "16-bit PNG with a profile": (png(DEEP, PROFILE), DEEP),
    "16-bit PNG of 13 significant bits": (png(DEEP, DEPTH_13), DEEP),
    "16-bit PNG to be turned": (png(DEEP, TURNED), DEEP),
    "16-bit PNG, opaque": (png(add_alpha(DEEP)), DEEP),
    "8-bit PNG": (png(SHALLOW), SHALLOW),
    "8-bit PNG with gamma": (png(SHALLOW, GAMMA), SHALLOW),
    "8-bit PNG, opaque": (png(add_alpha(SHALLOW)), SHALLOW),
    "interlaced PNG": (pyvips.Image.new_from_array(SHALLOW).pngsave_buffer(interlace=True), SHALLOW),
    "16-bit TIFF": (tiff(DEEP), DEEP),
    "16-bit TIFF, big-endian": (tiff(DEEP, byteorder=">"), DEEP),
    "16-bit TIFF, LZW": (tiff(DEEP, compression="lzw"), DEEP),
    "16-bit TIFF, LZW with predictor": (tiff(DEEP, compression="lzw", predictor=True), DEEP),
    "16-bit TIFF, deflate": (tiff(DEEP, compression="zlib", predictor=True), DEEP),
    "16-bit TIFF, tiles": (tiff(DEEP, tile=(16, 16)), DEEP),
    "16-bit TIFF, planes apart": (tiff(np.moveaxis(DEEP, 2, 0), planarconfig="separate"), DEEP),
    "16-bit TIFF to be turned": (tiff(DEEP, extratags=[(274, 3, 1, 6, True)]), DEEP),
    "BigTIFF": (tiff(DEEP, bigtiff=True), DEEP),
    "8-bit TIFF": (tiff(SHALLOW), SHALLOW),
    "a palette": (pillow("PNG", SHALLOW // 128 * 255, "P"), SHALLOW // 128 * 255),
}


class TestReadCodes:
    @pytest.mark.parametrize("archived", [False, True])
    @pytest.mark.parametrize("kind", STORED)
    def test_the_numbers_that_are_stored(self, tmp_path: Path, kind: str, archived: bool) -> None:
        data, expected = STORED[kind]
        source = source_of(tmp_path, bytes(data), archived)
        codes = read_codes(source, "x.img")
        assert codes.dtype == expected.dtype
        assert np.array_equal(codes, expected)
        assert is_8_bit(source, "x.img") == (expected.dtype == np.uint8)

    @given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([np.uint8, np.uint16]), st.integers(0, 2**32 - 1))
    @settings(max_examples=30, deadline=None)
    def test_any_numbers(
        self, tmp_path_factory: pytest.TempPathFactory, height: int, width: int, kind: type, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        pixels = rng.integers(0, np.iinfo(kind).max, (height, width, 3), dtype=kind, endpoint=True)
        folder = tmp_path_factory.mktemp("any")
        for data in (png(pixels), tiff(pixels, compression="lzw")):
            assert np.array_equal(read_codes(source_of(folder, data), "x.img"), pixels)

    @pytest.mark.slow
    def test_a_large_file_is_decoded_as_a_stream(self, tmp_path: Path) -> None:
        large = RNG.integers(0, 65536, (700, 500, 3), dtype=np.uint16)
        for data in (png(large), tiff(large), tiff(large, tile=(64, 64), compression="zlib")):
            assert len(data) > 1 << 20
            for archived in (False, True):
                assert np.array_equal(read_codes(source_of(tmp_path, data, archived), "x.img"), large)
            (tmp_path / "set.zip").unlink()

    def test_jpeg_as_libjpeg_decodes_it(self, tmp_path: Path) -> None:
        smooth = np.kron(SHALLOW[:6, :8], np.ones((8, 8, 1), np.uint8))
        data = pillow("JPEG", smooth, quality=90, subsampling=0)
        codes = read_codes(source_of(tmp_path, data), "x.img")
        assert np.array_equal(codes, imagecodecs.jpeg_decode(data))

    def test_cielab(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedImage, match="is CIELAB; convert it to RGB"):
            read_codes(source_of(tmp_path, tiff(SHALLOW, photometric="cielab")), "x.img")

    def test_floating_point_is_for_those_who_ask(self, tmp_path: Path) -> None:
        source = source_of(tmp_path, tiff(DEEP.astype(np.float32) / 7))
        assert np.array_equal(read_stored(source, "x.img"), DEEP.astype(np.float32) / 7)
        assert not is_8_bit(source, "x.img")
        with pytest.raises(UnsupportedImage, match="floating-point"):
            read_codes(source, "x.img")

    REFUSED = (
        ("grayscale PNG", lambda: png(DEEP[..., 0].copy()), UnsupportedImage, "has 1 channels"),
        ("PNG of two channels", lambda: pillow("PNG", SHALLOW, "LA"), UnsupportedImage, "has 2 channels"),
        ("grayscale JPEG", lambda: pillow("JPEG", SHALLOW[..., 0]), UnsupportedImage, "has 1 channels"),
        ("CMYK", lambda: pillow("JPEG", SHALLOW, "CMYK"), UnsupportedImage, "cmyk"),
        ("transparent", lambda: png(add_alpha(DEEP, 65534)), UnsupportedImage, "is transparent in places"),
        ("32-bit", lambda: tiff(DEEP.astype(np.uint32)), UnsupportedImage, "stores uint samples"),
        ("signed", lambda: tiff(DEEP.astype(np.int16)), UnsupportedImage, "stores short samples"),
        ("GIF", lambda: pillow("GIF", SHALLOW), UnsupportedImage, "is neither PNG nor TIFF nor JPEG"),
        ("text", lambda: b"0.1 0.2 0.3\n", UnsupportedImage, "is neither PNG nor TIFF nor JPEG"),
        ("empty", lambda: b"", UnsupportedImage, "is empty"),
        ("cut PNG", lambda: png(DEEP)[:-2000], UnreadableFile, "copied in full"),
        ("cut JPEG", lambda: pillow("JPEG", SHALLOW)[:-900], UnreadableFile, "copied in full"),
        ("cut TIFF", lambda: tiff(DEEP)[:-2000], UnreadableFile, r"ends before|copied in full"),
        ("damaged PNG", lambda: png(DEEP)[:500] + b"\0" * 9 + png(DEEP)[509:], UnreadableFile, "cannot be decoded"),
        ("12-bit TIFF", lambda: tiff_of_depth(DEEP >> 4, 12), UnsupportedImage, "stores 12-bit|not a whole number"),
        ("TIFF by LERC", lambda: tiff(DEEP, compression="lerc"), UnsupportedImage, "does not read"),
        ("TIFF by JPEG XL", lambda: tiff(DEEP, compression="jpegxl"), UnsupportedImage, "does not read"),
        (
            "PNG of endless texts",
            lambda: (
                png(DEEP)[:33] + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(7 << 20), 9)) * 10 + png(DEEP)[33:]
            ),
            UnsupportedImage,
            "holds compressed texts of more than 64 MiB",
        ),
        (
            "a bomb",
            lambda: (
                b"\x89PNG\r\n\x1a\n"
                + chunk(b"IHDR", struct.pack(">2I5B", 50_000, 50_000, 16, 2, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(bytes(1000)))
                + chunk(b"IEND", b"")
            ),
            UnsupportedImage,
            "claims 50000 x 50000 pixels",
        ),
    )

    @pytest.mark.slow
    @pytest.mark.parametrize("archived", [False, True])
    @pytest.mark.parametrize(("make", "kind", "problem"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED])
    def test_what_cannot_be_read(
        self, tmp_path: Path, make: Callable[[], bytes], kind: type[AwbError], problem: str, archived: bool
    ) -> None:
        source = source_of(tmp_path, make(), archived)
        with pytest.raises(kind, match=rf"x\.img: .*({problem})") as caught:
            read_codes(source, "x.img")
        assert "\n" not in str(caught.value)


class TestLinearThumbnail:
    @pytest.mark.slow
    @given(
        st.integers(1, 150),
        st.integers(1, 150),
        st.sampled_from([0.0, 129.0, (1.0, 200.0, 30.5)]),
        st.sampled_from([None, 3000.0, 3300.5]),
        st.booleans(),
        st.integers(0, 2**32 - 1),
    )
    @settings(max_examples=60, deadline=None)
    def test_strips_give_the_bits_of_the_whole(
        self, height: int, width: int, black: float | tuple[float, ...], clip: float | None, mask: bool, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        codes = rng.integers(0, 4000, (height, width, 3), dtype=np.uint16)
        mask = rng.random((height, width)) < 0.3 if mask else None
        found = linear_thumbnail(codes, CAMERA, black=black, white=3692, clip=clip, mask=mask)
        low = np.array(black, np.float32)
        pixels = (codes.astype(np.float32) - low) / (np.float64(3692) - np.array(black)).astype(np.float32)
        limit = np.array(black) + 0.98 * (3692 - np.array(black)) if clip is None else clip
        valid = np.all((codes > np.array(black)) & (codes < limit), axis=2)
        if mask is not None:
            valid &= ~mask
            pixels[mask] = 0
        expected = LinearImage(pixels, valid, CAMERA)
        if (height, width) != (64, 64):
            expected = expected.thumbnail()
        assert np.array_equal(found.pixels, expected.pixels)
        assert np.array_equal(found.valid, expected.valid)
        assert found.camera == CAMERA

    def test_a_thumbnail_passes_through(self) -> None:
        codes = RNG.integers(0, 65536, (64, 64, 3), dtype=np.uint16)
        found = linear_thumbnail(codes, CAMERA, white=65535)
        assert np.array_equal(np.rint(found.pixels * np.float64(65535)), codes)
        assert np.array_equal(found.valid, np.all((codes > 0) & (codes < 0.98 * 65535), axis=2))

    def test_levels_by_hand(self) -> None:
        codes = np.full((640, 640, 3), 1129, np.uint16)
        codes[:10, :10] = (129, 500, 500)
        codes[:10, 10:20] = (500, 500, 3580)
        codes[:10, 20:30, 1] = 2129
        mask = np.zeros((640, 640), bool)
        mask[:10, 30:35] = True
        codes[:10, 30:35] = 60000
        mask[:10, 40:46] = True
        found = linear_thumbnail(codes, CAMERA, black=129, white=3692, clip=3580, mask=mask)
        assert found.pixels[5, 5] == pytest.approx([1000 / 3563] * 3)
        assert found.pixels[0, 2] == pytest.approx([1000 / 3563, 2000 / 3563, 1000 / 3563])
        assert found.pixels[0, 3] == pytest.approx([1000 / 3563] * 3)
        assert found.valid[0, :6].tolist() == [False, False, True, True, False, True]

    def test_floating_point_that_is_no_number_is_not_valid(self) -> None:
        codes = np.full((64, 128, 3), 0.5, np.float32)
        codes[0, 0], codes[0, 1], codes[0, 2], codes[0, 4] = math.nan, math.inf, -math.inf, -1
        found = linear_thumbnail(codes, CAMERA, white=1.0)
        assert found.valid[0, :4].tolist() == [False, True, True, True]
        assert found.pixels[0, 1] == pytest.approx([0.5] * 3)
        assert np.isfinite(found.pixels).all()

    @pytest.mark.slow
    def test_24_megapixels_need_a_strip_of_memory(self) -> None:
        codes = np.full((4000, 6000, 3), 300, np.uint16)
        mask = np.zeros((4000, 6000), bool)
        tracemalloc.start()
        linear_thumbnail(codes, CAMERA, black=10, white=4095, mask=mask)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 25_000_000

    REFUSED = (
        ((8, 8), {"white": 1}, "height, width, 3"),
        ((8, 8, 4), {"white": 1}, "height, width, 3"),
        ((8, 8, 3), {"white": 0}, "above the black level"),
        ((8, 8, 3), {"white": 10, "black": (1, 20, 1)}, "above the black level"),
        ((8, 8, 3), {"white": 10, "black": (1, 2)}, "above the black level"),
        ((8, 8, 3), {"white": 10, "black": math.nan}, "above the black level"),
        ((8, 8, 3), {"white": 10, "mask": np.zeros((8, 9), bool)}, "the mask must have the shape"),
    )

    @pytest.mark.parametrize(("shape", "options", "problem"), REFUSED)
    def test_what_does_not_fit_together(self, shape: tuple[int, ...], options: dict[str, object], problem: str) -> None:
        with pytest.raises(UsageError, match=problem):
            linear_thumbnail(np.ones(shape, np.uint16), CAMERA, **options)  # type: ignore[arg-type]


class TestSrgbThumbnail:
    @pytest.mark.parametrize("kind", [np.uint8, np.uint16])
    def test_every_code_against_colour_science(self, kind: type) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import colour
        top = np.iinfo(kind).max
        codes = np.linspace(0, top, 4096).round().astype(kind).reshape(64, 64)
        found = srgb_thumbnail(np.stack([codes] * 3, axis=2))
        expected = colour.models.eotf_sRGB(codes / top)
        assert found.pixels[..., 0] == pytest.approx(expected, rel=1e-6)
        assert np.array_equal(found.valid, (codes > 0) & (expected < 0.98))
        assert found.camera == LINEAR_SRGB

    def test_means_are_of_light(self) -> None:
        codes = np.zeros((128, 128, 3), np.uint8)
        codes[::2], codes[1::2] = 100, 200
        mask = np.zeros((128, 128), bool)
        mask[2:4, :2] = [[False, True], [False, True]]
        found = srgb_thumbnail(codes, mask)
        assert found.pixels[0, 0] == pytest.approx([(0.1274377 + 0.5775805) / 2] * 3, abs=1e-6)
        assert found.pixels[1, 0] == pytest.approx([(0.1274377 + 0.5775805) / 2] * 3, abs=1e-6)
        assert found.valid.all()
