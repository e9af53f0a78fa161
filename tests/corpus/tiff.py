"""TIFFs: depths, extra channels, layouts, codings, byte orders, and fields of every kind."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tests.corpus.case import MAKER_NOTE, RECORDS, RESOURCES, XMP, Case, pixels, profiles

_DEPTHS = {"8": np.uint8, "16": np.uint16, "half": np.float16, "float": np.float32}
_EXTRAS: dict[str, dict[str, Any]] = {
    "rgb": {},
    "rgba": {"extrasamples": ["unassalpha"]},
    "premultiplied": {"extrasamples": ["assocalpha"]},
    "rgbx": {"extrasamples": ["unspecified"]},
}
_LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {},
    "lzw": {"compression": "lzw", "rowsperstrip": 7},
    "tiles": {"tile": (16, 32), "compression": "zlib"},
    "planes": {"planarconfig": "separate"},
}
_FILES: tuple[dict[str, Any], ...] = ({}, {"byteorder": ">"}, {"bigtiff": True}, {"bigtiff": True, "byteorder": ">"})


def _fields(index: int, orientation: int, profile: bytes | None) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = [(274, 3, 1, orientation, True)]
    if profile:
        found.append((34675, 7, None, profile, True))
    if index % 3 == 0:
        found += [(700, 1, None, XMP, True), (33723, 7, None, RECORDS, True), (34377, 1, None, RESOURCES, True)]
    if index % 2 == 0:
        found += [(271, 2, 0, "Acme", True), (315, 2, 0, "Jürgen".encode(), True), (33432, 2, 0, "(c) me", True)]
        found += [(285, 2, 0, "page", True), (316, 2, 0, "host", True), (65000, 7, None, MAKER_NOTE, True)]
        found += [(33550, 12, 3, (0.5, 0.5, 0.0), True), (65001, 9, 2, (-7, 8), True)]
    return found


def _write(path: Path, dtype: type, index: int, profile: bytes | None, options: dict[str, Any]) -> None:
    extra = options.get("extrasamples")
    numbers = pixels(dtype, 4 if extra else 3)
    if extra == ["assocalpha"]:
        top = 1 if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
        product_ = numbers[..., :3].astype(float) * numbers[..., 3:].astype(float) / top
        numbers[..., :3] = product_ if top == 1 else np.rint(product_)
    if options.get("planarconfig"):
        numbers = np.moveaxis(numbers, -1, 0)
    container = {name: options[name] for name in ("byteorder", "bigtiff") if name in options}
    image = {name: value for name, value in options.items() if name not in container}
    fields = _fields(index, index % 8 + 1, profile)
    with tifffile.TiffWriter(path, **container) as writer:
        writer.write(numbers, photometric="rgb", metadata=None, extratags=fields, resolution=(300, 300), **image)


def ycbcr(path: Path) -> Path:
    """TIFF 6.0, section 21, uncompressed, chroma halved both ways."""
    width, height = 64, 48
    y, x = np.mgrid[:height, :width]
    luma, blue, red = (60 + 2 * x).astype("u1"), (90 + x[::2, ::2]).astype("u1"), (150 - y[::2, ::2]).astype("u1")
    planes = [luma[::2, ::2], luma[::2, 1::2], luma[1::2, ::2], luma[1::2, 1::2], blue, red]
    data = np.stack(planes, axis=-1).tobytes()
    fields = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 6)]
    fields += [(273, 4, 1, 200), (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(data)), (530, 3, 2, 2 | 2 << 16)]
    table = b"".join(struct.pack("<HHII", *field) for field in fields)
    head = b"II*\0" + struct.pack("<IH", 8, len(fields)) + table + bytes(4) + struct.pack("<3H", 8, 8, 8)
    path.write_bytes(head.ljust(200, b"\0") + data)
    return path


def _with_copy(path: Path, first: bool, flagged: bool) -> None:
    main, small = pixels(np.uint16), pixels()[::4, ::4]
    pages = [(main, {}), (small, {"subfiletype": 1} if flagged else {})]
    with tifffile.TiffWriter(path) as writer:
        for numbers, how in pages[::-1] if first else pages:
            writer.write(numbers, photometric="rgb", metadata=None, **how)


def tiff_cases() -> Iterator[Case]:
    spaces = list(profiles().items())
    layouts = product(_DEPTHS.items(), _EXTRAS.items(), _LAYOUTS.items())
    i = 0
    for (depth, dtype), (extra, with_extra), (layout, how) in layouts:
        for more in range(2):
            space, profile = spaces[i % len(spaces)]
            if np.issubdtype(dtype, np.floating) and space == "tables":
                space, profile = "none", None
            options = {**with_extra, **how, **_FILES[i % 4]}
            name = f"tiff-{depth}-{extra}-{layout}-{space}-{i}.tif"
            yield Case(name, partial(_write, dtype=dtype, index=i, profile=profile, options=options))
            i += 1 + more
    yield Case("tiff-ycbcr.tif", ycbcr)
    for first, flagged in product((False, True), repeat=2):
        name = f"tiff-copy-{'first' if first else 'last'}-{'flagged' if flagged else 'unflagged'}.tif"
        yield Case(name, partial(_with_copy, first=first, flagged=flagged))
