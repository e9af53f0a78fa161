"""EXIF blocks (EXIF 3.0 / CIPA DC-008): read the camera and the orientation, and describe a developed raw.

A block here is the TIFF structure that JPEG, PNG, WebP and HEIF all embed. The ``Exif\\0\\0`` that JPEG puts in
front of it is accepted where a block is read and never part of one that is returned.
"""

from __future__ import annotations

import os
import struct

from awbkit.files.embed import MAX_JPEG_BLOCK
from awbkit.files.ifd import (
    EXIF_IFD,
    GPS_IFD,
    INTEROP_IFD,
    Buffer,
    Directory,
    Ifd,
    Tiff,
    map_file,
    read_directory,
    serialise,
)
from awbkit.files.jpeg import EXIF_HEADER, segments
from awbkit.files.remarks import heed_remarks

_MAKE, _MODEL, _ORIENTATION = 271, 272, 274
_EXIF_VERSION, _MAKER_NOTE, _COLOR_SPACE, _WIDTH, _HEIGHT = 36864, 37500, 40961, 40962, 40963
_SHORT, _LONG, _UNDEFINED = 3, 4, 7

DESCRIPTION_TAGS = frozenset(
    (270, _MAKE, _MODEL, _ORIENTATION, 305, 306, 315, 0x4746, 0x4749, 33432, *range(0x9C9B, 0x9CA0))
)
"""Tags of a first directory that describe the photograph; of a raw, the others describe how its data are stored."""
# Exposure data that TIFF/EP (ISO 12234-2) and DNG allow in the first directory.
_EXPOSURE = frozenset((33434, 33437, 34850, 34855, 36867, *range(37377, 37387)))
# True for the stored sensor data or for an embedded preview, but not for the developed picture; private ones, too.
_RAW_ONLY = frozenset((_MAKER_NOTE, INTEROP_IFD, 37121, 37122, 42240, 50341, 0xEA1C, 0xEA1D))


def read_make_model(exif: bytes) -> str:
    """Name of the camera as "Make Model", the make not repeated if the model starts with it; "" if unknown."""
    found = _main_directory(exif)
    if found is None:
        return ""
    make, model = (_text(*found, tag) for tag in (_MAKE, _MODEL))
    first_word = make.split(" ", 1)[0].lower()
    if first_word and model.lower().startswith(first_word):
        return model
    return f"{make} {model}".strip()


def read_orientation(exif: bytes) -> int:
    """Orientation, 1 to 8; 1 if the block states no orientation or an impossible one."""
    found = _main_directory(exif)
    value = found[0].number(found[1].entries.get(_ORIENTATION)) if found else None
    return sound_orientation(value)


def sound_orientation(stated: object) -> int:
    """The orientation, 1 to 8. Any other value counts as 1, as in all viewers."""
    return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1


def _text(tiff: Tiff, ifd: Ifd, tag: int) -> str:
    entry = ifd.entries.get(tag)
    text = tiff.bytes_of(entry).split(b"\0", 1)[0].decode("utf-8", "ignore") if entry else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _main_directory(exif: bytes) -> tuple[Tiff, Ifd] | None:
    try:
        tiff = Tiff(exif.removeprefix(EXIF_HEADER))
        return tiff, tiff.ifd(tiff.first_offset)
    except ValueError:
        return None


def from_raw(path: str | os.PathLike[str], size: tuple[int, int] | None = None) -> bytes | None:
    """Make the EXIF block of a picture in sRGB that was developed from a camera raw.

    The block keeps camera, lens, exposure, date, author, copyright and position. It loses the MakerNote, previews and
    everything that describes the stored sensor data. Orientation is 1, since developing has turned the picture.

    TIFF-based raws (DNG, NEF, CR2, ARW, PEF, ORF, RW2, ...), RAF and CR3 are read directly, others through the EXIF of
    the preview that LibRaw finds.

    Args:
        path: The raw.
        size: Width and height of the developed picture.

    Returns:
        A block that fits into a JPEG segment, or None if the file holds no EXIF.

    Raises:
        OSError: The file cannot be read.
    """
    with map_file(path) as data:
        main = _description(data)
    if main is None:
        preview = _preview_block(path)
        main = _description(preview) if preview else None
    if main is None:
        return None
    main.fields[_ORIENTATION] = (_SHORT, struct.pack("<H", 1))
    exif = main.children.setdefault(EXIF_IFD, Directory())
    for tag in (_WIDTH, _HEIGHT):
        exif.fields.pop(tag, None)
    for tag, length in zip((_WIDTH, _HEIGHT), size or (), strict=False):
        exif.fields[tag] = (_LONG, struct.pack("<I", length))
    exif.fields[_COLOR_SPACE] = (_SHORT, struct.pack("<H", 1))
    exif.fields.setdefault(_EXIF_VERSION, (_UNDEFINED, b"0232"))
    return _fit(main)


def fit_block(block: bytes) -> bytes:
    """The block itself if a JPEG segment can hold it; else without its preview and its greatest fields.

    Raises:
        ValueError: It is too long, and no TIFF structure.
    """
    return block if len(block) <= MAX_JPEG_BLOCK else _fit(_first_directory(block))


def with_orientation(block: bytes, orientation: int) -> bytes:
    """The block with another orientation; unchanged where it has none."""
    found = _main_directory(block)
    entry = found[1].entries.get(_ORIENTATION) if found else None
    if found is None or entry is None or entry.kind != _SHORT:
        return block
    changed = bytearray(found[0].data)
    struct.pack_into(found[0].order + "H", changed, entry.offset, orientation)
    return bytes(changed)


def _fit(main: Directory) -> bytes:
    while len(block := exif_block(main)) > MAX_JPEG_BLOCK:
        fields = max((d.fields for d in (main, *main.children.values())), key=lambda f: max(map(_length, f.items())))
        del fields[max(fields.items(), key=_length)[0]]
    return block


def _length(item: tuple[int, tuple[int, bytes]]) -> int:
    return len(item[1][1])


def exif_block(main: Directory) -> bytes:
    """The TIFF structure of a directory, in the byte order that its contents come in."""
    mark = b"II" if main.order == "<" else b"MM"
    return mark + struct.pack(main.order + "HI", 42, 8) + serialise(main, 8, main.order)


def _description(data: Buffer) -> Directory | None:
    """What a TIFF-based raw, a RAF, a CR3 or an EXIF block says about the photograph."""
    try:
        if data[:8] == b"FUJIFILM" and len(data) >= 92:
            start, length = struct.unpack_from(">II", data, 84)
            block = _jpeg_block(bytes(data[start : start + length]))
            return _description(block) if block else None
        if data[4:12] == b"ftypcrx ":
            main, exif, gps = (_first_directory(_canon_block(data, name)) for name in (b"CMT1", b"CMT2", b"CMT4"))
        else:
            main = _first_directory(data)
            exif, gps = (main.children.get(tag, Directory()) for tag in (EXIF_IFD, GPS_IFD))
    except ValueError:
        return None
    exposure = {tag: field for tag, field in main.fields.items() if tag in _EXPOSURE}
    kept = {tag: field for tag, field in (exposure | exif.fields).items() if tag not in _RAW_ONLY}
    described = Directory(
        {tag: field for tag, field in main.fields.items() if tag in DESCRIPTION_TAGS}, order=main.order
    )
    if not described.fields and not kept:
        return None
    described.children[EXIF_IFD] = Directory(kept)
    if gps.fields:
        described.children[GPS_IFD] = Directory(gps.fields)
    return described


def _first_directory(data: Buffer) -> Directory:
    tiff = Tiff(data)
    return read_directory(tiff, tiff.first_offset)


def _canon_block(data: Buffer, name: bytes) -> bytes:
    """One of the TIFF structures that CR3 keeps in boxes of the movie header."""
    at = data.find(name, 0, 1 << 16)
    length = int.from_bytes(data[max(at - 4, 0) : max(at, 0)], "big")
    return bytes(data[at + 4 : at - 4 + length])


def _preview_block(path: str | os.PathLike[str]) -> bytes | None:
    import rawpy

    try:
        with heed_remarks(os.fspath(path)), rawpy.imread(os.fspath(path)) as raw:
            preview = raw.extract_thumb()
        return _jpeg_block(preview.data) if isinstance(preview.data, bytes) else None
    except (rawpy.LibRawError, ValueError):
        return None


def _jpeg_block(jpeg: bytes) -> bytes | None:
    found = (s.payload for s in segments(jpeg) if s.marker == 0xE1 and s.payload.startswith(EXIF_HEADER))
    return next(found, b"").removeprefix(EXIF_HEADER) or None
