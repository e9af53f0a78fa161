"""Corrected pictures to files: encoded like their source, its metadata carried over."""

from __future__ import annotations

import errno
import operator
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from awbkit.choices import OUTPUT_SUFFIXES
from awbkit.errors import AwbError, MissingExtra, OutputError, UnreadableFile, UsageError, warn
from awbkit.files import carry, exif, jpeg_metadata, png, tiff, webp, xmp
from awbkit.files.decode import HEIF_BLOCKS, Pixels, blob, scale_by_alpha, vips
from awbkit.files.gaps import COPY_AGAIN
from awbkit.files.ifd import map_file
from awbkit.files.metadata import Metadata
from awbkit.files.pages import read_pages
from awbkit.files.previews import PreviewRenewal, refresh_preview
from awbkit.files.rendered import RenderedPhoto
from awbkit.files.tiff_codings import DEPTH_FIELD, read_coding
from awbkit.store.refusals import catch_read_errors, writing_error

if TYPE_CHECKING:
    import pyvips

FORMATS = {suffix: kind for kind, suffixes in OUTPUT_SUFFIXES.items() for suffix in suffixes}
"""Suffix of an output to its format."""

DEEP_FORMATS = frozenset({"png", "tiff", "avif", "heic"})
"""Formats that hold more than 8 bits a channel."""

_QUALITY = {"jpeg": 95, "webp": 92, "avif": 80, "heic": 92}
_MAX_EXIF = 1 << 24
# Their readers turn a picture by boxes of the container and pass over the orientation in EXIF.
_UPRIGHT_FORMATS = frozenset(("avif", "heic"))
# libvips would make up a block where there is none, and rebuild one that is there.
_NO_EXIF = "icc|xmp|iptc|other"
# Those of libvips' complaints that come from the system and not from the encoder.
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
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


@contextmanager
def metadata_of(path: str) -> Iterator[None]:
    """Raise :class:`UnreadableFile` in place of errors about damaged metadata of a file whose pixels decode."""
    try:
        yield
    except AwbError:
        raise
    except (ValueError, struct.error) as error:
        raise UnreadableFile(path, f"its metadata are damaged ({error})", COPY_AGAIN) from error


def write_jpeg(photo: RenderedPhoto, encoded: bytes, target: Path, renew: PreviewRenewal) -> None:
    """Write a JPEG that was encoded anew, with the metadata of the JPEG that it came from.

    Warns of pictures and clips behind the old one, which are lost.

    Args:
        photo: The source.
        encoded: The new pixels.
        target: Where to.
        renew: Maps the old EXIF preview, a JPEG, to the new one or to None.
    """
    # For a source that states its colour in EXIF alone; an embedded profile is copied with the other metadata.
    profile = photo.profile if photo.profile and photo.profile[16:20] == b"RGB " else None
    with catch_read_errors(photo.path):
        original = Path(photo.path).read_bytes()
    target.write_bytes(jpeg_metadata.graft(encoded, original, renew, profile))
    carry.warn_of_loss(photo, "jpeg", carry.other_pictures(photo))


def write_picture(photo: RenderedPhoto, pixels: Pixels, target: Path, renew: PreviewRenewal) -> None:
    """Write changed pixels of a picture whole to ``target``, in the format of that suffix.

    A JPEG keeps its quantisation tables and chroma sampling, other formats their bit depth; profile, EXIF, XMP, IPTC,
    orientation and alpha go over. Warns of what the format has no place for, and of further pictures in the source.

    Args:
        photo: Where the pixels come from.
        pixels: (H, W, bands) in the encoding of the photo; from JPEG to JPEG, RGBX (H, W, 4) uint8.
        target: Where to.
        renew: Maps the old EXIF preview, a JPEG, to the new one or to None.

    Raises:
        OutputError: If the format cannot hold this picture.
        MissingExtra: If the codec is an optional dependency that is not installed.
    """
    kind = format_of(target)
    stored = photo.pixels()
    image = _with_profile(pixels, stored)
    lost = carry.other_pictures(photo)
    dots = carry.resolution(photo, stored)
    if kind == photo.format and kind in ("tiff", "png"):
        if kind == "tiff":
            if stored.get_typeof(DEPTH_FIELD):
                depth = {"uchar": "8-bit channels", "ushort": "16-bit channels"}.get(image.format, "32-bit floats")
                warn(photo.path, f"stores {stored.get(DEPTH_FIELD)}, and its output {depth}")
            _save(_multiply_by_alpha(image, photo), kind, target, photo)
            lost += tiff.graft(target, photo.path, dots is not None)
        else:
            _save(image, kind, target, photo)
            with map_file(photo.path) as source:
                joined, left_out = png.graft(target.read_bytes(), source, renew, photo.profile)
            target.write_bytes(joined)
            lost += left_out
        carry.warn_of_loss(photo, kind, lost)
        return
    if image.bands > photo.bands:
        image = image.extract_band(0, n=photo.bands)
        lost.append("a channel that is no alpha")
    if kind == "jpeg" and image.bands == 4 and image.extract_band(3).min() < photo.full_scale:
        lost.append("transparency (what was behind it is white)")
    metadata = carry.read_metadata(photo)
    orientation = photo.orientation
    if kind in _UPRIGHT_FORMATS:
        image, orientation = _turn_upright(image, orientation), 1
    if metadata.exif:
        block = refresh_preview(metadata.exif, renew, _MAX_EXIF)
        metadata = replace(metadata, exif=exif.with_orientation(block, orientation))
    _save(carry.attach(image, kind, metadata), kind, target, photo)
    lost += carry.embed(target, kind, metadata, dots, photo.profile)
    if kind == photo.format == "webp":
        target.write_bytes(webp.with_unknown_chunks(target.read_bytes(), Path(photo.path).read_bytes()))
    carry.warn_of_loss(photo, kind, lost)


def write_developed(pixels: Pixels, source: Path, target: Path) -> None:
    """Write a picture developed from a raw file, in sRGB, with the raw's EXIF.

    Args:
        pixels: (H, W, 3) uint8 or uint16, upright.
        source: The raw file.
        target: Where to, in the format of that suffix.
    """
    kind = format_of(target)
    metadata = Metadata(exif.from_raw(source, (pixels.shape[1], pixels.shape[0])), xmp.from_raw_xmp(source))
    image = vips().Image.new_from_array(pixels)
    image = image.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb")
    profile = vips().Operation.call("profile_load", "srgb")
    image.set_type(vips().GValue.blob_type, "icc-profile-data", profile)
    _save(carry.attach(image, kind, metadata), kind, target, None)
    carry.embed(target, kind, metadata, None, profile)


def _turn_upright(image: pyvips.Image, orientation: int) -> pyvips.Image:
    image.set_type(vips().GValue.gint_type, "orientation", orientation)
    return image.autorot()


def _with_profile(pixels: Pixels, stored: pyvips.Image) -> pyvips.Image:
    image = vips().Image.new_from_array(pixels)
    depth = {np.dtype(np.uint8): "srgb", np.dtype(np.uint16): "rgb16"}.get(pixels.dtype, stored.interpretation)
    image = image.copy(interpretation=depth, xres=stored.xres, yres=stored.yres)
    if profile := blob(stored, "icc-profile-data"):
        image.set_type(vips().GValue.blob_type, "icc-profile-data", profile)
    if stored.get_typeof("resolution-unit"):
        image.set_type(vips().GValue.gstr_type, "resolution-unit", stored.get("resolution-unit"))
    return image


def _multiply_by_alpha(image: pyvips.Image, photo: RenderedPhoto) -> pyvips.Image:
    """The image as its TIFF stores it, where that stores colours multiplied by alpha."""
    if image.bands != 4 or not read_pages(photo.path).main.is_premultiplied:
        return image
    return scale_by_alpha(image, operator.mul)


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
            _to_eight_bits(opaque).jpegsave(
                path, Q=_QUALITY["jpeg"], subsample_mode="off", optimize_coding=True, keep=_NO_EXIF
            )
        elif kind == "png":
            interlace = photo is not None and photo.format == "png" and png.is_interlaced(photo.path)
            bare = image.copy()
            bare.remove("icc-profile-data")
            bare.pngsave(path, bitdepth=16 if bits > 8 else 8, interlace=interlace, keep=_NO_EXIF)
        elif kind == "tiff":
            compression = _compression(photo)
            predictor = {} if compression == "none" else {"predictor": "float" if is_float else "horizontal"}
            image.tiffsave(path, compression=compression, bigtiff=_needs_bigtiff(image), **predictor)
        elif kind == "webp":
            lossy = photo is None or (photo.format == "webp" and not webp.is_lossless(photo.path))
            _to_eight_bits(image).webpsave(path, lossless=not lossy, exact=True, Q=_QUALITY["webp"], keep=_NO_EXIF)
        elif kind == "avif":
            keep = {} if image.get_typeof("exif-data") else {"keep": _NO_EXIF}
            # The default effort takes a minute for 24 megapixels and makes the file a third smaller.
            coding = {"compression": "av1", "effort": 2, "subsample_mode": "off"}
            image.heifsave(path, Q=_QUALITY["avif"], bitdepth=min(bits, 12), **coding, **keep)
        else:
            _save_heic(image, target, bits, photo)
    except vips().Error as error:
        for code in _REFUSALS:
            if os.strerror(code) in error.detail:
                raise writing_error(target, OSError(code, os.strerror(code))) from error
        raise _refusal(target, error.detail) from error


def _refusal(target: Path, detail: str) -> OutputError:
    """The error for what an encoder does not take, such as too long a side."""
    first = next((line.strip() for line in detail.splitlines() if line.strip()), "unknown encoder error")
    return OutputError(target, f"cannot be encoded ({first})", "name an output of another format")


def _bits(photo: RenderedPhoto | None) -> int:
    """Significant bits of a 16-bit image; HEIF decoders leave the lowest ones 0."""
    return 16 if photo is None else {65472.0: 10, 65520.0: 12}.get(photo.full_scale, 16)


def _to_eight_bits(image: pyvips.Image) -> pyvips.Image:
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
    coding = read_coding(photo.path, read_pages(photo.path).main.offset)
    return _COMPRESSIONS.get(coding.compression if coding else 1, "deflate")


def _save_heic(image: pyvips.Image, target: Path, bits: int, photo: RenderedPhoto | None) -> None:
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtra("writing HEIC", "heif") from None
    pixels = image.numpy()
    mode = ("RGBA" if image.bands == 4 else "RGB") + (";16" if bits > 8 else "")
    metadata = {key: block for key, field in HEIF_BLOCKS.items() if (block := blob(image, field))}
    heif = pillow_heif.from_bytes(mode, (image.width, image.height), np.ascontiguousarray(pixels).tobytes())
    is_heic = photo is not None and photo.format == "heic"
    chroma = pillow_heif.open_heif(photo.path).info.get("chroma") if photo is not None and is_heic else None
    with target.open("wb") as stream:
        # 4:2:0 is what cameras write and every viewer shows. 4:2:2 might have been turned by a quarter.
        # At equal fidelity the default preset, "slow", saves a seventieth of the bytes for eight times the work.
        try:
            heif.save(
                stream,
                format="HEIF",
                quality=_QUALITY["heic"],
                chroma=444 if chroma in (422, 444) else 420,
                enc_params={"preset": "ultrafast"},
                **metadata,
            )
        except RuntimeError as error:
            raise _refusal(target, str(error)) from error
