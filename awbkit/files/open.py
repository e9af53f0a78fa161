"""From a path to an opened photograph, whatever its format."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.store.limits import MAX_PIXELS, check_max_pixels
from awbkit.store.refusals import reading_error
from awbkit.store.signatures import HEAD, foreign_kind, is_raw, sniff

if TYPE_CHECKING:
    from awbkit.files.raw import RawPhoto
    from awbkit.files.rendered import RenderedPhoto

_FORMATS = "awbkit reads JPEG, PNG, TIFF, WebP, HEIF, AVIF and camera raw"
_TIFF_SUFFIXES = (".tif", ".tiff")


def open_photo(
    path: str | os.PathLike[str], *, encoding: str = "auto", max_pixels: int | None = MAX_PIXELS
) -> RawPhoto | RenderedPhoto:
    """Open a photograph, rendered or raw; its content decides the format.

    Args:
        path: The file.
        encoding: How a rendered file's numbers stand for light: "auto" (the embedded profile, else sRGB; linear for
            floating point), "linear", "srgb", "icc", or "camera" for a sensor's linear numbers without white balance.
            Raw files ignore it.
        max_pixels: Refuse pictures with more pixels; None for no limit.

    Raises:
        UnreadableFile: Missing, empty, truncated, corrupt, or not an image.
        UnsupportedImage: An image without a white balance (grayscale), or of a kind or size that awbkit does not read.
        UsageError: If ``encoding`` or ``max_pixels`` cannot be used as given.
        MissingExtra: If its codec is an optional dependency that is not installed.
    """
    check_max_pixels(max_pixels)
    name = os.fspath(path)
    head = _read_head(name)
    try:
        name.encode()
    except UnicodeEncodeError:
        remedy = "rename it, or give its path to awbkit.estimate or awbkit.correct"
        raise UnreadableFile(name, "has a name that is not UTF-8, which codecs do not take", remedy) from None
    kind = sniff(head)
    if kind == "avif" and head[8:12] == b"avis":
        raise UnsupportedImage(name, "is an animation", "export the frames that you want corrected as single pictures")
    if kind is None or (kind == "tiff" and _may_be_raw(name)):
        from awbkit.files.raw import open_raw

        photo = open_raw(name, max_pixels)
        if photo is not None:
            return photo
    if kind is None:
        raise _refusal(name, head)
    from awbkit.files.rendered import open_rendered

    try:
        return open_rendered(name, kind, encoding, max_pixels)
    except UnsupportedImage:
        if kind != "tiff" or not _is_dng(name):
            raise
        remedy = "export it as a TIFF in colour; LibRaw needs 22 x 22 pixels at least"
        raise UnsupportedImage(name, "is a DNG that LibRaw does not read", remedy) from None


def _read_head(name: str) -> bytes:
    try:
        mode = Path(name).stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UnreadableFile(name, "is a pipe or a device and no file", "copy what comes from it into a file")
        with Path(name).open("rb") as stream:
            head = stream.read(HEAD)
    except FileNotFoundError:
        raise UnreadableFile(name, "no such file", "check the spelling and the folder") from None
    except IsADirectoryError:
        raise UnreadableFile(name, "is a folder", "name a picture in it") from None
    except OSError as error:
        raise reading_error(name, error) from None
    except ValueError as error:
        raise UnreadableFile(name, f"cannot be opened ({error})") from None
    if not head:
        raise UnreadableFile(name, "is empty", "copy it again from its source")
    return head


def _may_be_raw(name: str) -> bool:
    """Whether a TIFF could hold a sensor's mosaic: most raw formats are TIFFs."""
    if Path(name).suffix.lower() not in _TIFF_SUFFIXES:
        return True
    return _is_dng(name)


def _is_dng(name: str) -> bool:
    from awbkit.files.dng import read_dng_camera

    return read_dng_camera(name) is not None


def _refusal(name: str, head: bytes) -> UnsupportedImage | UnreadableFile:
    if is_raw(head):
        return UnreadableFile(name, "is a raw file with a damaged header", "copy it again from its source")
    kind = foreign_kind(head)
    if kind is None:
        return UnreadableFile(name, "is not an image", _FORMATS)
    if kind == "a video":
        return UnsupportedImage(name, "is a video", "export the frames that you want as pictures")
    return UnsupportedImage(name, f"is {kind}", _FORMATS)
