"""Metadata carried between TIFF files, checked with Pillow, tifffile and libvips."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from awbkit.files import tiff
from awbkit.files.ifd import Tiff, read_directory
from awbkit.files.metadata import Metadata

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>\xc3\xa9</x:xmpmeta>"
IPTC = b"\x1c\x02\x05\x00\x05Title"
THUMBNAIL_RESOURCE = b"8BIM\x04\x0c\0\0\0\0\0\x03odd\0"
IPTC_RESOURCE = b"8BIM\x04\x04\0\0\0\0\0\x0a" + IPTC
MAKER_NOTE = b"Nikon\0\x02\x10\0\0MM\0*" + bytes(range(256))
ARTIST = "José Ñandú 日本".encode() + b"\0"


def pixels(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (60, 80, 3), dtype=np.uint16)


def write_source(path: Path, order: str = "<", big: bool = False, extra: tuple[Any, ...] = (), **options: Any) -> None:
    fields = [
        (271, 2, 0, "Canon", True),
        (272, 2, 0, "Canon EOS 550D", True),
        (274, 3, 1, 6, True),
        (315, 2, 0, ARTIST, True),
        (33432, 2, 0, "(c) me", True),
        (700, 1, None, XMP, True),
        (33723, 7, None, IPTC, True),
        (34377, 1, None, IPTC_RESOURCE + THUMBNAIL_RESOURCE, True),
        (34675, 7, None, PROFILE, True),
        (37724, 7, None, b"layers" * 100, True),
        (40091, 1, None, "Größe".encode("utf-16-le"), True),
        (33550, 12, 3, (0.5, 0.5, -3e300), True),
        (65000, 3, 5, (1, 2, 3, 500, 65535), True),
        (65001, 9, 1, -7, True),
        *extra,
    ]
    data = {"data": pixels(), "photometric": "rgb", "compression": "zlib", "metadata": None, **options}
    if "description" not in data:
        data["description"] = "A view"
    tifffile.imwrite(
        path, byteorder=order, bigtiff=big, extratags=fields, resolution=(300.5, 72), resolutionunit=3, **data
    )


def write_target(path: Path, big: bool = False, **options: Any) -> np.ndarray:
    new = pixels(seed=1)
    pyvips.Image.new_from_array(new).copy(interpretation="rgb16").tiffsave(
        str(path), compression="deflate", predictor="horizontal", tile=True, tile_width=32, tile_height=32,
        bigtiff=big, **options
    )  # fmt: skip
    return new


def tags(path: Path) -> dict[int, Any]:
    with tifffile.TiffFile(path) as file:
        return {tag.code: tag.value for tag in file.pages[0].tags}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source.tif"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target.tif"


class TestGraft:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("big", [False, True])
    @pytest.mark.parametrize("target_big", [False, True])
    def test_fields_survive(self, source: Path, target: Path, order: str, big: bool, target_big: bool) -> None:
        write_source(source, order, big)
        new = write_target(target, target_big)
        layout = {code: value for code, value in tags(target).items() if code in {256, 258, 259, 317, 322, 324, 325}}
        tiff.graft(target, source)
        before, after = tags(source), tags(target)
        for code in (270, 271, 272, 274, 282, 283, 296, 305, 315, 700, 33432, 33550, 33723, 34675, 40091, 65000, 65001):
            assert after[code] == before[code], code
        assert after[34377] == IPTC_RESOURCE
        assert 37724 not in after
        assert {code: after[code] for code in layout} == layout
        np.testing.assert_array_equal(tifffile.imread(target), new)
        reread = pyvips.Image.new_from_file(str(target))
        np.testing.assert_array_equal(reread.numpy(), new)
        assert reread.get("orientation") == 6
        assert reread.get("icc-profile-data") == PROFILE
        with Image.open(target) as image:
            assert image.tag_v2.get(272) == "Canon EOS 550D"

    def test_text_in_any_encoding_survives_byte_for_byte(self, source: Path, target: Path) -> None:
        write_source(source, ">")
        write_target(target)
        tiff.graft(target, source)
        data = target.read_bytes()
        structure = Tiff(data)
        entry = structure.ifd(structure.first_offset).entries[315]
        assert data[entry.offset : entry.offset + entry.size] == ARTIST

    @pytest.mark.parametrize("endian", ["<", ">"])
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("big", [False, True])
    def test_exif_gps_and_interoperability(
        self, source: Path, target: Path, endian: str, order: str, big: bool
    ) -> None:
        exif = Image.Exif()
        exif.endian = endian
        exif[271] = "NIKON CORPORATION"
        exif.get_ifd(34665).update(
            {33434: IFDRational(1, 250), 37380: IFDRational(-1, 3), 37500: MAKER_NOTE, 40965: {1: "R98"}}
        )
        exif.get_ifd(34853).update({1: "N", 2: (IFDRational(52), IFDRational(31), IFDRational(1234, 100)), 5: b"\1"})
        write_source(source, order, big)
        tiff.embed(source, Metadata(exif.tobytes().removeprefix(b"Exif\0\0")))
        new = write_target(target)
        tiff.graft(target, source)
        # Pillow takes a big-endian BigTIFF for a classic one.
        for path in (target,) if big and order == ">" else (source, target):
            with Image.open(path) as image:
                found = image.getexif()
                assert found[271] == "NIKON CORPORATION"
                inside = dict(found.get_ifd(34665))
                assert inside.pop(40965) > 8
                assert inside == {33434: IFDRational(1, 250), 37380: IFDRational(-1, 3), 37500: MAKER_NOTE}
                assert found.get_ifd(34853) == {1: "N", 2: (52.0, 31.0, 12.34), 5: b"\1"}
                assert found.get_ifd(40965) == {1: "R98"}
        np.testing.assert_array_equal(tifffile.imread(target), new)

    def test_profile_of_the_target_wins(self, source: Path, target: Path) -> None:
        write_source(source)
        image = pyvips.Image.new_from_array(pixels(1)).copy(interpretation="rgb16")
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", PROFILE + b"new!")
        image.tiffsave(str(target))
        tiff.graft(target, source)
        assert tags(target)[34675] == PROFILE + b"new!"

    def test_dng_fields_stay_behind(self, source: Path, target: Path) -> None:
        dng = ((50706, 1, 4, (1, 4, 0, 0), True), (50714, 3, 1, 512, True), (50721, 10, 1, (1, 2), True))
        write_source(source, extra=dng)
        write_target(target)
        tiff.graft(target, source)
        assert not {50706, 50714, 50721} & tags(target).keys()
        assert tags(target)[272] == "Canon EOS 550D"

    def test_imagej_fields_survive(self, source: Path, target: Path) -> None:
        write_source(source, extra=((50839, 1, None, b"IJIJlabl", True), (50838, 4, 2, (4, 4), True)))
        write_target(target)
        tiff.graft(target, source)
        assert {50838, 50839} <= tags(target).keys()

    def test_further_pages_of_the_target_stay_linked(self, source: Path, target: Path) -> None:
        write_source(source)
        write_target(target, pyramid=True)
        with tifffile.TiffFile(target) as file:
            pages = len(file.pages)
        tiff.graft(target, source)
        with tifffile.TiffFile(target) as file:
            assert len(file.pages) == pages > 1

    def test_other_storage_of_the_source_leaves_no_trace(self, source: Path, target: Path) -> None:
        write_source(source, data=pixels().astype(np.uint8), compression="lzw", predictor=True, rowsperstrip=7)
        new = write_target(target)
        tiff.graft(target, source)
        np.testing.assert_array_equal(tifffile.imread(target), new)
        assert 278 not in tags(target)

    def test_twice_is_the_same(self, source: Path, target: Path) -> None:
        write_source(source, ">")
        write_target(target)
        tiff.graft(target, source)
        once = tags(target)
        tiff.graft(target, source)
        assert tags(target) == once

    @pytest.mark.parametrize("content", [b"II", b"II*\0\xff\xff\xff\x7f", b"\x89PNG\r\n\x1a\n", b"MM\0+\0\x08"])
    def test_other_files_are_value_errors(self, source: Path, target: Path, content: bytes) -> None:
        write_source(source)
        good = source.read_bytes()
        target.write_bytes(content)
        with pytest.raises(ValueError, match="TIFF"):
            tiff.graft(target, source)
        assert target.read_bytes() == content
        with pytest.raises(ValueError, match="TIFF"):
            tiff.graft(source, target)
        assert source.read_bytes() == good

    def test_missing_file_is_an_os_error(self, source: Path, target: Path) -> None:
        with pytest.raises(FileNotFoundError):
            tiff.graft(target, source)

    @pytest.mark.slow
    @given(st.integers(0, 2000), st.binary(min_size=1, max_size=12))
    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_damaged_source_never_damages_the_target(self, tmp_path: Path, at: int, noise: bytes) -> None:
        sound, damaged, target = tmp_path / "sound.tif", tmp_path / "damaged.tif", tmp_path / "t.tif"
        if not sound.exists():
            write_source(sound)
        data = bytearray(sound.read_bytes())
        data[at : at + len(noise)] = noise
        damaged.write_bytes(data)
        new = write_target(target)
        try:
            tiff.graft(target, damaged)
        except ValueError as error:
            assert "TIFF" in str(error)  # noqa: PT017
        structure = Tiff(target.read_bytes())
        read_directory(structure, structure.first_offset)
        # tifffile would act on a tag number of some microscope maker that chance may bring forth.
        np.testing.assert_array_equal(pyvips.Image.new_from_file(str(target)).numpy(), new)


class TestEmbed:
    @pytest.mark.parametrize("endian", ["<", ">"])
    def test_block_arrives(self, target: Path, endian: str) -> None:
        exif = Image.Exif()
        exif.endian = endian
        exif[272], exif[274] = "Model", 1
        exif.get_ifd(34665).update({34855: 400, 37500: MAKER_NOTE})
        new = write_target(target)
        tiff.embed(target, Metadata(exif.tobytes().removeprefix(b"Exif\0\0")))
        with Image.open(target) as image:
            assert image.getexif()[272] == "Model"
            assert image.getexif().get_ifd(34665) == {34855: 400, 37500: MAKER_NOTE}
        np.testing.assert_array_equal(tifffile.imread(target), new)

    def test_classic_file_at_its_limit_is_a_value_error(self, target: Path) -> None:
        write_target(target)
        with target.open("r+b") as file:
            file.truncate((1 << 32) - 64)
        try:
            with pytest.raises(ValueError, match="4 GiB"):
                tiff.embed(target, Metadata(b"II*\0\x08\0\0\0" + struct.pack("<HHHI4sI", 1, 274, 3, 1, b"\6\0\0\0", 0)))
            assert target.stat().st_size == (1 << 32) - 64
        finally:
            target.unlink()
