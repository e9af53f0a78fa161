"""EXIF blocks put into finished JPEG, PNG, WebP and AVIF files."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from awbkit.files import embed, png, webp

PREFIX = b"Exif\0\0"
MAKER_NOTE = b"Canon\0" + bytes(range(256))
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
PIXELS = np.random.default_rng(0).integers(0, 256, (30, 41, 4), dtype=np.uint8)


def block(make: str = "Canon") -> bytes:
    made = Image.Exif()
    made[271] = make
    made[274] = 6
    made.get_ifd(34665)[37500] = MAKER_NOTE
    return made.tobytes().removeprefix(PREFIX)


BLOCK = block()


def pillow(kind: str, bands: int = 3, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(PIXELS[..., :bands])).save(out, kind, **options)
    return out.getvalue()


def vips(suffix: str, bands: int = 3, deep: bool = False, exif: bool = True, **options: Any) -> bytes:
    pixels = PIXELS[..., :bands]
    image = pyvips.Image.new_from_array(pixels.astype(np.uint16) * 257 if deep else pixels)
    image = image.copy(interpretation="rgb16" if deep else "srgb")
    if exif:
        image.set_type(pyvips.GValue.blob_type, "exif-data", PREFIX + block("older camera"))
    image.set_type(pyvips.GValue.blob_type, "xmp-data", XMP)
    return bytes(image.write_to_buffer(suffix, **options))


def embed_in_png(file: bytes, exif: bytes) -> bytes:
    return png.add_chunks(file, [(b"eXIf", exif.removeprefix(PREFIX))], has_resolution=True)


FILES: dict[str, tuple[Callable[[bytes, bytes], bytes], bytes]] = {
    "jpeg": (embed.embed_in_jpeg, pillow("JPEG")),
    "jpeg with exif": (embed.embed_in_jpeg, vips(".jpg")),
    "png": (embed_in_png, pillow("PNG")),
    "png with exif": (embed_in_png, vips(".png")),
    "png with alpha, 16 bit": (embed_in_png, vips(".png", bands=4, deep=True)),
    "webp lossy": (webp.embed, pillow("WEBP")),
    "webp lossless": (webp.embed, pillow("WEBP", lossless=True)),
    "webp lossless with alpha": (webp.embed, pillow("WEBP", bands=4, lossless=True, exact=True)),
    "webp lossy with alpha": (webp.embed, pillow("WEBP", bands=4)),
    "webp with exif": (webp.embed, vips(".webp", bands=4, lossless=True)),
    "webp with xmp": (webp.embed, vips(".webp", exif=False)),
    "avif": (embed.embed_in_avif, vips(".avif", compression="av1", effort=0)),
    "avif with alpha, 10 bit": (embed.embed_in_avif, vips(".avif", 4, True, compression="av1", bitdepth=10, effort=0)),
    "avif of another writer": (embed.embed_in_avif, pillow("AVIF", exif=block("older camera"), xmp=XMP, speed=10)),
}


@pytest.mark.parametrize("name", FILES)
class TestEmbed:
    @pytest.mark.parametrize("prefix", [b"", PREFIX])
    @pytest.mark.parametrize("data", [BLOCK, BLOCK + b"\0", block("Nikon" * 900)])
    def test_block_arrives_byte_for_byte(self, name: str, prefix: bytes, data: bytes) -> None:
        function, file = FILES[name]
        joined = function(file, prefix + data)
        assert joined.count(data) == 1
        with Image.open(io.BytesIO(joined)) as image:
            if not name.startswith("avif"):  # Pillow turns an AVIF's own orientation into EXIF
                assert image.info["exif"].removeprefix(PREFIX) == data
            assert image.getexif().get_ifd(34665)[37500] == MAKER_NOTE
        found = pyvips.Image.new_from_buffer(joined, "").get("exif-data")
        assert bytes(found).removeprefix(PREFIX) == data

    def test_pixels_and_other_metadata_stay(self, name: str) -> None:
        function, file = FILES[name]
        joined = function(file, BLOCK)
        before, after = (pyvips.Image.new_from_buffer(data, "") for data in (file, joined))
        np.testing.assert_array_equal(before.numpy(), after.numpy())
        if "xmp-data" in before.get_fields():
            assert after.get("xmp-data") == XMP
        with Image.open(io.BytesIO(file)) as old, Image.open(io.BytesIO(joined)) as new:
            assert np.array_equal(np.asarray(new), np.asarray(old))
            assert new.mode == old.mode

    def test_again_replaces(self, name: str) -> None:
        function, file = FILES[name]
        twice = function(function(file, block("older")), BLOCK)
        if name.startswith("avif"):
            assert block("older") not in twice
            assert bytes(pyvips.Image.new_from_buffer(twice, "").get("exif-data")).removeprefix(PREFIX) == BLOCK
        else:
            assert twice == function(file, BLOCK)

    @pytest.mark.slow
    @given(noise=st.binary(max_size=8), at=st.integers(0, 400), cut=st.booleans())
    @settings(max_examples=40, deadline=None)
    def test_damaged_files_are_value_errors_or_pass(self, name: str, noise: bytes, at: int, cut: bool) -> None:
        function, file = FILES[name]
        damaged = file[:at] + noise + (b"" if cut else file[at + len(noise) :])
        try:
            assert BLOCK in function(damaged, BLOCK)
        except ValueError as error:
            assert str(error)  # noqa: PT017

    def test_another_format_is_a_value_error(self, name: str) -> None:
        function, _ = FILES[name]
        for other in (b"", b"nothing at all, but long enough", b"RIFF\0\0\0\0WEBP" + bytes(20)):
            with pytest.raises(ValueError, match=r"JPEG|PNG|WebP|AVIF"):
                function(other, BLOCK)


class TestLimits:
    def test_jpeg_takes_a_full_segment_and_no_more(self) -> None:
        plain = pillow("JPEG")
        longest = BLOCK + bytes(embed.MAX_JPEG_BLOCK - len(BLOCK))
        with Image.open(io.BytesIO(embed.embed_in_jpeg(plain, longest))) as image:
            assert image.info["exif"] == PREFIX + longest
        with pytest.raises(ValueError, match="does not fit"):
            embed.embed_in_jpeg(plain, longest + b"\0")

    def test_jpeg_segment_follows_jfif_or_comes_first(self) -> None:
        plain = pillow("JPEG")
        marker = b"\xff\xe1" + struct.pack(">H", len(BLOCK) + 8)
        assert embed.embed_in_jpeg(plain, BLOCK)[20:24] == marker
        assert embed.embed_in_jpeg(plain[:2] + plain[20:], BLOCK)[2:6] == marker

    def test_avif_without_exif_is_a_value_error(self) -> None:
        with pytest.raises(ValueError, match="EXIF item"):
            embed.embed_in_avif(vips(".avif", exif=False, compression="av1", effort=0, keep="none"), BLOCK)

    @pytest.mark.parametrize("size", [(1, 1), (1, 16383), (16383, 1), (255, 257)])
    @pytest.mark.parametrize("lossless", [False, True])
    def test_webp_sizes(self, size: tuple[int, int], lossless: bool) -> None:
        out = io.BytesIO()
        Image.new("RGB", size, (9, 8, 7)).save(out, "WEBP", lossless=lossless)
        joined = webp.embed(out.getvalue(), BLOCK)
        with Image.open(io.BytesIO(joined)) as image:
            image.load()
            assert image.size == size
