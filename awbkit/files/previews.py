"""Small pictures inside metadata, which file browsers show and which must not keep the old colours.

They are replaced or removed in place: MakerNotes and other private fields refer to bytes by their offset, so nothing
else in the block may move.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from awbkit.files.ifd import Tiff

PreviewRenewal = Callable[[bytes], bytes | None]
"""From an old preview, a JPEG, to a new one; None where it is to be removed."""


def refresh_preview(block: bytes, renew: PreviewRenewal | None, limit: int) -> bytes:
    """Replace or remove the preview of an Exif block (EXIF 3.0, IFD1, "thumbnail") without moving anything else in it.

    Args:
        block: The TIFF structure, without the ``Exif`` prefix.
        renew: Maps the old preview to the new one, or to None to remove it.
        limit: Greatest length allowed for the result; a new preview longer than the old one goes to the end.

    Returns:
        The new block, or the old one if it is not a sound TIFF structure or has no preview.
    """
    out = bytearray(block)
    try:
        tiff = Tiff(out)
        main = tiff.ifd(tiff.first_offset)
        if tiff.is_big or not main.next_offset:
            return block
        small = tiff.ifd(main.next_offset)
    except ValueError:
        return block
    fields = small.entries.get(0x201), small.entries.get(0x202)
    start, length = (tiff.number(field) or 0 for field in fields)
    if 0 < start <= len(out) - length < len(out) and out[start : start + 2] == b"\xff\xd8":
        new = renew(bytes(out[start : start + length])) if renew else None
        out[start : start + length] = bytes(length)
        if new and len(new) > length and any(out[start + length :]):
            start = len(out)
        if new and start + len(new) <= limit and all(field and field.size <= 4 for field in fields):
            out[start : start + len(new)] = new
            for tag, field, value in zip((0x201, 0x202), fields, (start, len(new)), strict=True):
                if field:
                    struct.pack_into(tiff.order + "HHII", out, field.offset - 8, tag, 4, 1, value)
            return bytes(out)
    struct.pack_into(tiff.order + "I", out, main.link, 0)
    return bytes(out)
