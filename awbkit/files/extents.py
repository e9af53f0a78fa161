"""Whether a TIFF-based file, rendered or raw, was copied in full.

Decoders fill what is missing with zeros and keep silent about it: libtiff for tiles, LibRaw for whole mosaics.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from awbkit.files.ifd import Entry, Tiff

_STRIPS, _TILES = (273, 279), (324, 325)
_SUB_DIRECTORIES = 330
_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FORMATS = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MAX_DIRECTORIES = 64


def is_cut_short(path: str | os.PathLike[str]) -> bool:
    """Whether a strip or tile reaches beyond the end of the file; False for what is no TIFF inside.

    Raises:
        OSError: The file cannot be read.
    """
    with Path(path).open("rb") as file:
        if len(head := file.read(16)) < 16 or head[:4] not in _SIGNATURES:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _end(Tiff(data)) > len(data)


def _end(tiff: Tiff) -> int:
    """Where the last strip or tile ends. Links to directories that are none are passed over, as decoders do."""
    pending, seen, end = [tiff.first], set[int](), 0
    while pending and len(seen) < _MAX_DIRECTORIES:
        offset = pending.pop()
        if offset in seen:
            continue
        seen.add(offset)
        try:
            found = tiff.ifd(offset)
        except ValueError:
            continue
        for offsets, lengths in (_STRIPS, _TILES):
            starts, sizes = (_numbers(tiff, found.entries.get(tag)) for tag in (offsets, lengths))
            end = max([end, *(start + size for start, size in zip(starts, sizes, strict=False) if size)])
        pending += _numbers(tiff, found.entries.get(_SUB_DIRECTORIES))
        if found.following:
            pending.append(found.following)
    return end


def _numbers(tiff: Tiff, entry: Entry | None) -> Iterator[int]:
    if entry is None or entry.kind not in _FORMATS:
        return
    yield from struct.unpack_from(f"{tiff.order}{entry.values}{_FORMATS[entry.kind]}", tiff.data, entry.where)
