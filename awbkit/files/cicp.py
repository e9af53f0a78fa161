"""Colour that a file declares without an ICC profile: code points in HEIF and PNG, gamma and chromaticities in PNG.

Code points are those of ITU-T H.273. HEIF and AVIF hold them in the box "colr" of type "nclx" (ISO/IEC 14496-12,
section 12.1.5), PNG in the chunk cICP (Third Edition, section 11.3.2.6).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import TypeAlias

from awbkit.errors import UnsupportedImage
from awbkit.files.embed import Container, boxes
from awbkit.files.encoding import SRGB, Curve, Encoding, power, primaries_to_srgb

XY: TypeAlias = tuple[float, float]
Space: TypeAlias = tuple[XY, XY, XY, XY]
"""CIE 1931 xy of red, green, blue, white."""

_D65 = (0.3127, 0.3290)
_BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)
_BT601_525 = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65)

# H.273 table 2: red, green, blue, white.
_PRIMARIES: dict[int, Space] = {
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), _D65),
    6: _BT601_525,
    7: _BT601_525,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
}
_NAMES = {5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 9: "BT.2020", 11: "DCI-P3", 12: "P3"}

# H.273 table 3. What is not listed decodes as sRGB: "unspecified", and the camera curves 1, 6, 14 and 15. Those say
# how a video camera encodes light for a display whose curve is not their inverse. Viewers show stills with such code
# points like sRGB, and encoders write them for pictures whose numbers are sRGB's.
_SRGB_CURVE = SRGB.curves[0]
_TRANSFERS = {4: ("gamma 2.2", power(2.2)), 5: ("gamma 2.8", power(2.8)), 8: ("linear", Curve("linear"))}
_PQ, _HLG = 16, 18

_USUAL_GAMMA = 1 / 2.2
_GAMMAS = (0.2, 2.0)  # others are mistakes


def read_declaration(path: str, kind: str, profile: bytes | None) -> Encoding | None:
    """The encoding that a file declares by other means than an ICC profile.

    Args:
        path: The file.
        kind: Its format: "png", "avif" or "heic"; no other declares any.
        profile: Its ICC profile. In HEIF it overrides code points; in PNG it overrides all but cICP.

    Returns:
        None if the file declares nothing, or nothing that makes sense, or if the profile overrides it.

    Raises:
        UnsupportedImage: If it is HDR.
    """
    try:
        if kind == "png":
            return _read_png(path, profile)
        if kind in ("avif", "heic") and profile is None:
            with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                points = _nclx(data)
            return encoding_of_code_points(path, *points) if points else None
    except (ValueError, LookupError, ArithmeticError, struct.error):
        # Whether the picture is sound is for the decoder to say; its colour is not declared here.
        return None
    return None


def encoding_of_code_points(path: str, primaries: int, transfer: int) -> Encoding:
    """The encoding that code points of ITU-T H.273 stand for; unknown ones count as sRGB's.

    Raises:
        UnsupportedImage: If they stand for HDR: numbers of absolute luminance, or of a scene without a white.
    """
    if transfer in (_PQ, _HLG):
        raise UnsupportedImage(path, "is HDR (PQ or HLG)", "convert it to SDR first")
    name, curve = _TRANSFERS.get(transfer, ("", _SRGB_CURVE))
    return _encoding(_NAMES.get(primaries, ""), name, curve, _PRIMARIES.get(primaries, _BT709))


def _encoding(space: str, curve_name: str, curve: Curve, primaries: Space) -> Encoding:
    *colours, white = primaries
    matrix = primaries_to_srgb(colours, white)
    if matrix is None and curve == _SRGB_CURVE:
        return SRGB
    space = (space or "declared primaries") if matrix else "sRGB primaries"
    return Encoding(f"{space}, {curve_name or 'sRGB curve'}", (curve, curve, curve), matrix)


def _read_png(path: str, profile: bytes | None) -> Encoding | None:
    from awbkit.files.png import chunks_before_pixels

    # Of several of a kind, the first counts.
    chunks = {chunk.kind: chunk.content for chunk in reversed(chunks_before_pixels(path))}
    if len(chunks.get(b"cICP", b"")) == 4:
        points = chunks[b"cICP"]
        if points[2] == 0:
            return encoding_of_code_points(path, points[0], points[1])
    if profile is None and b"sRGB" in chunks:
        return SRGB
    if profile is not None or not {b"gAMA", b"cHRM"} & chunks.keys():
        return None
    gamma = _gamma(chunks.get(b"gAMA", b""))
    primaries = _chromaticities(chunks.get(b"cHRM", b""))
    is_srgb = primaries_to_srgb(primaries[:3], primaries[3]) is None
    # 0.45455 with sRGB's primaries is how a PNG writer says sRGB; with others it is a power, as in Adobe RGB.
    if gamma is None or (is_srgb and abs(gamma / _USUAL_GAMMA - 1) < 0.01):
        return _encoding("", "", _SRGB_CURVE, primaries)
    return _encoding("", f"gamma {1 / gamma:.3g}", power(1 / gamma), primaries)


def _gamma(chunk: bytes) -> float | None:
    if len(chunk) != 4:
        return None
    gamma = int.from_bytes(chunk, "big") / 1e5
    return gamma if _GAMMAS[0] <= gamma <= _GAMMAS[1] else None


def _chromaticities(chunk: bytes) -> Space:
    """The primaries and white of a cHRM chunk; sRGB's if it is absent or makes no sense."""
    if len(chunk) != 32:
        return _BT709
    white, red, green, blue = ((x / 1e5, y / 1e5) for x, y in struct.iter_unpack(">II", chunk))
    try:
        primaries_to_srgb((red, green, blue), white)
    except ValueError:
        return _BT709
    return red, green, blue, white


def _nclx(data: Container) -> tuple[int, int] | None:
    """Primaries and transfer of the primary item: previews, depth and gain maps have code points of their own."""
    start, end = _box(data, 0, len(data), b"meta")
    place, _ = _box(data, start + 4, end, b"pitm")
    (item,) = struct.unpack_from(">I" if data[place] else ">H", data, place + 4)
    within = _box(data, start + 4, end, b"iprp")
    properties = list(boxes(data, *_box(data, *within, b"ipco")))
    for index in _property_numbers(data, _box(data, *within, b"ipma")[0], item):
        kind, (first, end) = properties[index - 1]
        if kind == b"colr" and data[first : first + 4] == b"nclx" and end - first >= 10:
            primaries, transfer = struct.unpack_from(">HH", data, first + 4)
            return primaries, transfer
    return None


def _box(data: Container, position: int, end: int, kind: bytes) -> tuple[int, int]:
    """Start and end of the content of the first such box; what follows it may be damaged."""
    for name, place in boxes(data, position, end):
        if name == kind:
            return place
    raise KeyError(kind)


def _property_numbers(data: Container, start: int, wanted: int) -> list[int]:
    """Numbers, from 1, of the properties of an item (ISO/IEC 23008-12, section 9.3.1)."""
    version, is_wide = data[start], data[start + 3] & 1
    (count,) = struct.unpack_from(">I", data, start + 4)
    position = start + 8
    head = struct.Struct(">IB" if version else ">HB")
    size = 2 if is_wide else 1
    for _ in range(count):
        item, properties = head.unpack_from(data, position)
        position += head.size
        if item == wanted:
            indices = [
                int.from_bytes(data[position + size * i : position + size * (i + 1)], "big") for i in range(properties)
            ]
            # The highest bit says whether a reader must understand the property; number 0 stands for none.
            return [found for index in indices if (found := index & (0x7FFF if is_wide else 0x7F))]
        position += size * properties
    return []
