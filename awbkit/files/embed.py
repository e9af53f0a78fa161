"""EXIF blocks put into finished files unchanged: JPEG, PNG, WebP, AVIF.

libvips rebuilds a block before it writes one: MakerNotes are lost, and a false colour space, resolution and thumbnail
directory are added. So the block goes in after libvips has done its work; what it wrote itself is replaced.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from typing import TypeAlias

from awbkit.files.jpeg import EXIF_HEADER, Segment, segments

MAX_JPEG_BLOCK = 0xFFFF - 2 - len(EXIF_HEADER)
"""Greatest length of a block that fits into a JPEG segment."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
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


def embed_in_png(png: bytes, exif: bytes) -> bytes:
    """Put an EXIF block into a PNG (Third Edition, eXIf), before its pixels.

    Raises:
        ValueError: Not a sound PNG.
    """
    if not png.startswith(PNG_SIGNATURE):
        raise ValueError("not a PNG")
    content = b"eXIf" + exif.removeprefix(EXIF_HEADER)
    own = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    out, position, placed = [PNG_SIGNATURE], len(PNG_SIGNATURE), False
    while position < len(png):
        length, kind = int.from_bytes(png[position : position + 4], "big"), png[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(png):
            raise ValueError("PNG chunk leads out of the file")
        if kind == b"IDAT" and not placed:
            # Nothing behind the first pixels changes, and those can be most of the file.
            return b"".join([*out, own, png[position:]])
        if kind != b"eXIf":
            out.append(png[position:end])
        position = end
    raise ValueError("PNG without pixels")


def embed_in_avif(avif: bytes, exif: bytes) -> bytes:
    """Exchange the EXIF block of an AVIF or other HEIF still (ISO 23008-12, Annex A) for this one.

    The file must have an EXIF item already, if only an empty one: its entry in the item location box is pointed to
    the block, which goes to the end of the file. The old block is overwritten with zeros.

    Raises:
        ValueError: Not a sound HEIF, or one without an EXIF item in a single piece of the file.
    """
    out = bytearray(avif)
    try:
        if out[4:8] != b"ftyp":
            raise ValueError("not an AVIF")
        meta = dict(boxes(out, 0, len(out)))[b"meta"]
        within = dict(boxes(out, meta[0] + 4, meta[1]))
        identifier = _exif_item(out, *within[b"iinf"])
        payload = struct.pack(">I", len(EXIF_HEADER)) + EXIF_HEADER + exif.removeprefix(EXIF_HEADER)
        start = len(out) + 8
        offset, length = _point_item(out, within[b"iloc"][0], identifier, start, len(payload))
    except (KeyError, IndexError, struct.error) as error:
        raise ValueError("AVIF without a sound EXIF item") from error
    if 0 < offset <= len(out) - length:
        out[offset : offset + length] = bytes(length)
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


def _exif_item(data: bytearray, start: int, end: int) -> int:
    first = start + (6 if data[start] == 0 else 8)
    for _, (content, _) in boxes(data, first, end):
        wide = data[content] >= 3
        identifier, _, kind = struct.unpack_from(">IH4s" if wide else ">HH4s", data, content + 4)
        if kind == b"Exif":
            return int(identifier)
    raise KeyError("Exif")


def _point_item(data: bytearray, start: int, wanted: int, new_offset: int, new_length: int) -> tuple[int, int]:
    """Point an item to another place; returns where it was, and its length."""
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
