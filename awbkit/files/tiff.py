"""TIFF files (TIFF 6.0, BigTIFF): metadata carried onto newly encoded pixels.

libvips writes pixels, ICC profile, XMP, IPTC, resolution, orientation and a description. Artist, copyright, dates,
camera, EXIF, GPS, GeoTIFF and private fields are added here, in new directories at the end of the new file.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

from awbkit.files.ifd import Directory, Tiff, read_directory, serialise
from awbkit.files.thumbnails import without_photoshop_thumbnail

_PROFILE, _PHOTOSHOP, _DNG_VERSION = 34675, 34377, 50706

# How the pixels are stored is the business of the new file's encoder. 37724 holds Photoshop's layers, which an editor
# would show in place of the new pixels.
_STORAGE = frozenset(
    (
        *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291),
        *(292, 293, 317, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 342, 343, 344, 345, 346),
        *(
            347,
            351,
            400,
            401,
            402,
            403,
            404,
            405,
            433,
            434,
            435,
            *range(512, 522),
            529,
            530,
            531,
            532,
            559,
            32997,
            37724,
        ),
    )
)
# DNG describes a raw mosaic with these, apart from those that ImageJ uses.
_DNG = frozenset(range(50706, 53000)) - {50838, 50839}


def graft(target: str | os.PathLike[str], source: str | os.PathLike[str]) -> None:
    """Add the metadata of one TIFF file to another, freshly encoded one, which is changed in place.

    Every field of the source's first directory is copied, and the EXIF, GPS and interoperability directories with
    all of theirs, MakerNote bytes included. What belongs to the encoded pixels stays that of the target: layout,
    compression, sample format, and the ICC profile if the target has one. Photoshop's thumbnails and layers, further
    pages and sub-images are left out, as are DNG's fields.

    Args:
        target: A new TIFF or BigTIFF of either byte order. Should this function fail, the file still shows what it
            showed before.
        source: A TIFF or BigTIFF of either byte order.

    Raises:
        OSError: One of the files cannot be read or written.
        ValueError: One of the files is no TIFF, or the target has no room left below 4 GiB.
    """
    with Path(source).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        tiff = Tiff(data)
        carried = read_directory(tiff, tiff.first)
    if _DNG_VERSION in carried.fields:
        carried.fields = {tag: value for tag, value in carried.fields.items() if tag not in _DNG}
    _add(target, carried)


def embed(target: str | os.PathLike[str], exif: bytes) -> None:
    """Add an EXIF block, as :func:`awbkit.files.exif.from_raw` makes it, to a freshly encoded TIFF.

    Raises:
        OSError: The file cannot be read or written.
        ValueError: The file is no TIFF, or the block is no TIFF structure.
    """
    tiff = Tiff(exif.removeprefix(b"Exif\0\0"))
    _add(target, read_directory(tiff, tiff.first))


def _add(target: str | os.PathLike[str], carried: Directory) -> None:
    with Path(target).open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            tiff = Tiff(data)
            merged, order, big = read_directory(tiff, tiff.first), tiff.order, tiff.big
            following = tiff.ifd(tiff.first).following
            end = len(data)
        own_profile = merged.fields.get(_PROFILE)
        merged.fields |= {tag: value for tag, value in carried.fields.items() if tag not in _STORAGE}
        merged.children |= carried.children
        if own_profile:
            merged.fields[_PROFILE] = own_profile
        if _PHOTOSHOP in merged.fields:
            kind, resources = merged.fields[_PHOTOSHOP]
            merged.fields[_PHOTOSHOP] = (kind, without_photoshop_thumbnail(resources))
        at = end + end % 2
        added = serialise(merged, at, order, big, following)
        file.seek(end)
        file.write(bytes(at - end) + added)
        file.flush()
        file.seek(8 if big else 4)
        file.write(struct.pack(order + ("Q" if big else "I"), at))
