"""ICC profiles with lookup tables, built from a model of the device: every table type, both connection spaces."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
TO_SRGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
"""XYZ of D50 to linear sRGB (Bradford)."""

ADOBE = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
PROPHOTO = np.array([[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82491]])
SRGB = np.array([[0.43607, 0.38515, 0.14308], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


@dataclass(frozen=True)
class Device:
    """A display or scanner: a curve per channel, then a matrix to XYZ of D50."""

    matrix: np.ndarray
    decode: Callable[[np.ndarray], np.ndarray]
    encode: Callable[[np.ndarray], np.ndarray]

    def xyz(self, numbers: np.ndarray) -> np.ndarray:
        return self.decode(numbers) @ self.matrix.T

    def linear_srgb(self, numbers: np.ndarray) -> np.ndarray:
        to_srgb = TO_SRGB / (TO_SRGB @ D50)[:, None]
        return self.xyz(numbers) @ to_srgb.T

    def numbers(self, linear_srgb: np.ndarray) -> np.ndarray:
        to_srgb = TO_SRGB / (TO_SRGB @ D50)[:, None]
        return self.encode(linear_srgb @ np.linalg.inv(to_srgb @ self.matrix).T)


def gamma(matrix: np.ndarray, power: float, black: float = 0.0) -> Device:
    """Of a power, above a light that is left at black."""
    scale = 1 - black
    return Device(
        matrix,
        lambda n: black + scale * np.clip(n, 0, 1) ** power,
        lambda v: np.sign(v - black) * np.abs((v - black) / scale) ** (1 / power),
    )


def lattice(nodes: int) -> np.ndarray:
    axis = np.linspace(0, 1, nodes)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)


def to_lab(xyz: np.ndarray) -> np.ndarray:
    ratio = xyz / D50
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def mft(values: np.ndarray, wide: bool = True, curve: np.ndarray | None = None) -> bytes:
    """lut16Type, or lut8Type: values (n, n, n, 3) of the table, 1 = its full scale, behind input curves."""
    nodes, top, kind = values.shape[0], (65535 if wide else 255), (">u2" if wide else "u1")
    ramp = np.linspace(0, 1, 2 if wide else 256)
    head = (b"mft2" if wide else b"mft1") + bytes(4) + bytes([3, 3, nodes, 0])
    head += struct.pack(">9i", *(round(v * 65536) for v in np.eye(3).ravel()))
    first = ramp if curve is None else curve
    if wide:
        head += struct.pack(">2H", len(first), len(ramp))
    parts = (np.tile(first, 3), values.ravel(), np.tile(ramp, 3))
    return head + b"".join(np.rint(np.clip(part, 0, 1) * top).astype(kind).tobytes() for part in parts)


def mab(values: np.ndarray) -> bytes:
    """lutAToBType with a table alone between curves that do nothing."""
    nodes = values.shape[0]
    curves = b"curv\0\0\0\0\0\0\0\0" * 3
    clut = bytes([nodes] * 3 + [0] * 13) + b"\2\0\0\0" + np.rint(np.clip(values, 0, 1) * 65535).astype(">u2").tobytes()
    clut += bytes(-len(clut) % 4)
    start = 32
    # Offsets of B curves, matrix, M curves, table, A curves.
    offsets = (start, 0, 0, start + len(curves), start + len(curves) + len(clut))
    return b"mAB \0\0\0\0" + bytes([3, 3, 0, 0]) + struct.pack(">5I", *offsets) + curves + clut + curves


def mpet(matrix: np.ndarray, power: float) -> bytes:
    """multiProcessElementsType: a power for each channel, then a matrix to XYZ, in floating point."""
    segment = b"parf\0\0\0\0\0\0\0\0" + struct.pack(">4f", power, 1, 0, 0)
    # Breakpoints at 0 and 1 would need three segments; one from end to end has none.
    curve = b"curf\0\0\0\0" + struct.pack(">HH", 1, 0) + segment
    curves = b"cvst\0\0\0\0" + struct.pack(">HH", 3, 3)
    table = b"".join(struct.pack(">II", 12 + 24 + i * len(curve), len(curve)) for i in range(3))
    curves += table + curve * 3
    mat = b"matf\0\0\0\0" + struct.pack(">HH", 3, 3) + struct.pack(">12f", *matrix.ravel(), 0, 0, 0)
    head = b"mpet\0\0\0\0" + struct.pack(">HHI", 3, 3, 2)
    first = len(head) + 16
    return head + struct.pack(">4I", first, len(curves), first + len(curves), len(mat)) + curves + mat


def table(device: Device, kind: str, pcs: str = "Lab ", nodes: int = 33) -> bytes:
    """The AToB tag of a device; of kind "mft1", "mft2" or "mAB "."""
    xyz = device.xyz(lattice(nodes))
    if pcs == "XYZ ":
        values = xyz * (32768 / 65535)
    else:
        lab = to_lab(xyz) / [100, 255, 255] + [0, 128 / 255, 128 / 255]
        # Version 2 writes 100 and 255 as 0xFF00 where words are 16 bits wide.
        values = lab * (65280 / 65535) if kind == "mft2" else lab
    return mab(values) if kind == "mAB " else mft(values, wide=kind == "mft2")


def profile(
    tags: dict[str, bytes],
    *,
    pcs: str = "Lab ",
    version: int = 2,
    intent: int = 0,
    device_class: str = "mntr",
    space: str = "RGB ",
) -> bytes:
    """A profile around some tags."""
    if version == 2:
        name = b"desc\0\0\0\0" + struct.pack(">I", 7) + b"tables\0" + bytes(78)
    else:
        name = b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", 12, 28) + "tables".encode("utf-16-be")
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in D50))
    rest = {"desc": name, "wtpt": white, "cprt": name if version == 4 else b"text\0\0\0\0none\0"}
    listing, data, start = b"", b"", 132 + 12 * (len(tags) + 3)
    for tag, content in (rest | tags).items():
        listing += struct.pack(">4sII", tag.encode(), start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s24sI12s48s",
        start + len(data),
        bytes(4),
        0x02400000 if version == 2 else 0x04300000,
        device_class.encode(),
        space.encode(),
        pcs.encode(),
        struct.pack(">6H", 2020, 1, 1, 0, 0, 0),
        b"acsp",
        bytes(24),
        intent,
        white[8:20],
        bytes(48),
    )
    return header + struct.pack(">I", len(tags) + 3) + listing + data


def matrix_tags(device: Device, curve: bytes) -> dict[str, bytes]:
    """Colorants and curves of a device."""
    found = {}
    for index, channel in enumerate("rgb"):
        values = struct.pack(">3i", *(round(v * 65536) for v in device.matrix[:, index]))
        found |= {f"{channel}XYZ": b"XYZ \0\0\0\0" + values, f"{channel}TRC": curve}
    return found
