"""Fields of EXIF whose contents are bytes to TIFF, but numbers or text in the byte order of the file to their readers.

Whoever writes such a field into a structure of the other byte order has to turn its contents, field by field: EXIF 3.0
(CIPA DC-008), sections 4.6.5 and 4.6.6; Print Image Matching as ExifTool documents it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from awbkit.files.ifd import EXIF_IFD, GPS_IFD, Directory

_MAKER_NOTE = 37500
_BYTE, _ASCII, _UNDEFINED = 1, 2, 7
# Notes that name their byte order, have one whatever the file's is, or are text.
_INDEPENDENT_NOTE = re.compile(
    rb"(?:[A-Za-z]{3}.{0,11}?(?:II|MM)|II\*\0|MM\0\*|FUJIFILM|GENERALE|HDRP|[\t\n\r -~]*\0*\Z)", re.DOTALL
)


def change_order(main: Directory, order: str) -> list[str]:
    """Turn the contents of a directory and of those below it into another byte order, in place.

    Args:
        main: The directory.
        order: ``<`` or ``>``.

    Returns:
        What keeps its old order, in words: a MakerNote of unknown structure that does not name its own.
    """
    if main.order == order:
        return []
    _turn(main, _CONTENTS)
    exif, gps = (main.children.get(tag, Directory()) for tag in (EXIF_IFD, GPS_IFD))
    _turn(exif, _CONTENTS)
    _turn(gps, _GPS_CONTENTS)
    main.order = exif.order = gps.order = order
    note = exif.fields.get(_MAKER_NOTE, (0, b"II*\0"))[1]
    return [] if _INDEPENDENT_NOTE.match(note) else ["the byte order of the MakerNote, which some programs misread now"]


def _turn(directory: Directory, contents: dict[int, Callable[[bytes, str], bytes]]) -> None:
    for tag, turn in contents.items():
        kind, content = directory.fields.get(tag, (0, b""))
        if kind in (_BYTE, _ASCII, _UNDEFINED):
            # What has not the structure of its field stays as it is.
            with suppress(ValueError, struct.error):
                directory.fields[tag] = (kind, turn(content, directory.order))


def _swap(content: bytes, width: int) -> bytes:
    """Each word of so many bytes with its bytes in reverse; what is left over at the end stays."""
    end = len(content) // width * width
    return np.frombuffer(content[:end], f"u{width}").byteswap().tobytes() + content[end:]


def _turn_text(content: bytes, _: str) -> bytes:
    """UTF-16 behind a name of the coding in eight bytes; other codings have no byte order."""
    return content[:8] + _swap(content[8:], 2) if content[:8] == b"UNICODE\0" else content


def _turn_pattern(content: bytes, order: str) -> bytes:
    """CFAPattern: columns, rows and a byte for each filter."""
    columns, rows = struct.unpack_from(order + "2H", content)
    return _swap(content[:4], 2) + content[4:] if columns * rows == len(content) - 4 else content


def _turn_table(content: bytes, order: str) -> bytes:
    """OECF and SpatialFrequencyResponse: columns, rows, names of the columns, and fractions."""
    columns, rows = struct.unpack_from(order + "2H", content)
    at = 4
    for _ in range(columns):
        at = content.index(b"\0", at) + 1
    if len(content) - at != 8 * columns * rows:
        return content
    return _swap(content[:4], 2) + content[4:at] + _swap(content[at:], 4)


def _turn_words(content: bytes, _: str) -> bytes:
    """DeviceSettingDescription: columns, rows and texts in UTF-16."""
    return _swap(content, 2)


def _turn_exposures(content: bytes, _: str) -> bytes:
    """SourceExposureTimesOfCompositeImage: seven fractions, two counts, and a fraction for each image."""
    return _swap(content[:56], 4) + _swap(content[56:60], 2) + _swap(content[60:], 4)


def _turn_print_matching(content: bytes, order: str) -> bytes:
    """PrintIM: a header, a count, and as many numbers of two bytes with values of four."""
    (count,) = struct.unpack_from(order + "H", content, 14)
    if not content.startswith(b"PrintIM\0") or 16 + 6 * count > len(content):
        return content
    entries = (content[at : at + 6] for at in range(16, 16 + 6 * count, 6))
    turned = b"".join(entry[1::-1] + entry[:1:-1] for entry in entries)
    return content[:14] + _swap(content[14:16], 2) + turned + content[16 + 6 * count :]


_CONTENTS: dict[int, Callable[[bytes, str], bytes]] = {
    34856: _turn_table,
    37510: _turn_text,
    41484: _turn_table,
    41730: _turn_pattern,
    41995: _turn_words,
    42082: _turn_exposures,
    50341: _turn_print_matching,
}
# GPSProcessingMethod and GPSAreaInformation.
_GPS_CONTENTS: dict[int, Callable[[bytes, str], bytes]] = {27: _turn_text, 28: _turn_text}
