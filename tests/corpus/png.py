"""PNGs: depths, palettes, transparency, ways of saying what the numbers mean, chunks before and behind the pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pyvips

from tests.corpus.case import Blocks, Case, blocks, pixels, profiles
from tests.helpers.png_files import Chunks, digits, write_png

_P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
_COLOURS: dict[str, Chunks] = {
    "srgb-chunk": [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 45455))],
    "gama": [(b"gAMA", struct.pack(">I", 55556))],
    "chrm": [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", _P3)],
    "cicp": [(b"cICP", bytes([12, 13, 0, 1]))],
}
_MORE: Chunks = [
    (b"pHYs", struct.pack(">IIB", 3780, 3780, 1)),
    (b"tIME", struct.pack(">H5B", 2024, 5, 6, 7, 8, 9)),
    (b"tEXt", "Größe\0ganz".encode("latin-1")),
    (b"tEXt", b"Creation Time\x002024-05-06"),
    (b"zTXt", b"Comment\0\0" + zlib.compress("café".encode("latin-1"))),
    (b"iTXt", "Title\0\0\0de\0Titel\0Größe".encode()),
    (b"prVt", b"private"),
]


def _kinds() -> dict[str, tuple[np.ndarray, Chunks, int | None]]:
    deep, plain = pixels(np.uint16), pixels()
    palette = np.random.default_rng(0).integers(0, 256, (256, 3)).astype(np.uint8)
    index = np.arange(43 * 61).reshape(43, 61)
    kinds: dict[str, tuple[np.ndarray, Chunks, int | None]] = {
        "rgb8": (plain, [], None),
        "rgb16": (deep, [], None),
        "rgba8": (pixels(np.uint8, 4), [], None),
        "rgba16": (pixels(np.uint16, 4), [], None),
        "key8": (plain, [(b"tRNS", struct.pack(">3H", *plain[3, 3].tolist()))], None),
        "key16": (deep, [(b"tRNS", struct.pack(">3H", *deep[10, 10].tolist()))], None),
    }
    for bits in (1, 2, 4, 8):
        colours = (b"PLTE", palette[: 1 << bits].tobytes())
        numbers = (index % (1 << bits)).astype(np.uint8)
        kinds[f"palette{bits}"] = (numbers, [colours], bits)
        kinds[f"palette{bits}-clear"] = (numbers, [colours, (b"tRNS", b"\x00\x80")], bits)
    return kinds


def _places(found: Blocks, as_profiles: bool) -> tuple[Chunks, Chunks]:
    """Chunks before and behind the pixels: the blocks in chunks of their own, or as raw profiles."""
    first: Chunks = list(_MORE) if found.has_more else []
    last: Chunks = [(b"tEXt", b"Copyright\0me")] if found.has_more else []
    if found.exif and as_profiles:
        last.append((b"tEXt", b"Raw profile type exif\0" + digits(b"exif", b"Exif\0\0" + found.exif)))
    elif found.exif:
        (first if found.xmp else last).append((b"eXIf", found.exif))
    if found.xmp and as_profiles:
        first.append((b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(digits(b"xmp", found.xmp))))
    elif found.xmp:
        first.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + found.xmp))
    if found.resources:
        last.append((b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(digits(b"iptc", found.resources))))
    return first, last


def _write(path: Path, numbers: np.ndarray, before: Chunks, behind: Chunks, bits: int | None) -> None:
    write_png(path, numbers, before, behind, bits=bits)


def _interlaced(path: Path, numbers: np.ndarray) -> None:
    pyvips.Image.new_from_array(numbers).pngsave(str(path), interlace=True)


def png_cases() -> Iterator[Case]:
    embedded = {name: [(b"iCCP", b"x\0\0" + zlib.compress(p))] for name, p in profiles().items() if p}
    colours: dict[str, Chunks] = {"none": [], **_COLOURS, **embedded}
    for i, ((kind, (numbers, own, bits)), (space, stated)) in enumerate(product(_kinds().items(), colours.items())):
        first, last = _places(blocks(i, i % 8 + 1), as_profiles=i % 3 == 0)
        write = partial(_write, numbers=numbers, before=[*stated, *own, *first], behind=last, bits=bits)
        yield Case(f"png-{kind}-{space}-{i}.png", write)
    for name, numbers in (("8", pixels()), ("16", pixels(np.uint16, 4))):
        yield Case(f"png-interlaced-{name}.png", partial(_interlaced, numbers=numbers))
