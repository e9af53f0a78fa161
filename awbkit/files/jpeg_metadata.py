"""The metadata of a JPEG (ITU-T T.81, JFIF, EXIF 3.0), read and moved onto newly encoded pixels.

Every application segment that is still true is copied byte for byte, so that MakerNotes and their offsets survive.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from awbkit.files import photoshop, xmp
from awbkit.files.jpeg import EXIF_HEADER, Segment, segments
from awbkit.files.metadata import Metadata
from awbkit.files.previews import PreviewRenewal, refresh_preview

_ICC_HEADER = b"ICC_PROFILE\0"
# They index images stored behind the primary one: CIPA DC-007 multi-picture format and ISO 21496-1 gain maps.
_TRAILING_IMAGE_HEADERS = (b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0")
_MAX_PAYLOAD = 0xFFFF - 2
_APP0, _APP1, _APP2, _APP13, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF, 0xFE


def graft(encoded: bytes, source: bytes, renew: PreviewRenewal | None = None, profile: bytes | None = None) -> bytes:
    """Join newly encoded pixels with the metadata of the file that they came from.

    Application and comment segments of the source (JFIF, Exif, XMP and extended XMP, ICC, Photoshop with IPTC,
    anything else) are copied verbatim and in their order, apart from what would no longer be true:

    - Pictures of the old colours: the Exif preview is made anew, those of JFIF and Photoshop are removed.
    - Images behind the primary one (multi-picture format, gain map of an Ultra HDR file, motion photo) are left out
      together with the segments that index them and the XMP properties that announce them.
    - The Adobe segment, since the new pixels are YCbCr whatever the old ones were, and an ICC profile for anything but
      RGB; those of ``encoded`` are kept instead.

    Args:
        encoded: The new file.
        source: The file whose metadata is wanted.
        renew: Maps the old Exif preview, a JPEG, to the new one, or to None. Without it, or with None, there
            will be no preview.
        profile: The ICC profile of the pixels, for the case that neither file has one.

    Raises:
        ValueError: One of the two is not a JPEG.
    """
    old, new = segments(source), segments(encoded)
    carried = list(_carry(old, renew))
    has_profile = any(_is_profile(segment) for segment in carried)
    own = [s for s in new[:-1] if s.marker == _APP14 or (_is_profile(s) and not has_profile)]
    if profile and not has_profile and not any(_is_profile(segment) for segment in own):
        own += _profile_segments(profile)
    coding = [s for s in new[:-1] if not _is_metadata(s)]
    return b"".join(
        [b"\xff\xd8", *map(bytes, carried), *map(bytes, own), *map(bytes, coding), encoded[new[-1].offset :]]
    )


def read_metadata(data: bytes) -> Metadata:
    """The metadata of a JPEG, as it stands in its segments.

    Raises:
        ValueError: Not a JPEG.
    """
    payloads = [(marker, payload) for marker, _, payload in segments(data)]

    def first(header: bytes) -> bytes | None:
        found = (p[len(header) :] for marker, p in payloads if marker == _APP1 and p.startswith(header))
        return next(found, None)

    resources = [p.removeprefix(photoshop.HEADER) for marker, p in payloads if _is_photoshop(marker, p)]
    texts = ["comment"] * any(marker == _COM for marker, _ in payloads)
    texts += ["extended XMP"] * any(p.startswith(xmp.EXTENDED_HEADER) for _, p in payloads)
    return Metadata(first(EXIF_HEADER), first(xmp.JPEG_HEADER), b"".join(resources) or None, tuple(texts))


def add_segments(encoded: bytes, resources: bytes | None, dots: tuple[float, float] | None) -> bytes:
    """A JPEG with a JFIF segment that states the resolution, and with Photoshop's resources.

    Args:
        encoded: The file.
        resources: Photoshop's.
        dots: Pixels per inch, across and down; None where they are unknown.

    Raises:
        ValueError: Not a JPEG.
    """
    own = segments(encoded)
    unit, across, down = (1, *(min(max(round(number), 1), 0xFFFF) for number in dots)) if dots else (0, 1, 1)
    jfif = Segment(_APP0, 0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, unit, across, down, 0, 0))
    out = [jfif, *(s for s in own if not (s.marker == _APP0 and s.payload.startswith(b"JFIF\0")))]
    at = next(i for i, segment in enumerate(out) if segment.marker not in (_APP0, _APP1))
    out[at:at] = [Segment(_APP13, 0, payload) for payload in _split(resources or b"")]
    return b"".join([b"\xff\xd8", *map(bytes, out), encoded[own[-1].offset + len(bytes(own[-1])) :]])


def _is_photoshop(marker: int, payload: bytes) -> bool:
    return marker == _APP13 and payload.startswith(photoshop.HEADER)


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


def _carry(old: list[Segment], renew: PreviewRenewal | None) -> Iterator[Segment]:
    first_profile = next((s.payload for s in old if _is_profile(s) and s.payload[12:13] == b"\x01"), b"")
    profile_fits = first_profile[30:34] == b"RGB "
    resources = _photoshop_payloads(old)
    for segment in filter(_is_metadata, old):
        marker, offset, payload = segment
        if marker == _APP0 and payload.startswith(b"JFIF\0"):
            yield Segment(marker, offset, payload[:12] + b"\0\0")
        elif marker == _APP1 and payload.startswith(EXIF_HEADER[:5]):
            start = len(EXIF_HEADER)
            block = refresh_preview(payload[start:], renew, _MAX_PAYLOAD - start)
            yield Segment(marker, offset, payload[:start] + block)
        elif marker == _APP1 and payload.startswith(xmp.JPEG_HEADER):
            start = len(xmp.JPEG_HEADER)
            packet = xmp.without_other_pictures(payload[start:], _MAX_PAYLOAD - start)
            yield Segment(marker, offset, payload[:start] + packet)
        elif _is_photoshop(marker, payload):
            yield from (Segment(marker, offset, part) for part in resources)
            resources = []
        elif not (
            (marker == _APP0 and payload.startswith(b"JFXX\0"))
            or (marker == _APP2 and payload.startswith(_TRAILING_IMAGE_HEADERS))
            or (marker == _APP14 and payload.startswith(b"Adobe"))
            or (_is_profile(segment) and not profile_fits)
        ):
            yield segment


def _photoshop_payloads(old: list[Segment]) -> list[bytes]:
    """Photoshop payloads without previews; one resource may run on from one segment to the next."""
    payloads = [s.payload for s in old if _is_photoshop(s.marker, s.payload)]
    joined = b"".join(payload[len(photoshop.HEADER) :] for payload in payloads)
    kept = photoshop.without_previews(joined)
    return payloads if kept == joined else _split(kept)


def _split(resources: bytes) -> list[bytes]:
    room = _MAX_PAYLOAD - len(photoshop.HEADER)
    return [photoshop.HEADER + resources[i : i + room] for i in range(0, len(resources), room)]
