"""EXIF blocks: camera and orientation read, and blocks made for developed raws."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from awbkit.files import exif
from awbkit.files.embed import MAX_JPEG_BLOCK

PREFIX = b"Exif\0\0"


def block(main: dict[int, Any], sub: dict[int, Any] | None = None, endian: str = "<") -> bytes:
    """An EXIF block as Pillow writes it, without the prefix."""
    made = Image.Exif()
    made.endian = endian
    for tag, value in main.items():
        made[tag] = value
    made.get_ifd(34665).update(sub or {})
    return made.tobytes().removeprefix(PREFIX)


def parse(data: bytes) -> Image.Exif:
    found = Image.Exif()
    found.load(PREFIX + data)
    return found


class TestMakeModel:
    @pytest.mark.parametrize(
        ("make", "model", "expected"),
        [
            ("Canon", "Canon EOS 550D", "Canon EOS 550D"),
            ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
            ("SONY", "ILCE-7M3", "SONY ILCE-7M3"),
            ("FUJIFILM", "X-T4   ", "FUJIFILM X-T4"),
            ("Apple", "iPhone 12", "Apple iPhone 12"),
            ("samsung", "Samsung NX1", "Samsung NX1"),
            ("  OLYMPUS  CORPORATION ", "E-M1\t", "OLYMPUS CORPORATION E-M1"),
            ("Canon", "", "Canon"),
            ("", "X100", "X100"),
            ("Xiaomi 小米", "Mi", "Xiaomi 小米 Mi"),
        ],
    )
    @pytest.mark.parametrize("endian", ["<", ">"])
    @pytest.mark.parametrize("prefix", [b"", PREFIX])
    def test_names(self, make: str, model: str, expected: str, endian: str, prefix: bytes) -> None:
        fields: dict[int, Any] = {271: make.encode(), 272: model.encode() + b"\0\0 junk"}
        data = block({tag: value for tag, value in fields.items() if value.strip(b"\0")}, endian=endian)
        assert exif.read_make_model(prefix + data) == expected

    @pytest.mark.parametrize(
        "data", [b"", PREFIX, b"II*\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08\xff\xff", block({274: 3})]
    )
    def test_unknown(self, data: bytes) -> None:
        assert exif.read_make_model(data) == ""

    @given(st.binary(max_size=60), st.integers(0, 90))
    @settings(max_examples=150, deadline=None)
    def test_garbage_never_raises(self, noise: bytes, at: int) -> None:
        data = block({271: "Canon", 272: "Canon EOS 550D", 274: 6})
        for damaged in (noise, data[:at] + noise, data[:at] + noise + data[at + len(noise) :], b"II*\0" + noise):
            assert exif.read_make_model(damaged).isprintable()
            assert 1 <= exif.read_orientation(damaged) <= 8


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("endian", ["<", ">"])
    def test_reads(self, orientation: int, endian: str) -> None:
        assert exif.read_orientation(block({274: orientation}, endian=endian)) == orientation

    @pytest.mark.parametrize("orientation", [0, 9, 65535])
    def test_nonsense_is_upright(self, orientation: int) -> None:
        assert exif.read_orientation(block({274: orientation})) == 1

    def test_wrong_type_is_upright(self) -> None:
        data = b"II*\0\x08\0\0\0" + struct.pack("<HHHI4sI", 1, 274, 2, 2, b"6\0\0\0", 0)
        assert exif.read_orientation(data) == 1

    def test_none_is_upright(self) -> None:
        assert exif.read_orientation(b"") == exif.read_orientation(block({271: "Canon"})) == 1


def write_raw(path: Path, order: str = "<", extra: tuple[Any, ...] = ()) -> None:
    """A DNG-like file: a mosaic, TIFF/EP exposure data in the first directory, and raw tags."""
    fields = (
        (271, 2, 0, "Canon", True),
        (272, 2, 0, "Canon EOS 550D", True),
        (274, 3, 1, 8, True),
        (315, 2, 0, "José".encode() + b"\0", True),
        (33432, 2, 0, "(c) me", True),
        (33434, 5, 1, (1, 250), True),
        (34855, 3, 1, 400, True),
        (50706, 1, 4, (1, 4, 0, 0), True),
        (50721, 10, 9, (1, 1) * 9, True),
        *extra,
    )
    mosaic = np.arange(64 * 48, dtype=np.uint16).reshape(48, 64)
    tifffile.imwrite(path, mosaic, byteorder=order, photometric=32803, extratags=fields, metadata=None)


class TestFromRaw:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_describes_the_photograph_and_not_the_sensor_data(self, tmp_path: Path, order: str) -> None:
        write_raw(tmp_path / "a.dng", order)
        made = exif.from_raw(tmp_path / "a.dng", size=(640, 480))
        assert made is not None
        found = parse(made)
        assert (found[271], found[272], found[274], found[33432]) == ("Canon", "Canon EOS 550D", 1, "(c) me")
        assert "José".encode() in made
        assert not {256, 257, 273, 279, 262, 50706, 50721} & dict(found).keys()
        inside = found.get_ifd(34665)
        assert inside[33434] == IFDRational(1, 250)
        assert (inside[34855], inside[40961], inside[40962], inside[40963]) == (400, 1, 640, 480)
        assert inside[36864] == b"0232"

    @pytest.mark.parametrize("magic", [b"II*\0", b"IIRO", b"IIRS", b"IIU\0", b"MM\0*", b"MMOR"])
    def test_headers_of_the_makers(self, tmp_path: Path, magic: bytes) -> None:
        order = "<" if magic[:2] == b"II" else ">"
        sub = {33434: IFDRational(1, 60), 37500: b"maker note", 36864: b"0231", 40962: 9999, 42240: 2.2}
        data = block({271: "OLYMPUS", 272: "E-M1", 274: 6}, sub, order)
        (tmp_path / "a.orf").write_bytes(magic + data[4:])
        made = exif.from_raw(tmp_path / "a.orf")
        assert made is not None
        assert dict(parse(made).get_ifd(34665)) == {33434: IFDRational(1, 60), 36864: b"0231", 40961: 1}
        assert parse(made)[274] == 1

    def test_position_survives(self, tmp_path: Path) -> None:
        original = Image.Exif()
        original[271] = "Canon"
        original.get_ifd(34853).update({1: "N", 2: (52.0, 31.0, 12.0)})
        (tmp_path / "a.nef").write_bytes(original.tobytes().removeprefix(PREFIX))
        made = exif.from_raw(tmp_path / "a.nef")
        assert made is not None
        assert parse(made).get_ifd(34853) == {1: "N", 2: (52.0, 31.0, 12.0)}

    def test_cr3_boxes(self, tmp_path: Path) -> None:
        def box(kind: bytes, content: bytes) -> bytes:
            return struct.pack(">I", len(content) + 8) + kind + content

        blocks = (
            (b"CMT1", block({271: "Canon", 272: "Canon EOS R5", 274: 6})),
            (b"CMT2", block({33434: IFDRational(1, 1000), 37500: b"note", 34855: 100})),
            (b"CMT3", block({1: 2})),
            (b"CMT4", block({1: "N", 2: (IFDRational(48), IFDRational(51), IFDRational(0))})),
        )
        canon = box(b"uuid", bytes(16) + b"".join(box(kind, data) for kind, data in blocks))
        file = box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", canon) + box(b"mdat", bytes(99))
        (tmp_path / "a.cr3").write_bytes(file)
        made = exif.from_raw(tmp_path / "a.cr3")
        assert made is not None
        found = parse(made)
        assert (found[272], found[274]) == ("Canon EOS R5", 1)
        assert dict(found.get_ifd(34665)) == {33434: 0.001, 34855: 100, 36864: b"0232", 40961: 1}
        assert found.get_ifd(34853) == {1: "N", 2: (48.0, 51.0, 0.0)}

    def test_raf_preview(self, tmp_path: Path) -> None:
        preview = io.BytesIO()
        data = block({271: "FUJIFILM", 272: "X-T4", 274: 8}, {33434: IFDRational(1, 125), 37500: b"FUJIFILM note"})
        Image.new("RGB", (16, 16)).save(preview, "JPEG", exif=PREFIX + data)
        header = b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0") + struct.pack(">II", 160, len(preview.getvalue()))
        (tmp_path / "a.raf").write_bytes(header.ljust(160, b"\0") + preview.getvalue() + bytes(500))
        made = exif.from_raw(tmp_path / "a.raf")
        assert made is not None
        assert (parse(made)[272], parse(made)[274]) == ("X-T4", 1)
        assert dict(parse(made).get_ifd(34665)) == {33434: 0.008, 36864: b"0232", 40961: 1}

    def test_fits_into_a_jpeg_segment(self, tmp_path: Path) -> None:
        huge = block({271: "Canon", 270: "d" * 50_000}, {37510: b"c" * 60_000, 33434: IFDRational(1, 60)})
        (tmp_path / "a.dng").write_bytes(huge)
        made = exif.from_raw(tmp_path / "a.dng")
        assert made is not None
        assert len(made) <= MAX_JPEG_BLOCK
        assert 37510 not in parse(made).get_ifd(34665)
        assert parse(made).get_ifd(34665)[33434] == IFDRational(1, 60)
        assert len(parse(made)[270]) == 50_000

    @pytest.mark.parametrize(
        "content",
        [b"", b"garbage" * 50, b"II*\0\x08\0\0\0\0\0\0\0\0\0", b"\0\0\0\x18ftypcrx ", b"FUJIFILM" + bytes(99)],
    )
    def test_no_exif_is_none(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.raf").write_bytes(content)
        assert exif.from_raw(tmp_path / "a.raf") is None

    def test_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            exif.from_raw(tmp_path / "none.dng")


@pytest.mark.parametrize("stated", [0, 9, 65535, -1, None, b"\1\1", "abc", (6, 6), 6.0])
def test_what_is_no_orientation_turns_nothing(stated: object) -> None:
    assert exif.sound_orientation(stated) == 1
