"""Corrected pictures to files: encoded like their source, its metadata carried over."""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from awbkit.errors import MissingExtra, OutputError, UsageError, warn
from awbkit.files import exif, jpeg, tiff, xmp
from awbkit.files.decode import Pixels, vips
from awbkit.files.embed import embed_in_avif, embed_in_jpeg, embed_in_png, embed_in_webp
from awbkit.files.ifd import Tiff
from awbkit.files.rendered import RenderedPhoto
from awbkit.files.thumbnails import Thumbnail, refresh_thumbnail
from awbkit.files.tiff_codings import STORED

if TYPE_CHECKING:
    import pyvips

FORMATS = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".avif": "avif",
    ".heic": "heic",
    ".heif": "heic",
    ".hif": "heic",
}
"""Suffix of an output to its format."""

DEEP_FORMATS = frozenset({"png", "tiff", "avif", "heic"})
"""Formats that hold more than 8 bits a channel."""

_QUALITY = {"jpeg": 95, "webp": 92, "avif": 80, "heic": 90}
_MAX_EXIF = 1 << 24
_CARRIED = frozenset(("icc-profile-data", "xmp-data", "iptc-data", "photoshop-data", "resolution-unit"))
_EMBED = {"jpeg": embed_in_jpeg, "png": embed_in_png, "webp": embed_in_webp, "avif": embed_in_avif}
# Their readers turn a picture by boxes of the container and pass over the orientation in EXIF.
_UPRIGHT = frozenset(("avif", "heic"))
# libvips would make up a block where there is none, and rebuild one that is there.
_NO_EXIF = "icc|xmp|iptc|other"
_COMPRESSIONS = {1: "none", 5: "lzw", 8: "deflate", 32946: "deflate"}


def format_of(path: Path) -> str:
    """The format that an output's suffix stands for.

    Raises:
        UsageError: If it stands for none that can be written.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        what = path.suffix or "a file without a suffix"
        raise UsageError(f"{path}: cannot write {what}; give it one of {', '.join(FORMATS)}, or --to a format")
    return kind


def write_jpeg(photo: RenderedPhoto, encoded: bytes, target: Path, thumbnail: Thumbnail) -> None:
    """Write a JPEG that was encoded anew, with the metadata of the JPEG that it came from.

    Args:
        photo: The source.
        encoded: The new pixels.
        target: Where to.
        thumbnail: Maps the old EXIF thumbnail, a JPEG, to the new one or to None.
    """
    # Of a source that says its colour in EXIF alone; one that embeds a profile passes it on by itself.
    profile = photo.profile if photo.profile and photo.profile[16:20] == b"RGB " else None
    target.write_bytes(jpeg.graft(encoded, Path(photo.path).read_bytes(), thumbnail, profile))


def write_picture(photo: RenderedPhoto, pixels: Pixels, target: Path, thumbnail: Thumbnail) -> None:
    """Write changed pixels of a picture whole to ``target``, in the format of that suffix.

    A JPEG keeps its quantisation tables and chroma sampling, other formats their bit depth; profile, EXIF, XMP,
    orientation and alpha go over.

    Args:
        photo: Where the pixels come from.
        pixels: (H, W, bands) in the encoding of the photo; from JPEG to JPEG, RGBX (H, W, 4) uint8.
        target: Where to.
        thumbnail: Maps the old EXIF thumbnail, a JPEG, to the new one or to None.

    Raises:
        OutputError: If the format cannot hold this picture.
        MissingExtra: If the codec is an optional dependency that is not installed.
    """
    kind = format_of(target)
    image = _with_metadata(pixels, photo)
    orientation = photo.orientation
    if kind in _UPRIGHT:
        image, orientation = _turned(image, orientation), 1
    if kind == photo.format == "tiff":
        if image.get_typeof(STORED):
            depth = {"uchar": "8-bit channels", "ushort": "16-bit channels"}.get(image.format, "32-bit floating point")
            warn(photo.path, f"stores {image.get(STORED)}, and its output {depth}")
        _save(image, kind, target, photo)
        tiff.graft(target, photo.path)
        return
    block = exif.from_tiff(photo.path) if photo.format == "tiff" else photo.exif
    if block:
        block = refresh_thumbnail(block.removeprefix(jpeg.EXIF_HEADER), thumbnail, _MAX_EXIF)
        block = exif.with_orientation(block, orientation)
    _save_with_exif(image, kind, target, photo, block)


def write_developed(pixels: Pixels, source: Path, target: Path) -> None:
    """Write a picture developed from a raw file, in sRGB, with the raw's EXIF.

    Args:
        pixels: (H, W, 3) uint8 or uint16, upright.
        source: The raw file.
        target: Where to, in the format of that suffix.
    """
    kind = format_of(target)
    block = exif.from_raw(source, (pixels.shape[1], pixels.shape[0]))
    image = vips().Image.new_from_array(pixels)
    image = image.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb")
    profile = vips().Operation.call("profile_load", "srgb")
    image.set_type(vips().GValue.blob_type, "icc-profile-data", profile)
    packet = xmp.from_raw_xmp(source)
    if packet:
        image.set_type(vips().GValue.blob_type, "xmp-data", packet)
    _save_with_exif(image, kind, target, None, block)


def _save_with_exif(
    image: pyvips.Image, kind: str, target: Path, photo: RenderedPhoto | None, block: bytes | None
) -> None:
    """Encode the image, then put the block into the file as it is: libvips would rebuild it, without the MakerNote."""
    if block and kind in ("avif", "heic"):
        image = image.copy()
        image.set_type(vips().GValue.blob_type, "exif-data", block)
    _save(image, kind, target, photo)
    if not block:
        return
    # A block that is no TIFF structure describes nothing, and the picture is whole without it.
    with suppress(ValueError):
        if kind == "tiff":
            tiff.embed(target, block)
        elif kind in _EMBED:
            target.write_bytes(_EMBED[kind](target.read_bytes(), exif.fitting(block) if kind == "jpeg" else block))


def _turned(image: pyvips.Image, orientation: int) -> pyvips.Image:
    image.set_type(vips().GValue.gint_type, "orientation", orientation)
    return image.autorot()


def _with_metadata(pixels: Pixels, photo: RenderedPhoto) -> pyvips.Image:
    image = vips().Image.new_from_array(pixels)
    source = photo.pixels()
    depth = {np.dtype(np.uint8): "srgb", np.dtype(np.uint16): "rgb16"}.get(pixels.dtype, source.interpretation)
    image = image.copy(interpretation=depth, xres=source.xres, yres=source.yres)
    for field in source.get_fields():
        if field in _CARRIED or field == STORED or field.startswith("png-comment-"):
            value = source.get(field)
            if field == "xmp-data":
                value = xmp.without_trailing_images(bytes(value))
            image.set_type(source.get_typeof(field), field, value)
    return image


def _save(image: pyvips.Image, kind: str, target: Path, photo: RenderedPhoto | None) -> None:
    path = str(target)
    is_float = image.format not in ("uchar", "ushort")
    if is_float and kind != "tiff":
        raise OutputError(target, f"{kind.upper()} holds no floating point", "give the output the suffix .tif")
    bits = _bits(photo) if image.format == "ushort" else 8
    try:
        if kind == "jpeg":
            # JPEG has no transparency; paper is white.
            opaque = image.flatten(background=255 if bits == 8 else 65535) if image.bands == 4 else image
            _eight_bits(opaque).jpegsave(
                path, Q=_QUALITY["jpeg"], subsample_mode="off", optimize_coding=True, keep=_NO_EXIF
            )
        elif kind == "png":
            image.pngsave(path, bitdepth=16 if bits > 8 else 8, keep=_NO_EXIF)
        elif kind == "tiff":
            compression = _compression(photo)
            predictor = {} if compression == "none" else {"predictor": "float" if is_float else "horizontal"}
            image.tiffsave(path, compression=compression, bigtiff=_needs_bigtiff(image), **predictor)
        elif kind == "webp":
            lossy = photo is None or (photo.format == "webp" and not _is_lossless_webp(photo.path))
            _eight_bits(image).webpsave(path, lossless=not lossy, exact=True, Q=_QUALITY["webp"], keep=_NO_EXIF)
        elif kind == "avif":
            keep = {} if "exif-data" in image.get_fields() else {"keep": _NO_EXIF}
            # The default effort takes a minute for 24 megapixels and makes the file a third smaller.
            image.heifsave(
                path,
                compression="av1",
                Q=_QUALITY["avif"],
                bitdepth=min(bits, 12),
                effort=2,
                subsample_mode="off",
                **keep,
            )
        else:
            _save_heic(image, target, bits)
    except vips().Error as error:
        if "No space left" in error.detail or "File too large" in error.detail:
            raise OutputError(
                target, "cannot be written: no space left", "free some space or write elsewhere"
            ) from error
        first = next((line.strip() for line in error.detail.splitlines() if line.strip()), "unknown encoder error")
        raise OutputError(target, f"cannot be encoded ({first})", "name an output of another format") from error


def _bits(photo: RenderedPhoto | None) -> int:
    """Significant bits of a 16-bit image; HEIF decoders leave the lowest ones 0."""
    return 16 if photo is None else {65472.0: 10, 65520.0: 12}.get(photo.full_scale, 16)


def _eight_bits(image: pyvips.Image) -> pyvips.Image:
    if image.format == "uchar":
        return image
    return (image * (255 / 65535)).rint().cast("uchar").copy(interpretation="srgb")


def _needs_bigtiff(image: pyvips.Image) -> bool:
    """Whether the pixels might not fit into the 4 GiB that classic TIFF's offsets reach."""
    size: int = image.width * image.height * image.bands * {"uchar": 1, "ushort": 2, "float": 4}.get(image.format, 8)
    return size > 3 << 30


def _compression(photo: RenderedPhoto | None) -> str:
    """The source's own lossless compression, else deflate."""
    if photo is None or photo.format != "tiff":
        return "deflate"
    with Path(photo.path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        header = Tiff(data)
        entry = header.ifd(header.first).entries.get(259)
        return _COMPRESSIONS.get(header.number(entry) or 1, "deflate")


def _is_lossless_webp(path: str) -> bool:
    with Path(path).open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            if head[:4] in (b"VP8L", b"VP8 "):
                return head[:4] == b"VP8L"
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, os.SEEK_CUR)
    return False


def _save_heic(image: pyvips.Image, target: Path, bits: int) -> None:
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtra("writing HEIC", "heif") from None
    pixels = image.numpy()
    mode = ("RGBA" if image.bands == 4 else "RGB") + (";16" if bits > 8 else "")
    fields = set(image.get_fields())
    metadata = {
        key: bytes(image.get(field))
        for key, field in (("exif", "exif-data"), ("icc_profile", "icc-profile-data"), ("xmp", "xmp-data"))
        if field in fields
    }
    heif = pillow_heif.from_bytes(mode, (image.width, image.height), np.ascontiguousarray(pixels).tobytes())
    with target.open("wb") as stream:
        heif.save(stream, format="HEIF", quality=_QUALITY["heic"], **metadata)
