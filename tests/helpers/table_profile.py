"""An ICC profile that describes its colours by lookup tables alone."""

from __future__ import annotations

import struct

import numpy as np

from tests.helpers.pictures import ADOBE_PRIMARIES, icc_profile


def lookup_table_profile(gamma: float = 2.2) -> bytes:
    """Adobe RGB's primaries as lookup tables in both directions (mft2), as scanners and cameras' makers write them."""
    model = icc_profile(ADOBE_PRIMARIES, b"curv" + bytes(8))
    places = {name: at for name, at, _ in struct.iter_unpack(">4sII", model[132 : 132 + 12 * 9])}
    colorants = np.array([struct.unpack_from(">3i", model, places[n] + 8) for n in (b"rXYZ", b"gXYZ", b"bXYZ")]).T
    colorants = colorants / 65536
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)

    def table(matrix: np.ndarray, first: np.ndarray, grid: np.ndarray, last: np.ndarray) -> bytes:
        head = b"mft2\0\0\0\0" + bytes([3, 3, 2, 0])
        head += struct.pack(">9i", *(round(v * 65536) for v in matrix.ravel())) + struct.pack(
            ">HH", len(first), len(last)
        )
        values = [np.tile(first, 3), grid.ravel(), np.tile(last, 3)]
        return head + b"".join(np.rint(np.clip(v, 0, 1) * 65535).astype(">u2").tobytes() for v in values)

    # In an XYZ connection space 32768 stands for 1.
    half = 32768 / 65535
    ends, steps = np.array([0.0, 1.0]), np.linspace(0, 1, 4096)
    tags = {
        b"desc": model[places[b"desc"] : places[b"desc"] + 12 + 16 + 24],
        b"wtpt": model[places[b"wtpt"] : places[b"wtpt"] + 20],
        b"A2B0": table(np.eye(3), steps**gamma, corners @ colorants.T * half, ends),
        b"B2A0": table(np.linalg.inv(colorants) / half, ends, corners, steps ** (1 / gamma)),
    }
    listing, data, start = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        listing += struct.pack(">4sII", name, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = bytearray(model[:128])
    header[8:12] = b"\2\x40\0\0"
    struct.pack_into(">I", header, 0, start + len(data))
    return bytes(header) + struct.pack(">I", len(tags)) + listing + data
