"""What decoders do not report: whether a file was copied in full, and which colour filters its sensor has.

Where a file ends early, libtiff (for tiles) and LibRaw fill in zeros or write to standard error. And LibRaw takes
every colour filter pattern of a DNG to be 2 columns wide, except the 6 x 6 of X-Trans.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from awbkit.files.ifd import Buffer, Ifd, Tiff, map_file

STRIPS, TILES = (273, 279), (324, 325)
_SUB_DIRECTORIES, _FILTER_SIZE, _FILTERS = 330, 33421, 33422
_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MAX_DIRECTORIES = 64


def is_cut_short(path: str | os.PathLike[str]) -> bool:
    """Whether pixels reach beyond the end of the file. Covers TIFF and raws built like it, CR3 and RAF.

    Raises:
        OSError: The file cannot be read.
    """
    with map_file(path) as data:
        if data[4:8] == b"ftyp":
            return _end_of_boxes(data) > len(data)
        if data[:15] == b"FUJIFILMCCD-RAW" and len(data) >= 108:
            preview, _, sensor = struct.iter_unpack(">II", data[84:108])
            return bool(max(sum(preview), sum(sensor)) > len(data))
        end = 0
        for tiff, ifd in directories(data):
            for tags in (STRIPS, TILES):
                starts, sizes = (tiff.numbers(ifd.entries.get(tag)) for tag in tags)
                end = max([end, *(start + size for start, size in zip(starts, sizes, strict=False) if size)])
        return end > len(data)


def unusual_filters(path: str | os.PathLike[str]) -> NDArray[np.intp] | None:
    """A DNG's colour filter pattern (rows, columns), 0 for red, 1 for green, 2 for blue, where LibRaw gets it wrong.

    Returns:
        None for the Bayer and X-Trans patterns and for any other file.

    Raises:
        OSError: The file cannot be read.
    """
    with map_file(path) as data:
        for tiff, ifd in directories(data):
            size, pattern = (tiff.numbers(ifd.entries.get(tag)) for tag in (_FILTER_SIZE, _FILTERS))
            if len(size) == 2 and size[0] == size[1] and size[0] not in (2, 6) and len(pattern) == size[0] * size[1]:
                return np.array(pattern, dtype=np.intp).reshape(size)
    return None


def _end_of_boxes(data: Buffer) -> int:
    """Where the last box of an ISO base media file (ISO 14496-12) ends."""
    end = 0
    while end + 16 <= len(data):
        (size,) = struct.unpack_from(">I", data, end)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, end + 8)
        if size < 8:
            break
        end += size
    return end


def directories(data: Buffer) -> Iterator[tuple[Tiff, Ifd]]:
    """Every directory of a TIFF. Links that lead to no directory are skipped, as decoders do."""
    if data[:4] not in _SIGNATURES or len(data) < 16:
        return
    tiff = Tiff(data)
    pending, offsets = [tiff.first_offset], set[int]()
    while pending and len(offsets) < _MAX_DIRECTORIES:
        offset = pending.pop()
        if offset in offsets:
            continue
        offsets.add(offset)
        with suppress(ValueError):
            found = tiff.ifd(offset)
            yield tiff, found
            pending += tiff.numbers(found.entries.get(_SUB_DIRECTORIES))
            if found.next_offset:
                pending.append(found.next_offset)
