"""Metadata carried from a rendered picture's file to a file of another format, which has other places for it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit.errors import warn
from awbkit.files import exif, heif, jpeg_metadata, mpo, photoshop, png, tiff, webp, xmp
from awbkit.files.decode import blob, vips
from awbkit.files.embed import MAX_JPEG_BLOCK, embed_in_avif, embed_in_jpeg
from awbkit.files.jpeg import EXIF_HEADER
from awbkit.files.metadata import Metadata
from awbkit.files.raw_profiles import raw_profile
from awbkit.files.rendered import RenderedPhoto

if TYPE_CHECKING:
    import pyvips

_EMBED = {"jpeg": embed_in_jpeg, "webp": webp.embed, "avif": embed_in_avif}
_NAMES = {"jpeg": "JPEG", "png": "PNG", "tiff": "TIFF", "webp": "WebP", "avif": "AVIF", "heic": "HEIC"}
# ImageMagick repeats under such keywords what it read elsewhere in the file.
_COPY_PREFIXES = ("date:", "exif:", "xmp:", "icc:", "png:", "tiff:", "jpeg:")
# A TIFF header; libvips takes nothing shorter.
_LEAST_EXIF = 8
_MAX_JPEG_XMP = 0xFFFF - 2 - len(xmp.JPEG_HEADER)


def read_metadata(photo: RenderedPhoto) -> Metadata:
    """The blocks of metadata in a picture's file, without the parts that describe its old pixels or its storage.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is damaged.
    """
    if photo.format == "png":
        found = png.read_metadata(photo.path)
    elif photo.format == "tiff":
        found = tiff.read_metadata(photo.path)
    elif photo.format == "jpeg":
        found = jpeg_metadata.read_metadata(Path(photo.path).read_bytes())
    else:
        found = Metadata(photo.exif, blob(photo.pixels(), "xmp-data"))
    return Metadata(
        exif=found.exif and found.exif.removeprefix(EXIF_HEADER),
        xmp=found.xmp and xmp.without_other_pictures(found.xmp),
        photoshop=found.photoshop and photoshop.without_previews(found.photoshop),
        texts=found.texts,
    )


def attach(image: pyvips.Image, kind: str, metadata: Metadata) -> pyvips.Image:
    """The image with those blocks of metadata that its encoder has to write itself."""
    image = image.copy()
    blob = vips().GValue.blob_type
    if metadata.xmp and (kind != "jpeg" or len(metadata.xmp) <= _MAX_JPEG_XMP):
        image.set_type(blob, "xmp-data", metadata.xmp)
    if metadata.exif and kind in ("avif", "heic") and len(metadata.exif) >= _LEAST_EXIF:
        image.set_type(blob, "exif-data", metadata.exif)
    return image


def embed(
    target: Path, kind: str, metadata: Metadata, dots: tuple[float, float] | None, profile: bytes | None
) -> list[str]:
    """Put into a new file the metadata that its encoder cannot write: libvips would rebuild EXIF without MakerNote.

    Args:
        target: The file, changed in place.
        kind: Its format.
        metadata: What to put in.
        dots: Pixels per inch, across and down; None where they are unknown, so that the encoder made them up.
        profile: The ICC profile, for a PNG, whose encoder refuses a profile with the smallest fault.

    Returns:
        What the format has no place for, in words.
    """
    names = [name for name in metadata.texts if not name.startswith(_COPY_PREFIXES)]
    lost = [f"the text{'s' * (len(names) > 1)} {_join_words(list(map(repr, names)), most=3)}"] if names else []
    if kind == "jpeg" and metadata.xmp and len(metadata.xmp) > _MAX_JPEG_XMP:
        lost.append("XMP of more than 64 KB")
    if kind == "jpeg" and metadata.exif and len(metadata.exif) > MAX_JPEG_BLOCK:
        lost.append("the greatest fields of EXIF of more than 64 KB")
    if kind == "tiff":
        lost += tiff.embed(target, metadata, dots is not None)
        return lost
    if metadata.exif and kind in _EMBED:
        try:
            block = exif.fit_block(metadata.exif) if kind == "jpeg" else metadata.exif
            target.write_bytes(_EMBED[kind](target.read_bytes(), block))
        except ValueError:
            # A block that is no TIFF structure describes nothing, and the picture is whole without it.
            lost.append("damaged EXIF")
    if kind == "png":
        extra = [(b"eXIf", metadata.exif)] if metadata.exif else []
        if metadata.photoshop:
            extra.append((b"zTXt", raw_profile(b"iptc", metadata.photoshop)))
        if profile and profile[16:20] == b"RGB ":
            extra.append((b"iCCP", png.pack_profile(profile)))
        target.write_bytes(png.add_chunks(target.read_bytes(), extra, dots is not None))
    elif kind == "jpeg":
        target.write_bytes(jpeg_metadata.add_segments(target.read_bytes(), metadata.photoshop, dots))
    elif metadata.photoshop:
        lost.append("IPTC")
    return lost


def resolution(photo: RenderedPhoto, image: pyvips.Image) -> tuple[float, float] | None:
    """Pixels per inch, across and down; None where the file does not state them and decoders make them up."""
    if photo.format == "png":
        is_stated = png.has_resolution(photo.path)
    else:
        is_stated = photo.format in ("jpeg", "tiff") and bool(image.get_typeof("resolution-unit"))
    return (image.xres * 25.4, image.yres * 25.4) if is_stated else None


def warn_of_loss(photo: RenderedPhoto, kind: str, lost: list[str]) -> None:
    """Warn of what the new file lacks."""
    if lost:
        remedy = (
            "" if kind == photo.format else f"an output in {_NAMES[photo.format]} keeps the metadata that still applies"
        )
        warn(photo.path, f"the {_NAMES[kind]} was written without {_join_words(lost)}", remedy)


def other_pictures(photo: RenderedPhoto) -> list[str]:
    """The pictures and clips that a file holds beside the one that it shows, in words; none of them is carried over."""
    with suppress(ValueError, OSError):
        if photo.format == "jpeg":
            return mpo.list_others(Path(photo.path).read_bytes())
        if photo.format == "tiff":
            return tiff.other_pages(photo.path)
        if photo.format in ("avif", "heic"):
            return heif.other_images(photo.path)
    return []


def _join_words(words: list[str], most: int = 9) -> str:
    shown = words[:most] + ([f"{len(words) - most} more"] if len(words) > most else [])
    return ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]
