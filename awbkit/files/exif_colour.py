"""Adobe RGB as cameras state it: in EXIF alone, without an ICC profile.

DCF 2.0 (JEITA CP-3461B) has a file in its optional colour space say "uncalibrated" in EXIF's ColorSpace and "R03" in
the interoperability directory. Cameras older than that, and some newer ones, say it in their MakerNote only. The tags
are those that ExifTool documents.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from copy import copy
from typing import NamedTuple

from awbkit.files.encoding import Encoding, power, primaries_to_srgb
from awbkit.files.ifd import EXIF_IFD, INTEROP_IFD, Buffer, Entry, Ifd, Tiff, map_file
from awbkit.files.jpeg import EXIF_HEADER

_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_RGB = Encoding(
    "compatible with Adobe RGB (1998)",
    (power(563 / 256),) * 3,
    primaries_to_srgb(_PRIMARIES, (0.3127, 0.3290)),
)

_MAKE, _CHROMATICITIES, _MAKER_NOTE, _COLOR_SPACE, _INTEROP_INDEX = 271, 319, 37500, 40961, 1
_SRGB, _ADOBE = 1, 2
_ASCII, _RATIONAL = 2, 5


class _Note(NamedTuple):
    """Where a kind of MakerNote says that its picture is in Adobe RGB.

    Attributes:
        start: How the note begins; empty for those that have no header.
        make: How the name of the maker begins, in capitals, where the note has no header.
        order: Where the note names its own byte order, or None.
        base: The place in the note from which its offsets count; None where they count from EXIF's own header.
        directory: Where the note's directory lies.
        tags: The tag, behind those of the directories that lead to it.
        values: Its values, numbers or text, that stand for Adobe RGB.
    """

    start: bytes
    make: str
    order: int | None
    base: int | None
    directory: int
    tags: tuple[int, ...]
    values: tuple[int | str, ...]


_NOTES = (
    _Note(b"Nikon\0\2", "", 10, 10, 18, (0x001E,), (2,)),
    _Note(b"Nikon\0\2", "", 10, 10, 18, (0x008D,), ("MODE2",)),
    _Note(b"OLYMPUS\0", "", 8, 0, 12, (0x2020, 0x0507), (1,)),
    _Note(b"OM SYSTEM\0", "", 12, 0, 16, (0x2020, 0x0507), (1,)),
    _Note(b"AOC\0", "", 4, None, 6, (0x0037,), (1,)),
    _Note(b"PENTAX \0", "", 8, None, 10, (0x0037,), (1,)),
    _Note(b"SONY DSC ", "", None, None, 12, (0xB029,), (7,)),
    _Note(b"SONY CAM ", "", None, None, 12, (0xB029,), (7,)),
    _Note(b"SIGMA\0", "", None, None, 10, (0x000B,), ("Adobe RGB", "AdobeRGB")),
    _Note(b"FOVEON\0", "", None, None, 10, (0x000B,), ("Adobe RGB", "AdobeRGB")),
    _Note(b"", "CANON", None, None, 0, (0x00B4,), (2,)),
    _Note(b"", "MINOLTA", None, None, 0, (0x0101,), (4, 0x84)),
    _Note(b"", "KONICA MINOLTA", None, None, 0, (0x0101,), (4, 0x84)),
    _Note(b"", "SAMSUNG", None, None, 0, (0xA011,), (1,)),
)
_ORDERS = {b"II": "<", b"MM": ">"}


def encoding_of_exif(path: str, kind: str, exif: bytes | None) -> Encoding | None:
    """:data:`ADOBE_RGB` where EXIF says so, else None.

    "Uncalibrated" alone does not count: libvips, for one, writes it beside sRGB.

    Args:
        path: The file.
        kind: Its format; a TIFF holds EXIF's fields among its own.
        exif: The EXIF block of any other format.
    """
    with suppress(ValueError):
        if kind == "tiff":
            with map_file(path) as data:
                return ADOBE_RGB if _states_adobe_rgb(data) else None
        if exif:
            return ADOBE_RGB if _states_adobe_rgb(exif.removeprefix(EXIF_HEADER)) else None
    return None


def _states_adobe_rgb(data: Buffer) -> bool:
    tiff = Tiff(data)
    main = tiff.ifd(tiff.first_offset)
    exif = _subdirectory(tiff, main, EXIF_IFD)
    space = tiff.number(exif.entries.get(_COLOR_SPACE))
    if space in (_SRGB, _ADOBE):
        return space == _ADOBE
    if _text(tiff, _subdirectory(tiff, exif, INTEROP_IFD).entries.get(_INTEROP_INDEX)) == "R03":
        return True
    note = exif.entries.get(_MAKER_NOTE)
    if note and _note_states_adobe_rgb(tiff, note, _text(tiff, main.entries.get(_MAKE))):
        return True
    return _is_adobe(tiff, main.entries.get(_CHROMATICITIES))


def _subdirectory(tiff: Tiff, ifd: Ifd, tag: int) -> Ifd:
    """The directory that a field points to; an empty one if it does not lie in the file."""
    with suppress(ValueError):
        return tiff.ifd(tiff.number(ifd.entries.get(tag)) or 0)
    return Ifd({}, 0, 0)


def _text(tiff: Tiff, entry: Entry | None) -> str:
    return tiff.bytes_of(entry).rstrip(b"\0 ").decode("latin-1") if entry else ""


def _is_adobe(tiff: Tiff, entry: Entry | None) -> bool:
    """Whether PrimaryChromaticities are those of Adobe RGB, as Canon writes them beside ColorSpace."""
    if entry is None or entry.kind != _RATIONAL or entry.values != 6:
        return False
    numbers = struct.unpack(tiff.order + "12I", tiff.bytes_of(entry))
    pairs = zip(numbers[::2], numbers[1::2], (v for xy in _PRIMARIES for v in xy), strict=True)
    return all(below and abs(above / below - wanted) < 0.005 for above, below, wanted in pairs)


def _note_states_adobe_rgb(tiff: Tiff, entry: Entry, make: str) -> bool:
    note = tiff.bytes_of(entry)
    for row in _NOTES:
        if note.startswith(row.start) and make.upper().startswith(row.make):
            with suppress(ValueError):
                if _read_field(tiff, entry.offset, note, row) in row.values:
                    return True
    return False


def _read_field(tiff: Tiff, where: int, note: bytes, row: _Note) -> int | str | None:
    """The number or text of the field that a row names; None if the note has none.

    Raises:
        ValueError: If a directory on the way to it does not lie in the file.
    """
    order = tiff.order
    if row.order is not None:
        order = _ORDERS.get(note[row.order : row.order + 2], order)
    if row.base is None:
        tiff, at = copy(tiff), where + row.directory
    else:
        # With a TIFF header in place of the note's own, its offsets count from the right place.
        at = row.directory - row.base
        tiff = Tiff((b"II*\0" if order == "<" else b"MM\0*") + bytes(4) + note[row.base + 8 :])
    tiff.order = order
    ifd = tiff.ifd(at)
    for tag in row.tags[:-1]:
        ifd = tiff.ifd(tiff.number(ifd.entries.get(tag)) or 0)
    field = ifd.entries.get(row.tags[-1])
    return _text(tiff, field) if field and field.kind == _ASCII else tiff.number(field)
