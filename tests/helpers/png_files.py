"""PNG files put together chunk by chunk, and taken apart again, without any code of awbkit's."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TypeAlias

import numpy as np

Chunks: TypeAlias = list[tuple[bytes, bytes]]

RGB, PALETTE, RGBA = 2, 3, 6


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def write_png(
    path: Path,
    pixels: np.ndarray,
    before: Chunks | None = None,
    behind: Chunks | None = None,
    bits: int | None = None,
    tail: bytes = b"",
) -> Path:
    """Pixels (H, W, 3 or 4), or (H, W) numbers of a palette's colours, 8 or 16 bits unless ``bits`` says less."""
    height, width = pixels.shape[:2]
    depth = bits or pixels.dtype.itemsize * 8
    kind = PALETTE if pixels.ndim == 2 else {3: RGB, 4: RGBA}[pixels.shape[2]]
    rows = pixels.astype(">u2" if depth == 16 else np.uint8)
    if depth < 8:
        spread = np.unpackbits(rows[..., None], axis=-1)[..., 8 - depth :].reshape(height, -1)
        rows = np.packbits(spread, axis=1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    half = len(data) // 2
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)),
        *(before or []),
        (b"IDAT", data[:half]),
        (b"IDAT", data[half:]),
        *(behind or []),
        (b"IEND", b""),
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts) + tail)
    return path


def read_chunks(path: Path) -> Chunks:
    """Kinds and contents; a wrong checksum or a torn chunk is an error."""
    data = path.read_bytes()
    position, found = 8, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, content = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        assert checksum == zlib.crc32(kind + content)
        found.append((kind, content))
        position += 12 + length
    return found


def around_pixels(path: Path) -> tuple[Chunks, Chunks]:
    """The chunks between IHDR and the pixels, and those between the pixels and IEND."""
    found = read_chunks(path)
    assert found[0][0] == b"IHDR"
    assert found[-1] == (b"IEND", b"")
    places = [i for i, (kind, _) in enumerate(found) if kind == b"IDAT"]
    assert places == list(range(places[0], places[-1] + 1))
    return found[1 : places[0]], found[places[-1] + 1 : -1]


def digits(name: bytes, block: bytes) -> bytes:
    """A block as ImageMagick writes it into text."""
    written = block.hex().encode()
    lines = [written[at : at + 72] for at in range(0, len(written), 72)]
    return b"\n%s\n%8d\n%s\n" % (name, len(block), b"\n".join(lines))
