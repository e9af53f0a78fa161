"""Pictures and profiles that tests make themselves."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from awbkit.files.encoding import linear_to_srgb

TUNGSTEN = np.array([1.0, 0.62, 0.28])
"""Linear sRGB of a warm light, 1 at its greatest."""


def encode(linear: np.ndarray, dtype: type = np.uint8) -> np.ndarray:
    """sRGB numbers of linear light."""
    top = np.iinfo(dtype).max
    return np.rint(linear_to_srgb(np.clip(linear, 0, 1)) * top).astype(dtype)


def icc_profile(
    primaries: tuple[tuple[float, float], ...], curve: bytes, white: tuple[float, float] = (0.3127, 0.3290)
) -> bytes:
    """A minimal ICC v4 display profile: colorants adapted to D50 by Bradford, one curve tag for all channels."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    w = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
    rgb_to_xyz = xyz * np.linalg.solve(xyz, w)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = np.array([0.9642, 1.0, 0.8249])
    adapt = np.linalg.solve(bradford, np.diag(bradford @ d50 / (bradford @ w)) @ bradford)
    colorants = adapt @ rgb_to_xyz

    def xyz_tag(values: np.ndarray) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))

    text = "test profile".encode("utf-16-be")
    description = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
    tags = {
        b"desc": description,
        b"cprt": description,
        b"wtpt": xyz_tag(d50),
        b"rXYZ": xyz_tag(colorants[:, 0]),
        b"gXYZ": xyz_tag(colorants[:, 1]),
        b"bXYZ": xyz_tag(colorants[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, data = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, start + len(data), len(content))
        data += padded
    header = bytearray(128)
    struct.pack_into(">I", header, 0, start + len(data))
    header[8:12] = b"\x04\x30\0\0"
    header[12:24] = b"mntrRGB XYZ "
    header[36:40] = b"acsp"
    struct.pack_into(">3i", header, 68, *(round(v * 65536) for v in d50))
    return bytes(header) + struct.pack(">I", len(tags)) + table + data


def gamma_curve(gamma: float) -> bytes:
    return b"para\0\0\0\0\0\0\0\0" + struct.pack(">i", round(gamma * 65536))


SRGB_CURVE = b"para\0\0\0\0\0\x03\0\0" + struct.pack(
    ">5i", *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3_PRIMARIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
PROPHOTO_PRIMARIES = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
D50_WHITE = (0.3457, 0.3585)

PROFILES = {
    "srgb": icc_profile(SRGB_PRIMARIES, SRGB_CURVE),
    "display-p3": icc_profile(P3_PRIMARIES, SRGB_CURVE),
    "adobe-rgb": icc_profile(ADOBE_PRIMARIES, gamma_curve(563 / 256)),
    "prophoto": icc_profile(PROPHOTO_PRIMARIES, gamma_curve(1.8), D50_WHITE),
}


def with_profile(pixels: np.ndarray, profile: bytes, path: Path, **options: object) -> Path:
    """Write 8- or 16-bit numbers with an embedded profile, in the format of the suffix."""
    import pyvips

    image = pyvips.Image.new_from_array(pixels)
    image = image.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    image.write_to_file(str(path), **options)
    return path
