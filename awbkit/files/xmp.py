"""XMP packets (ISO 16684-1): parse them safely, remove properties that are no longer true, write them again.

A packet without any such property stays the same, byte for byte.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from awbkit.files.ifd import Tiff, map_file

if TYPE_CHECKING:
    from xml.dom.minidom import Document, Element

CAMERA_RAW: Final = "http://ns.adobe.com/camera-raw-settings/1.0/"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMLNS: Final = "http://www.w3.org/2000/xmlns/"
JPEG_HEADER: Final = b"http://ns.adobe.com/xap/1.0/\0"
"""The header of a packet in a JPEG's APP1 segment."""
EXTENDED_HEADER: Final = b"http://ns.adobe.com/xmp/extension/\0"
"""The header of a piece of the second packet, which holds the rest where one segment is too small."""

Condition = Callable[[str | None, str], bool]
"""Whether a property is meant, by its namespace and local name."""

_MAX_DEPTH = 100
_TAG, _MAX_LENGTH = 700, 1 << 22

_GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_CONTAINER_ITEM = "http://ns.google.com/photos/1.0/container/item/"
# It also holds properties of the picture itself, such as burst identifiers.
_GOOGLE_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_INDEXES = frozenset((_GAIN_MAP, _CONTAINER, _CONTAINER_ITEM))
_TRAILER = _INDEXES | {_GOOGLE_CAMERA}

# Settings that a raw editor would apply, its snapshots of them and the lens profiles that belong to them.
_DEVELOPMENT = frozenset(
    (
        CAMERA_RAW,
        "http://ns.adobe.com/camera-raw-saved-settings/1.0/",
        "http://ns.adobe.com/camera-raw-defaults/1.0/",
        "http://ns.adobe.com/camera-raw-embedded-lens-profile/1.0/",
    )
)
_BASIC = "http://ns.adobe.com/xap/1.0/"
# True for the stored sensor data, the raw file or its preview, but not for the developed picture.
_RAW_ONLY = {
    "http://ns.adobe.com/tiff/1.0/": """
        ImageWidth ImageLength BitsPerSample Compression PhotometricInterpretation Orientation SamplesPerPixel
        PlanarConfiguration YCbCrSubSampling YCbCrPositioning YCbCrCoefficients XResolution YResolution ResolutionUnit
        TransferFunction WhitePoint PrimaryChromaticities ReferenceBlackWhite NativeDigest
    """,
    "http://ns.adobe.com/exif/1.0/": """
        PixelXDimension PixelYDimension ColorSpace ComponentsConfiguration CompressedBitsPerPixel Gamma NativeDigest
    """,
    "http://purl.org/dc/elements/1.1/": "format",
    _BASIC: "Thumbnails",
}


def parse(data: bytes) -> Document:
    """Read a packet.

    Raises:
        ValueError: It is not well-formed, nests without end, or has a document type, whose entities could grow
            without bounds. The message continues a sentence.
    """
    from xml.dom import minidom
    from xml.parsers import expat

    depth = 0

    def refuse(*_: object) -> None:
        raise ValueError("has a document type, which XMP has not")

    def enter(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"nests more than {_MAX_DEPTH} elements")

    def leave(*_: object) -> None:
        nonlocal depth
        depth -= 1

    check = expat.ParserCreate()
    check.StartDoctypeDeclHandler = refuse
    check.StartElementHandler, check.EndElementHandler = enter, leave
    malformed = "is not well-formed XML"
    try:
        check.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(f"{malformed} ({error})") from error
    try:
        return minidom.parseString(data)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ValueError(f"{malformed} ({error})") from error


def descriptions(document: Document) -> list[Element]:
    """The elements that hold the properties."""
    return [
        child
        for rdf in document.getElementsByTagNameNS(RDF, "RDF")
        for child in rdf.childNodes
        if child.nodeType == child.ELEMENT_NODE and (child.namespaceURI, child.localName) == (RDF, "Description")
    ]


def remove(description: Element, condition: Condition) -> bool:
    """Take properties out of a description, whether written as attributes or as elements.

    Returns:
        Whether there were any.
    """
    nodes: list[Any] = [*description.attributes.values(), *description.childNodes]
    found = [n for n in nodes if n.localName and n.namespaceURI != XMLNS and condition(n.namespaceURI, n.localName)]
    for node in found:
        if node.nodeType == node.ATTRIBUTE_NODE:
            description.removeAttributeNode(node)
            continue
        before = node.previousSibling
        if before is not None and before.nodeType == before.TEXT_NODE and not before.data.strip():
            description.removeChild(before)
        description.removeChild(node)
    return bool(found)


def serialise(document: Document, with_declaration: bool = False) -> bytes:
    """Write a packet in UTF-8, with or without XML declaration."""
    # Line breaks written as references, as Adobe does, would come back as plain ones, which a reader takes for spaces.
    # U+FFFE cannot occur in XML and so marks their place while minidom writes.
    for node in _nodes(document):
        if node.nodeType == node.TEXT_NODE:
            node.data = re.sub("\r", "\ufffe13;", node.data)
        for attribute in list((node.attributes or {}).values()):
            attribute.value = re.sub("[\t\n\r]", lambda found: f"\ufffe{ord(found[0])};", attribute.value)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>'] if with_declaration else []
    lines += [node.toxml() for node in document.childNodes]
    return ("\n".join(lines).replace("\ufffe", "&#") + "\n").encode()


def without_other_pictures(packet: bytes, limit: int | None = None) -> bytes:
    """A packet without previews, which show the old colours, and without properties that announce other images.

    Gain maps, motion photos and depth maps stand behind the primary image and are announced so.

    Args:
        packet: The XMP, without the header of a JPEG segment.
        limit: The greatest length that there is room for.

    Returns:
        The packet itself where it has nothing of that kind, cannot be parsed, or would become too long.
    """
    if not any(namespace.encode() in packet for namespace in _TRAILER) and b"Thumbnails" not in packet:
        return packet
    try:
        document = parse(packet.rstrip(b"\0"))
    except ValueError:
        return packet
    if not _strip(document, _is_of_other_pictures, _TRAILER):
        return packet
    changed = serialise(document)
    return changed if limit is None or len(changed) <= limit else packet


def from_raw_xmp(path: str | os.PathLike[str]) -> bytes | None:
    """Make the XMP packet of a picture that was developed from a camera raw.

    The packet keeps rating, title, keywords, rights and history. It loses the settings of raw editors, which would be
    applied a second time, and the properties that describe the stored sensor data.

    Args:
        path: The raw; only TIFF-based ones (DNG, NEF, CR2, ARW, PEF, ...) are searched.

    Returns:
        The packet, or None if the file holds no sound one or one in which nothing remains.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        with map_file(path) as data:
            tiff = Tiff(data)
            entry = tiff.ifd(tiff.first_offset).entries.get(_TAG)
            if entry is None or entry.size > _MAX_LENGTH:
                return None
            packet = tiff.bytes_of(entry).rstrip(b"\0")
        document = parse(packet)
    except ValueError:
        return None
    changed = _strip(document, _describes_raw, _DEVELOPMENT | _TRAILER)
    if not any(map(_says_something, descriptions(document))):
        return None
    return serialise(document) if changed else packet


def _describes_trailer(namespace: str | None, name: str) -> bool:
    return namespace in _INDEXES or (namespace == _GOOGLE_CAMERA and name.startswith(("MotionPhoto", "MicroVideo")))


def _is_of_other_pictures(namespace: str | None, name: str) -> bool:
    return _describes_trailer(namespace, name) or (namespace == _BASIC and name == "Thumbnails")


def _describes_raw(namespace: str | None, name: str) -> bool:
    outdated = name in _RAW_ONLY.get(namespace or "", "").split()
    return outdated or namespace in _DEVELOPMENT or _describes_trailer(namespace, name)


def _strip(document: Document, condition: Condition, namespaces: frozenset[str]) -> bool:
    """Remove properties, and the declarations of those namespaces that are then no longer used.

    Some readers recognise a kind of file by the bare name of a namespace.
    """
    found = [remove(description, condition) for description in descriptions(document)]
    if not any(found):
        return False
    elements = [node for node in _nodes(document) if node.nodeType == node.ELEMENT_NODE]
    attributes = [(element, attribute) for element in elements for attribute in element.attributes.values()]
    used = {node.namespaceURI for node in (*elements, *(attribute for _, attribute in attributes))}
    for element, attribute in attributes:
        if attribute.namespaceURI == XMLNS and attribute.value in namespaces - used:
            element.removeAttributeNode(attribute)
    return True


def _says_something(description: Element) -> bool:
    return any(child.nodeType == child.ELEMENT_NODE for child in description.childNodes) or any(
        attribute.namespaceURI not in (XMLNS, RDF, None) for attribute in description.attributes.values()
    )


def _nodes(document: Document) -> Iterator[Any]:
    nodes: list[Any] = list(document.childNodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.childNodes)
        yield node
