"""What goes from a file of one format to another, and what is told where there is no place for it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import pyvips
import tifffile
from PIL import Image

import awbkit
from awbkit.errors import AwbWarning
from awbkit.files.heif import other_images
from tests.corpus.case import RECORDS, RESOURCES, XMP
from tests.corpus.jpeg import segment
from tests.corpus.reading import shared
from tests.helpers.pictures import TUNGSTEN, encode
from tests.helpers.png_files import around_pixels, digits, write_png

THUMBNAILS = XMP.replace(
    b'xmp:Rating="4"/>', b'xmp:Rating="4"><xmp:Thumbnails>old colours</xmp:Thumbnails></rdf:Description>'
)


@pytest.fixture
def pixels(scene: np.ndarray) -> np.ndarray:
    return encode(scene * TUNGSTEN)


def jpeg(path: Path, pixels: np.ndarray, *segments: bytes) -> Path:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=92)
    path.write_bytes(out.getvalue()[:20] + b"".join(segments) + out.getvalue()[20:])
    return path


def correct_to(source: Path, suffix: str) -> Path:
    target = source.with_name(f"out{suffix}")
    awbkit.correct(source, target, illuminant=TUNGSTEN)
    return target


class TestIptc:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("kind", [4, 7])
    @pytest.mark.parametrize("suffix", [".jpg", ".png"])
    def test_from_tiff(self, order: str, kind: int, suffix: str, pixels: np.ndarray, tmp_path: Path) -> None:
        padded = RECORDS + bytes(-len(RECORDS) % 4)
        value = struct.unpack(f"{order}{len(padded) // 4}I", padded) if kind == 4 else padded
        tags = [(33723, kind, None if kind == 7 else len(padded) // 4, value, True)]
        source = tmp_path / "a.tif"
        tifffile.imwrite(source, pixels, photometric="rgb", metadata=None, byteorder=order, extratags=tags)
        assert shared(correct_to(source, suffix))["iptc"] == RECORDS

    def test_from_jpeg(self, pixels: np.ndarray, tmp_path: Path) -> None:
        source = jpeg(tmp_path / "a.jpg", pixels, segment(0xED, b"Photoshop 3.0\0" + RESOURCES))
        for suffix in (".tif", ".png"):
            assert shared(correct_to(source, suffix))["iptc"] == RECORDS
        for suffix in (".webp", ".avif", ".heic"):
            with pytest.warns(AwbWarning, match="without IPTC; an output in JPEG keeps the metadata"):
                correct_to(source, suffix)


def test_texts_of_a_png_are_told_of_in_few_words(pixels: np.ndarray, tmp_path: Path) -> None:
    names = (b"A", b"B", b"C", b"D", b"E", b"date:create", b"exif:Make")
    source = write_png(tmp_path / "a.png", pixels, [(b"tEXt", name + b"\0x") for name in names])
    with pytest.warns(AwbWarning, match="without the texts 'A', 'B', 'C' and 2 more; an output in PNG"):
        correct_to(source, ".webp")
    source = write_png(tmp_path / "a.png", pixels, [(b"tEXt", b"date:create\0x")])
    correct_to(source, ".jpg")


def test_bare_records_in_a_raw_profile(pixels: np.ndarray, tmp_path: Path) -> None:
    text = b"Raw profile type iptc\0" + digits(b"iptc", RECORDS)
    source = write_png(tmp_path / "a.png", pixels, [(b"tEXt", text)])
    assert shared(correct_to(source, ".tif"))["iptc"] == RECORDS
    assert around_pixels(correct_to(source, ".png"))[0] == [(b"tEXt", text)]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_thumbnails_in_xmp_go(suffix: str, pixels: np.ndarray, tmp_path: Path) -> None:
    source = jpeg(tmp_path / "a.jpg", pixels, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + THUMBNAILS))
    packet = shared(correct_to(source, suffix))["xmp"]
    assert b"Rating" in packet
    assert b"Thumbnails" not in packet


def test_xmp_too_long_for_a_segment_is_told_of(pixels: np.ndarray, tmp_path: Path) -> None:
    packet = XMP.replace(b"Rating", b"R" + b"a" * 70000)
    source = write_png(tmp_path / "a.png", pixels, [(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet))])
    with pytest.warns(AwbWarning, match="without XMP of more than 64 KB"):
        correct_to(source, ".jpg")
    assert shared(correct_to(source, ".webp"))["xmp"] == packet


def test_comment_and_extended_xmp_are_told_of(pixels: np.ndarray, tmp_path: Path) -> None:
    extended = segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + b"<x/>")
    source = jpeg(tmp_path / "a.jpg", pixels, segment(0xFE, b"made by hand"), extended)
    with pytest.warns(AwbWarning, match="without the texts 'comment' and 'extended XMP'"):
        correct_to(source, ".png")


@pytest.mark.slow
@pytest.mark.parametrize("source", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".tif"])
def test_resolution_is_carried_and_never_made_up(source: str, target: str, pixels: np.ndarray, tmp_path: Path) -> None:
    for dpi in (None, 240):
        path = tmp_path / f"a{source}"
        Image.fromarray(pixels).save(path, **({"dpi": (dpi, dpi)} if dpi else {}))
        out = correct_to(path, target)
        with Image.open(out) as image:
            stated = image.info.get("jfif_unit") or (target != ".jpg" and image.info.get("dpi", (1, 1)) != (1, 1))
            if dpi and source != ".webp":
                assert image.info["dpi"] == pytest.approx((240, 240), abs=0.1)
            else:
                assert not stated
        out.unlink()


def test_adobe_rgb_of_exif_alone_is_embedded_in_a_png(pixels: np.ndarray, tmp_path: Path) -> None:
    block = struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 34665, 4, 1, 26, 0)
    block += struct.pack("<HHHIHHI", 1, 40961, 3, 1, 2, 0, 0)
    source = write_png(tmp_path / "a.png", pixels, behind=[(b"eXIf", block)])
    before, behind = around_pixels(correct_to(source, ".png"))
    assert [kind for kind, _ in before] == [b"iCCP"]
    assert behind == [(b"eXIf", block)]


class TestHeif:
    def test_further_images_and_small_copies(self, pixels: np.ndarray, tmp_path: Path) -> None:
        heif = pillow_heif.from_bytes("RGB", (128, 96), pixels.tobytes())
        heif.add_frombytes("RGB", (128, 96), pixels[::-1].tobytes())
        heif.add_frombytes("RGB", (128, 96), pixels[:, ::-1].tobytes())
        heif.save(tmp_path / "three.heic", quality=90)
        heif = pillow_heif.from_bytes("RGB", (128, 96), pixels.tobytes())
        heif[0].info["thumbnails"] = [64]
        heif.save(tmp_path / "small.heic", quality=90)
        assert other_images(str(tmp_path / "small.heic")) == []
        assert other_images(str(tmp_path / "three.heic")) == ["2 further images"]
        correct_to(tmp_path / "small.heic", ".jpg")
        with pytest.warns(AwbWarning, match="without 2 further images"):
            correct_to(tmp_path / "three.heic", ".heic")

    @pytest.mark.parametrize("suffix", [".heic", ".avif"])
    def test_alpha_is_no_further_image(self, suffix: str, pixels: np.ndarray, tmp_path: Path) -> None:
        rgba = np.dstack([pixels, pixels[..., :1]])
        path = tmp_path / f"a{suffix}"
        if suffix == ".avif":
            pyvips.Image.new_from_array(rgba).copy(interpretation="srgb").heifsave(str(path), compression="av1")
        else:
            pillow_heif.from_bytes("RGBA", (128, 96), rgba.tobytes()).save(path)
        assert other_images(str(path)) == []

    def test_damage_is_a_value_error(self, pixels: np.ndarray, tmp_path: Path) -> None:
        path = tmp_path / "a.heic"
        pillow_heif.from_bytes("RGB", (128, 96), pixels.tobytes()).save(path)
        sound = path.read_bytes()
        rng = np.random.default_rng(0)
        for _ in range(200):
            broken = bytearray(sound)
            for at in rng.integers(0, 500, 3):
                broken[at] = rng.integers(256)
            path.write_bytes(broken)
            try:
                other_images(str(path))
            except ValueError:
                continue
