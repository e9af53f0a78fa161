"""Several pictures in one JPEG file (CIPA DC-007, "multi-picture format"), of which the first is read and written."""

from __future__ import annotations

import os
import struct
from contextlib import suppress

from awbkit.errors import warn
from awbkit.files.ifd import Buffer, Tiff, mapped
from awbkit.files.jpeg import segments

_HEADER = b"MPF\0"
_ENTRIES = 0xB002
_LARGE_THUMBNAIL = 1
_GAIN_MAP_MARKS = (b"hdrgm", b"HDRGainMap", b"ts:21496")
_HEAD = 1 << 16


def warn_of_others(path: str | os.PathLike[str]) -> None:
    """Warn where a JPEG holds further pictures, which no output will hold.

    Previews and gain maps do not count: they belong to the old pixels of the first one.

    Raises:
        OSError: The file cannot be read.
    """
    with mapped(path) as data:
        number = other_pictures(data)
    if number:
        pictures = "1 more picture" if number == 1 else f"{number} more pictures"
        remedy = "split it with exiftool or an MPO tool if you need all of them"
        warn(path, f"holds {pictures} behind the first, which its output does not", remedy)


def other_pictures(data: Buffer) -> int:
    """The number of pictures behind the first one that are neither its preview nor its gain map."""
    with suppress(ValueError, struct.error):
        for segment in segments(bytes(data[: _HEAD << 4])):
            if segment.payload.startswith(_HEADER):
                index = Tiff(segment.payload[len(_HEADER) :])
                entry = index.ifd(index.first).entries.get(_ENTRIES)
                table = index.raw(entry) if entry is not None else b""
                origin = segment.offset + 4 + len(_HEADER)
                rows = struct.iter_unpack(index.order + "IIIHH", table[: len(table) // 16 * 16])
                return sum(_is_picture(data, kind, origin + place) for kind, _, place, *_ in rows if place)
    return 0


def _is_picture(data: Buffer, attributes: int, start: int) -> bool:
    if attributes >> 16 & 0xFF == _LARGE_THUMBNAIL:
        return False
    head = bytes(data[start : start + _HEAD])
    return head.startswith(b"\xff\xd8") and not any(mark in head for mark in _GAIN_MAP_MARKS)
