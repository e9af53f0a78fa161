"""TIFF files (TIFF 6.0, BigTIFF): metadata carried onto newly encoded pixels.

libvips writes pixels, ICC profile, XMP, IPTC, resolution, orientation and a description. Artist, copyright, dates,
camera, EXIF, GPS, GeoTIFF and private fields are added here, in new directories at the end of the new file.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

from awbkit.files import xmp
from awbkit.files.byte_order import change_order
from awbkit.files.exif import DESCRIPTION_TAGS, exif_block
from awbkit.files.ifd import Directory, Tiff, map_file, read_directory, serialise
from awbkit.files.metadata import Metadata
from awbkit.files.pages import Page, pages_of, read_pages
from awbkit.files.photoshop import read_iptc, with_iptc, without_previews

_ORIENTATION, _EXTRA, _XMP, _IPTC, _PHOTOSHOP, _PROFILE, _DNG_VERSION = 274, 338, 700, 33723, 34377, 34675, 50706
_BYTE, _SHORT, _UNDEFINED = 1, 3, 7
_RESOLUTION = frozenset((282, 283, 296))
# Other formats have places of their own for these.
_BLOCKS = frozenset((_XMP, _IPTC, _PHOTOSHOP, _PROFILE))
_PHOTOGRAPH_TAGS = (DESCRIPTION_TAGS - {_ORIENTATION}) | _BLOCKS - {_PROFILE}

# How the pixels are stored is the business of the new file's encoder. 37724 holds Photoshop's layers, which an editor
# would show in place of the new pixels.
_STORAGE = frozenset(
    (
        *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291),
        *(292, 293, 317, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 342, 343, 344, 345, 346),
        *(347, 351, *range(400, 406), *range(433, 436), *range(512, 522), *range(529, 533), 559, 32997, 37724),
    )
)
# DNG describes a raw mosaic with these, apart from those that ImageJ uses.
_DNG = frozenset(range(50706, 53000)) - {50838, 50839}


def graft(target: str | os.PathLike[str], source: str | os.PathLike[str], has_resolution: bool = True) -> list[str]:
    """Add the metadata of one TIFF file to another, freshly encoded one, which is changed in place.

    Every field of the picture's directory in the source is copied, and every field of the EXIF, GPS and
    interoperability directories, with the bytes of the MakerNote. Where the first directory is that of a small copy,
    its fields about the photograph are copied too. The target keeps what belongs to its encoded pixels: layout,
    compression, sample format, and the ICC profile if it has one. Photoshop's previews and layers, further pages
    and sub-images are left out, as are DNG's fields.

    Args:
        target: A new TIFF or BigTIFF of either byte order. Should this function fail, the file still shows what it
            showed before.
        source: A TIFF or BigTIFF of either byte order.
        has_resolution: Whether the resolution in the target is that of the picture, not made up by its encoder.

    Returns:
        What could not be kept, in words.

    Raises:
        OSError: One of the files cannot be read or written.
        ValueError: One of the files is no TIFF, or the target has no room left below 4 GiB.
    """
    with map_file(source) as data:
        main = pages_of(data).main
        carried = _read_description(Tiff(data), main)
    if _DNG_VERSION in carried.fields:
        carried.fields = {tag: value for tag, value in carried.fields.items() if tag not in _DNG}
    return _add(target, carried, has_resolution, main.extra)


def embed(target: str | os.PathLike[str], metadata: Metadata, has_resolution: bool = True) -> list[str]:
    """Add EXIF, IPTC and Photoshop's resources to a freshly encoded TIFF.

    Args:
        target: The file, changed in place.
        metadata: What to add.
        has_resolution: Whether the resolution in the target is that of the picture, not made up by its encoder.

    Returns:
        What could not be added, in words.

    Raises:
        OSError: The file cannot be read or written.
        ValueError: The file is no TIFF, or has no room left below 4 GiB.
    """
    carried, lost = Directory(), []
    if metadata.exif:
        try:
            tiff = Tiff(metadata.exif)
            carried = read_directory(tiff, tiff.first_offset)
        except ValueError:
            lost.append("damaged EXIF")
    if metadata.photoshop:
        carried.fields[_PHOTOSHOP] = (_BYTE, metadata.photoshop)
        records = read_iptc(metadata.photoshop)
        if records:
            carried.fields[_IPTC] = (_UNDEFINED, records)
    return lost + _add(target, carried, has_resolution)


def read_metadata(path: str | os.PathLike[str]) -> Metadata:
    """A TIFF's metadata about the photograph and not about its storage, in the blocks of other formats.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no TIFF.
    """
    with map_file(path) as data:
        found = _read_description(Tiff(data), pages_of(data).main)
    fields = found.fields
    records = fields.get(_IPTC, (0, b""))[1]
    resources = fields.get(_PHOTOSHOP, (0, b""))[1]
    if records:
        resources = with_iptc(resources, records)
    packet = fields.get(_XMP, (0, b""))[1]
    left_out = _STORAGE | _BLOCKS | (_DNG if _DNG_VERSION in fields else frozenset())
    found.fields = {tag: field for tag, field in fields.items() if tag not in left_out}
    return Metadata(
        exif=exif_block(found) if found.fields or found.children else None,
        xmp=packet or None,
        photoshop=resources or None,
    )


def other_pages(path: str | os.PathLike[str]) -> list[str]:
    """The images of a file beside the picture, in words.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no TIFF.
    """
    pages = read_pages(path)
    copies, below = pages.copies, pages.sub_images
    found = [f"{copies} smaller {'copy' if copies == 1 else 'copies'} of the picture"] if copies else []
    return found + ([f"{below} sub-image{'s' * (below > 1)}"] if below else [])


def _read_description(tiff: Tiff, main: Page) -> Directory:
    """The picture's directory, with the fields about the photograph from a small copy before or above it."""
    found = read_directory(tiff, main.offset)
    if main.offset != tiff.first_offset:
        first = read_directory(tiff, tiff.first_offset)
        found.fields = {t: f for t, f in first.fields.items() if t in _PHOTOGRAPH_TAGS} | found.fields
        found.children = first.children | found.children
    kind, records = found.fields.get(_IPTC, (0, b""))
    if len(records) % 4 == 0 and records[:1] != b"\x1c" and records[3:4] == b"\x1c":
        # Written as 32-bit words of the other byte order.
        records = b"".join(records[i : i + 4][::-1] for i in range(0, len(records), 4))
        found.fields[_IPTC] = (kind, records)
    return found


def _add(
    target: str | os.PathLike[str], carried: Directory, has_resolution: bool, extra: int | None = None
) -> list[str]:
    with Path(target).open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            tiff = Tiff(data)
            merged, order, big = read_directory(tiff, tiff.first_offset), tiff.order, tiff.is_big
            following = tiff.ifd(tiff.first_offset).next_offset
            end = len(data)
        lost = change_order(carried, order)
        own_profile = merged.fields.get(_PROFILE)
        if not has_resolution:
            merged.fields = {tag: field for tag, field in merged.fields.items() if tag not in _RESOLUTION}
        merged.fields |= {tag: value for tag, value in carried.fields.items() if tag not in _STORAGE}
        merged.children |= carried.children
        if own_profile:
            merged.fields[_PROFILE] = own_profile
        if _EXTRA in merged.fields and extra is not None:
            merged.fields[_EXTRA] = (_SHORT, struct.pack("<H", extra))
        if _PHOTOSHOP in merged.fields:
            kind, resources = merged.fields[_PHOTOSHOP]
            merged.fields[_PHOTOSHOP] = (kind, without_previews(resources))
        if _XMP in merged.fields:
            kind, packet = merged.fields[_XMP]
            merged.fields[_XMP] = (kind, xmp.without_other_pictures(packet))
        at = end + end % 2
        added = serialise(merged, at, order, big, following)
        file.seek(end)
        file.write(bytes(at - end) + added)
        file.flush()
        file.seek(8 if big else 4)
        file.write(struct.pack(order + ("Q" if big else "I"), at))
    return lost
