"""The images in a HEIF beside its primary one (ISO/IEC 23008-12): further images, depth and gain maps."""

from __future__ import annotations

import struct

from awbkit.files.embed import Container, boxes, items
from awbkit.files.ifd import map_file

_IMAGE_KINDS = frozenset((b"hvc1", b"av01", b"avc1", b"grid", b"iovl", b"iden", b"jpeg", b"unci", b"tmap"))
# References from an image to its parts, from a small copy to its image, and from an auxiliary image to its image.
_DERIVED, _COPY, _AUXILIARY = b"dimg", b"thmb", b"auxl"
_ALPHA = (b"urn:mpeg:hevc:2015:auxid:1\0", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


def other_images(path: str) -> list[str]:
    """The images beside the primary one and its alpha channel, in words; small copies are not counted.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is damaged.
    """
    with map_file(path) as data:
        try:
            return _list_others(data)
        except (KeyError, IndexError, struct.error) as error:
            raise ValueError("HEIF without a sound list of images") from error


def _list_others(data: Container) -> list[str]:
    meta = dict(boxes(data, 0, len(data)))[b"meta"]
    within = dict(boxes(data, meta[0] + 4, meta[1]))
    start, end = within[b"pitm"]
    primary = int.from_bytes(data[start + 4 : end], "big")
    images = {number for kind, number in items(data, *within[b"iinf"]) if kind in _IMAGE_KINDS}
    auxiliary, parts = set[int](), {primary}
    for kind, source, targets in _references(data, *within[b"iref"]) if b"iref" in within else ():
        if kind == _DERIVED:
            parts |= set(targets)
        elif kind == _COPY:
            parts.add(source)
        elif kind == _AUXILIARY:
            auxiliary.add(source)
    maps = len(auxiliary) - sum(data[slice(*within[b"iprp"])].count(name) for name in _ALPHA)
    further = len(images - parts - auxiliary)
    words = [f"{maps} auxiliary image{'s' * (maps > 1)} (depth, gain map)"] if maps > 0 else []
    return words + ([f"{further} further image{'s' * (further > 1)}"] if further else [])


def _references(data: Container, start: int, end: int) -> list[tuple[bytes, int, tuple[int, ...]]]:
    code = "I" if data[start] else "H"
    found = []
    for kind, (content, _) in boxes(data, start + 4, end):
        source, count = struct.unpack_from(f">{code}H", data, content)
        targets = struct.unpack_from(f">{count}{code}", data, content + struct.calcsize(f">{code}H"))
        found.append((bytes(kind), int(source), targets))
    return found
