"""WebP files (RFC 9649): their chunks, and what libvips does not put into them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from awbkit.files.jpeg import EXIF_HEADER

_EXIF_FLAG, _ALPHA_FLAG = 0x08, 0x10
_STANDARD_KINDS = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "))


def is_lossless(path: str) -> bool:
    """Whether the pixels are stored without loss."""
    with Path(path).open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            if head[:4] in (b"VP8L", b"VP8 "):
                return head[:4] == b"VP8L"
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, os.SEEK_CUR)
    return False


def with_unknown_chunks(encoded: bytes, source: bytes) -> bytes:
    """A new file with those chunks of another that the standard does not know, in their order, behind all others.

    Raises:
        ValueError: The new file is no sound WebP.
    """
    unknown: list[tuple[bytes, bytes]] = []
    try:
        for kind, content in chunks(source):
            if kind not in _STANDARD_KINDS:
                unknown.append((kind, content))
    except ValueError:
        # Decoders read a file whose last chunk is cut off.
        pass
    return _join([*_extend(list(chunks(encoded))), *unknown]) if unknown else encoded


def embed(webp: bytes, exif: bytes) -> bytes:
    """Put an EXIF block into a WebP (RFC 9649), which becomes one of the extended format if it was not.

    Raises:
        ValueError: Not a sound WebP.
    """
    found = _extend(list(chunks(webp)))
    header = found[0][1]
    rest = [(kind, content) for kind, content in found[1:] if kind != b"EXIF"]
    before_xmp = next((i for i, (kind, _) in enumerate(rest) if kind == b"XMP "), len(rest))
    rest.insert(before_xmp, (b"EXIF", exif.removeprefix(EXIF_HEADER)))
    return _join([(b"VP8X", bytes([header[0] | _EXIF_FLAG]) + header[1:]), *rest])


def _extend(found: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The chunks of a file of the extended format, from those of any."""
    header = next((content for kind, content in found if kind == b"VP8X"), None) or _extended_header(*found[0])
    if len(header) < 10:
        raise ValueError("WebP header cut short")
    return [(b"VP8X", header), *(item for item in found if item[0] != b"VP8X")]


def _join(parts: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(c)) + c + bytes(len(c) % 2) for kind, c in parts)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def chunks(webp: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and contents.

    Raises:
        ValueError: Not a WebP, or a chunk leads out of the file.
    """
    if webp[:4] != b"RIFF" or webp[8:12] != b"WEBP" or len(webp) < 20:
        raise ValueError("not a WebP")
    position = 12
    while position + 8 <= len(webp):
        length = int.from_bytes(webp[position + 4 : position + 8], "little")
        if position + 8 + length > len(webp):
            raise ValueError("WebP chunk leads out of the file")
        yield webp[position : position + 4], webp[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _extended_header(kind: bytes, content: bytes) -> bytes:
    if kind == b"VP8 " and content[3:6] == b"\x9d\x01\x2a" and len(content) >= 10:
        width, height = (size & 0x3FFF for size in struct.unpack("<HH", content[6:10]))
        alpha = 0
    elif kind == b"VP8L" and content[:1] == b"\x2f" and len(content) >= 5:
        packed = int.from_bytes(content[1:5], "little")
        width, height, alpha = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, packed >> 28 & 1
    else:
        raise ValueError("WebP without pixels")
    sizes: bytes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes([_ALPHA_FLAG * alpha, 0, 0, 0]) + sizes
