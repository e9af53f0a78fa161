"""The main picture of a DNG, as its directory describes it (TIFF 6.0; Adobe, "DNG Specification" 1.7.1.0)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from awbkit.files.dng import DNG_VERSION
from awbkit.files.extents import STRIPS, TILES, directories
from awbkit.files.ifd import Buffer, Ifd, Tiff

MOSAIC, LINEAR = 32803, 34892
"""PhotometricInterpretation: each pixel has one sample behind a colour filter, or samples of all colours."""

UNCOMPRESSED = 1
"""The value of Compression for samples without any."""

_FLOAT, _ACTIVE_AREA = 3, 50829
_FRACTIONS = {5: "u4", 10: "i4"}


@dataclass(frozen=True)
class DngPicture:
    """One picture of a DNG.

    Attributes:
        tiff: The file.
        ifd: Its directory.
    """

    tiff: Tiff
    ifd: Ifd

    def numbers(self, tag: int) -> tuple[int, ...]:
        """All values of a field of whole numbers."""
        return self.tiff.numbers(self.ifd.entries.get(tag))

    def number(self, tag: int, default: int = 0) -> int:
        """The first value of a field of whole numbers."""
        found = self.numbers(tag)
        return found[0] if found else default

    def fractions(self, tag: int) -> NDArray[np.float64]:
        """All values of a field of fractions or of whole numbers; NaN or infinity for a fraction over 0."""
        entry = self.ifd.entries.get(tag)
        if entry is None or entry.kind not in _FRACTIONS:
            return np.array(self.numbers(tag), dtype=np.float64)
        kind = self.tiff.order + _FRACTIONS[entry.kind]
        above, below = np.frombuffer(self.tiff.bytes_of(entry), kind).reshape(-1, 2).T.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(above / below)

    @cached_property
    def active_area(self) -> tuple[int, int, int, int]:
        """Top, left, bottom and right of the samples that light reaches."""
        stated = self.numbers(_ACTIVE_AREA)
        top, left, bottom, right = stated if len(stated) == 4 else (0, 0, self.height, self.width)
        return top, left, bottom, right

    @cached_property
    def width(self) -> int:
        return self.number(256)

    @cached_property
    def height(self) -> int:
        return self.number(257)

    @cached_property
    def samples(self) -> int:
        return self.number(277, 1)

    @cached_property
    def bits(self) -> int:
        return self.number(258, 1)

    @cached_property
    def compression(self) -> int:
        return self.number(259, UNCOMPRESSED)

    @cached_property
    def is_mosaic(self) -> bool:
        return self.number(262) == MOSAIC

    @cached_property
    def is_float(self) -> bool:
        return self.number(339, 1) == _FLOAT

    @cached_property
    def is_tiled(self) -> bool:
        return TILES[0] in self.ifd.entries

    @cached_property
    def part(self) -> tuple[int, int]:
        """Width and height of a tile, or of a strip."""
        if self.is_tiled:
            return self.number(322, self.width), self.number(323, self.height)
        return self.width, min(self.number(278, self.height), self.height) or self.height

    @cached_property
    def tiles_across(self) -> int:
        """How many tiles lie side by side."""
        return -(-self.width // self.part[0])

    @cached_property
    def count(self) -> int:
        """How many tiles or strips there must be."""
        return self.tiles_across * -(-self.height // self.part[1])

    def rows(self, index: int) -> int:
        """Rows of the picture in a tile or strip."""
        return min(self.part[1], self.height - index // self.tiles_across * self.part[1])

    @cached_property
    def extents(self) -> list[tuple[int, int]]:
        """Offset and length in bytes of each tile or strip."""
        starts, sizes = (self.numbers(tag) for tag in (TILES if self.is_tiled else STRIPS))
        return list(zip(starts, sizes, strict=False))[: self.count]

    @cached_property
    def word(self) -> str:
        return "tile" if self.is_tiled else "strip"


def main_pictures(data: Buffer) -> Iterator[DngPicture]:
    """The pictures of a DNG that come from the sensor at full size; none of any other file."""
    found = list(directories(data))
    if not found or DNG_VERSION not in found[0][1].entries:
        return
    for tiff, ifd in found:
        picture = DngPicture(tiff, ifd)
        if picture.number(254) == 0 and picture.number(262) in (MOSAIC, LINEAR):
            yield picture
