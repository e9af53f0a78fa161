"""From the numbers in a rendered file to linear sRGB light, and back.

A rendered file stores non-linear RGB. Its embedded ICC profile, or else the sRGB standard, says how each channel's
numbers map to light (three tone curves) and which red, green and blue they are amounts of (a 3x3 matrix).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ENCODED_KNEE = 0.04045
_LINEAR_KNEE = 0.0031308

# D50 of the ICC profile connection space to linear sRGB: the inverse of the colorants that the sRGB profile stores
# (IEC 61966-2-1 primaries, Bradford-adapted to D50, ICC.1:2022 annex E).
_PCS_TO_SRGB = np.linalg.inv(
    np.array([[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]])
)

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

# Of ICC.1:2022 function type 4.
_PARAMETERS = {
    "linear": (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "srgb": (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, _ENCODED_KNEE, 0.0, 0.0),
}


def srgb_to_linear(encoded: Floats) -> Floats:
    """IEC 61966-2-1 decoding; extended antisymmetrically below 0 and by the same power above 1."""
    magnitude = np.abs(encoded)
    linear = np.where(magnitude <= _ENCODED_KNEE, magnitude / 12.92, ((magnitude + 0.055) / 1.055) ** 2.4)
    return np.copysign(linear, encoded)


def linear_to_srgb(linear: Floats) -> Floats:
    """IEC 61966-2-1 encoding; the inverse of :func:`srgb_to_linear`."""
    magnitude = np.abs(linear)
    encoded = np.where(magnitude <= _LINEAR_KNEE, magnitude * 12.92, 1.055 * magnitude ** (1 / 2.4) - 0.055)
    return np.copysign(encoded, linear)


@dataclass(frozen=True)
class Curve:
    """One channel's tone curve: encoded [0, 1] to linear [0, 1].

    Attributes:
        kind: "linear", "srgb", "table" (samples at equal steps of the encoded value) or "parametric" (ICC.1:2022
            section 10.18: the parameters g, a, b, c, d, e, f of function type 4, to which all others reduce).
        values: The samples or the parameters.
    """

    kind: str
    values: tuple[float, ...] = ()

    def decode(self, encoded: Floats) -> Floats:
        """Encoded to linear light."""
        if self.kind == "linear":
            return np.asarray(encoded, dtype=np.float64)
        if self.kind == "srgb":
            return srgb_to_linear(encoded)
        if self.kind == "table":
            return _interpolate(encoded, np.linspace(0, 1, len(self.values)), np.asarray(self.values))
        g, a, b, c, d, e, f = self.values
        base = np.maximum(a * encoded + b, 0)
        with np.errstate(over="ignore"):
            return np.where(encoded >= d, base**g + e, c * encoded + f)

    def encode(self, linear: Floats) -> Floats:
        """Linear light to encoded; a table goes on beyond its ends as a straight line, as :meth:`decode` has it."""
        if self.kind == "linear":
            return np.asarray(linear, dtype=np.float64)
        if self.kind == "srgb":
            return linear_to_srgb(linear)
        if self.kind == "table":
            return _interpolate(linear, *_inverse_table(self))
        g, a, b, c, d, e, f = self.values
        knee = c * d + f
        with np.errstate(over="ignore"):
            power = (np.maximum(linear - e, 0) ** (1 / g) - b) / a
        straight = (linear - f) / c if c else np.zeros_like(linear)
        return np.where(linear < knee, straight, np.maximum(power, d))


def _interpolate(values: Floats, x: Floats, y: Floats) -> Floats:
    """Interpolate, and beyond the ends go on with the slope from end to end: floating point may well lie there."""
    slope = (y[-1] - y[0]) / (x[-1] - x[0])
    beyond = np.maximum(values - x[-1], 0) + np.minimum(values - x[0], 0)
    return np.asarray(np.interp(values, x, y) + slope * beyond)


@lru_cache(maxsize=16)
def _inverse_table(curve: Curve) -> tuple[Floats, Floats]:
    # Where several numbers stand for one light, the least counts.
    linear = np.maximum.accumulate(np.asarray(curve.values)) + 1e-12 * np.arange(len(curve.values))
    return linear, np.linspace(0, 1, len(curve.values))


@dataclass(frozen=True)
class Encoding:
    """How a file's numbers stand for light.

    Attributes:
        name: For messages: "sRGB", "linear", or the profile's own description.
        curves: One for each channel.
        to_srgb: 3x3 row-major, linear RGB of the file to linear sRGB; None if the primaries are sRGB's own.
    """

    name: str
    curves: tuple[Curve, Curve, Curve]
    to_srgb: tuple[float, ...] | None = None

    @property
    def matrix(self) -> Floats:
        """3x3, linear RGB of the file to linear sRGB."""
        return np.eye(3) if self.to_srgb is None else np.array(self.to_srgb).reshape(3, 3)

    def decode(self, encoded: Floats) -> Floats:
        """(..., 3) encoded [0, 1] to the file's own linear RGB."""
        return np.stack([curve.decode(encoded[..., i]) for i, curve in enumerate(self.curves)], axis=-1)

    def encode(self, linear: Floats) -> Floats:
        """(..., 3) in the file's own linear RGB to encoded."""
        return np.stack([curve.encode(linear[..., i]) for i, curve in enumerate(self.curves)], axis=-1)


_SRGB_CURVE = Curve("srgb")
_LINEAR_CURVE = Curve("linear")


def power(gamma: float) -> Curve:
    """The curve of a pure power."""
    return _parametric_curve(gamma, 1, 0, 0, 0, 0, 0)


SRGB = Encoding("sRGB", (_SRGB_CURVE,) * 3)
LINEAR = Encoding("linear", (_LINEAR_CURVE,) * 3)


# By profile class.
_OTHER_CLASSES = {b"link": "a device link", b"abst": "an abstract profile", b"nmcl": "a list of named colours"}
_MATRIX_TAGS = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
_MAX_LIGHT = 1e6


class ProfileError(ValueError):
    """The ICC profile is broken or not one for RGB pictures; the message completes "the embedded profile ..."."""


@lru_cache(maxsize=16)
def parse_profile(profile: bytes) -> Encoding | None:
    """The encoding that an ICC profile describes (ICC.1:2022, versions 2 and 4).

    Returns:
        None for an RGB profile that is defined by lookup tables rather than by curves and a matrix, or by both: then
        the tables count. :mod:`awbkit.files.profile_tables` reads those.

    Raises:
        ProfileError: If it is damaged or describes another kind of colour than RGB.
    """
    if len(profile) < 132 or profile[36:40] != b"acsp":
        raise ProfileError("is damaged (no ICC signature)")
    if profile[12:16] in _OTHER_CLASSES:
        raise ProfileError(f"is {_OTHER_CLASSES[profile[12:16]]} and does not say what a picture's numbers mean")
    if profile[16:20] != b"RGB ":
        space = profile[16:20].decode("latin-1").strip()
        raise ProfileError(
            f"is for {space if space.isascii() and space.isalnum() else 'another space'} and not for RGB"
        )
    try:
        tags = profile_tags(profile)
        if table_tag(profile, tags) is not None:
            return None
        if any(name not in tags for name in _MATRIX_TAGS):
            raise ProfileError("has neither curves nor lookup tables")
        colorants = np.stack([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
        red, green, blue = (_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    except (struct.error, IndexError) as error:
        raise ProfileError("is damaged (a tag is cut off)") from error
    for curve in {red, green, blue}:
        _check_curve(curve)
    matrix = _matrix_to_srgb(colorants)
    name = "sRGB" if matrix is None and red.kind == "srgb" else _description(tags.get(b"desc", b""))
    return Encoding(name, (red, green, blue), matrix)


def table_tag(profile: bytes, tags: dict[bytes, bytes]) -> bytes | None:
    """The tag of the table that leads from a profile's numbers to colours; None where curves and a matrix do.

    The rendering intent is the profile's own; absolute colour is not for pictures (ICC.1:2022, sections 7.2.15, 8.10).
    """
    intent = {1: 1, 2: 2, 3: 1}.get(int.from_bytes(profile[64:68], "big"), 0)
    order = [b"D2B%d" % intent, b"A2B%d" % intent, b"A2B0"]
    if any(name not in tags for name in _MATRIX_TAGS):
        order += [b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2"]
    return next((name for name in order if name in tags), None)


def _check_curve(curve: Curve) -> None:
    """Refuse curves that have no inverse; flat ends and small dents are common and pass."""
    linear = curve.decode(np.linspace(0, 1, 1025))
    # White is at 1; beyond this, light overflows where its fourth powers are summed.
    if not (np.abs(linear) < _MAX_LIGHT).all():
        raise ProfileError("is damaged (a curve leads to infinity)")
    rise, fall = np.ptp(linear), (np.maximum.accumulate(linear) - linear).max()
    if rise < 1e-3:
        raise ProfileError("is damaged (a curve is constant)")
    if fall > 0.02 * rise:
        raise ProfileError("has a curve that falls, so that one light has several numbers")


def _matrix_to_srgb(colorants: Floats) -> tuple[float, ...] | None:
    """`Encoding.to_srgb` of the XYZ of red, green and blue (columns), adapted to D50."""
    matrix = _PCS_TO_SRGB @ colorants
    white = matrix.sum(axis=1)
    if not np.isfinite(matrix).all() or (white <= 0).any() or abs(np.linalg.det(matrix)) < 1e-6:
        raise ProfileError("is damaged (its primaries do not span a colour space)")
    # The colorants are rounded to 1/65536: without this, the file's white would not be exactly neutral.
    matrix /= white[:, None]
    return None if np.abs(matrix - np.eye(3)).max() < 0.004 else tuple(float(v) for v in matrix.ravel())


def primaries_to_srgb(primaries: Sequence[tuple[float, float]], white: tuple[float, float]) -> tuple[float, ...] | None:
    """`Encoding.to_srgb` of the CIE 1931 xy of red, green, blue and white; Bradford adapts the white to sRGB's.

    Raises:
        ValueError: If they do not span a colour space.
    """
    points = np.array([*primaries, white], dtype=np.float64)
    x, y = points.T
    xyz = np.stack([x, y, 1 - x - y])
    is_sound = np.isfinite(points).all() and y[3] > 0 and (y >= 0).all()
    if not is_sound or abs(np.linalg.det(xyz[:, :3])) < 1e-6:
        raise ProfileError("is damaged (its primaries do not span a colour space)")
    light = xyz[:, 3] / y[3]
    colorants = xyz[:, :3] * np.linalg.solve(xyz[:, :3], light)
    adapted = np.linalg.solve(_BRADFORD, (_BRADFORD @ _D50 / (_BRADFORD @ light))[:, None] * (_BRADFORD @ colorants))
    return _matrix_to_srgb(adapted)


def build_profile(encoding: Encoding) -> bytes:
    """A minimal ICC v4 display profile of an encoding without tables (ICC.1:2022); `parse_profile` reads it back."""
    matrix = np.linalg.solve(_PCS_TO_SRGB, encoding.matrix)
    d65 = np.array([0.3127 / 0.3290, 1, 0.3583 / 0.3290])
    adaptation = np.linalg.solve(_BRADFORD, (_BRADFORD @ _D50 / (_BRADFORD @ d65))[:, None] * _BRADFORD)
    tags = {
        b"desc": _text_tag(encoding.name),
        b"cprt": _text_tag("No rights reserved"),
        b"wtpt": _number_tag(b"XYZ ", _D50),
        b"chad": _number_tag(b"sf32", adaptation.ravel()),
    }
    for index, (channel, curve) in enumerate(zip("rgb", encoding.curves, strict=True)):
        tags[f"{channel}XYZ".encode()] = _number_tag(b"XYZ ", matrix[:, index])
        tags[f"{channel}TRC".encode()] = _number_tag(b"para", _PARAMETERS.get(curve.kind, curve.values), b"\0\4\0\0")
    return assemble_profile(tags, b"mntr", b"XYZ ")


def assemble_profile(
    tags: dict[bytes, bytes], device_class: bytes, connection: bytes, version: bytes = b"\x04\x40\0\0"
) -> bytes:
    """An ICC profile of RGB numbers made of these tags; equal contents are stored once."""
    listing, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    for name, content in tags.items():
        if content not in places:
            places[content] = start + len(data)
            data += content + bytes(-len(content) % 4)
        listing += struct.pack(">4sII", name, places[content], len(content))
    # The creation date is a constant: the same picture gives the same file on any day.
    header = struct.pack(
        ">I4x4s4s4s4s6H4s28x3i48x",
        start + len(data),
        version,
        device_class,
        b"RGB ",
        connection,
        *(2024, 1, 1, 0, 0, 0),
        b"acsp",
        *(round(v * 65536) for v in _D50),
    )
    return header + listing + data


def _number_tag(kind: bytes, values: Iterable[float], before: bytes = b"") -> bytes:
    return kind + bytes(4) + before + b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def _text_tag(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def profile_tags(profile: bytes) -> dict[bytes, bytes]:
    """The contents of a profile's tags, cut off where the profile ends."""
    (count,) = struct.unpack_from(">I", profile, 128)
    if count > 1000:
        raise ProfileError("is damaged (impossible number of tags)")
    tags = {}
    for index in range(count):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        tags[name] = profile[offset : offset + size]
    return tags


def _xyz(tag: bytes) -> Floats:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return _LINEAR_CURVE
        if count == 1:
            (gamma,) = struct.unpack_from(">H", tag, 12)
            return power(gamma / 256)
        return Curve("table", tuple(v / 65535 for v in struct.unpack_from(f">{count}H", tag, 12)))
    if tag[:4] == b"para":
        (function,) = struct.unpack_from(">H", tag, 8)
        counts = (1, 3, 4, 5, 7)
        if function >= len(counts):
            raise ProfileError("has a curve of unknown type")
        p = [v / 65536 for v in struct.unpack_from(f">{counts[function]}i", tag, 12)]
        if function == 0:
            return power(p[0])
        g, a, b = p[:3]
        if a == 0 or g == 0:
            raise ProfileError("is damaged (a curve is constant)")
        if function == 1:
            return _parametric_curve(g, a, b, 0, -b / a, 0, 0)
        if function == 2:
            return _parametric_curve(g, a, b, 0, -b / a, p[3], p[3])
        return _parametric_curve(g, a, b, p[3], p[4], *(p[5:7] if function == 4 else (0.0, 0.0)))
    raise ProfileError("has a curve of unknown type")


def _parametric_curve(*values: float) -> Curve:
    # sRGB's own parameters, rounded to 1/65536, leave a step at the knee that the standard does not have.
    if np.allclose(values, _PARAMETERS["srgb"], rtol=0, atol=1e-4):
        return _SRGB_CURVE
    if values[0] <= 0 or values[1] == 0:
        raise ProfileError("is damaged (a curve is constant)")
    if tuple(values) == _PARAMETERS["linear"]:
        return _LINEAR_CURVE
    return Curve("parametric", tuple(float(v) for v in values))


def _description(tag: bytes) -> str:
    if tag[:4] == b"desc" and len(tag) > 12:
        (length,) = struct.unpack_from(">I", tag, 8)
        text = tag[12 : 12 + length].decode("latin-1")
    elif tag[:4] == b"mluc" and len(tag) >= 28:
        length, offset = struct.unpack_from(">II", tag, 20)
        text = tag[offset : offset + length].decode("utf-16-be", "replace")
    else:
        text = ""
    return text.strip("\0 ") or "unnamed profile"
