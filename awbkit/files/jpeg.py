"""JPEG files (ITU-T T.81): their segments, how one was compressed, and pixels compressed in the same way again."""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from awbkit.files.ifd import Buffer

EXIF_HEADER = b"Exif\0\0"
AFTER_SCAN = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""The marker that ends coded samples, among which 0xFF stands before zeros and restart markers alone. Several in a row
may fill the space before a marker; a pattern that starts with one of them is found twenty times as fast."""

_EOI, _SOS, _DQT, _APP0, _APP14 = 0xD9, 0xDA, 0xDB, 0xE0, 0xEE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE_FRAMES = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_BARE_MARKERS = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))

_DIAGONALS = sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))
_FALLBACK = {"quality": 95, "subsampling": 0}
_LAST_RESTART, _END = b"\xff\xd7", b"\xff\xd9"
_ENCODER_LOCK = threading.Lock()


class Segment(NamedTuple):
    """One marker segment.

    Attributes:
        marker: Second byte of the marker.
        offset: Position of the marker in the file.
        payload: Content without marker and length.
    """

    marker: int
    offset: int
    payload: bytes

    def __bytes__(self) -> bytes:
        return struct.pack(">BBH", 0xFF, self.marker, len(self.payload) + 2) + self.payload


def segments(data: Buffer) -> list[Segment]:
    """List the marker segments of a JPEG up to and with the first start of scan.

    Fill bytes, restart markers and stray bytes between segments are passed over, as libjpeg does.

    Raises:
        ValueError: Not a JPEG, cut short before its first scan, or a segment length that leads out of the file.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("not a JPEG: no start-of-image marker")
    found = []
    position = data.find(b"\xff", 2)
    while 0 <= position < len(data) - 1:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _BARE_MARKERS:
            position = data.find(b"\xff", position + 2)
        elif marker == _EOI:
            raise ValueError("JPEG ends before its first scan")
        else:
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            end = position + 2 + length
            if length < 2 or end > len(data):
                raise ValueError(f"JPEG segment 0x{marker:02X} at byte {position} has an impossible length")
            found.append(Segment(marker, position, bytes(data[position + 4 : end])))
            if marker == _SOS:
                return found
            position = data.find(b"\xff", end)
    raise ValueError("JPEG ends before its first scan")


@dataclass(frozen=True)
class JpegInfo:
    """How a JPEG was compressed.

    Attributes:
        qtables: Quantisation tables of the colour components in their order, 64 values each in natural (row) order.
            A table that the last components share is listed once. Empty where the file has none, as in lossless JPEG.
        subsampling: 0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0. Any other sampling is 0, so that no chroma is lost.
        is_progressive: Whether the frame is progressive.
        components: Number of components of the frame.
        is_rgb: Whether the components are red, green and blue themselves, as libjpeg judges it.
        is_even: Whether all components have the same resolution.
        pixels: How many pixels the header claims.
    """

    qtables: tuple[tuple[int, ...], ...]
    subsampling: int
    is_progressive: bool
    components: int
    is_rgb: bool = False
    is_even: bool = True
    pixels: int = 0


def read_info(data: bytes) -> JpegInfo:
    """Read from the headers how a JPEG was compressed, without decoding any pixel.

    Raises:
        ValueError: Not a JPEG, or its headers are broken.
    """
    tables: dict[int, tuple[int, ...]] = {}
    frame, frame_marker, transform, has_jfif = b"", 0, None, False
    for marker, _, payload in segments(data):
        if marker == _DQT:
            tables.update(_read_tables(payload))
        elif marker in _FRAMES and not frame:
            frame, frame_marker = payload, marker
        elif marker == _APP14 and payload.startswith(b"Adobe") and len(payload) >= 12:
            transform = payload[11]
        elif marker == _APP0 and payload.startswith(b"JFIF\0"):
            has_jfif = True
    if len(frame) < 6 or frame[5] == 0 or len(frame) < 6 + 3 * frame[5]:
        raise ValueError("JPEG without a sound frame header")
    components = [(frame[i + 1] >> 4, frame[i + 1] & 15, frame[i + 2]) for i in range(6, 6 + 3 * frame[5], 3)]
    selectors = [table for _, _, table in components[:3]]
    while len(selectors) > 1 and selectors[-1] == selectors[-2]:
        selectors.pop()
    chosen = tuple(tables[selector] for selector in selectors if selector in tables)
    return JpegInfo(
        qtables=chosen if len(chosen) == len(selectors) else (),
        subsampling=_subsampling([(h, v) for h, v, _ in components]),
        is_progressive=frame_marker in _PROGRESSIVE_FRAMES,
        components=len(components),
        pixels=int.from_bytes(frame[1:3], "big") * int.from_bytes(frame[3:5], "big"),
        is_rgb=frame[5] == 3 and not has_jfif and (transform == 0 or (transform is None and frame[6::3][:3] == b"RGB")),
        is_even=len({(h, v) for h, v, _ in components}) == 1,
    )


def _read_tables(payload: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    position = 0
    while position < len(payload):
        wide, identifier = payload[position] >> 4, payload[position] & 15
        size = 128 if wide else 64
        values = payload[position + 1 : position + 1 + size]
        if len(values) < size:
            raise ValueError("JPEG quantisation table cut short")
        natural = [0] * 64
        for index, value in zip(_DIAGONALS, struct.unpack(">64H" if wide else ">64B", values), strict=True):
            natural[index] = value
        yield identifier, tuple(natural)
        position += 1 + size


def _subsampling(factors: list[tuple[int, int]]) -> int:
    if len(factors) < 3 or factors[1] != factors[2] or 0 in factors[1]:
        return 0
    (luma_h, luma_v), (chroma_h, chroma_v) = factors[:2]
    ratio = (luma_h / chroma_h, luma_v / chroma_v)
    return {(2.0, 1.0): 1, (2.0, 2.0): 2}.get(ratio, 0)


def encode(rgbx: np.ndarray, info: JpegInfo, *, restarts: bool = False) -> bytes:
    """Encode 8-bit pixels the way that the source of ``info`` was compressed.

    Table values above 255, which baseline JPEG cannot hold, become 255: a little finer than the source. A source
    without tables gives quality 95.

    Args:
        rgbx: C-contiguous uint8 array (H, W, 4); the fourth channel is ignored. It is read in place, not copied.
        info: Compression of the source.
        restarts: Restart the coding with each row of blocks, so that :func:`join` can put strips together.

    Returns:
        A bare JFIF file in YCbCr, or one without JFIF in RGB if the source was.

    Raises:
        ValueError: The array has another shape, type or memory layout.
    """
    import tempfile

    from PIL import Image

    if rgbx.dtype != np.uint8 or rgbx.ndim != 3 or rgbx.shape[2] != 4 or not rgbx.flags.c_contiguous:
        raise ValueError(f"needs C-contiguous uint8 (H, W, 4), got {rgbx.dtype} {rgbx.shape}")
    height, width = rgbx.shape[:2]
    image = Image.frombuffer("RGBX", (width, height), rgbx, "raw", "RGBX", 0, 1)
    tables = [[max(1, min(value, 255)) for value in table] for table in info.qtables]
    how: dict[str, Any] = {"progressive": info.is_progressive}
    how |= {"qtables": tables, "subsampling": info.subsampling} if tables else _FALLBACK
    if info.is_rgb:
        how["keep_rgb"] = True
    if restarts:
        how["restart_marker_rows"] = 1
    # Into a real file Pillow encodes without holding the interpreter's lock, so that strips run side by side.
    with tempfile.TemporaryFile() as out, _room_for(width * height if info.is_progressive else 0, tables):
        image.save(out, "JPEG", **how)
        out.seek(0)
        return out.read()


def strip_rows(info: JpegInfo) -> int:
    """The height of all strips but the last: eight rows of blocks, since restart markers count to eight."""
    return 8 * (16 if info.subsampling == 2 else 8)


def join(strips: Sequence[bytes], height: int) -> bytes:
    """One picture from strips of it that were encoded alike, with restarts, from top to bottom.

    Args:
        strips: All but the last :func:`strip_rows` high.
        height: Of the whole, in pixels.
    """
    first = segments(strips[0])
    frame = next(segment for segment in first if segment.marker in _FRAMES)
    out = bytearray(strips[0])
    struct.pack_into(">H", out, frame.offset + 5, height)
    scan = first[-1].offset + len(bytes(first[-1]))
    parts = [memoryview(out)[:-2], *(memoryview(strip)[scan:-2] for strip in strips[1:])]
    return _LAST_RESTART.join(parts) + _END


@contextmanager
def _room_for(pixels: int, tables: list[list[int]]) -> Iterator[None]:
    """Let Pillow reserve enough memory: it writes a progressive file in one piece and assumes 2 bytes per pixel.

    Noise under very fine tables takes up to 5; coarser tables never reach the limit and so need not queue here.
    """
    from PIL import ImageFile

    if not pixels or (tables and sum(map(sum, tables)) > 16 * 64 * len(tables)):
        yield
        return
    with _ENCODER_LOCK:
        before = ImageFile.MAXBLOCK
        ImageFile.MAXBLOCK = max(before, 5 * pixels)
        try:
            yield
        finally:
            ImageFile.MAXBLOCK = before


def primary_end(data: bytes) -> int:
    """Where the first picture of a JPEG file ends.

    Raises:
        ValueError: Not a JPEG, or it has no end.
    """
    scan = segments(data)[-1]
    position = scan.offset + len(bytes(scan))
    while found := AFTER_SCAN.search(data, position):
        if data[found.end() - 1] == _EOI:
            return found.end()
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    raise ValueError("JPEG without an end")
