"""The blocks of metadata about the photograph, which each format embeds in a place of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metadata:
    """Blocks of metadata, each byte for byte as it was found.

    Attributes:
        exif: EXIF, a TIFF structure.
        xmp: An XMP packet.
        photoshop: Photoshop's image resources, which hold IPTC.
        texts: Names of further texts, such as the keywords of a PNG's chunks.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    photoshop: bytes | None = None
    texts: tuple[str, ...] = ()
