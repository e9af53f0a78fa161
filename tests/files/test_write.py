"""What a corrected picture keeps of its source: bit depth, profile, metadata, orientation, alpha, compression."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import pyvips
import tifffile
from PIL import ExifTags, Image, PngImagePlugin

import awbkit
from awbkit.errors import AwbWarning, OutputError, UsageError
from awbkit.files import tiff
from awbkit.files.ifd import Directory, serialise
from awbkit.files.metadata import Metadata
from tests.helpers.pictures import ADOBE_PRIMARIES, PROFILES, SRGB_CURVE, SRGB_PRIMARIES, TUNGSTEN, encode, icc_profile

pillow_heif.register_heif_opener()

PROFILE = PROFILES["srgb"]
MAKER_NOTE = b"Acme\0" + bytes(range(256)) * 2
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></x:xmpmeta>"
IPTC = b"\x1c\x02\x05\x00\x05Title\x1c\x02\x50\x00\x06Author"
LATITUDE = struct.pack("<6I", 48, 1, 8, 1, 1234, 100)
SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".avif", ".heic")


def exif(orientation: int = 1, thumbnail: bytes = b"") -> bytes:
    """A block with Make, orientation, MakerNote, latitude and, in a second directory, a thumbnail."""
    main = Directory({271: (2, b"Acme\0"), 272: (2, b"One\0"), 274: (3, struct.pack("<H", orientation))})
    main.fields |= {282: (5, struct.pack("<2I", 240, 1)), 283: (5, struct.pack("<2I", 240, 1)), 296: (3, b"\2\0")}
    main.children[34665] = Directory({37500: (7, MAKER_NOTE), 33434: (5, struct.pack("<2I", 1, 125))})
    main.children[34853] = Directory({1: (2, b"N\0"), 2: (5, LATITUDE)})
    size = len(serialise(main, 8))
    at = 8 + size + size % 2
    block = b"II*\0" + struct.pack("<I", 8) + serialise(main, 8, next_offset=at if thumbnail else 0)
    if not thumbnail:
        return block
    small = Directory({0x201: (4, struct.pack("<I", at + 30)), 0x202: (4, struct.pack("<I", len(thumbnail)))})
    return block.ljust(at, b"\0") + serialise(small, at) + thumbnail


def write(path: Path, pixels: np.ndarray, block: bytes, profile: bytes = PROFILE, **options: Any) -> Path:
    """A source of any format, with everything that the format can carry."""
    suffix = path.suffix
    if suffix == ".heic":
        mode = ("RGBA" if pixels.shape[2] == 4 else "RGB") + (";16" if pixels.dtype == np.uint16 else "")
        heif = pillow_heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes())
        heif.save(path, quality=95, exif=block, icc_profile=profile, xmp=XMP)
    elif suffix == ".tif":
        tags = [
            (34675, 7, len(profile), profile, True),
            (700, 1, len(XMP), XMP, True),
            (33723, 7, len(IPTC), IPTC, True),
        ]
        if pixels.shape[2] == 4:
            options["extrasamples"] = ["unassalpha"]
        tifffile.imwrite(path, pixels, photometric="rgb", extratags=tags, metadata=None, **options)
        tiff.embed(path, Metadata(block))
    elif pixels.dtype == np.uint16:
        image = pyvips.Image.new_from_array(pixels).copy(interpretation="rgb16")
        for field, content in (("icc-profile-data", profile), ("exif-data", block), ("xmp-data", XMP)):
            image.set_type(pyvips.GValue.blob_type, field, content)
        image.write_to_file(str(path), **options)
    else:
        if suffix == ".png":
            text = PngImagePlugin.PngInfo()
            text.add_itxt("XML:com.adobe.xmp", XMP.decode())
            text.add_text("Title", "A scene")
            options |= {"pnginfo": text, "dpi": (240, 240)}
        elif suffix == ".jpg":
            options = {"quality": 92, "dpi": (240, 240), "xmp": XMP} | options
        else:
            options = {"quality": 92, "xmp": XMP} | options
        Image.fromarray(pixels).save(path, exif=b"Exif\0\0" + block, icc_profile=profile, **options)
    return path


@pytest.fixture
def linear(scene: np.ndarray) -> np.ndarray:
    return scene * TUNGSTEN


def correct_to(source: Path, target: Path) -> Path:
    awbkit.correct(source, target, illuminant=TUNGSTEN)
    return target


def without_words(source: Path, target: Path, *words: str) -> Path:
    """Corrected, and told of what the other format has no place for; of nothing else."""
    if not words:
        return correct_to(source, target)
    with pytest.warns(AwbWarning) as told:
        correct_to(source, target)
    assert len(told) == 1
    assert all(word in str(told[0].message) for word in words)
    return target


def directories(path: Path) -> tuple[Image.Exif, dict[int, Any], dict[int, Any]]:
    with Image.open(path) as image:
        found = image.getexif()
        return found, found.get_ifd(ExifTags.IFD.Exif), found.get_ifd(ExifTags.IFD.GPSInfo)


def profile_of(path: Path) -> bytes | None:
    with Image.open(path) as image:
        return image.info.get("icc_profile")


def decode(path: Path) -> np.ndarray:
    """The stored numbers, 1.0 = full scale, in stored orientation."""
    if path.suffix == ".heic":
        image = np.asarray(pillow_heif.open_heif(path, convert_hdr_to_8bit=False))
    else:
        image = pyvips.Image.new_from_file(str(path)).numpy()
    return image.astype(float) / {"uint8": 255, "uint16": 65535}.get(image.dtype.name, 1)


def shown(path: Path, orientation: int) -> np.ndarray:
    turns: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a[::-1].swapaxes(0, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: a[:, ::-1].swapaxes(0, 1),
    }
    return turns[orientation](decode(path))


@pytest.mark.slow
@pytest.mark.parametrize("target", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
@pytest.mark.parametrize("orientation", [1, 6])
def test_profile_metadata_and_orientation_survive(
    source: str, target: str, orientation: int, linear: np.ndarray, tmp_path: Path
) -> None:
    if source in (".avif", ".heic"):
        # The writers of these turn the pixels and not the tag.
        orientation = 1
    path = write(tmp_path / f"a{source}", encode(linear), exif(orientation))
    text = ["Title"] if source == ".png" != target else []
    iptc = ["IPTC"] if source == ".tif" and target in (".webp", ".avif", ".heic") else []
    out = without_words(path, tmp_path / f"b{target}", *text, *iptc)
    main, photograph, position = directories(out)
    assert main[271] == "Acme"
    assert photograph[37500] == MAKER_NOTE
    assert photograph[33434] == pytest.approx(1 / 125)
    assert position[2] == pytest.approx((48, 8, 12.34))
    assert profile_of(out) == PROFILE
    kept = 1 if target in (".avif", ".heic") else orientation
    assert main.get(274, 1) == kept
    with Image.open(out) as image:
        assert "adobe:ns:meta" in str(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or image.getxmp())
    before, after = shown(path, orientation), shown(out, kept)
    assert after.shape == before.shape
    card = np.zeros((96, 128), bool)
    card[36:60, 52:76] = True
    if orientation == 6:
        card = card[::-1].T
    lossy = target in (".jpg", ".avif", ".heic") or source in (".jpg", ".webp", ".avif", ".heic")
    assert np.ptp(after[card].mean(axis=0)) < (0.02 if lossy else 0.006)
    assert np.corrcoef(before[..., 1].ravel(), after[..., 1].ravel())[0, 1] > 0.99


def test_orientation_that_heif_has_applied_is_not_applied_again(linear: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    image = pyvips.Image.new_from_array(encode(linear)).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "exif-data", exif(6))
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(path), compression="av1")
    photo = awbkit.open(path)
    out = correct_to(path, tmp_path / "b.jpg")
    with Image.open(out) as written:
        upright = written.getexif().get(274, 1) == 1
        assert upright
        assert written.size == (photo.width, photo.height)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "target", "dtype"),
    [
        (".png", ".png", np.uint16),
        (".tif", ".tif", np.uint16),
        (".tif", ".png", np.uint16),
        (".png", ".tif", np.uint16),
        (".png", ".avif", np.uint16),
        (".tif", ".heic", np.uint16),
        (".heic", ".tif", np.uint16),
        (".png", ".png", np.uint8),
        (".tif", ".tif", np.uint8),
        (".tif", ".jpg", np.uint16),
        (".tif", ".webp", np.uint16),
        (".tif", ".tif", np.float32),
    ],
)
def test_bit_depth(source: str, target: str, dtype: type, linear: np.ndarray, tmp_path: Path) -> None:
    pixels = linear.astype(np.float32) if dtype is np.float32 else encode(linear, dtype)
    linear_profile = icc_profile(SRGB_PRIMARIES, b"curv" + bytes(8))
    path = write(tmp_path / f"a{source}", pixels, exif(), linear_profile if dtype is np.float32 else PROFILE)
    iptc = ["IPTC"] if source == ".tif" and target in (".webp", ".heic") else []
    out = without_words(path, tmp_path / f"b{target}", *iptc)
    if target == ".heic":
        assert pillow_heif.open_heif(out, convert_hdr_to_8bit=False).info["bit_depth"] > 8
    else:
        expected = {np.uint8: "uchar", np.uint16: "ushort", np.float32: "float"}[dtype]
        assert pyvips.Image.new_from_file(str(out)).format == ("uchar" if target in (".jpg", ".webp") else expected)
    if target in (".png", ".tif"):
        card = decode(out)[36:60, 52:76, :3]
        assert np.ptp(card.mean(axis=(0, 1))) < {np.uint8: 0.006, np.uint16: 0.002, np.float32: 1e-6}[dtype]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".avif", ".heic"])
def test_alpha_is_unchanged(suffix: str, linear: np.ndarray, rng: np.random.Generator, tmp_path: Path) -> None:
    alpha = np.kron(rng.integers(1, 256, (6, 8)), np.ones((16, 16), int)).astype(np.uint8)
    path = write(tmp_path / f"a{suffix}", np.dstack([encode(linear), alpha]), exif())
    before, after = decode(path), decode(correct_to(path, tmp_path / f"b{suffix}"))
    assert after.shape == before.shape == (96, 128, 4)
    assert np.abs(after[..., 3] - before[..., 3]).max() <= (0.03 if suffix in (".avif", ".heic") else 0)


class TestJpeg:
    @pytest.mark.parametrize(
        "options",
        [
            {"quality": 97, "subsampling": 0},
            {"quality": 80, "subsampling": 1},
            {"quality": 71, "subsampling": 2, "progressive": True},
        ],
    )
    def test_compression_is_that_of_the_source(
        self, options: dict[str, Any], linear: np.ndarray, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "a.jpg", encode(linear), exif(), **options)
        out = correct_to(path, tmp_path / "b.jpg")
        with Image.open(path) as before, Image.open(out) as after:
            assert after.quantization == before.quantization
            assert after.layer == before.layer
            assert after.info.get("progressive") == before.info.get("progressive")
            assert after.info["dpi"] == before.info["dpi"]
            assert after.size == before.size
        assert 0.5 < out.stat().st_size / path.stat().st_size < 1.5

    def test_thumbnail_shows_the_new_colours(self, linear: np.ndarray, tmp_path: Path) -> None:
        small = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(encode(linear)[::2, ::2])).save(small, "JPEG", quality=90, subsampling=0)
        path = write(tmp_path / "a.jpg", encode(linear), exif(thumbnail=small.getvalue()))
        for suffix in (".jpg", ".png", ".webp", ".avif"):
            out = correct_to(path, tmp_path / f"b{suffix}")
            with Image.open(out) as image:
                block = image.info["exif"].removeprefix(b"Exif\0\0")
            with Image.open(io.BytesIO(block[block.index(b"\xff\xd8\xff") :])) as thumbnail:
                card = np.asarray(thumbnail)[19:29, 27:37]
            assert np.ptp(card.mean(axis=(0, 1))) < 3

    def test_block_too_long_for_a_segment_keeps_what_fits(self, linear: np.ndarray, tmp_path: Path) -> None:
        main = Directory({271: (2, b"Acme\0"), 274: (3, b"\6\0")})
        main.children[34665] = Directory({37500: (7, b"note" * 20_000), 33434: (5, struct.pack("<2I", 1, 125))})
        block = b"II*\0" + struct.pack("<I", 8) + serialise(main, 8)
        path = write(tmp_path / "a.webp", encode(linear), block)
        out = without_words(path, tmp_path / "b.jpg", "greatest fields of EXIF")
        main_fields, photograph, _ = directories(out)
        assert main_fields[274] == 6
        assert 33434 in photograph
        assert 37500 not in photograph


class TestTiff:
    @pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
    def test_compression_and_fields(self, compression: str | None, linear: np.ndarray, tmp_path: Path) -> None:
        path = write(
            tmp_path / "a.tif", encode(linear, np.uint16), exif(), compression=compression, resolution=(240, 240)
        )
        out = correct_to(path, tmp_path / "b.tif")
        with tifffile.TiffFile(path) as before, tifffile.TiffFile(out) as after:
            old, new = before.pages.first.aspage(), after.pages.first.aspage()
            assert new.compression == old.compression
            for tag in (271, 282, 283, 296, 700, 33723, 34675):
                assert new.tags.valueof(tag) == old.tags.valueof(tag)

    def test_big_endian_bigtiff_with_tiles(self, linear: np.ndarray, tmp_path: Path) -> None:
        path = tmp_path / "a.tif"
        pixels = encode(linear, np.uint16)
        tifffile.imwrite(path, pixels, photometric="rgb", byteorder=">", bigtiff=True, tile=(32, 32))
        assert decode(correct_to(path, tmp_path / "b.tif")).shape == pixels.shape


def test_png_text_survives(linear: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", encode(linear), exif())
    with Image.open(correct_to(path, tmp_path / "b.png")) as image:
        image.load()
        assert image.info["Title"] == "A scene"
        assert image.info["dpi"] == pytest.approx((240, 240), abs=0.1)


def test_webp_stays_lossy_or_lossless(linear: np.ndarray, tmp_path: Path) -> None:
    for lossless, kind in ((True, b"VP8L"), (False, b"VP8 ")):
        path = write(tmp_path / "a.webp", encode(linear), exif(), lossless=lossless)
        awbkit.correct(path, tmp_path / "b.webp", illuminant=TUNGSTEN, if_exists="replace")
        assert kind in (tmp_path / "b.webp").read_bytes()[:2000]


def test_wide_gamut_profile_goes_along(linear: np.ndarray, tmp_path: Path) -> None:
    adobe = icc_profile(ADOBE_PRIMARIES, SRGB_CURVE)
    for target in SUFFIXES:
        path = write(tmp_path / "a.jpg", encode(linear), exif(), adobe)
        assert profile_of(correct_to(path, tmp_path / f"b{target}")) == adobe


def test_damaged_exif_never_stops_a_correction(linear: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "a.webp", encode(linear), b"no TIFF structure at all")
    for target in SUFFIXES:
        words = ["damaged EXIF"] if target == ".tif" else []
        assert decode(without_words(path, tmp_path / f"b{target}", *words)).shape == (96, 128, 3)


class TestFailures:
    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".heic"])
    def test_floating_point_needs_tiff(self, suffix: str, linear: np.ndarray, tmp_path: Path) -> None:
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, linear.astype(np.float32), photometric="rgb")
        with pytest.raises(OutputError, match=r"floating point.*\.tif"):
            correct_to(path, tmp_path / f"b{suffix}")
        assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]

    def test_unknown_suffix(self, linear: np.ndarray, tmp_path: Path) -> None:
        path = write(tmp_path / "a.png", encode(linear), exif())
        with pytest.raises(UsageError, match=r"cannot write \.bmp"):
            correct_to(path, tmp_path / "b.bmp")

    def test_picture_too_large_for_the_format(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        Image.new("RGB", (20_000, 1), (200, 120, 60)).save(path)
        with pytest.raises(OutputError, match="cannot be encoded"):
            correct_to(path, tmp_path / "b.webp")
        assert not (tmp_path / "b.webp").exists()

    def test_heic_without_its_codec(self, linear: np.ndarray, tmp_path: Path) -> None:
        write(tmp_path / "a.heic", encode(linear), exif())
        write(tmp_path / "a.png", encode(linear), exif())
        script = (
            "import sys; sys.modules['pillow_heif'] = None\n"
            "import awbkit\n"
            "for source, target in (('a.heic', 'b.png'), ('a.png', 'b.heic')):\n"
            "    try: awbkit.correct(source, target, illuminant=(1, 1, 1))\n"
            "    except awbkit.AwbError as error: print(error)\n"
        )
        found = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        reading, writing = found.stdout.splitlines()
        assert reading.startswith("reading HEIC needs")
        assert writing.startswith("writing HEIC needs")
        assert "[heif]'" in reading
        assert "[heif]'" in writing
