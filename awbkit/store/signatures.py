"""The kind of a file by its first bytes."""

from __future__ import annotations

from pathlib import Path

from awbkit.store.paths import store_of

HEAD = 64
"""Number of bytes that are examined."""

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"}
_RAW = (
    *(b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM", b"IIU\0", b"IIRO", b"IIRS", b"MMOR"),
    *(b"II\x1a\0\0\0HEAPCCDR", b"ARRI", b"NOKIARAW", b"DSC-Image"),
)
_APPLE_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI"
_JPEG_LS = b"\xff\xd8\xff\xf7"
_FOREIGN = (
    (_APPLE_PNG, "a PNG in the coding of Apple's apps"),
    (_JPEG_LS, "a JPEG-LS"),
    (b"GIF8", "a GIF"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript document"),
    (b"8BPS", "a Photoshop document"),
    (b"v/1\x01", "an OpenEXR image"),
    (b"#?RADIANCE", "a Radiance HDR image"),
    (b"#?RGBE", "a Radiance HDR image"),
    (b"DDS ", "a DDS texture"),
    (b"II\xbc", "a JPEG XR"),
    (b"WMPHOTO", "a JPEG XR"),
    (b"gimp xcf", "a GIMP document"),
    (b"SIMPLE  =", "a FITS image"),
    (b"SDPX", "a DPX image"),
    (b"XPDS", "a DPX image"),
    (b"BPG\xfb", "a BPG image"),
    (b"qoif", "a QOI image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"\x00\x00\x01\xba", "a video"),
    (b"\x00\x00\x01\xb3", "a video"),
    (b"FLV\x01", "a video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video"),
    (b"RED1", "a video"),
    (b"RED2", "a video"),
)
_OTHER_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def sniff(head: bytes) -> str | None:
    """The format that the first 32 bytes of a file announce: "jpeg", "png", "tiff", "webp", "avif", "heic" or None."""
    if head.startswith((_APPLE_PNG, _JPEG_LS)):
        return None
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        brands = {head[8:12], head[16:20], head[20:24], head[24:28], head[28:32]}
        if brands & {b"avif", b"avis"}:
            return "avif"
        if brands & _HEIF_BRANDS:
            return "heic"
    return None


def kind_of(path: Path) -> str | None:
    """What :func:`sniff` says of a file, or "raw"; None where it is no picture or cannot be read.

    Most raw formats begin like a TIFF and are called that.
    """
    try:
        with store_of(path).open(path) as stream:
            head = stream.read(HEAD)
    except OSError:
        return None
    return sniff(head) or ("raw" if is_raw(head) else None)


def is_raw(head: bytes) -> bool:
    """Whether a file has a raw format that does not look like TIFF; old cameras' files have no signature at all."""
    return head[4:12] == b"ftypcrx " or head.startswith(_RAW)


def foreign_kind(head: bytes) -> str | None:
    """The kind of a file that awbkit does not read, with its article; None for an unknown kind."""
    for magic, kind in _FOREIGN:
        if head.startswith(magic):
            return kind
    # Many texts begin with these two letters; a bitmap's header goes on with its size and four bytes that are zero.
    if head[:2] == b"BM" and (head[6:10] == bytes(4) or len(head) < 10):
        return "a BMP"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "a video"
    if head[4:8] in (b"ftyp", *_OTHER_BOXES):
        return "a video"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<svg", b"<?xml")) and b"<svg" in head.lower():
        return "an SVG drawing"
    return None
