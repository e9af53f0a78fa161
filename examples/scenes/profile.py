"""A Display P3 colour profile, built from its primaries."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

D65 = np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))


def p3_to_xyz() -> Matrix:
    """Linear Display P3 to CIE XYZ under D65, (3, 3); primaries of SMPTE EG 432-1."""
    primaries = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in _P3]).T
    return primaries * np.linalg.solve(primaries, D65)


def _adaptation() -> Matrix:
    cones = (_BRADFORD @ D50) / (_BRADFORD @ D65)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD)


def _fixed(values: Matrix) -> bytes:
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values.ravel())


def _text(words: str) -> bytes:
    data = words.encode("utf-16-be")
    return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(data), 28) + data


def display_p3() -> bytes:
    """An ICC profile, version 4: three adapted primaries and the sRGB transfer curve (ICC.1:2010)."""
    adaptation = _adaptation()
    columns = (adaptation @ p3_to_xyz()).T
    curve = (
        b"para" + struct.pack(">IHH", 0, 3, 0) + _fixed(np.array([2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]))
    )
    tags = {
        b"desc": _text("Display P3, linear primaries with the sRGB curve"),
        b"cprt": _text("No copyright, use freely"),
        b"wtpt": b"XYZ " + bytes(4) + _fixed(D50),
        b"chad": b"sf32" + bytes(4) + _fixed(adaptation),
        b"rXYZ": b"XYZ " + bytes(4) + _fixed(columns[0]),
        b"gXYZ": b"XYZ " + bytes(4) + _fixed(columns[1]),
        b"bXYZ": b"XYZ " + bytes(4) + _fixed(columns[2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = offset + len(body)
    # The date is fixed, so that the same picture always comes out as the same bytes.
    header = struct.pack(
        ">I4sI4s4s4s6H4s", size, b"", 0x04300000, b"mntr", b"RGB ", b"XYZ ", 2025, 1, 1, 0, 0, 0, b"acsp"
    )
    header += bytes(28) + _fixed(D50)
    return header + bytes(128 - len(header)) + table + body
