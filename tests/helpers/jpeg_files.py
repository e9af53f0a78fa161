"""JPEG files with all that belongs to one: segments, Exif with a thumbnail, resources of Photoshop."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image, ImageCms

from awbkit.files import jpeg

MAKER_NOTE = b"Canon\0" + bytes(range(256)) * 3
XMP = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">II", 900, 0) + b"e" * 900
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    """A smooth gradient with some noise, opaque RGBX."""
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(seed).integers(0, 12, (height, width, 4))
    levels = np.stack([columns * 3, rows * 4, columns + rows, columns * 0], axis=-1) % 240
    return np.ascontiguousarray((levels + noise).astype(np.uint8))


def save(pixels: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(out, "JPEG", **options)
    return out.getvalue()


def dqt(data: bytes) -> dict[int, bytes]:
    """Quantisation tables as they stand in the file, by identifier, read without the code under test."""
    tables, position = {}, 2
    while data[position + 1] != 0xDA:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        while data[position + 1] == 0xDB and body:
            size = 129 if body[0] >> 4 else 65
            tables[body[0] & 15], body = body[1:size], body[size:]
        position += 2 + length
    return tables


def payloads(data: bytes, marker: int, start: bytes = b"") -> list[bytes]:
    return [s.payload for s in jpeg.segments(data) if s.marker == marker and s.payload.startswith(start)]


def segment(marker: int, payload: bytes) -> bytes:
    return bytes(jpeg.Segment(marker, 0, payload))


def insert(data: bytes, *parts: bytes) -> bytes:
    return data[:2] + b"".join(parts) + data[2:]


def without_jfif(data: bytes) -> bytes:
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]


def exif_block(thumbnail: bytes, order: str = "<", tail: bytes = b"") -> bytes:
    """A block with Make, an Exif directory that holds a MakerNote, and IFD1 with a thumbnail."""
    make, main, sub, small = b"Canon\0", 8, 64, 96
    note_at = 160
    small_at = note_at + len(MAKER_NOTE)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    block = bytearray(small_at) + thumbnail + tail
    block[:8] = mark + struct.pack(order + "I", main)
    entries = [
        (main, [(271, 2, len(make), 56), (274, 3, 1, 6 if order == "<" else 6 << 16), (34665, 4, 1, sub)], small),
        (sub, [(37500, 7, len(MAKER_NOTE), note_at)], 0),
        (
            small,
            [(0x103, 3, 1, 6 if order == "<" else 6 << 16), (0x201, 4, 1, small_at), (0x202, 4, 1, len(thumbnail))],
            0,
        ),
    ]
    for at, fields, following in entries:
        packed = struct.pack(order + "H", len(fields)) + b"".join(struct.pack(order + "HHII", *f) for f in fields)
        packed += struct.pack(order + "I", following)
        block[at : at + len(packed)] = packed
    block[56 : 56 + len(make)] = make
    block[note_at:small_at] = MAKER_NOTE
    return bytes(block)


def photoshop(*resources: tuple[int, bytes, bytes]) -> bytes:
    out = b""
    for identifier, name, data in resources:
        label = bytes([len(name)]) + name
        label += bytes(len(label) % 2)
        out += b"8BIM" + struct.pack(">H", identifier) + label + struct.pack(">I", len(data)) + data
        out += bytes(len(data) % 2)
    return out


PHOTOSHOP = b"Photoshop 3.0\0"
IPTC = (0x0404, b"", b"\x1c\x02\x05\x00\x05Title")
OLD_THUMBNAIL = save(picture(40, 30, seed=5), quality=80)
PLAIN = save(picture(seed=9), quality=90)


def rich_source(thumbnail: bytes = OLD_THUMBNAIL, order: str = "<", **options: object) -> bytes:
    base = save(picture(), dpi=(300, 300), icc_profile=PROFILE, **options)
    return insert(
        base[:20] + base[20:],
        segment(0xE1, b"Exif\0\0" + exif_block(thumbnail, order)),
        segment(0xE1, XMP),
        segment(0xE1, EXTENDED_XMP),
        segment(0xE2, b"MPF\0MM\0*" + bytes(80)),
        segment(0xED, PHOTOSHOP + photoshop(IPTC, (0x040C, b"", b"odd"), (0x03ED, b"abc", b"12345"))),
        segment(0xE5, b"private\0\1\2\3"),
        segment(0xEE, b"Adobe\0\x64" + bytes(4) + b"\x01"),
        segment(0xFE, "Kommentar: für alle".encode()),
    )


SOUND = rich_source()
