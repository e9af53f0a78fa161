"""JPEG-coded TIFFs: damage in their strips and tiles, of which libtiff's decoder says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.files.decode import check_jpeg, decode_jpeg
from awbkit.files.extents import STRIPS, TILES
from awbkit.files.ifd import Tiff, map_file
from awbkit.files.jpeg import read_info
from awbkit.files.pages import pages_of

_COMPRESSION, _JPEG, _TABLES = 259, 7, 347
_END_LENGTH = 2
_DECODABLE = (1, 3)
_DAMAGE_SIGNS = ("its JPEG data", "Corrupt JPEG data", "Premature end")


def check_jpeg_parts(path: str) -> None:
    """Check every strip or tile of the main picture of a TIFF, if it is coded as JPEG.

    Passes over what is no JPEG stream, since libtiff reports that.

    Raises:
        UnreadableFile: If samples are lost.
        OSError: The file cannot be read.
    """
    for stream in _streams(path):
        try:
            components = read_info(stream).components
        except ValueError:
            continue
        if components not in _DECODABLE:
            check_jpeg(path, stream)
            continue
        try:
            # The decoder reads all codes at any size.
            decode_jpeg(path, stream, shrink=8)
        except UnsupportedImage:
            continue
        except UnreadableFile as error:
            if any(sign in error.problem for sign in _DAMAGE_SIGNS):
                raise


def _streams(path: str) -> Iterator[bytes]:
    """The strips or tiles, each with the tables that they share."""
    with map_file(path) as data, suppress(ValueError):
        tiff = Tiff(data)
        entries = tiff.ifd(pages_of(data).main.offset).entries
        if tiff.number(entries.get(_COMPRESSION)) != _JPEG:
            return
        shared = entries.get(_TABLES)
        head = tiff.bytes_of(shared)[:-_END_LENGTH] if shared is not None else b""
        for tags in (STRIPS, TILES):
            starts, sizes = (tiff.numbers(entries.get(tag)) for tag in tags)
            for start, size in zip(starts, sizes, strict=False):
                part = bytes(data[start : start + size])
                yield head + part[_END_LENGTH:] if head else part
