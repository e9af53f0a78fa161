"""Text chunks of PNG (Third Edition, section 11.3.3), and the "raw profiles" that ImageMagick and exiv2 put into them.

Such a profile is a block of another format in hexadecimal digits, under a keyword such as ``Raw profile type exif``:
a line with its name, a line with its length, then the digits.
"""

from __future__ import annotations

import binascii
import re
import zlib
from typing import NamedTuple

from awbkit.files import photoshop, xmp
from awbkit.files.jpeg import EXIF_HEADER

XMP_KEYWORD = b"XML:com.adobe.xmp"
_PREFIX = b"raw profile type "
_PROFILE = re.compile(rb"\n?([^\n]*)\n\s*(\d{1,10})\s*\n(.*)", re.DOTALL)
_SPACE = b" \t\r\n\v\f\0"
_LINE = 36
# The greatest length of a block that is read; in digits, with line ends, it takes a little over twice as much.
_MAX_BLOCK = 1 << 23
_MAX_KEYWORD = 79


class Text(NamedTuple):
    """A text chunk: what stands before the text, byte for byte, and the text itself, inflated."""

    kind: bytes
    keyword: bytes
    head: bytes
    is_compressed: bool
    text: bytes

    def __bytes__(self) -> bytes:
        """The content of the chunk."""
        return self.head + (zlib.compress(self.text) if self.is_compressed else self.text)


class Block(NamedTuple):
    """A block in a text chunk: its kind ("exif", "xmp", "photoshop" or "iptc"), what stands before it, and itself."""

    kind: str
    head: bytes
    content: bytes


def keyword_of(content: bytes) -> bytes:
    """The keyword of a text chunk."""
    return content[: _MAX_KEYWORD + 1].partition(b"\0")[0]


def may_hold_block(content: bytes) -> bool:
    """Whether the keyword of a text chunk announces a block; no text is inflated for this."""
    keyword = keyword_of(content)
    return keyword == XMP_KEYWORD or keyword.lower().startswith(_PREFIX)


def find_text(kind: bytes, content: bytes) -> tuple[int, bool] | None:
    """Where the text in a chunk starts, or the profile in an iCCP, and whether it is compressed.

    Returns:
        None where the chunk is damaged.
    """
    start = content.find(b"\0") + 1
    if not start:
        return None
    if kind != b"iTXt":
        is_compressed = kind != b"tEXt"
        return start + is_compressed, is_compressed
    language_end = content.find(b"\0", start + 2)
    keyword_end = content.find(b"\0", language_end + 1)
    return (keyword_end + 1, content[start] == 1) if 0 <= language_end < keyword_end else None


def read_text(kind: bytes, content: bytes) -> Text | None:
    """Take a tEXt, zTXt or iTXt chunk apart; None if it is damaged or its text is unreasonably long."""
    found = find_text(kind, content)
    if found is None:
        return None
    start, is_compressed = found
    text = content[start:]
    if is_compressed:
        try:
            inflate = zlib.decompressobj()
            text = inflate.decompress(text, 3 * _MAX_BLOCK)
        except zlib.error:
            return None
        if inflate.unconsumed_tail:
            return None
    return Text(kind, content.partition(b"\0")[0], content[:start], is_compressed, text)


def read_block(text: Text) -> Block | None:
    """The EXIF, XMP or Photoshop block in a text chunk; None if it holds none."""
    if text.keyword == XMP_KEYWORD:
        return Block("xmp", b"", text.text)
    if not text.keyword.lower().startswith(_PREFIX):
        return None
    parts = _PROFILE.match(text.text)
    if parts is None:
        return None
    try:
        data = binascii.unhexlify(parts[3].translate(None, _SPACE)[: 2 * int(parts[2])])
    except ValueError:
        return None
    name = text.keyword[len(_PREFIX) :].lower()
    for kind, head in (("exif", EXIF_HEADER), ("xmp", xmp.JPEG_HEADER), ("photoshop", photoshop.HEADER)):
        if data.startswith(head):
            return Block(kind, head, data[len(head) :])
    if data[:4] in (b"II*\0", b"MM\0*"):
        return Block("exif", b"", data)
    if name == b"xmp":
        return Block("xmp", b"", data)
    if data.startswith(b"8BIM"):
        return Block("photoshop", b"", data)
    if data.startswith(b"\x1c"):
        return Block("iptc", b"", data)
    return None


def with_block(text: Text, block: Block) -> Text:
    """The chunk with another block of the same kind in it."""
    if text.keyword == XMP_KEYWORD:
        return text._replace(text=block.content)
    name = parts[1] if (parts := _PROFILE.match(text.text)) else b"generic"
    return text._replace(text=_digits(name, block.head + block.content))


def raw_profile(name: bytes, data: bytes) -> bytes:
    """The content of a zTXt chunk that holds a block in digits."""
    return b"Raw profile type " + name + b"\0\0" + zlib.compress(_digits(name, data))


def _digits(name: bytes, data: bytes) -> bytes:
    lines = (binascii.hexlify(data[at : at + _LINE]) for at in range(0, len(data), _LINE))
    return b"\n%s\n%8d\n%s\n" % (name, len(data), b"\n".join(lines))
