"""JPEGs: chroma sampling, processes, qualities, and what cameras and editors write into segments."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

from PIL import Image

from tests.corpus.case import Blocks, Case, blocks, pixels, profiles

_SAMPLINGS = {"444": 0, "422": 1, "420": 2}


def segment(marker: int, payload: bytes) -> bytes:
    """A marker segment."""
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def _segments(found: Blocks, profile: bytes | None) -> bytes:
    out = b""
    if found.exif:
        out += segment(0xE1, b"Exif\0\0" + found.exif)
    if found.xmp:
        out += segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + found.xmp)
    if found.resources:
        out += segment(0xED, b"Photoshop 3.0\0" + found.resources)
    if profile:
        room = 0xFFFF - 2 - 14
        parts = [profile[at : at + room] for at in range(0, len(profile), room)]
        for number, part in enumerate(parts, 1):
            out += segment(0xE2, b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part)
    if found.has_more:
        out += segment(0xE2, b"FPXR\0private") + segment(0xEB, b"JP\0\0private") + segment(0xE7, b"Acme\0" + bytes(99))
        out += segment(0xFE, "café".encode("latin-1")) + segment(0xFE, b"")
        out += segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + bytes(8) + b"<x/>")
    return out


def _write(path: Path, found: Blocks, profile: bytes | None, options: dict[str, object]) -> None:
    out = io.BytesIO()
    Image.fromarray(pixels()).save(out, "JPEG", **options)
    whole = out.getvalue()
    # Behind the JFIF segment that Pillow writes.
    path.write_bytes(whole[:20] + _segments(found, profile) + whole[20:])


def jpeg_cases() -> Iterator[Case]:
    how = product(_SAMPLINGS.items(), (False, True), (60, 92), profiles().items())
    for i, ((sampling, number), progressive, quality, (space, profile)) in enumerate(how):
        found = blocks(i, i % 8 + 1)
        options = {"subsampling": number, "progressive": progressive, "quality": quality}
        if i % 2:
            options["dpi"] = (300, 300)
        name = f"jpeg-{sampling}-{'progressive' if progressive else 'baseline'}-{quality}-{space}-{i}.jpg"
        write = partial(_write, found=found, profile=profile, options=options)
        yield Case(name, write, is_lossless=False)
