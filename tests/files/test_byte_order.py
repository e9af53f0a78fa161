"""Contents in the byte order of their file, carried into files of the other order, checked byte by byte."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

import awbkit
from awbkit.errors import AwbWarning
from awbkit.files import carry
from awbkit.files.byte_order import change_order
from awbkit.files.ifd import EXIF_IFD, GPS_IFD, Directory, Tiff, read_directory, serialise
from awbkit.files.rendered import open_rendered
from tests.helpers.pictures import encode
from tests.helpers.raw_files import RGGB, mosaic, write_dng

Writer = Callable[[Path, np.ndarray, str, bytes], Path]

LIGHT = (0.8, 1.0, 0.6)
COMMENT = "Grüße 日本"
IPTC = b"\x1c\x01\x5a\x00\x03\x1b%G\x1c\x02\x05\x00\x05Title\0\0"
RESOURCES = b"8BIM\x04\x04\0\0\0\0\0\x14" + IPTC
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
XMP += b" " * (-len(XMP) % 4)
PLAIN_NOTE = struct.pack(">HHHII", 1, 4, 4, 1, 1234) + bytes(4)
MARKED_NOTE = b"Nikon\0\2\x10\0\0MM\0*" + bytes(range(64))


def utf16(order: str) -> str:
    return "utf-16-le" if order == "<" else "utf-16-be"


def contents(order: str) -> dict[int, bytes]:
    """Every field of EXIF whose contents have a byte order."""
    table = struct.pack(order + "HH", 2, 1) + b"log\0value\0" + struct.pack(order + "2i2i", 1, 2, -3, 4)
    fractions = struct.pack(order + "14I", *range(14)), struct.pack(order + "4I", 1, 60, 1, 30)
    return {
        34856: table,
        37510: b"UNICODE\0" + COMMENT.encode(utf16(order)),
        41484: table,
        41730: struct.pack(order + "HH", 2, 2) + bytes([0, 1, 1, 2]),
        41995: struct.pack(order + "HH", 1, 1) + "flash\0".encode(utf16(order)),
        42082: fractions[0] + struct.pack(order + "HH", 1, 2) + fractions[1],
        50341: b"PrintIM\x000300\0\0" + struct.pack(order + "HHIHI", 2, 1, 0x160016, 2, 1),
    }


def directory(order: str, note: bytes = b"") -> Directory:
    main = Directory({271: (2, b"Acme\0"), 274: (3, b"\1\0")}, order=order)
    main.children[EXIF_IFD] = Directory({tag: (7, content) for tag, content in contents(order).items()}, order=order)
    if note:
        main.children[EXIF_IFD].fields[37500] = (7, note)
    text = b"UNICODE\0" + "GPS".encode(utf16(order))
    main.children[GPS_IFD] = Directory({1: (2, b"N\0"), 27: (7, text), 28: (7, b"ASCII\0\0\0Zurich")}, order=order)
    return main


def block(order: str, note: bytes = b"") -> bytes:
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HI", 42, 8) + serialise(directory(order, note), 8, order)


def write_tiff(path: Path, scene: np.ndarray, order: str, note: bytes = b"") -> Path:
    """A TIFF with EXIF, and with IPTC, Photoshop's resources and XMP that it calls long numbers."""
    tags = [
        (33723, 4, len(IPTC) // 4, IPTC, True),
        (34377, 4, len(RESOURCES) // 4, RESOURCES, True),
        (700, 4, len(XMP) // 4, XMP, True),
    ]
    tifffile.imwrite(path, encode(scene[:32, :48]), photometric="rgb", metadata=None, byteorder=order, extratags=tags)
    data = path.read_bytes()
    tiff = Tiff(data)
    main, own = read_directory(tiff, tiff.first_offset), directory(order, note)
    main.fields |= own.fields
    main.children = own.children
    at = len(data) + len(data) % 2
    path.write_bytes(
        data[:4] + struct.pack(order + "I", at) + data[8:].ljust(at - 8, b"\0") + serialise(main, at, order)
    )
    return path


def write_jpeg(path: Path, scene: np.ndarray, order: str, note: bytes = b"") -> Path:
    Image.fromarray(encode(scene[:32, :48])).save(path, exif=b"Exif\0\0" + block(order, note))
    return path


def read(path: Path) -> tuple[str, Directory]:
    """The byte order of a file's EXIF, and its fields."""
    if path.suffix in (".tif", ".dng"):
        data = path.read_bytes()
    else:
        data = (
            carry.read_metadata(
                open_rendered(str(path), {".jpg": "jpeg"}.get(path.suffix, path.suffix[1:]), "auto", None)
            ).exif
            or b""
        )
    tiff = Tiff(data)
    return tiff.order, read_directory(tiff, tiff.first_offset)


def assert_same(path: Path, note: bytes = b"") -> str:
    order, main = read(path)
    exif, gps = main.children[EXIF_IFD], main.children[GPS_IFD]
    assert {tag: exif.fields[tag][1] for tag in contents(order)} == contents(order)
    assert exif.fields.get(37500, (7, b""))[1] == note
    assert gps.fields[27][1] == b"UNICODE\0" + "GPS".encode(utf16(order))
    assert gps.fields[28][1] == b"ASCII\0\0\0Zurich"
    return order


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".heic"])
@pytest.mark.parametrize("write", [write_tiff, write_jpeg])
def test_a_block_keeps_the_byte_order_of_its_source(
    tmp_path: Path, scene: np.ndarray, write: Writer, suffix: str, order: str
) -> None:
    source = write(tmp_path / ("a.tif" if write is write_tiff else "a.jpg"), scene, order, PLAIN_NOTE)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*without IPTC")
        awbkit.correct(source, tmp_path / f"b{suffix}", illuminant=LIGHT)
    assert assert_same(tmp_path / f"b{suffix}", PLAIN_NOTE) == order


@pytest.mark.parametrize("write", [write_tiff, write_jpeg])
@pytest.mark.parametrize(
    "note", [b"", MARKED_NOTE, b"FUJIFILM\x0c\0\0\0\0\0", b"some text\n\0", b"Apple iOS\0\0\1MM\0\1"]
)
def test_a_tiff_turns_what_has_a_byte_order(tmp_path: Path, scene: np.ndarray, write: Writer, note: bytes) -> None:
    source = write(tmp_path / ("a.tif" if write is write_tiff else "a.jpg"), scene, ">", note)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        awbkit.correct(source, tmp_path / "b.tif", illuminant=LIGHT)
    assert assert_same(tmp_path / "b.tif", note) == "<"


@pytest.mark.parametrize("write", [write_tiff, write_jpeg])
def test_a_maker_note_in_another_order_than_its_tiff_is_told_of(
    tmp_path: Path, scene: np.ndarray, write: Writer
) -> None:
    source = write(tmp_path / ("a.tif" if write is write_tiff else "a.jpg"), scene, ">", PLAIN_NOTE)
    with pytest.warns(AwbWarning, match="without the byte order of the MakerNote") as told:
        awbkit.correct(source, tmp_path / "b.tif", illuminant=LIGHT)
    assert len(told) == 1
    assert assert_same(tmp_path / "b.tif", PLAIN_NOTE) == "<"


@pytest.mark.parametrize("order", ["<", ">"])
def test_blocks_under_longer_numbers_stay_byte_for_byte(tmp_path: Path, scene: np.ndarray, order: str) -> None:
    source = write_tiff(tmp_path / "a.tif", scene, order)
    awbkit.correct(source, tmp_path / "b.tif", illuminant=LIGHT)
    _, main = read(tmp_path / "b.tif")
    assert [main.fields[tag] for tag in (33723, 34377, 700)] == [(7, IPTC), (1, RESOURCES), (1, XMP)]
    # Their decoder finds them too.
    image = pyvips.Image.new_from_file(str(tmp_path / "b.tif"))
    assert bytes(image.get("iptc-data")) == IPTC


def test_iptc_in_words_of_the_other_order_is_put_right(tmp_path: Path, scene: np.ndarray) -> None:
    swapped = np.frombuffer(IPTC, "u4").byteswap().tobytes()
    tifffile.imwrite(
        tmp_path / "a.tif", encode(scene[:32, :48]), photometric="rgb", metadata=None,
        extratags=[(33723, 4, len(IPTC) // 4, swapped, True)],
    )  # fmt: skip
    awbkit.correct(tmp_path / "a.tif", tmp_path / "b.tif", illuminant=LIGHT)
    assert read(tmp_path / "b.tif")[1].fields[33723] == (7, IPTC)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_a_raw_in_the_other_order_gives_its_comment(tmp_path: Path, scene: np.ndarray, suffix: str) -> None:
    source = write_dng(tmp_path / "a.dng", mosaic(scene[:64, :64], RGGB), byteorder=">")
    comment = contents(">")[37510]
    data = source.read_bytes()
    tiff = Tiff(data)
    main = read_directory(tiff, tiff.first_offset)
    main.children[EXIF_IFD] = Directory({37510: (7, comment)}, order=">")
    at = len(data) + len(data) % 2
    source.write_bytes(data[:4] + struct.pack(">I", at) + data[8:].ljust(at - 8, b"\0") + serialise(main, at, ">"))
    awbkit.correct(source, tmp_path / f"b{suffix}", illuminant=LIGHT)
    order, found = read(tmp_path / f"b{suffix}")
    assert found.children[EXIF_IFD].fields[37510][1] == contents(order)[37510]


DAMAGED = {
    34856: (b"", b"\0\2\0\1ab", b"\0\1\0\1a\0" + bytes(7), b"\xff\xff\xff\xff\0"),
    37510: (b"", b"UNICODE", b"ASCII\0\0\0x", b"JIS\0\0\0\0\0xy"),
    41730: (b"", b"\0\2", b"\0\2\0\2\0\1\1"),
    50341: (b"", b"PrintIM\0", b"PrintIM\x000300\0\0\0\x09" + bytes(12), b"PrintXM\x000300\0\0\0\1" + bytes(6)),
}


@pytest.mark.parametrize("tag", DAMAGED)
def test_contents_without_the_structure_of_their_field_stay(tag: int) -> None:
    for content in DAMAGED[tag]:
        main = Directory(children={EXIF_IFD: Directory({tag: (7, content)}, order=">")}, order=">")
        assert change_order(main, "<") == []
        assert main.children[EXIF_IFD].fields[tag] == (7, content)


def test_there_and_back_is_the_same() -> None:
    for order, other in (("<", ">"), (">", "<")):
        main = directory(order)
        change_order(main, other)
        assert main == directory(other)
        change_order(main, order)
        assert main == directory(order)
