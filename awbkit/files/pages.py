"""Which page of a TIFF file is the picture (TIFF 6.0, NewSubfileType; TIFF/EP, sub-images).

Cameras, scanners and editors add small copies for file browsers. These may be flagged as such or not, stand before or
behind the picture, or have the picture as a sub-image.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from awbkit.files.ifd import Buffer, Ifd, Tiff, map_file

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT = 254, 255, 256, 257
_PHOTOMETRIC, _SAMPLES, _SUB_DIRECTORIES, _EXTRA = 262, 277, 330, 338
_ASSOCIATED, _UNASSOCIATED = 1, 2
_EXIF_PREVIEWS = {(160, 120), (120, 160)}
_MAX_PAGES, _MAX_BELOW = 1 << 12, 1 << 6


@dataclass(frozen=True)
class Page:
    """One image of a file.

    Attributes:
        number: Of the page, from 0, in the order of the file.
        sub: Of the sub-image of that page, from 0; -1 for the page itself.
        offset: Of its directory.
        width, height: In pixels.
        samples: Of each pixel.
        is_reduced: Whether it says that it is a small copy of another.
        extra: What the first sample beyond the colours is, as TIFF numbers it: 0 anything, 1 premultiplied alpha,
            2 alpha; None where there is none.
    """

    number: int
    sub: int
    offset: int
    width: int
    height: int
    samples: int
    is_reduced: bool
    extra: int | None

    @property
    def is_premultiplied(self) -> bool:
        """Whether the colours are multiplied by alpha."""
        return self.extra == _ASSOCIATED

    @property
    def has_alpha(self) -> bool:
        """Whether the first sample beyond the colours is an alpha channel."""
        return self.extra in (_ASSOCIATED, _UNASSOCIATED)

    def is_copy_of(self, other: Page) -> bool:
        """Whether this is a small copy of the other image, by its flag or by its shape."""
        if self.is_reduced or (self.width, self.height) in _EXIF_PREVIEWS:
            return True
        is_small = 2 * self.width <= other.width + 1 and 2 * self.height <= other.height + 1
        # A side may be rounded by a pixel.
        off = abs(self.width * other.height - self.height * other.width)
        return is_small and off <= max(other.width, other.height)


@dataclass(frozen=True)
class Pages:
    """The images of a file.

    Attributes:
        main: The picture.
        copies: How many small copies of it there are.
        others: How many further pages are pictures of their own.
        sub_images: How many further sub-images there are.
    """

    main: Page
    copies: int
    others: int
    sub_images: int


def read_pages(path: str | os.PathLike[str]) -> Pages:
    """Find the picture among the images of a TIFF: the largest that is not a small copy.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no TIFF, or has no directory.
    """
    with map_file(path) as data:
        return pages_of(data)


def pages_of(data: Buffer) -> Pages:
    """As :func:`read_pages`, of a file in memory."""
    tiff = Tiff(data)
    top, below = _images(tiff)
    if not top:
        raise ValueError("TIFF without a picture")
    full = [page for page in top if not page.is_reduced]
    full = full or [page for page in below if not page.is_reduced] or top
    main = max(full, key=lambda page: page.width * page.height)
    rest = [page for page in (*top, *below) if page is not main]
    own = [page for page in rest if not page.is_copy_of(main)]
    others = sum(page.sub < 0 for page in own)
    return Pages(main, len(rest) - len(own), others, len(own) - others)


def _images(tiff: Tiff) -> tuple[list[Page], list[Page]]:
    top: list[Page] = []
    below: list[Page] = []
    offset, offsets = tiff.first_offset, set[int]()
    while offset and offset not in offsets and len(offsets) < _MAX_PAGES:
        offsets.add(offset)
        try:
            ifd = tiff.ifd(offset)
        except ValueError:
            break
        number = len(top)
        top.append(_page(tiff, ifd, offset, number, -1))
        for sub, place in enumerate(tiff.numbers(ifd.entries.get(_SUB_DIRECTORIES))[:_MAX_BELOW]):
            try:
                below.append(_page(tiff, tiff.ifd(place), place, number, sub))
            except ValueError:
                continue
        offset = ifd.next_offset
    return top, below


def _page(tiff: Tiff, ifd: Ifd, offset: int, number: int, sub: int) -> Page:
    def first(tag: int, default: int) -> int:
        return next(iter(tiff.numbers(ifd.entries.get(tag))), default)

    samples = first(_SAMPLES, 1)
    colours = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}.get(first(_PHOTOMETRIC, 2), 3)
    return Page(
        number=number,
        sub=sub,
        offset=offset,
        width=first(_WIDTH, 0),
        height=first(_HEIGHT, 0),
        samples=samples,
        is_reduced=bool(first(_SUBFILE, 0) & 1) or first(_OLD_SUBFILE, 1) == 2,
        extra=first(_EXTRA, 0) if samples > colours else None,
    )
