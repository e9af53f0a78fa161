"""Whether a DNG's sensor data are there, whole, and stored in a way that LibRaw reads, before LibRaw is asked.

LibRaw trusts what a DNG says. From missing tiles, damaged JPEG streams and some layouts that the specification allows,
it still makes a picture: of uninitialised memory, or of samples in the wrong order. Fields and layouts: Adobe, "Digital
Negative (DNG) Specification" 1.7.1.0, chapters 2 to 4; TIFF 6.0, section 15.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import UnreadableFile, UnsupportedImage, warn
from awbkit.files.dng_black import lacks_black
from awbkit.files.dng_opcodes import OPCODE_LISTS, maps_all, read_opcodes
from awbkit.files.dng_picture import UNCOMPRESSED, DngPicture, main_pictures
from awbkit.files.gaps import COPY_AGAIN
from awbkit.files.ifd import map_file
from awbkit.files.jpeg_stream import BASELINE, LOSSLESS, JpegStream, check_scan, read_stream

CONVERT = "convert it with Adobe DNG Converter, without lossy compression and without JPEG XL"

_JPEG, _DEFLATE, _OLD_DEFLATE, _LOSSY_JPEG = 7, 8, 32946, 34892
_CODINGS = {
    5: "LZW",
    6: "old-style JPEG",
    _DEFLATE: "Deflate of whole numbers",
    9: "GoPro's VC-5",
    32773: "PackBits",
    34713: "Nikon's own compression",
    34925: "LZMA",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    _OLD_DEFLATE: "old-style Deflate",
    52546: "JPEG XL",
}
_FILTERS = (33421, 33422, 50710)
_RED_GREEN_BLUE = (0, 1, 2)
_COLOURS = frozenset(range(7))
_INTERLEAVE = (50975, 52547)
_FLOAT_PREDICTORS = (3, 34894, 34895)
_LINEARIZATION, _OPCODE_LIST_2 = 50712, 51009
_TAIL = 64


def check_dng(path: str | os.PathLike[str]) -> bool:
    """Check the main picture of a DNG; any other file is passed over.

    Issues an :class:`awbkit.errors.AwbWarning` for a damaged list of opcodes that LibRaw would not have used.

    Returns:
        Whether it is stored uncompressed and whole, so that there is nothing for LibRaw to give up on.

    Raises:
        UnreadableFile: It is damaged.
        UnsupportedImage: It is sound, but in a coding or a layout that LibRaw does not read.
    """
    uncompressed = []
    with map_file(path) as data:
        pictures = list(main_pictures(data))
        for picture in pictures:
            if not all((picture.width, picture.height, picture.samples, picture.bits, *picture.part)):
                raise UnreadableFile(path, "does not state the size of its sensor data", COPY_AGAIN)
            _check_coding(path, picture)
            _check_filters(path, picture)
            _check_extents(path, picture, len(data))
            _check_opcodes(path, picture)
            if lacks_black(picture, len(pictures)):
                problem = "states black levels for each row or column, of which LibRaw takes the mean"
                warn(path, problem, "see whether the picture has stripes")
            if picture.compression in (_JPEG, _LOSSY_JPEG):
                _check_streams(path, picture)
            elif picture.compression == UNCOMPRESSED:
                _check_uncompressed(path, picture, len(data))
            uncompressed.append(picture.compression == UNCOMPRESSED and not picture.is_float)
    # Where there are several pictures, LibRaw may read another than the one checked last.
    return uncompressed == [True]


def _check_coding(path: str | os.PathLike[str], picture: DngPicture) -> None:
    coding = picture.compression
    if coding in (UNCOMPRESSED, _JPEG, _LOSSY_JPEG) or (coding == _DEFLATE and picture.is_float):
        if picture.number(284, 1) == 2 and picture.samples > 1:
            raise _refusal(path, "stores each colour in a plane of its own")
        if any(picture.number(tag, 1) > 1 for tag in _INTERLEAVE):
            raise _refusal(path, "stores its rows or columns interleaved")
        if coding == _LOSSY_JPEG and picture.is_mosaic:
            raise _refusal(path, "stores its sensor data as lossy JPEG")
        if picture.bits > (32 if picture.is_float else 16):
            raise _refusal(path, f"stores {picture.bits} bits a sample")
        if coding == _DEFLATE and picture.number(317, 1) not in _FLOAT_PREDICTORS:
            raise _refusal(path, "stores floating point in Deflate without a predictor for it")
        is_one_tile = picture.is_tiled and picture.count == 1
        if coding in (UNCOMPRESSED, _DEFLATE) and is_one_tile and picture.part[0] != picture.width:
            raise _refusal(path, "has a single tile, wider than the picture")
        return
    name = _CODINGS.get(coding, f"compression {coding}")
    raise _refusal(path, f"stores its sensor data in {name}")


def _check_filters(path: str | os.PathLike[str], picture: DngPicture) -> None:
    """LibRaw looks each filter up among the colour planes; for a missing plane it takes whatever lies in memory."""
    size, pattern, planes = (picture.numbers(tag) for tag in _FILTERS)
    if not picture.is_mosaic or not pattern:
        return
    planes = planes or _RED_GREEN_BLUE
    if math.prod(size or (2, 2)) != len(pattern) or not set(pattern) <= set(planes) or not set(planes) <= _COLOURS:
        raise UnreadableFile(path, "has a damaged pattern of colour filters", COPY_AGAIN)
    if set(planes) == set(_RED_GREEN_BLUE) != set(pattern):
        raise UnsupportedImage(path, "has a pattern of colour filters without red, green and blue", CONVERT)


def _check_extents(path: str | os.PathLike[str], picture: DngPicture, size: int) -> None:
    missing = picture.count - sum(1 for start, length in picture.extents if start and length)
    if missing:
        every = (
            f"its only {picture.word}" if picture.count == 1 else f"{missing} of its {picture.count} {picture.word}s"
        )
        raise UnreadableFile(path, f"lacks {every}", COPY_AGAIN)
    if any(start + length > size for start, length in picture.extents):
        raise UnreadableFile(path, "ends before its sensor data do", COPY_AGAIN)
    placed = np.array(sorted(picture.extents), dtype=np.uint64).reshape(-1, 2)
    if (placed[:-1].sum(axis=1) > placed[1:, 0]).any():
        raise UnreadableFile(path, f"has {picture.word}s that overlap", COPY_AGAIN)


def _check_uncompressed(path: str | os.PathLike[str], picture: DngPicture, size: int) -> None:
    if picture.is_float:
        return
    row = -(-picture.part[0] * picture.samples * picture.bits // 8)
    starts = [start for start, _ in picture.extents]
    needed = [picture.rows(index) * row for index in range(picture.count)]
    if picture.is_tiled:
        if any(length < bytes_ for (_, length), bytes_ in zip(picture.extents, needed, strict=True)):
            raise UnreadableFile(path, "has tiles with too few bytes for their samples", COPY_AGAIN)
        return
    # LibRaw reads the strips as one run of bytes, whatever lengths the file states.
    if any(second != first + bytes_ for first, second, bytes_ in zip(starts, starts[1:], needed, strict=False)):
        raise _refusal(path, "stores its strips apart from each other")
    if starts[-1] + needed[-1] > size:
        raise UnreadableFile(path, "ends before its sensor data do", COPY_AGAIN)


def _check_opcodes(path: str | os.PathLike[str], picture: DngPicture) -> None:
    if picture.compression == _LOSSY_JPEG and not {_OPCODE_LIST_2, _LINEARIZATION} & picture.ifd.entries.keys():
        problem = "does not say how its 8 bits stand for light; LibRaw takes them for gamma-encoded, as in sRGB"
        warn(path, problem, "see whether tones and colours are right")
    for tag, name in OPCODE_LISTS.items():
        entry = picture.ifd.entries.get(tag)
        if entry is None:
            continue
        content = picture.tiff.bytes_of(entry)
        try:
            if tag != _OPCODE_LIST_2 or picture.compression != _LOSSY_JPEG:
                for _ in read_opcodes(content):
                    pass
            elif not maps_all(content, picture.samples):
                raise _refusal(path, f"has an {name} without a polynomial for every colour")
        except ValueError as error:
            if tag == _OPCODE_LIST_2 and picture.compression == _LOSSY_JPEG:
                raise UnreadableFile(path, f"has a damaged {name} ({error})", COPY_AGAIN) from None
            warn(path, f"has a damaged {name} ({error}), which is not applied", "see whether the picture is whole")


def _check_streams(path: str | os.PathLike[str], picture: DngPicture) -> None:
    if picture.count > 1 and not picture.is_tiled:
        raise _refusal(path, f"stores its sensor data as JPEG in {picture.count} strips")
    ends = 0
    for index, stream in enumerate(_parts(path, picture)):
        length = len(stream)
        try:
            head = read_stream(stream)
            if picture.compression == _LOSSY_JPEG:
                _check_lossy(picture, index, head)
            else:
                _check_lossless(path, picture, index, head)
            end = check_scan(stream, head) if head.frame in (BASELINE, LOSSLESS) else length
            if end is not None:
                ends += 1
                if picture.count > 1 and stream[end + _TAIL :].any():
                    raise ValueError("ends before its samples")
        except ValueError as error:
            stream_name = f"the JPEG stream of {picture.word} {index + 1} of {picture.count}"
            raise UnreadableFile(path, f"has damaged sensor data: {stream_name} {error}", COPY_AGAIN) from None
    # A writer that leaves out this mark does so everywhere.
    if 0 < ends < picture.count:
        problem = f"has damaged sensor data: {picture.count - ends} of {picture.count} JPEG streams have no end"
        raise UnreadableFile(path, problem, COPY_AGAIN)


def _parts(path: str | os.PathLike[str], picture: DngPicture) -> Iterator[NDArray[np.uint8]]:
    """The bytes of each tile or strip, valid until the next one is read."""
    # Reading into the same memory again is several times as fast as mapping the file.
    room = np.empty(max(length for _, length in picture.extents), np.uint8)
    with Path(path).open("rb") as file:
        for start, length in picture.extents:
            file.seek(start)
            yield room[: file.readinto(room[:length].data)]


def _check_lossless(path: str | os.PathLike[str], picture: DngPicture, index: int, head: JpegStream) -> None:
    """LibRaw writes the samples of a stream row by row into the tile, whatever the length of the stream's own rows."""
    if head.frame == 0xC1:
        return
    if head.frame != LOSSLESS:
        raise _refusal(path, "stores its sensor data as lossy JPEG")
    width, height = picture.part
    if picture.count == 1:
        width, height = picture.width, picture.height
    needed = width * min(height, picture.rows(index))
    is_mosaic = picture.is_mosaic or picture.samples == 1
    row = head.width * head.components // (picture.samples if is_mosaic else 1)
    if not is_mosaic:
        if head.components != picture.samples:
            raise _refusal(path, f"stores {picture.samples} colours in JPEG streams of {head.components}")
        row = head.width
    left = index % picture.tiles_across * width
    if row == picture.width - left < width and head.height >= picture.rows(index):
        raise _refusal(path, "crops the tiles at its edges")
    if row * head.height < needed:
        raise ValueError(f"has {head.width} x {head.height} samples, fewer than the {picture.word}")
    if row == 0 or (row % width and width % row):
        raise _refusal(path, f"stores {picture.word}s of {width} columns in JPEG streams of {row}")
    if head.restart % head.width:
        raise _refusal(path, "has JPEG streams that restart within a row")


def _check_lossy(picture: DngPicture, index: int, head: JpegStream) -> None:
    width, _ = picture.part
    left = index % picture.tiles_across * width
    if head.frame == LOSSLESS or head.components != picture.samples:
        raise ValueError("is not of the kind that the file states")
    if head.width < min(width, picture.width - left) or head.height < picture.rows(index):
        raise ValueError(f"has {head.width} x {head.height} samples, fewer than the {picture.word}")


def _refusal(path: str | os.PathLike[str], problem: str) -> UnsupportedImage:
    return UnsupportedImage(path, f"{problem}, which LibRaw does not read", CONVERT)
