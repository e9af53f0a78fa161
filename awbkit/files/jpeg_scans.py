"""The scans of a JPEG file (ITU-T T.81): damage of which libjpeg says nothing, or which it takes for a foreign coding.

Zero bits are sound codes, so libjpeg decodes a hole of zeros to gray blocks and goes on.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from awbkit.files.ifd import Buffer
from awbkit.files.jpeg import AFTER_SCAN, Segment, primary_end, segments
from awbkit.files.jpeg_stream import read_code_tables

_EOI, _SOS, _DHT = 0xD9, 0xDA, 0xC4
_ARITHMETIC_FRAMES = frozenset((0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
# DHT, DAC, EOI, SOS, DQT, DNL, DRI, APPn, COM.
_BEHIND_SCANS = frozenset((0xC4, 0xCC, _EOI, _SOS, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE))
# The longest run in thousands of sound files is 50 bytes; a disk loses at least 512.
_ZEROS, _ARITHMETIC_ZEROS = bytes(256), bytes(512)
# Encoders may fill the space before a marker with 0xFF up to the next sector.
_ONES = b"\xff" * 512
_FEW_COEFFICIENTS = 4
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
# A word of any content, or a few words of zeros.
_MAX_REST, _MAX_PADDING = 4, 64


def check_scans(data: bytes) -> None:
    """Check the coded samples of a JPEG without decoding them.

    Passes over headers that are not sound, since decoders report those.

    Args:
        data: The file.

    Raises:
        ValueError: Samples are lost. The message completes "its JPEG data".
    """
    try:
        head = segments(data)
    except ValueError:
        return
    is_arithmetic = any(segment.marker in _ARITHMETIC_FRAMES for segment in head)
    zeros = _ARITHMETIC_ZEROS if is_arithmetic else _ZEROS
    symbols: dict[int, int] = {}
    for segment, start, end in (*((before, 0, 0) for before in head[:-1]), *_segments_and_samples(data, head[-1])):
        if segment.marker == _DHT:
            symbols |= {table: symbol for table, (_, symbol) in read_code_tables(segment.payload).items()}
        elif segment.marker == _SOS:
            if not _can_be_zeros(segment.payload, symbols, is_arithmetic) and data.find(zeros, start, end) >= 0:
                raise ValueError("has a hole of zeros")
            if data.find(_ONES, start, end) >= 0:
                raise ValueError("has a hole of bytes of 255")


def is_padding(warning: str, data: bytes) -> bool:
    """Whether a warning of libjpeg is about nothing but what an encoder has left behind the last sample.

    Args:
        warning: In libjpeg's words.
        data: The file.

    Raises:
        ValueError: Not a JPEG, or it has no end.
    """
    found = _EXTRANEOUS.search(warning)
    if found is None or int(found[2], 16) != _EOI:
        return False
    length = int(found[1])
    if length > _MAX_PADDING:
        return False
    samples = data[: primary_end(data) - 2].rstrip(b"\xff")
    return length <= _MAX_REST or not any(samples[-length:])


def tidy_head(data: bytes) -> bytes:
    """A JPEG without the bytes between its first segments that belong to none, which phones leave there.

    Raises:
        ValueError: Not a JPEG, or its head is damaged.
    """
    head = segments(data)
    scan = head[-1].offset + len(bytes(head[-1]))
    return b"".join((data[:2], *map(bytes, head), data[scan:]))


def count_stray_bytes(data: Buffer) -> int:
    """How many bytes between the first segments belong to none, without those of 0xFF that fill the space.

    Raises:
        ValueError: Not a JPEG, or its head is damaged.
    """
    end, count = 2, 0
    for segment in segments(data):
        count += len(bytes(data[end : segment.offset]).rstrip(b"\xff"))
        end = segment.offset + len(bytes(segment))
    return count


def _segments_and_samples(data: bytes, segment: Segment) -> Iterator[tuple[Segment, int, int]]:
    """The segments from the first start of scan on, each with the start and the end of the samples behind it.

    Raises:
        ValueError: A marker among the samples is none that may stand there.
    """
    while True:
        start = segment.offset + len(bytes(segment))
        found = AFTER_SCAN.search(data, start)
        yield segment, start, found.end() - 1 if found else len(data)
        if found is None:
            return
        marker, content = data[found.end() - 1], found.end()
        if marker == _EOI:
            return
        if marker not in _BEHIND_SCANS:
            raise ValueError(f"has the marker 0x{marker:02X} among its samples")
        length = int.from_bytes(data[content : content + 2], "big")
        segment = Segment(marker, content - 2, data[content + 2 : content + length])


def _can_be_zeros(scan: bytes, symbols: dict[int, int], is_arithmetic: bool) -> bool:
    """Whether a long run of zero bits can stand for blocks of a sound picture.

    Args:
        scan: The content of a start of scan.
        symbols: What the code of zero bits means, by class and number of the table.
        is_arithmetic: Whether the coding is arithmetic, which makes equal blocks vanish and not zeros.
    """
    count = scan[0] if scan else 0
    if len(scan) < 4 + 2 * count:
        return True
    first, last, refines = struct.unpack_from("BBB", scan, 1 + 2 * count)
    refines >>= 4
    if first == 0 and refines:
        # Bare bits without codes.
        return True
    if is_arithmetic:
        return False
    # One and the same small value in a few coefficients is an even gradient.
    if first and last - first < _FEW_COEFFICIENTS:
        return True
    for tables in scan[2 : 2 + 2 * count : 2]:
        # No difference to the block before, and the end of a block or of several.
        if first == 0 and symbols.get(tables >> 4, 0) != 0:
            return False
        code = symbols.get(0x10 | tables & 15, 0)
        if last and (code & 15 or code == 0xF0):
            return False
    return True
