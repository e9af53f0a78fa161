"""A JPEG stream, lossless or not, by its markers (ITU-T T.81): whether it is whole, without decoding it.

After an unexpected marker, LibRaw's own JPEG decoder fills the rest with zeros and reports nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOSSLESS, BASELINE = 0xC3, 0xC0
_SOI, _EOI, _SOS, _DHT, _DRI, _TEM = 0xD8, 0xD9, 0xDA, 0xC4, 0xDD, 0x01
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_RESTARTS = (0xD0, 0xD7)
_HOLE = 512
"""A disk's sector. Coded samples never hold as many equal bytes, unless all samples are equal."""
_STEP = 128


@dataclass(frozen=True)
class JpegStream:
    """What the headers of a stream say.

    Attributes:
        frame: The second byte of the frame's marker, such as ``LOSSLESS``.
        width: Samples of each component in a row.
        height: Rows.
        components: Of a pixel.
        restart: Units of coding from one restart to the next; 0 for none.
        scan: Offset of the first byte of coded samples.
        can_be_uniform: Whether a run of zero bits can stand for equal samples.
        shortest_code: Bits of the shortest code.
    """

    frame: int
    width: int
    height: int
    components: int
    restart: int
    scan: int
    can_be_uniform: bool
    shortest_code: int


def read_stream(data: NDArray[np.uint8]) -> JpegStream:
    """Read the headers, up to the first coded sample.

    Args:
        data: The bytes of the stream, and perhaps some behind it.

    Raises:
        ValueError: It is no JPEG stream, or a damaged one. The message completes "the JPEG stream".
    """
    head = data[:2].tobytes()
    if head != b"\xff\xd8":
        raise ValueError("is not there" if len(head) == 2 else "is empty")
    frame, shape, restart, at = 0, (0, 0, 0, 0), 0, 2
    tables: dict[int, tuple[int, int]] = {}
    while True:
        marker, body, following = _segment(data, at)
        if marker in _FRAMES:
            if len(body) < 6:
                raise ValueError("has a damaged frame header")
            frame, shape = marker, struct.unpack_from(">BHHB", body)
        elif marker == _DHT:
            tables |= read_code_tables(body)
        elif marker == _DRI:
            restart = int.from_bytes(body[:2], "big")
        elif marker == _SOS:
            break
        elif marker == _EOI:
            raise ValueError("ends before its samples")
        at = following
    bits, height, width, components = shape
    if not frame or not (bits and height and width and components):
        raise ValueError("does not state its size")
    if not tables:
        raise ValueError("has no code tables")
    uniform = all(symbol == 0 for _, symbol in tables.values())
    shortest = min(length for length, _ in tables.values())
    return JpegStream(frame, width, height, components, restart, following, uniform, shortest)


def check_scan(data: NDArray[np.uint8], stream: JpegStream) -> int | None:
    """Check the coded samples of a stream that has a single scan.

    Args:
        data: The bytes of the stream, and perhaps some behind it.
        stream: What its headers say.

    Returns:
        Offset of the byte behind the marker of its end; None where there is none, as some writers leave it out.

    Raises:
        ValueError: It is damaged. The message completes "the JPEG stream".
    """
    coded = data[stream.scan :]
    marked = coded[:-1] == 0xFF
    marked &= coded[1:] != 0
    end, number, behind = int(marked.argmax()) if len(marked) else 0, 0, None
    if not marked[end : end + 1].any():
        end = len(coded)
    elif _are_restarts(coded[end + 1 : end + 2]).all():
        marks = np.flatnonzero(marked)
        restarts = _are_restarts(coded[marks + 1])
        number = len(marks) if restarts.all() else int(restarts.argmin())
        end = len(coded) if restarts.all() else int(marks[number])
    if end < len(coded):
        # Bytes of 0xFF may fill the space before a marker.
        filled = coded[end:]
        filling = int(np.argmax(filled != 0xFF)) if (filled != 0xFF).any() else len(filled)
        if filling < len(filled):
            if filled[filling] != _EOI:
                raise ValueError("is interrupted by a foreign marker")
            behind = stream.scan + end + filling + 1
        if filling >= _HOLE:
            raise ValueError(f"has a hole of {filling} bytes of 255")
    coded = coded[:end]
    _check_restarts(stream, number)
    if stream.frame == LOSSLESS:
        samples = stream.width * stream.height * stream.components
        if len(coded) * 8 < samples * stream.shortest_code:
            raise ValueError("ends before its last sample")
    if not stream.can_be_uniform:
        length = _longest_zeros(coded)
        if length >= _HOLE:
            raise ValueError(f"has a hole of {length} zero bytes")
    return behind


def _are_restarts(second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (second >= _RESTARTS[0]) & (second <= _RESTARTS[1])


def _segment(data: NDArray[np.uint8], at: int) -> tuple[int, bytes, int]:
    """Marker, contents and end of the segment at an offset."""
    head = data[at : at + 64].tobytes()
    filling = len(head) - len(head.lstrip(b"\xff"))
    if not filling or filling == len(head):
        raise ValueError("is cut off in its headers" if len(head) < 2 else "has damaged headers")
    marker = head[filling]
    at += filling + 1
    if marker in (_SOI, _EOI, _TEM) or _RESTARTS[0] <= marker <= _RESTARTS[1]:
        return marker, b"", at
    length = int.from_bytes(data[at : at + 2].tobytes(), "big")
    if length < 2 or at + length > len(data):
        raise ValueError("is cut off in its headers")
    return marker, data[at + 2 : at + length].tobytes(), at + length


def read_code_tables(body: bytes) -> dict[int, tuple[int, int]]:
    """The first code, which is all zero bits, of each Huffman table in a segment.

    Args:
        body: The segment's content.

    Returns:
        The code's length in bits and its symbol, by the table's class (high four bits) and number.

    Raises:
        ValueError: The tables are damaged.
    """
    found: dict[int, tuple[int, int]] = {}
    while body:
        counts, total = body[1:17], sum(body[1:17])
        if len(counts) < 16 or not 0 < total <= 256 or len(body) < 17 + total:
            raise ValueError("has damaged code tables")
        used = 0
        for length, count in enumerate(counts, 1):
            used += count << (16 - length)
        if used > 1 << 16:
            raise ValueError("has damaged code tables")
        shortest = next(length for length, count in enumerate(counts, 1) if count)
        found[body[0]] = (shortest, body[17])
        body = body[17 + total :]
    return found


def _check_restarts(stream: JpegStream, number: int) -> None:
    if stream.frame != LOSSLESS:
        return
    expected = (stream.width * stream.height - 1) // stream.restart if stream.restart else 0
    if number != expected:
        raise ValueError(f"has {number} restart markers and not {expected}")


def _longest_zeros(coded: NDArray[np.uint8]) -> int:
    """Length of a run of zeros that is at least ``_HOLE`` bytes long; 0 if there is none."""
    probes = coded[::_STEP] == 0
    if len(probes) < 3:
        return 0
    for start in np.flatnonzero(probes[:-2] & probes[1:-1] & probes[2:]).tolist():
        first, last = start * _STEP, (start + 2) * _STEP
        if coded[first : last + 1].any():
            continue
        before, behind = coded[:first][::-1], coded[last:]
        # Only as far as needed: a hole of a gigabyte is as bad as one of a sector.
        reach = 1 << 16
        ahead = int(np.argmax(before[:reach] != 0)) if before[:reach].any() else len(before[:reach])
        after = int(np.argmax(behind[:reach] != 0)) if behind[:reach].any() else len(behind[:reach])
        if ahead + last - first + after >= _HOLE:
            return ahead + last - first + after
    return 0
