"""PNG files (Third Edition): metadata read wherever it stands, and moved onto newly encoded pixels.

Every ancillary chunk of the source goes over byte for byte and in its order, before or behind the pixels as it was,
apart from what would no longer be true.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from awbkit.errors import UnsupportedImage
from awbkit.files import xmp
from awbkit.files.ifd import Buffer, map_file
from awbkit.files.jpeg import EXIF_HEADER
from awbkit.files.metadata import Metadata
from awbkit.files.photoshop import with_iptc, without_previews
from awbkit.files.previews import PreviewRenewal, refresh_preview
from awbkit.files.raw_profiles import Block, find_text, keyword_of, may_hold_block, read_block, read_text, with_block

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = frozenset((b"tEXt", b"zTXt", b"iTXt"))
_COLOURS = frozenset((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"))
_PALETTE_TYPE, _ALPHA_TYPES = 3, (4, 6)
_MAX_EXIF = 1 << 24
_MAX_TEXTS = 1 << 26
_AT_ONCE = 1 << 20
_COMPRESSED_KINDS = frozenset((b"zTXt", b"iTXt", b"iCCP"))

# What the standards say of the picture and a change of its colours leaves true, though by their names these chunks may
# not be copied by a program that does not know them. orNT is ImageMagick's orientation.
_TRUE_KINDS = frozenset(
    (b"cHRM", b"gAMA", b"iCCP", b"sRGB", b"cICP", b"mDCV", b"mDCv", b"bKGD", b"sCAL", b"sTER", b"tIME", b"orNT")
)
# They describe how the old pixels were stored: Apple's index of the compressed data, the palette's transparency and
# frequencies, and how many bits of a sample mean something.
_STORAGE = frozenset((b"tRNS", b"hIST", b"iDOT", b"sBIT"))


class Chunk(NamedTuple):
    """One chunk: its kind, where it starts and ends in the file, and its content."""

    kind: bytes
    start: int
    end: int
    content: bytes


def chunks(data: Buffer) -> Iterator[Chunk]:
    """The chunks of a PNG up to IEND, without the content of those that hold pixels or a last one that is cut off."""
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            return
        content = b"" if kind == b"IDAT" else bytes(data[position + 8 : end - 4])
        yield Chunk(kind, position, end, content)
        if kind == b"IEND":
            return
        position = end


def chunks_before_pixels(path: str) -> list[Chunk]:
    """The chunks of a PNG up to the first one that holds pixels.

    Raises:
        OSError: The file cannot be read.
    """
    with map_file(path) as data:
        return list(takewhile(lambda chunk: chunk.kind != b"IDAT", chunks(data)))


def check_texts(path: str, data: Buffer) -> None:
    """Refuse a PNG whose compressed texts are longer than any program writes, before a decoder inflates them all.

    Raises:
        UnsupportedImage: If they do.
    """
    left = _MAX_TEXTS
    for kind, _, _, content in chunks(data):
        if kind in _COMPRESSED_KINDS:
            left -= _inflated_length(_compressed_part(kind, content), left)
            if left < 0:
                problem = f"holds compressed texts of more than {_MAX_TEXTS >> 20} MiB"
                raise UnsupportedImage(path, problem, "save it without metadata")


def _compressed_part(kind: bytes, content: bytes) -> bytes:
    """The compressed part of a chunk; empty where nothing in it is compressed."""
    start, is_compressed = find_text(kind, content) or (0, False)
    return content[start:] if is_compressed else b""


def _inflated_length(rest: bytes, most: int) -> int:
    """The length of a compressed text, inflated; counted up to one more than ``most``."""
    inflate, count = zlib.decompressobj(), 0
    try:
        while rest and count <= most and not inflate.eof:
            count += len(inflate.decompress(rest, _AT_ONCE))
            rest = inflate.unconsumed_tail
    except zlib.error:
        # Not compressed after all, or damaged, which decoders see too.
        return count
    return min(count, most + 1)


def chunk(kind: bytes, content: bytes) -> bytes:
    """The bytes of a chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def read_metadata(path: str) -> Metadata:
    """EXIF, XMP and Photoshop blocks of a PNG, before or behind its pixels, in chunks of their own or as raw profiles.

    Of several blocks of a kind, one in a chunk of its own counts before a raw profile, and the first before later ones.

    Raises:
        OSError: The file cannot be read.
    """
    found: dict[str, bytes] = {}
    exif = None
    texts = []
    with map_file(path) as data:
        for kind, _, _, content in chunks(data):
            if kind == b"eXIf" and exif is None:
                exif = content.removeprefix(EXIF_HEADER)
            elif kind in _TEXTS:
                text = read_text(kind, content) if may_hold_block(content) else None
                block = read_block(text) if text else None
                if block:
                    found.setdefault(block.kind, block.content)
                else:
                    texts.append(keyword_of(content).decode("latin-1"))
    resources = found.get("photoshop")
    if "iptc" in found:
        resources = with_iptc(resources or b"", found["iptc"])
    return Metadata(
        exif=exif if exif is not None else found.get("exif"),
        xmp=found.get("xmp"),
        photoshop=resources,
        texts=tuple(texts),
    )


def pack_profile(profile: bytes) -> bytes:
    """The content of a chunk iCCP."""
    return b"ICC profile\0\0" + zlib.compress(profile)


def read_profile(path: str) -> bytes | None:
    """The embedded ICC profile, even one that libpng would leave out for a small fault.

    Returns:
        None where there is none; of a damaged profile the part that can be inflated, which may be empty.

    Raises:
        OSError: The file cannot be read.
    """
    for kind, _, _, content in chunks_before_pixels(path):
        if kind == b"iCCP":
            try:
                return zlib.decompressobj().decompress(_compressed_part(kind, content), _MAX_TEXTS)
            except zlib.error:
                return b""
    return None


def is_interlaced(path: str) -> bool:
    """Whether the pixels are stored in the order of Adam7."""
    with map_file(path) as data:
        return bool(data[28:29] == b"\1")


def has_resolution(path: str) -> bool:
    """Whether the file states its resolution in pixels per metre."""
    with map_file(path) as data:
        return any(kind == b"pHYs" and content[8:] == b"\1" for kind, _, _, content in chunks(data))


def add_chunks(encoded: bytes, extra: list[tuple[bytes, bytes]], has_resolution: bool) -> bytes:
    """A PNG with further chunks before its pixels, and without a resolution that its encoder made up.

    Args:
        encoded: The file.
        extra: Kinds and contents; an eXIf replaces that of the file.
        has_resolution: Whether pHYs stays.
    """
    out = [PNG_SIGNATURE]
    for kind, start, end, _ in chunks(encoded):
        if kind == b"IDAT":
            return b"".join([*out, *(chunk(*item) for item in extra), encoded[start:]])
        if kind != b"eXIf" and (kind != b"pHYs" or has_resolution):
            out.append(encoded[start:end])
    raise ValueError("PNG without pixels")


def graft(
    encoded: bytes, source: Buffer, renew: PreviewRenewal | None = None, profile: bytes | None = None
) -> tuple[bytes, list[str]]:
    """Join newly encoded pixels with the ancillary chunks of the PNG that they came from.

    Chunks are copied verbatim and in their order, known or not, apart from what would no longer be true:

    - Of a palette that has become RGB: PLTE, tRNS, hIST; tRNS of RGB, which has become an alpha channel. bKGD, an
      index into the palette, becomes the colour that it stood for.
    - sBIT, where fewer bits than the sample has were significant; now all are.
    - Pictures of the old colours: previews in EXIF are made anew, Photoshop's are removed; sPLT.
    - What would announce images that stood behind the picture, in XMP.
    - Chunks whose names say that they depend on the pixels, unless known to stay true: iDOT, cLLI, pCAL, dSIG, private
      ones.

    Args:
        encoded: The new file, RGB or RGBA; its own ancillary chunks are left out.
        source: The file whose metadata is wanted.
        renew: Maps the old EXIF preview, a JPEG, to the new one, or to None to remove it.
        profile: The ICC profile of the pixels, for a source whose chunks do not say what its numbers mean.

    Returns:
        The new file, and what it lacks of the source, in words, apart from how the old pixels were stored.

    Raises:
        ValueError: One of the two is no PNG.
    """
    if not encoded.startswith(PNG_SIGNATURE) or source[:8] != PNG_SIGNATURE:
        raise ValueError("not a PNG")
    new = list(chunks(encoded))
    header = next((c.content for c in new if c.kind == b"IHDR"), b"")
    if len(header) != 13:
        raise ValueError("PNG without a header")
    before: list[bytes] = []
    behind: list[bytes] = []
    lost: list[str] = []
    side, old_header, palette, last = before, b"", b"", b""
    end = len(PNG_SIGNATURE)
    for kind, start, end, content in chunks(source):
        last = kind
        if kind == b"IHDR":
            old_header = content
        elif kind == b"PLTE":
            palette = content
        elif kind == b"IDAT":
            side = behind
        elif kind == b"bKGD" and old_header[9:10] == bytes([_PALETTE_TYPE]):
            side += _background(content, palette)
        elif kind == b"sBIT":
            side += _significant_bits(content, old_header, header)
        elif _is_ancillary(kind) and _may_stay(kind):
            renewed = _renew(kind, content, renew)
            side.append(bytes(source[start:end]) if renewed == content else chunk(kind, renewed))
        elif _is_ancillary(kind) and kind not in _STORAGE:
            lost.append(f"chunk {kind.decode('latin-1')}")
    if last != b"IEND":
        lost.append("metadata behind the place where the file was cut off")
    elif any(source[end:]):
        lost.append("what stood behind its end")
    if profile and not any(part[4:8] in _COLOURS for part in before):
        before.insert(0, chunk(b"iCCP", pack_profile(profile)))
    pixels = [encoded[c.start : c.end] for c in new if c.kind == b"IDAT"]
    parts = [PNG_SIGNATURE, chunk(b"IHDR", header), *before, *pixels, *behind, chunk(b"IEND", b"")]
    return b"".join(parts), list(dict.fromkeys(lost))


def _is_ancillary(kind: bytes) -> bool:
    return bool(kind[0] & 0x20)


def _may_stay(kind: bytes) -> bool:
    """Whether a chunk stays true, by its safe-to-copy bit if it is not known (section 5.4)."""
    return kind in _TRUE_KINDS or (bool(kind[3] & 0x20) and kind not in _STORAGE)


def _renew(kind: bytes, content: bytes, renew: PreviewRenewal | None) -> bytes:
    if kind == b"eXIf":
        head = EXIF_HEADER if content.startswith(EXIF_HEADER) else b""
        return head + refresh_preview(content.removeprefix(EXIF_HEADER), renew, _MAX_EXIF)
    text = read_text(kind, content) if kind in _TEXTS and may_hold_block(content) else None
    block = read_block(text) if text else None
    if text is None or block is None:
        return content
    renewed = _renew_block(block, renew)
    return content if renewed == block.content else bytes(with_block(text, block._replace(content=renewed)))


def _renew_block(block: Block, renew: PreviewRenewal | None) -> bytes:
    if block.kind == "exif":
        return refresh_preview(block.content, renew, _MAX_EXIF)
    if block.kind == "xmp":
        return xmp.without_other_pictures(block.content)
    return without_previews(block.content) if block.kind == "photoshop" else block.content


def _background(content: bytes, palette: bytes) -> list[bytes]:
    index = 3 * content[0] if content else len(palette)
    colour = palette[index : index + 3]
    return [chunk(b"bKGD", bytes(v for value in colour for v in (0, value)))] if len(colour) == 3 else []


def _significant_bits(content: bytes, old: bytes, new: bytes) -> list[bytes]:
    """The chunk, if all bits were significant already, with as many values as the new pixels have channels."""
    depth = 8 if old[9:10] == bytes([_PALETTE_TYPE]) else next(iter(old[8:9]), 0)
    if len(content) < 3 or set(content) != {depth} or depth != new[8]:
        return []
    return [chunk(b"sBIT", bytes([depth] * (4 if new[9] in _ALPHA_TYPES else 3)))]
