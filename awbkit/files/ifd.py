"""Image file directories (TIFF 6.0, BigTIFF, EXIF 3.0): read and written value by value.

Values are bytes here, never numbers or text, so that text in any encoding, rationals of any denominator and private
fields pass through unchanged; only the byte order is adapted.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

Buffer = bytes | bytearray | mmap.mmap

EXIF_IFD, GPS_IFD, INTEROP_IFD = 34665, 34853, 40965

_SUBDIRECTORIES = {0: frozenset((EXIF_IFD, GPS_IFD)), 1: frozenset((INTEROP_IFD,))}

# Bytes per value of each field type; 129 is the UTF-8 of EXIF 3.0.
_VALUE_SIZE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_BIG_VALUE_SIZE = {16: 8, 17: 8, 18: 8}
_WORD = {3: 2, 8: 2, 4: 4, 5: 4, 9: 4, 10: 4, 11: 4, 13: 4, 12: 8, 16: 8, 17: 8, 18: 8}
_INTEGER_FORMAT = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_UNSIGNED = frozenset((1, 3, 4, 13, 16, 18))

# The type of XMP, IPTC, Photoshop's resources and ICC profiles: bytes, even where a writer calls them longer numbers.
_BLOCKS = {700: 1, 33723: 7, 34377: 1, 34675: 7}

# Classic and BigTIFF; Olympus ORF ("OR", "RS") and Panasonic RW2 ("U") raws differ from TIFF in these bytes alone.
_CLASSIC_MAGIC = (42, 0x4F52, 0x5352, 0x55)
_BIG_MAGIC = 43
# Tags have 16 bits; only BigTIFF can state a greater number of fields.
_MOST_FIELDS = 1 << 16


@contextmanager
def map_file(path: str | os.PathLike[str]) -> Iterator[Buffer]:
    """A file mapped into memory; only the pages that are looked at are read.

    Raises:
        OSError: The file cannot be read.
    """
    with Path(path).open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


class Entry(NamedTuple):
    """One field of a directory: its type, number of values, and where those lie in the file."""

    kind: int
    values: int
    offset: int
    size: int


class Ifd(NamedTuple):
    """An image file directory: fields by tag, the position of the link to the next directory, and that link."""

    entries: dict[int, Entry]
    link: int
    next_offset: int


class Tiff:
    """A TIFF structure in memory, read lazily.

    Attributes:
        data: The bytes, from the byte order mark on.
        order: ``<`` or ``>``, as in `struct`.
        is_big: Whether offsets have 64 bits.
        first_offset: Offset of the first directory.

    Raises:
        ValueError: The bytes do not start with a TIFF header.
    """

    def __init__(self, data: Buffer) -> None:
        self.data = data
        marks = {b"II": "<", b"MM": ">"}
        mark = bytes(data[:2])
        if mark not in marks or len(data) < 8:
            raise ValueError("no TIFF header")
        self.order = marks[mark]
        magic, first = struct.unpack_from(self.order + "HI", data, 2)
        self.is_big = magic == _BIG_MAGIC
        if self.is_big:
            if len(data) < 16:
                raise ValueError("no TIFF header")
            (first,) = struct.unpack_from(self.order + "Q", data, 8)
        elif magic not in _CLASSIC_MAGIC:
            raise ValueError("no TIFF header")
        self.first_offset: int = first

    def ifd(self, offset: int) -> Ifd:
        """Read the directory at ``offset``; fields of unknown type or with values outside the file are left out.

        Raises:
            ValueError: The directory does not lie in the file.
        """
        data, end = self.data, len(self.data)
        head, entry, inline = (8, 20, 8) if self.is_big else (2, 12, 4)
        if offset < 8 or offset + head > end:
            raise ValueError("TIFF directory outside the file")
        (number,) = struct.unpack_from(self.order + ("Q" if self.is_big else "H"), data, offset)
        link = offset + head + number * entry
        if link > end or number > _MOST_FIELDS:
            raise ValueError("TIFF directory outside the file")
        sizes = _VALUE_SIZE | _BIG_VALUE_SIZE if self.is_big else _VALUE_SIZE
        pointer = self.order + ("Q" if self.is_big else "I")
        rows = struct.iter_unpack(self.order + ("HHQQ" if self.is_big else "HHII"), data[offset + head : link])
        entries: dict[int, Entry] = {}
        for index, (tag, kind, count, far) in enumerate(rows):
            size = sizes.get(kind, 0) * count
            where = far if size > inline else offset + head + (index + 1) * entry - inline
            if size and where + size <= end:
                entries.setdefault(tag, Entry(kind, count, where, size))
        following = struct.unpack_from(pointer, data, link)[0] if link + inline <= end else 0
        return Ifd(entries, link, following)

    def bytes_of(self, entry: Entry) -> bytes:
        """The bytes of a field's values, in the file's own byte order."""
        return bytes(self.data[entry.offset : entry.offset + entry.size])

    def numbers(self, entry: Entry | None) -> tuple[int, ...]:
        """All values of a field of unsigned integers; none for other types and for no field."""
        if entry is None or entry.kind not in _UNSIGNED:
            return ()
        return struct.unpack_from(f"{self.order}{entry.values}{_INTEGER_FORMAT[entry.kind]}", self.data, entry.offset)

    def number(self, entry: Entry | None) -> int | None:
        """The first value of an integer field; None for other types and for no field."""
        if entry is None or entry.kind not in _INTEGER_FORMAT:
            return None
        value: int = struct.unpack_from(self.order + _INTEGER_FORMAT[entry.kind], self.data, entry.offset)[0]
        return value


@dataclass
class Directory:
    """A directory apart from its file.

    Attributes:
        fields: Type and little-endian values by tag.
        children: The directories that a tag of this one points to.
        order: Byte order of the structure that they come from, ``<`` or ``>``. Contents that are bytes to TIFF, such
            as a MakerNote, may be in it.
    """

    fields: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    children: dict[int, Directory] = field(default_factory=dict)
    order: str = "<"


def read_directory(tiff: Tiff, offset: int, depth: int = 0) -> Directory:
    """Read a directory with all its values, and the EXIF, GPS and interoperability directories below it.

    Args:
        tiff: The structure.
        offset: Where the directory lies.
        depth: 0 for the main directory, 1 for one directly below it.

    Raises:
        ValueError: The directory does not lie in the file. One below it that does not is left out.
    """
    nested = _SUBDIRECTORIES.get(depth, frozenset())
    found = Directory(order=tiff.order)
    for tag, entry in tiff.ifd(offset).entries.items():
        if tag not in nested:
            kind = _BLOCKS.get(tag, entry.kind) if entry.kind in _WORD else entry.kind
            found.fields[tag] = (kind, _reorder(kind, tiff.bytes_of(entry), tiff.order))
            continue
        with suppress(ValueError):
            found.children[tag] = read_directory(tiff, tiff.number(entry) or 0, depth + 1)
    return found


def serialise(directory: Directory, at: int, order: str = "<", big: bool = False, next_offset: int = 0) -> bytes:
    """Bytes of a directory, its values and the directories below it, to be written at the even offset ``at``.

    Args:
        directory: What to write. Fields of types that only BigTIFF has are left out of a classic file.
        at: Offset of the result in the file.
        order: Byte order of the file.
        big: Whether the file is a BigTIFF.
        next_offset: Offset of the next directory.

    Raises:
        ValueError: The result would end beyond what the offsets of the file can express.
    """
    sizes = _VALUE_SIZE | _BIG_VALUE_SIZE if big else _VALUE_SIZE
    head, entry, pointer = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    inline = struct.calcsize(order + pointer)
    fields = {tag: item for tag, item in directory.fields.items() if item[0] in sizes and tag not in directory.children}
    tags = sorted(fields.keys() | directory.children.keys())
    table = bytearray(struct.pack(order + head, len(tags)))
    place = at + len(table) + len(tags) * (struct.calcsize(order + entry) + inline) + inline
    values = bytearray()
    for tag in tags:
        where = place + len(values)
        if tag in directory.children:
            child = serialise(directory.children[tag], where, order, big)
            kind, raw, count = 4, struct.pack(order + "I", min(where, 0xFFFFFFFF)), 1
            if where > 0xFFFFFFFF:
                kind, raw = 16, struct.pack(order + "Q", where)
            values += child
        else:
            kind, raw = fields[tag][0], _reorder(*fields[tag], order)
            count = len(raw) // sizes[kind]
        if len(raw) > inline:
            values += raw + bytes(len(raw) % 2)
            raw = struct.pack(order + pointer, where) if big or where <= 0xFFFFFFFF else b""
        table += struct.pack(order + entry, tag, kind, count) + raw.ljust(inline, b"\0")
    if not big and place + len(values) > 0xFFFFFFFF:
        raise ValueError("metadata would end beyond the 4 GiB of a classic TIFF")
    return bytes(table + struct.pack(order + pointer, next_offset) + values)


def _reorder(kind: int, raw: bytes, order: str) -> bytes:
    """Swap the bytes of values between little-endian and ``order``, in either direction."""
    width = _WORD.get(kind, 1)
    if order == "<" or width == 1:
        return raw
    return np.frombuffer(raw, dtype=f"u{width}").byteswap().tobytes()
