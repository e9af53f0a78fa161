"""What is no picture, or only a part of one: told in one line, by the right exception, in little time and memory."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import pyvips
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import awbkit
from awbkit.errors import AwbError, AwbWarning, FileError, UnreadableFile, UnsupportedImage
from awbkit.store.signatures import sniff
from tests.helpers.raw_files import RGGB, mosaic, write_dng

NOISE = np.random.default_rng(5)
PATCHES = np.kron(NOISE.integers(20, 230, (12, 16, 3)), np.ones((8, 8, 1)))
PIXELS = np.clip(PATCHES + NOISE.normal(0, 4, PATCHES.shape), 1, 250).astype(np.uint8)
DEEP = PIXELS.astype(np.uint16) * 257


def pillow(kind: str, pixels: np.ndarray = PIXELS, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def tiff(pixels: np.ndarray = PIXELS, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **{"photometric": "rgb"} | options)
    return out.getvalue()


def avif(**options: Any) -> bytes:
    deep = options.get("bitdepth", 8) > 8
    image = pyvips.Image.new_from_array(DEEP if deep else PIXELS).copy(interpretation="rgb16" if deep else "srgb")
    return bytes(image.heifsave_buffer(compression="av1", effort=0, **options))


def heic(pixels: np.ndarray = PIXELS) -> bytes:
    out = io.BytesIO()
    mode = "RGB" if pixels.dtype == np.uint8 else "RGB;16"
    pillow_heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes()).save(out, format="HEIF")
    return out.getvalue()


def dng(path: Path) -> bytes:
    write_dng(path, mosaic(PIXELS / 255 * [0.5, 1, 0.7], RGGB))
    return path.read_bytes()


BIG = np.kron(PIXELS, np.ones((6, 6, 1), np.uint8))


@cache
def sound() -> dict[str, bytes]:
    """Small valid files of every rendered format."""
    return {
        "jpeg": pillow("JPEG", quality=90),
        "progressive jpeg": pillow("JPEG", quality=90, progressive=True),
        "jpeg scaled while decoding": pillow("JPEG", BIG),
        "progressive jpeg scaled while decoding": pillow("JPEG", BIG, progressive=True),
        "png": pillow("PNG"),
        "interlaced png": bytes(pyvips.Image.new_from_array(PIXELS).pngsave_buffer(interlace=True)),
        "png 16": bytes(pyvips.Image.new_from_array(DEEP).copy(interpretation="rgb16").pngsave_buffer()),
        "tiff": tiff(),
        "tiff lzw": tiff(compression="lzw"),
        "tiff deflate": tiff(DEEP, compression="zlib"),
        "tiff tiled": tiff(DEEP, tile=(32, 32)),
        "tiff planar": tiff(np.ascontiguousarray(np.moveaxis(PIXELS, 2, 0)), planarconfig="separate"),
        "bigtiff": tiff(bigtiff=True),
        "tiff float": tiff(PIXELS.astype(np.float32)),
        "tiff double": tiff(PIXELS.astype(np.float64)),
        "tiff jpeg": tiff(compression="jpeg"),
        "webp": pillow("WEBP"),
        "webp lossless": pillow("WEBP", lossless=True),
        "avif": avif(),
        "avif 10": avif(bitdepth=10),
        "heic": heic(),
        "heic 10": heic(DEEP),
    }


def fails(path: Path, kind: type[FileError], message: str) -> None:
    """Estimate and correct both refuse the file in one line, and nothing is written."""
    out = path.with_name("out.png")
    for work in (lambda: awbkit.estimate(path, "gray-world"), lambda: awbkit.correct(path, out, method="gray-world")):
        with pytest.raises(kind, match=message) as caught:
            work()
        text = str(caught.value)
        assert text.startswith(f"{path}: ")
        assert "\n" not in text
        assert len(text) < len(str(path)) + 250
    assert not out.exists()


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def write_sound(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_sound


class TestNoPicture:
    def test_missing(self, tmp_path: Path) -> None:
        fails(tmp_path / "a.jpg", UnreadableFile, "no such file; check")

    def test_folder(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").mkdir()
        fails(tmp_path / "a.jpg", UnreadableFile, "is a folder; name a picture in it")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "is empty; copy it again"),
            (b"\xff", "is not an image; awbkit reads"),
            (b"\0", "is not an image; awbkit reads"),
            (b"a letter to my camera\n" * 50, "is not an image; awbkit reads"),
            (b"BMW drives past\n" * 50, "is not an image; awbkit reads"),
            (bytes(5000), "is not an image; awbkit reads"),
        ],
    )
    def test_no_image(self, content: bytes, message: str, make: Any) -> None:
        fails(make("a.jpg", content), UnreadableFile, message)

    @pytest.mark.parametrize(
        ("head", "kind"),
        [
            (b"GIF89a", "a GIF"),
            (b"BM", "a BMP"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
            (b"DDS |", "a DDS texture"),
            (b"#?RADIANCE\n", "a Radiance HDR image"),
            (b"\x1aE\xdf\xa3", "a video"),
            (b"RIFF\0\0\0\0AVI LIST", "a video"),
            (b"\0\0\0\x08wide\0\0\0\0mdat", "a video"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL"),
            (b"\xff\x0a", "a JPEG XL"),
            (b"\xff\xd8\xff\xf7\0\x0b\x08", "a JPEG-LS"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\4CgBI\x50\0\x20\2", "a PNG in the coding of Apple's apps"),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000"),
            (b"%PDF-1.7", "a PDF"),
            (b"8BPS\0\1", "a Photoshop document"),
            (b"v/1\x01", "an OpenEXR image"),
            (b"PK\3\4", "a ZIP archive"),
            (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "a video"),
            (b"\0\0\0\x20ftypmp42\0\0\2\0isomav01mp42", "a video"),
            (b"\0\0\0\x14ftypqt  \0\0\2\0qt  ", "a video"),
            (b"\0\0\0\x1cftypdash\0\0\0\0iso6", "a video"),
        ],
    )
    def test_other_kinds_are_named(self, head: bytes, kind: str, make: Any) -> None:
        fails(make("a.jpg", head.ljust(300, b"\0")), UnsupportedImage, f"is {kind}; ")

    def test_suffix_does_not_matter(self, make: Any) -> None:
        for name, content in (("a.jpg", "png"), ("a.dng", "tiff"), ("a.cr2", "jpeg"), ("a", "webp"), ("a.tif", "avif")):
            assert awbkit.open(make(name, sound()[content])).width == 128

    def test_heif_brands(self) -> None:
        assert sniff(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic") == "heic"
        assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "heic"
        assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif") == "avif"
        assert sniff(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom") is None


class TestUnsupported:
    @pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
    def test_cmyk(self, name: str, make: Any) -> None:
        out = io.BytesIO()
        Image.fromarray(PIXELS).convert("CMYK").save(out, {"a.jpg": "JPEG", "a.tif": "TIFF"}[name])
        fails(make(name, out.getvalue()), UnsupportedImage, "is CMYK.*convert it to RGB first")

    def test_cielab(self, make: Any) -> None:
        for pixels in (PIXELS, DEEP):
            fails(make("a.tif", tiff(pixels, photometric="cielab")), UnsupportedImage, "is CIELAB; convert it")

    def test_integers_of_other_sizes(self, make: Any) -> None:
        for kind in (np.uint32, np.int16):
            fails(make("a.tif", tiff(PIXELS.astype(kind))), UnsupportedImage, "stores .* samples; convert it")

    def test_five_channels(self, make: Any) -> None:
        five = np.dstack([PIXELS, PIXELS[..., :2]])
        fails(make("a.tif", tiff(five)), UnsupportedImage, "has 5 channels; convert")

    @pytest.mark.parametrize("kind", ["WEBP", "PNG", "AVIF"])
    def test_animations(self, kind: str, make: Any) -> None:
        frames = [Image.fromarray(np.roll(PIXELS, 16 * i, axis=0)) for i in range(3)]
        content = pillow(kind, save_all=True, append_images=frames[1:])
        fails(make("a", content), UnsupportedImage, "is an animation.*export the frames")

    def test_several_pages(self, make: Any) -> None:
        content = pillow("TIFF", save_all=True, append_images=[Image.fromarray(PIXELS)] * 2)
        fails(make("a.tif", content), UnsupportedImage, "has 3 pages; split it")

    def test_profile_of_another_kind(self, make: Any) -> None:
        profile = bytearray(pyvips.Operation.call("profile_load", "srgb"))
        profile[16:20] = b"CMYK"
        fails(make("a.jpg", pillow("JPEG", icc_profile=bytes(profile))), UnsupportedImage, "profile .*--encoding srgb")


class TestDamage:
    @pytest.mark.parametrize("share", [0.05, 0.3, 0.9, 0.99])
    @pytest.mark.parametrize("name", sound())
    def test_cut_short(self, name: str, share: float, make: Any) -> None:
        content = sound()[name]
        fails(make("a", content[: int(len(content) * share)]), UnreadableFile, "; ")

    @pytest.mark.parametrize(
        "name",
        [
            "jpeg scaled while decoding",
            "progressive jpeg",
            "png",
            "png 16",
            "tiff lzw",
            "tiff deflate",
            "webp lossless",
            "avif",
        ],
    )
    def test_corrupt_in_the_middle(self, name: str, make: Any) -> None:
        content = bytearray(sound()[name])
        middle = len(content) // 2
        content[middle : middle + 60] = b"\x5a\xa5" * 30
        fails(make("a", bytes(content)), UnreadableFile, "cannot be decoded.*copy it again")

    def test_stray_bytes_between_jpeg_segments_do_not_matter(self, make: Any) -> None:
        content = sound()["jpeg scaled while decoding"]
        clean = awbkit.estimate(make("a.jpg", content), "gray-world").rgb
        scan = content.index(b"\xff\xda")
        stray = make("b.jpg", content[:scan] + bytes(10) + content[scan:])
        assert awbkit.estimate(stray, "gray-world").rgb == clean
        awbkit.correct(stray, stray.with_name("c.jpg"), method="gray-world")

    def test_png_checksum(self, make: Any) -> None:
        content = bytearray(sound()["png"])
        content[content.index(b"IDAT") - 5] ^= 1
        fails(make("a.png", bytes(content)), UnreadableFile, "cannot be decoded")

    def test_damage_of_one_file_is_not_blamed_on_the_next(self, make: Any) -> None:
        content = sound()["jpeg"]
        fails(make("a.jpg", content[: len(content) // 2]), UnreadableFile, "cannot be decoded")
        path = make("b.png", sound()["png"][:60])
        with pytest.raises(UnreadableFile) as caught:
            awbkit.estimate(path, "gray-world")
        assert "JPEG" not in str(caught.value)


def bombs() -> dict[str, bytes]:
    """Headers that claim 60000 x 60000 pixels."""
    claim = 60_000

    def patch(name: str, mark: bytes, offset: int, size: bytes) -> bytes:
        content = bytearray(sound()[name])
        at = content.index(mark) + offset
        content[at : at + len(size)] = size
        return bytes(content)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", claim, claim, 8, 2, 0, 0, 0)
    png = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    whole = tiff(rowsperstrip=96)
    for tag in (256, 257, 278):
        whole = tiff_with(whole, tag, claim)
    return {
        "jpeg": patch("jpeg", b"\xff\xc0", 5, struct.pack(">HH", claim, claim)),
        "progressive jpeg": patch("progressive jpeg", b"\xff\xc2", 5, struct.pack(">HH", claim, claim)),
        "png": b"\x89PNG\r\n\x1a\n" + png,
        "avif": patch("avif", b"ispe", 8, struct.pack(">II", claim, claim)),
        "heic": patch("heic", b"ispe", 8, struct.pack(">II", claim, claim)),
        "tiff": whole,
    }


def tiff_with(content: bytes, tag: int, value: int) -> bytes:
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        found = file.pages.first.aspage().tags[tag]
        at, form = found.valueoffset, {3: "<H", 4: "<I"}[found.dtype]
    return content[:at] + struct.pack(form, value) + content[at + struct.calcsize(form) :]


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells a process its peak of memory there"
)
@pytest.mark.slow
def test_huge_claims_take_no_memory(tmp_path: Path) -> None:
    for name, content in bombs().items():
        (tmp_path / name.replace(" ", "-")).write_bytes(content)
    script = (
        "import re, sys, awbkit\n"
        "for path in sys.argv[1:]:\n"
        "    for work in (awbkit.estimate, lambda p: awbkit.correct(p, 'out.png', illuminant=(1, 1, 1))):\n"
        "        try: work(path)\n"
        "        except awbkit.AwbError as error: print(type(error).__name__)\n"
        # Not getrusage, which counts what the parent held when it forked.
        "status = open('/proc/self/status').read()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) >> 10)\n"
    )
    names = [name.replace(" ", "-") for name in bombs()]
    done = subprocess.run(
        [sys.executable, "-c", script, *names], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    *errors, megabytes = done.stdout.split()
    assert errors == ["UnsupportedImage"] * 2 * len(names)
    # The largest of them claims 10.8 GB.
    assert int(megabytes) < 256


@cache
def small() -> dict[str, bytes]:
    """Files as small as they get, since mutations should hit the headers."""
    tiny = np.ascontiguousarray(PIXELS[:24, :32])
    out = io.BytesIO()
    pillow_heif.from_bytes("RGB", (64, 64), np.ascontiguousarray(PIXELS[:64, :64]).tobytes()).save(out, format="HEIF")
    return {
        "jpeg": pillow("JPEG", tiny),
        "png": pillow("PNG", tiny),
        "tiff": tiff(tiny),
        "tiff lzw": tiff(tiny, compression="lzw"),
        "tiff tiled": tiff(tiny, tile=(16, 16)),
        "tiff double": tiff(tiny.astype(np.float64)),
        "webp": pillow("WEBP", tiny),
        "avif": pillow("AVIF", tiny, speed=10),
        "heic": out.getvalue(),
    }


@pytest.mark.parametrize("name", [*small(), "dng"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.slow
def test_mutations_succeed_or_fail_on_purpose(name: str, data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(dng(tmp_path / "sound.dng") if name == "dng" else small()[name])
    head = min(len(content), 400) - 1
    places = st.one_of(st.integers(0, head), st.integers(0, len(content) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=6)):
        content[place] = value
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(1, len(content))))
    path = tmp_path / "mutant"
    path.write_bytes(content[:cut])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", AwbWarning)
        for work in (
            lambda: awbkit.estimate(path, "gray-world"),
            lambda: awbkit.correct(path, tmp_path / "out.png", illuminant=(1, 0.8, 0.6), if_exists="replace"),
        ):
            with suppress(AwbError):
                work()
