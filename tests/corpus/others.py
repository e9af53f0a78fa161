"""WebP, AVIF and HEIC, by Pillow, libvips and pillow-heif."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

from tests.corpus.case import Blocks, Case, blocks, pixels, profiles


def _webp(path: Path, found: Blocks, profile: bytes | None, lossless: bool, channels: int) -> None:
    options = {"exif": found.exif, "xmp": found.xmp, "icc_profile": profile}
    given = {name: value for name, value in options.items() if value}
    Image.fromarray(pixels(np.uint8, channels)).save(path, lossless=lossless, exact=True, quality=90, **given)
    if found.has_more and given:
        data = path.read_bytes() + b"priV" + struct.pack("<I", 7) + b"private\0"
        path.write_bytes(b"RIFF" + struct.pack("<I", len(data) - 8) + data[8:])


def webp_cases() -> Iterator[Case]:
    for i, (lossless, channels, (space, profile)) in enumerate(product((True, False), (3, 4), profiles().items())):
        for more in range(2):
            found = blocks(2 * i + more, (2 * i + more) % 8 + 1)
            name = f"webp-{'lossless' if lossless else 'lossy'}-{channels}-{space}-{2 * i + more}.webp"
            write = partial(_webp, found=found, profile=profile, lossless=lossless, channels=channels)
            yield Case(name, write, is_lossless=lossless)


def _avif(path: Path, found: Blocks, profile: bytes | None, bits: int, channels: int) -> None:
    numbers = pixels(np.uint8 if bits == 8 else np.uint16, channels)
    image = pyvips.Image.new_from_array(numbers).copy(interpretation="srgb" if bits == 8 else "rgb16")
    for field, value in (("exif-data", found.exif), ("xmp-data", found.xmp), ("icc-profile-data", profile)):
        if value:
            image.set_type(pyvips.GValue.blob_type, field, value)
    keep = {} if found.exif else {"keep": "icc|xmp"}
    image.heifsave(str(path), compression="av1", effort=0, bitdepth=bits, Q=90, subsample_mode="off", **keep)


def avif_cases() -> Iterator[Case]:
    for i, (bits, channels, (space, profile)) in enumerate(product((8, 10, 12), (3, 4), profiles().items())):
        write = partial(_avif, found=blocks(i, 1), profile=profile, bits=bits, channels=channels)
        yield Case(f"avif-{bits}-{channels}-{space}-{i}.avif", write, is_lossless=False)


def _heic(path: Path, found: Blocks, profile: bytes | None, bits: int, channels: int) -> None:
    import pillow_heif

    numbers = pixels(np.uint8 if bits == 8 else np.uint16, channels)
    mode = ("RGBA" if channels == 4 else "RGB") + (";16" if bits > 8 else "")
    heif = pillow_heif.from_bytes(mode, (numbers.shape[1], numbers.shape[0]), numbers.tobytes())
    options = {"exif": found.exif, "xmp": found.xmp, "icc_profile": profile}
    given = {name: value for name, value in options.items() if value}
    with path.open("wb") as stream:
        heif.save(stream, format="HEIF", quality=90, enc_params={"preset": "ultrafast"}, **given)


def heic_cases() -> Iterator[Case]:
    for i, (bits, channels, (space, profile)) in enumerate(product((8, 10), (3, 4), profiles().items())):
        write = partial(_heic, found=blocks(i, 1), profile=profile, bits=bits, channels=channels)
        yield Case(f"heic-{bits}-{channels}-{space}-{i}.heic", write, is_lossless=False)
