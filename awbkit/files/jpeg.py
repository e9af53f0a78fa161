"""JPEG files (ITU-T T.81): how one was compressed, and its metadata moved onto newly encoded pixels.

The decoded picture is encoded again with the tables and the chroma sampling that the source was compressed with, and
every application segment that still holds true goes over byte for byte, so that MakerNotes and their offsets survive.
"""

from __future__ import annotations

import struct
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from awbkit.files import xmp
from awbkit.files.thumbnails import Thumbnail, refresh_thumbnail, without_photoshop_thumbnail

EXIF_HEADER = b"Exif\0\0"
_PHOTOSHOP_HEADER = b"Photoshop 3.0\0"
_ICC_HEADER = b"ICC_PROFILE\0"
# They index images stored behind the primary one: CIPA DC-007 multi-picture format and ISO 21496-1 gain maps.
_TRAILING_IMAGE_HEADERS = (b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0")
_MAX_PAYLOAD = 0xFFFF - 2

_EOI, _SOS, _DQT, _COM = 0xD9, 0xDA, 0xDB, 0xFE
_APP0, _APP1, _APP2, _APP13, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_STANDALONE = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))

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


def segments(data: bytes) -> list[Segment]:
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
        elif marker in _STANDALONE:
            position = data.find(b"\xff", position + 2)
        elif marker == _EOI:
            raise ValueError("JPEG ends before its first scan")
        else:
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            end = position + 2 + length
            if length < 2 or end > len(data):
                raise ValueError(f"JPEG segment 0x{marker:02X} at byte {position} has an impossible length")
            found.append(Segment(marker, position, data[position + 4 : end]))
            if marker == _SOS:
                return found
            position = data.find(b"\xff", end)
    raise ValueError("JPEG ends before its first scan")


@dataclass(frozen=True)
class JpegInfo:
    """How a JPEG was compressed.

    Attributes:
        qtables: Quantisation tables of the colour components in their order, 64 values each in natural (row) order,
            once for components at the end that share one; empty where the file has none, as in lossless JPEG.
        subsampling: 0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0. Any other sampling is 0, so that no chroma is lost.
        progressive: Whether the frame is progressive.
        components: Number of components of the frame.
        precision: Bits per sample.
        adobe_transform: Transform flag of the Adobe segment (0 none, 1 YCbCr, 2 YCCK), None without that segment.
    """

    qtables: tuple[tuple[int, ...], ...]
    subsampling: int
    progressive: bool
    components: int
    precision: int
    adobe_transform: int | None


def read_info(data: bytes) -> JpegInfo:
    """Read from the headers how a JPEG was compressed, without decoding any pixel.

    Raises:
        ValueError: Not a JPEG, or its headers are broken.
    """
    tables: dict[int, tuple[int, ...]] = {}
    frame, frame_marker, transform = b"", 0, None
    for marker, _, payload in segments(data):
        if marker == _DQT:
            tables.update(_read_tables(payload))
        elif marker in _FRAMES and not frame:
            frame, frame_marker = payload, marker
        elif marker == _APP14 and payload.startswith(b"Adobe") and len(payload) >= 12:
            transform = payload[11]
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
        progressive=frame_marker in _PROGRESSIVE,
        components=len(components),
        precision=frame[0],
        adobe_transform=transform,
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
        restarts: Begin each row of blocks anew, so that :func:`join` can put strips together.

    Returns:
        A bare JFIF file in YCbCr.

    Raises:
        ValueError: The array has another shape, type or memory layout.
    """
    from PIL import Image

    if rgbx.dtype != np.uint8 or rgbx.ndim != 3 or rgbx.shape[2] != 4 or not rgbx.flags.c_contiguous:
        raise ValueError(f"needs C-contiguous uint8 (H, W, 4), got {rgbx.dtype} {rgbx.shape}")
    height, width = rgbx.shape[:2]
    image = Image.frombuffer("RGBX", (width, height), rgbx, "raw", "RGBX", 0, 1)
    tables = [[max(1, min(value, 255)) for value in table] for table in info.qtables]
    how: dict[str, Any] = {"progressive": info.progressive}
    how |= {"qtables": tables, "subsampling": info.subsampling} if tables else _FALLBACK
    if restarts:
        how["restart_marker_rows"] = 1
    # Into a real file Pillow encodes without holding the interpreter's lock, so that strips run side by side.
    with tempfile.TemporaryFile() as out, _room_for(width * height if info.progressive else 0, tables):
        image.save(out, "JPEG", **how)
        out.seek(0)
        return out.read()


def can_join(info: JpegInfo) -> bool:
    """Whether pictures of this kind can be encoded in strips: a progressive one goes over the whole several times."""
    return not info.progressive


def strip_rows(info: JpegInfo) -> int:
    """How high strips are, but for the last: restart markers count to eight, so they hold eight rows of blocks."""
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
    """Let Pillow reserve enough memory: it writes a progressive file in one piece and allows 2 bytes per pixel.

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


def graft(encoded: bytes, source: bytes, thumbnail: Thumbnail | None = None, profile: bytes | None = None) -> bytes:
    """Join newly encoded pixels with the metadata of the file that they came from.

    Application and comment segments of the source (JFIF, Exif, XMP and extended XMP, ICC, Photoshop with IPTC,
    anything else) are copied verbatim and in their order, apart from what would no longer be true:

    - Pictures of the old colours: the Exif thumbnail is renewed, the JFIF and Photoshop ones are removed.
    - Images behind the primary one (multi-picture format, gain map of an Ultra HDR file, motion photo) are left out
      together with the segments that index them and the XMP properties that announce them.
    - The Adobe segment, since the new pixels are YCbCr whatever the old ones were, and an ICC profile for anything but
      RGB; those of ``encoded`` are kept instead.

    Args:
        encoded: The new file.
        source: The file whose metadata is wanted.
        thumbnail: Maps the old Exif thumbnail, a JPEG, to the new one, or to None. Without it, or with None, there
            will be no thumbnail.
        profile: The ICC profile of the pixels, for where neither of the two has one.

    Raises:
        ValueError: One of the two is not a JPEG.
    """
    old, new = segments(source), segments(encoded)
    carried = list(_carried(old, thumbnail))
    has_profile = any(_is_profile(segment) for segment in carried)
    own = [s for s in new[:-1] if s.marker == _APP14 or (_is_profile(s) and not has_profile)]
    if profile and not has_profile and not any(_is_profile(segment) for segment in own):
        own += _profile_segments(profile)
    coding = [s for s in new[:-1] if not _is_metadata(s)]
    return b"".join(
        [b"\xff\xd8", *map(bytes, carried), *map(bytes, own), *map(bytes, coding), encoded[new[-1].offset :]]
    )


def _is_metadata(segment: Segment) -> bool:
    return _APP0 <= segment.marker <= _APP15 or segment.marker == _COM


def _is_profile(segment: Segment) -> bool:
    return segment.marker == _APP2 and segment.payload.startswith(_ICC_HEADER)


def _profile_segments(profile: bytes) -> Iterator[Segment]:
    """An ICC profile in as many segments as it takes (ICC.1:2022, annex B.4)."""
    room = _MAX_PAYLOAD - len(_ICC_HEADER) - 2
    parts = [profile[start : start + room] for start in range(0, len(profile), room)]
    for number, part in enumerate(parts, 1):
        yield Segment(_APP2, 0, _ICC_HEADER + bytes([number, len(parts)]) + part)


def _carried(old: list[Segment], thumbnail: Thumbnail | None) -> Iterator[Segment]:
    first_profile = next((s.payload for s in old if _is_profile(s) and s.payload[12:13] == b"\x01"), b"")
    profile_fits = first_profile[30:34] == b"RGB "
    photoshop = _photoshop_payloads(old)
    for segment in filter(_is_metadata, old):
        marker, offset, payload = segment
        if marker == _APP0 and payload.startswith(b"JFIF\0"):
            yield Segment(marker, offset, payload[:12] + b"\0\0")
        elif marker == _APP1 and payload.startswith(EXIF_HEADER[:5]):
            start = len(EXIF_HEADER)
            block = refresh_thumbnail(payload[start:], thumbnail, _MAX_PAYLOAD - start)
            yield Segment(marker, offset, payload[:start] + block)
        elif marker == _APP1 and payload.startswith(xmp.JPEG_HEADER):
            start = len(xmp.JPEG_HEADER)
            packet = xmp.without_trailing_images(payload[start:], _MAX_PAYLOAD - start)
            yield Segment(marker, offset, payload[:start] + packet)
        elif marker == _APP13 and payload.startswith(_PHOTOSHOP_HEADER):
            yield from (Segment(marker, offset, part) for part in photoshop)
            photoshop = []
        elif not (
            (marker == _APP0 and payload.startswith(b"JFXX\0"))
            or (marker == _APP2 and payload.startswith(_TRAILING_IMAGE_HEADERS))
            or (marker == _APP14 and payload.startswith(b"Adobe"))
            or (_is_profile(segment) and not profile_fits)
        ):
            yield segment


def _photoshop_payloads(old: list[Segment]) -> list[bytes]:
    """Photoshop payloads without thumbnails; one resource may run on from one segment to the next."""
    payloads = [s.payload for s in old if s.marker == _APP13 and s.payload.startswith(_PHOTOSHOP_HEADER)]
    joined = b"".join(payload[len(_PHOTOSHOP_HEADER) :] for payload in payloads)
    kept = without_photoshop_thumbnail(joined)
    if kept == joined:
        return payloads
    room = _MAX_PAYLOAD - len(_PHOTOSHOP_HEADER)
    return [_PHOTOSHOP_HEADER + kept[i : i + room] for i in range(0, len(kept), room)]
