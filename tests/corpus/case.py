"""One picture of the corpus, what pictures show, and what stands beside their pixels."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers.pictures import PROFILES
from tests.helpers.table_profile import lookup_table_profile

WIDTH, HEIGHT = 61, 43
"""No multiple of any block."""

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>"""
RECORDS = b"\x1c\x02\x78\x00\x08A scene.\x1c\x02\x19\x00\x05chart"
RESOURCES = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(RECORDS)) + RECORDS + bytes(len(RECORDS) % 2)
MAKER_NOTE = b"Acme\0" + bytes(range(256))


@dataclass(frozen=True)
class Case:
    """A picture.

    Attributes:
        name: Of its file.
        write: Makes the file.
        is_lossless: Whether the format gives back the numbers that it was given.
    """

    name: str
    write: Callable[[Path], object]
    is_lossless: bool = True


@dataclass(frozen=True)
class Blocks:
    """What stands beside the pixels, in the blocks that all formats share."""

    exif: bytes | None = None
    xmp: bytes | None = None
    resources: bytes | None = None
    has_more: bool = False
    """Whether the format's own kinds of text and private fields are there, too."""


def pixels(dtype: type = np.uint8, channels: int = 3) -> np.ndarray:
    """(43, 61, channels): patches of any colour, clipped ones among them, beside every number of a ramp."""
    rng = np.random.default_rng(channels)
    shares = np.kron(rng.uniform(0, 1, (7, 9, 3)), np.ones((7, 7, 1)))[:HEIGHT, :WIDTH]
    shares[:7, :14] = 1
    shares[7:14, :7], shares[7:14, 7:14] = 0, (1, 0, 0)
    shares[28:] = (np.arange(15 * WIDTH).reshape(15, WIDTH, 1) % 256) / 255
    shares[28:, 30:] += rng.normal(0, 0.02, (15, WIDTH - 30, 3))
    shares = np.clip(shares, 0, 1)
    if channels == 4:
        alpha = np.linspace(0, 1, WIDTH)[None, :, None] * np.ones((HEIGHT, 1, 1))
        shares = np.concatenate([shares, alpha], axis=2)
    if np.issubdtype(dtype, np.floating):
        return shares.astype(dtype)
    return np.rint(shares * np.iinfo(dtype).max).astype(dtype)


def exif(orientation: int = 1, with_thumbnail: bool = False) -> bytes:
    """A block with camera, exposure, position, MakerNote and, if wanted, a thumbnail."""
    made = Image.Exif()
    made[271], made[272], made[274], made[315] = "Acme", "Acme Snap", orientation, "Jürgen"
    fields = made.get_ifd(34665)
    fields[33434], fields[36867], fields[37500] = 1 / 125, "2024:05:06 07:08:09", MAKER_NOTE
    fields[40961] = 1
    made.get_ifd(34853)[2] = (48.0, 8.0, 12.25)
    block = bytearray(made.tobytes().removeprefix(b"Exif\0\0"))
    if with_thumbnail:
        small = io.BytesIO()
        Image.fromarray(pixels()[::2, ::2]).save(small, "JPEG", quality=90)
        order = "<" if block[:2] == b"II" else ">"
        (count,) = struct.unpack_from(order + "H", block, 8)
        block += bytes(len(block) % 2)
        at, data = len(block), small.getvalue()
        struct.pack_into(order + "I", block, 10 + 12 * count, at)
        entries = [(0x103, 3, 1, 6 if order == "<" else 6 << 16), (0x201, 4, 1, at + 42), (0x202, 4, 1, len(data))]
        block += struct.pack(order + "H", 3) + b"".join(struct.pack(order + "HHII", *e) for e in entries) + bytes(4)
        block += data
    return bytes(block)


def blocks(index: int, orientation: int) -> Blocks:
    """A combination, in turn; where it has EXIF, that has the orientation."""
    block = exif(orientation, with_thumbnail=index % 4 == 1)
    return (
        Blocks(exif=block),
        Blocks(exif=block, xmp=XMP, resources=RESOURCES, has_more=True),
        Blocks(),
        Blocks(xmp=XMP),
        Blocks(exif=block, has_more=True),
        Blocks(exif=block, xmp=XMP),
        Blocks(resources=RESOURCES, has_more=True),
    )[index % 7]


def profiles() -> dict[str, bytes | None]:
    """A profile of each class."""
    return {"none": None, **PROFILES, "tables": lookup_table_profile()}
