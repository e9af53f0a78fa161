"""EXIF blocks put into finished files unchanged: JPEG and AVIF, and the boxes of the latter.

libvips rebuilds a block before it writes one: MakerNotes are lost, and a false colour space, resolution and preview
directory are added. So the block goes in after libvips has written the file, in place of libvips' own.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import TypeAlias

from awbkit.files.jpeg import EXIF_HEADER, Segment, segments

MAX_JPEG_BLOCK = 0xFFFF - 2 - len(EXIF_HEADER)
"""Greatest length of a block that fits into a JPEG segment."""

Container: TypeAlias = bytes | bytearray | mmap.mmap


def embed_in_jpeg(jpeg: bytes, exif: bytes) -> bytes:
    """Put an EXIF block into a JPEG (EXIF 3.0), at its start or behind its JFIF segment.

    Raises:
        ValueError: Not a JPEG, or the block is longer than `MAX_JPEG_BLOCK`.
    """
    block = exif.removeprefix(EXIF_HEADER)
    if len(block) > MAX_JPEG_BLOCK:
        raise ValueError(f"EXIF block of {len(block)} bytes does not fit into a JPEG segment")
    own = segments(jpeg)
    for segment in reversed(own):
        if segment.marker == 0xE1 and segment.payload.startswith(EXIF_HEADER):
            jpeg = jpeg[: segment.offset] + jpeg[segment.offset + len(bytes(segment)) :]
    first = own[0]
    at = first.offset + (len(bytes(first)) if first.marker == 0xE0 else 0)
    return jpeg[:at] + bytes(Segment(0xE1, at, EXIF_HEADER + block)) + jpeg[at:]


def embed_in_avif(avif: bytes, exif: bytes) -> bytes:
    """Put this EXIF block in place of that of an AVIF or other HEIF still (ISO 23008-12, Annex A).

    The file must have an EXIF item already, if only an empty one: its entry in the item location box is pointed to
    the block, which goes to the end of the file. The old block is overwritten with spaces.

    Raises:
        ValueError: Not a sound HEIF, or one without an EXIF item in a single piece of the file.
    """
    out = bytearray(avif)
    try:
        if out[4:8] != b"ftyp":
            raise ValueError("not an AVIF")
        meta = dict(boxes(out, 0, len(out)))[b"meta"]
        within = dict(boxes(out, meta[0] + 4, meta[1]))
        number = next(number for kind, number in items(out, *within[b"iinf"]) if kind == b"Exif")
        payload = struct.pack(">I", len(EXIF_HEADER)) + EXIF_HEADER + exif.removeprefix(EXIF_HEADER)
        start = len(out) + 8
        offset, length = _point_item(out, within[b"iloc"][0], number, start, len(payload))
    except (KeyError, IndexError, StopIteration, struct.error) as error:
        raise ValueError("AVIF without a sound EXIF item") from error
    if 0 < offset <= len(out) - length:
        # Zeros would look like a part that a broken copy lost.
        out[offset : offset + length] = b" " * length
    return bytes(out) + struct.pack(">I", len(payload) + 8) + b"mdat" + payload


def boxes(data: Container, position: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Kind, and start and end of the content, of each box between two places of a file (ISO/IEC 14496-12)."""
    while position + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        size = size or end - position
        if size < head or position + size > end:
            raise ValueError("AVIF box leads out of the file")
        yield kind, (position + head, position + size)
        position += size


def items(data: Container, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Kind and number of each item in the content of a HEIF's box "iinf" (ISO/IEC 14496-12, section 8.11.6)."""
    for _, (content, _) in boxes(data, start + (6 if data[start] == 0 else 8), end):
        number, _, kind = struct.unpack_from(">IH4s" if data[content] >= 3 else ">HH4s", data, content + 4)
        yield kind, number


def _point_item(data: bytearray, start: int, wanted: int, new_offset: int, new_length: int) -> tuple[int, int]:
    """Point an item to another place; return its old place and length."""
    formats = {0: "", 4: "I", 8: "Q"}
    version, sizes = data[start], struct.unpack_from(">H", data, start + 4)[0]
    offset_format, length_format, base_format = (formats[sizes >> shift & 15] for shift in (12, 8, 4))
    index_format = formats[sizes & 15] if version else ""
    count_format = ">I" if version >= 2 else ">H"
    (count,) = struct.unpack_from(count_format, data, start + 6)
    position = start + 6 + struct.calcsize(count_format)
    head = struct.Struct(">" + ("I" if version >= 2 else "H") + ("HH" if version else "H") + base_format + "H")
    extent = struct.Struct(">" + index_format + offset_format + length_format)
    for _ in range(count):
        identifier, *fields, extents = head.unpack_from(data, position)
        position += head.size
        if identifier == wanted:
            method, base = fields[0] if version else 0, fields[-1] if base_format else 0
            if extents != 1 or method != 0 or not offset_format or not length_format:
                raise KeyError("Exif")
            *index, offset, length = extent.unpack_from(data, position)
            extent.pack_into(data, position, *index, new_offset - base, new_length)
            return base + offset, length
        position += extents * extent.size
    raise KeyError("Exif")
