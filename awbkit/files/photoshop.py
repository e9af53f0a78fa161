"""Photoshop's image resources: sequences of numbered blocks, in which JPEG keeps its IPTC records (IIM 4).

TIFF has a field for resources and one for IPTC; PNG has raw profiles in place of these.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEADER = b"Photoshop 3.0\0"
"""The header of resources in a JPEG's APP13 segment."""

_IPTC = 0x0404
_PREVIEWS = (0x0409, 0x040C)


def without_previews(resources: bytes) -> bytes:
    """Remove the previews from a sequence of resources; keep the rest verbatim.

    A sequence that cannot be followed to its end is returned as it is.
    """
    parts = list(_parts(resources))
    if sum(len(part) for _, _, part in parts) != len(resources):
        return resources
    return b"".join(part for number, _, part in parts if number not in _PREVIEWS)


def read_iptc(resources: bytes) -> bytes | None:
    """The IPTC records among the resources."""
    return next((content for number, content, _ in _parts(resources) if number == _IPTC), None)


def with_iptc(resources: bytes, records: bytes) -> bytes:
    """The resources with these IPTC records, unless they have some already."""
    if read_iptc(resources) is not None:
        return resources
    block = struct.pack(">4sHHI", b"8BIM", _IPTC, 0, len(records)) + records + bytes(len(records) % 2)
    return block + resources


def _parts(resources: bytes) -> Iterator[tuple[int | None, bytes, bytes]]:
    """Number, content and all bytes of each resource; zeros behind the last one have no number."""
    position = 0
    while position < len(resources):
        name_length = resources[position + 6] if position + 6 < len(resources) else 0
        start = position + 6 + (name_length + 2) // 2 * 2 + 4
        size = int.from_bytes(resources[start - 4 : start], "big")
        end = start + size
        if not resources[position : position + 4].isalnum() or end > len(resources):
            if not any(resources[position:]):
                yield None, b"", resources[position:]
            return
        end = min(end + size % 2, len(resources))
        number = int.from_bytes(resources[position + 4 : position + 6], "big")
        yield number, resources[start : start + size], resources[position:end]
        position = end
