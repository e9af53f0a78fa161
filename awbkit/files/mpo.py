"""Several pictures in one JPEG file (CIPA DC-007, "multi-picture format"); awbkit reads and writes only the first."""

from __future__ import annotations

import struct
from contextlib import suppress

from awbkit.files.ifd import Buffer, Tiff
from awbkit.files.jpeg import primary_end, segments

_HEADER = b"MPF\0"
_ENTRIES = 0xB002
_LARGE_PREVIEW = 1
_GAIN_MAP_MARKS = (b"hdrgm", b"HDRGainMap", b"ts:21496")
_CLIP_MARKS = (b"MotionPhoto", b"MicroVideo")
_HEAD = 1 << 16
_APP1, _APP2 = 0xE1, 0xE2


def list_others(data: Buffer) -> list[str]:
    """The pictures and data behind the first picture of a JPEG file, in words; its preview does not count.

    Raises:
        ValueError: Not a sound JPEG.
    """
    head = segments(bytes(data[: _HEAD << 4]))
    number = count_others(data)
    found = [f"{number} more picture{'s' * (number > 1)} behind the first"] if number else []
    marked = b"".join(segment.payload for segment in head if segment.marker in (_APP1, _APP2))
    rest = bytes(data[primary_end(bytes(data)) :])
    if not any(rest):
        return found
    if any(mark in marked or mark in rest for mark in _GAIN_MAP_MARKS):
        found.append("its gain map")
    if any(mark in marked for mark in _CLIP_MARKS):
        found.append("its motion clip")
    if not found and not any(segment.payload.startswith(_HEADER) for segment in head):
        found.append("what stood behind its end")
    return found


def count_others(data: Buffer) -> int:
    """The number of pictures behind the first one that are neither its preview nor its gain map."""
    with suppress(ValueError, struct.error):
        for segment in segments(bytes(data[: _HEAD << 4])):
            if segment.payload.startswith(_HEADER):
                index = Tiff(segment.payload[len(_HEADER) :])
                entry = index.ifd(index.first_offset).entries.get(_ENTRIES)
                table = index.bytes_of(entry) if entry is not None else b""
                origin = segment.offset + 4 + len(_HEADER)
                rows = struct.iter_unpack(index.order + "IIIHH", table[: len(table) // 16 * 16])
                return sum(_is_picture(data, kind, origin + place) for kind, _, place, *_ in rows if place)
    return 0


def _is_picture(data: Buffer, attributes: int, start: int) -> bool:
    if attributes >> 16 & 0xFF == _LARGE_PREVIEW:
        return False
    head = bytes(data[start : start + _HEAD])
    return head.startswith(b"\xff\xd8") and not any(mark in head for mark in _GAIN_MAP_MARKS)
