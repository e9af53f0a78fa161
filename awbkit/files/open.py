"""From a path to an opened photograph, whatever its format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit.errors import UnreadableFile, UnsupportedImage

if TYPE_CHECKING:
    from awbkit.files.raw import RawPhoto
    from awbkit.files.rendered import RenderedPhoto

_READS = "awbkit reads JPEG, PNG, TIFF, WebP, HEIF, AVIF and camera raw"
_TIFF_SUFFIXES = (".tif", ".tiff")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"}
_OTHER_KINDS = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop document"),
    (b"v/1\x01", "an OpenEXR image"),
    (b"PK\x03\x04", "a ZIP archive"),
)


def sniff(head: bytes) -> str | None:
    """The format that the first 32 bytes of a file announce: "jpeg", "png", "tiff", "webp", "avif", "heic" or None."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        brands = {head[8:12], head[16:20], head[20:24], head[24:28], head[28:32]}
        if brands & {b"avif", b"avis"}:
            return "avif"
        if brands & _HEIF_BRANDS:
            return "heic"
    return None


def open_photo(path: str | os.PathLike[str], *, encoding: str = "auto") -> RawPhoto | RenderedPhoto:
    """Open a photograph, rendered or raw; the format is told by its content.

    Args:
        path: The file.
        encoding: How a rendered file's numbers stand for light: "auto" (the embedded profile, else sRGB; linear for
            floating point), "linear", "srgb", "icc", or "camera" for linear numbers of a sensor that nobody has
            balanced. Raw files ignore it.

    Raises:
        UnreadableFile: Missing, empty, truncated, corrupt, or not an image.
        UnsupportedImage: An image without a white balance (grayscale), or of a kind that awbkit does not read.
        MissingExtra: If its codec is an optional dependency that is not installed.
    """
    name = os.fspath(path)
    head = _read_head(name)
    kind = sniff(head)
    if kind == "avif" and head[8:12] == b"avis":
        raise UnsupportedImage(name, "is an animation", "export the frames that you want corrected as single pictures")
    if kind is None or (kind == "tiff" and _may_be_raw(name)):
        from awbkit.files.raw import open_raw

        photo = open_raw(name)
        if photo is not None:
            return photo
    if kind is None:
        raise _unknown(name, head)
    from awbkit.files.rendered import open_rendered

    try:
        return open_rendered(name, kind, encoding)
    except UnsupportedImage:
        if kind != "tiff" or not _is_dng(name):
            raise
        remedy = "export it as a TIFF in colour; LibRaw needs 22 x 22 pixels at least"
        raise UnsupportedImage(name, "is a DNG that LibRaw does not read", remedy) from None


def _read_head(name: str) -> bytes:
    try:
        with Path(name).open("rb") as stream:
            head = stream.read(64)
    except FileNotFoundError:
        raise UnreadableFile(name, "no such file", "check the spelling and the folder") from None
    except IsADirectoryError:
        raise UnreadableFile(name, "is a folder", "name a picture in it") from None
    except PermissionError:
        raise UnreadableFile(name, "permission denied", "make the file readable for you") from None
    except (OSError, ValueError) as error:
        raise UnreadableFile(name, f"cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    if not head:
        raise UnreadableFile(name, "is empty", "copy it again from its source")
    return head


def _may_be_raw(name: str) -> bool:
    """Whether a TIFF structure could hold a sensor's mosaic: most raw formats are TIFF inside."""
    if Path(name).suffix.lower() not in _TIFF_SUFFIXES:
        return True
    return _is_dng(name)


def _is_dng(name: str) -> bool:
    from awbkit.files.dng import read_dng_camera

    return read_dng_camera(name) is not None


def _unknown(name: str, head: bytes) -> UnsupportedImage | UnreadableFile:
    if head[4:12] == b"ftypcrx " or head.startswith(b"FUJIFILMCCD-RAW"):
        return UnreadableFile(name, "is a raw file with a damaged header", "copy it again from its source")
    if head[4:8] == b"ftyp":
        return UnsupportedImage(name, "is a video", "export the frames that you want as pictures")
    for magic, kind in _OTHER_KINDS:
        if head.startswith(magic):
            return UnsupportedImage(name, f"is {kind}", _READS)
    return UnreadableFile(name, "is not an image", _READS)
