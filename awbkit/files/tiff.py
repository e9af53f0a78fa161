"""TIFF directories (TIFF 6.0, BigTIFF): read them, write them, and carry metadata from one file to another.

Encoders write pixels and a handful of tags. What a photographer or an archive put in beside those, from the EXIF and
GPS directories down to private tags, is copied here value by value as bytes, so that text in any encoding and
rationals of any denominator arrive unchanged.
"""

from __future__ import annotations

import mmap
import struct
from typing import NamedTuple

Buffer = bytes | bytearray | mmap.mmap

EXIF_IFD, GPS_IFD, INTEROP_IFD = 34665, 34853, 40965

# Bytes per value of each field type; 129 is the UTF-8 of EXIF 3.0.
_VALUE_SIZE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_BIG_VALUE_SIZE = {16: 8, 17: 8, 18: 8}
_INTEGER_FORMAT = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}

# Classic and BigTIFF; Olympus ORF ("OR", "RS") and Panasonic RW2 ("U") raws differ from TIFF in these bytes alone.
_CLASSIC_MAGIC = (42, 0x4F52, 0x5352, 0x55)
_BIG_MAGIC = 43


class Entry(NamedTuple):
    """One field of a directory: its type, number of values, and where those lie in the file."""

    kind: int
    values: int
    where: int
    size: int


class Ifd(NamedTuple):
    """An image file directory: fields by tag, the position of the link to the next directory, and that link."""

    entries: dict[int, Entry]
    link: int
    following: int


class Tiff:
    """A TIFF structure in memory, read lazily.

    Attributes:
        data: The bytes, from the byte order mark on.
        order: ``<`` or ``>``, as in `struct`.
        big: Whether offsets have 64 bits.
        first: Offset of the first directory.

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
        self.big = magic == _BIG_MAGIC
        if self.big:
            if len(data) < 16:
                raise ValueError("no TIFF header")
            (first,) = struct.unpack_from(self.order + "Q", data, 8)
        elif magic not in _CLASSIC_MAGIC:
            raise ValueError("no TIFF header")
        self.first: int = first

    def ifd(self, offset: int) -> Ifd:
        """Read the directory at ``offset``; fields of unknown type or with values outside the file are left out.

        Raises:
            ValueError: The directory does not lie in the file.
        """
        data, end = self.data, len(self.data)
        head, entry, inline = (8, 20, 8) if self.big else (2, 12, 4)
        if offset < 8 or offset + head > end:
            raise ValueError("TIFF directory outside the file")
        (number,) = struct.unpack_from(self.order + ("Q" if self.big else "H"), data, offset)
        link = offset + head + number * entry
        if link > end:
            raise ValueError("TIFF directory outside the file")
        sizes = _VALUE_SIZE | _BIG_VALUE_SIZE if self.big else _VALUE_SIZE
        fields, pointer = self.order + ("HHQ" if self.big else "HHI"), self.order + ("Q" if self.big else "I")
        entries: dict[int, Entry] = {}
        for position in range(offset + head, link, entry):
            tag, kind, count = struct.unpack_from(fields, data, position)
            size = sizes.get(kind, 0) * count
            where = position + entry - inline
            if size > inline:
                (where,) = struct.unpack_from(pointer, data, where)
            if size and where + size <= end:
                entries.setdefault(tag, Entry(kind, count, where, size))
        following = struct.unpack_from(pointer, data, link)[0] if link + inline <= end else 0
        return Ifd(entries, link, following)

    def raw(self, entry: Entry) -> bytes:
        """The bytes of a field's values, in the file's own byte order."""
        return bytes(self.data[entry.where : entry.where + entry.size])

    def number(self, entry: Entry | None) -> int | None:
        """The first value of an integer field; None for other types and for no field."""
        if entry is None or entry.kind not in _INTEGER_FORMAT:
            return None
        value: int = struct.unpack_from(self.order + _INTEGER_FORMAT[entry.kind], self.data, entry.where)[0]
        return value
