"""What a file holds, by readers other than awbkit's: its numbers, and everything that stands beside them."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pyvips
import tifffile
from PIL import ExifTags, Image

from tests.helpers.png_files import read_chunks

# How pixels are stored, as docs/metadata.md lists it.
_TIFF_STORAGE = frozenset(
    (*range(254, 267), 273, 277, 278, 279, 280, 281, 284, 317, *range(320, 326), 330, 336, 339, *range(340, 348))
) | {529, 530, 531, 532}
_PNG_STORAGE = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"hIST", b"sBIT", b"iDOT"))
_WEBP_STORAGE = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP"))
Tags = dict[str, Any]


def numbers(path: Path) -> np.ndarray:
    """Shares of full scale (H, W, 3 or 4), in stored orientation."""
    if path.suffix == ".png":
        found = _png_numbers(path)
    elif path.suffix == ".tif":
        found = _tiff_numbers(path)
    elif path.suffix == ".heic":
        import pillow_heif

        found = np.asarray(pillow_heif.open_heif(path, convert_hdr_to_8bit=False))
    elif path.suffix == ".avif":
        found = pyvips.Image.new_from_file(str(path)).numpy()
    else:
        with Image.open(path) as image:
            found = np.asarray(image)
    return found.astype(float) / (np.iinfo(found.dtype).max if found.dtype.kind == "u" else 1)


def changed_share(before: Path, after: Path) -> float:
    """The share of pixels of which a channel is further off than 1/255; 1 if there are other channels or sizes."""
    old, new = numbers(before), numbers(after)
    if old.shape != new.shape:
        return 1.0
    return float((np.abs(old - new) > 1.001 / 255).any(axis=2).mean())


def differences(old: Tags, new: Tags) -> list[str]:
    """Lost, changed and made up tags, in words."""
    lost = [f"lost {name}" for name in old.keys() - new.keys()]
    made_up = [f"made up {name}" for name in new.keys() - old.keys()]
    changed = [f"changed {name}" for name in old.keys() & new.keys() if not _is_same(old[name], new[name])]
    return sorted(lost + made_up + changed)


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, float | tuple | list):
        return bool(np.allclose(np.array(old, float), np.array(new, float)))
    return bool(old == new)


def _png_numbers(path: Path) -> np.ndarray:
    chunks = dict(read_chunks(path))
    depth, colour = chunks[b"IHDR"][8:10]
    if colour == 3:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGBA" if b"tRNS" in chunks else "RGB"))
    key = chunks.pop(b"tRNS", None)
    found = imagecodecs.png_decode(path.read_bytes())[..., : 3 if key else 4]
    if key is None:
        return found
    clear = (found == np.array(struct.unpack(">3H", key), found.dtype)).all(axis=2)
    return np.dstack([found, np.where(clear, 0, (1 << depth) - 1).astype(found.dtype)])


def _tiff_numbers(path: Path) -> np.ndarray:
    with tifffile.TiffFile(path) as file:
        page = _main(file)
        if page.photometric == tifffile.PHOTOMETRIC.YCBCR:
            return pyvips.Image.new_from_file(str(path)).numpy()[..., :3]
        found = page.asarray()
        return np.moveaxis(found, 0, -1) if page.planarconfig == 2 else found


def _main(file: tifffile.TiffFile) -> tifffile.TiffPage:
    return max((page.aspage() for page in file.pages), key=lambda page: page.imagewidth)


def tags(path: Path) -> Tags:
    """Everything beside the pixels that a correction in the same format must leave as it is."""
    if path.suffix == ".jpg":
        return _jpeg_tags(path)
    if path.suffix == ".png":
        return _png_tags(path)
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            page = _main(file)
            found = {f"tiff {tag.code}": tag.value for tag in page.tags if tag.code not in _TIFF_STORAGE}
            # Writers differ in whether they state what is the default.
            found.pop("tiff 274", None) if found.get("tiff 274") == 1 else None
            return found | {"channels": page.samplesperpixel, "compressed": page.compression > 1}
    if path.suffix == ".webp":
        chunks = [(kind, content) for kind, content in _riff(path.read_bytes()) if kind not in _WEBP_STORAGE]
        return _counted(chunks, {b"EXIF"}) | shared(path)
    return shared(path)


def shared(path: Path) -> Tags:
    """EXIF field by field, XMP, IPTC and the profile: what every format holds that has a place for it."""
    if path.suffix == ".heic":
        import pillow_heif

        info = dict(pillow_heif.open_heif(path).info)
        exif = Image.Exif()
        exif.load(info.get("exif") or b"")
    elif path.suffix == ".tif":
        info, exif = _tiff_blocks(path)
    else:
        with Image.open(path) as image:
            image.load()
            info, exif = dict(image.info), image.getexif()
    raw = {}
    if path.suffix == ".png":
        raw = {kind: block for kind, block in map(_raw_profile, read_chunks(path)) if kind}
        if b"exif" in raw:
            exif = Image.Exif()
            exif.load(raw[b"exif"])
    found = _exif_fields(exif)
    packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or raw.get(b"xmp")
    records = (info.get("photoshop") or {}).get(0x0404) or raw.get(b"iptc", b"")[12:]
    for name, value in (("xmp", packet), ("iptc", records), ("profile", info.get("icc_profile"))):
        if value:
            data = value.encode() if isinstance(value, str) else bytes(value)
            found[name] = data.rstrip(b"\0") if name == "iptc" else data
    return found


def _tiff_blocks(path: Path) -> tuple[Tags, Image.Exif]:
    with tifffile.TiffFile(path) as file:
        page = _main(file)
        info = {name: page.tags.valueof(tag) for name, tag in (("xmp", 700), ("icc_profile", 34675))}
        info["photoshop"] = {0x0404: page.tags.valueof(33723)}
        # Pillow reads a classic TIFF as an EXIF block; of the corpus, only such hold directories below the first.
        exif = Image.Exif()
        if not file.is_bigtiff and page.index == 0:
            exif.load(path.read_bytes())
        else:
            exif.update({tag: page.tags.valueof(tag) for tag in (271, 272, 274, 315, 33432) if tag in page.tags})
        return info, exif


def _exif_fields(exif: Image.Exif) -> Tags:
    found = {f"exif {tag}": _utf8(value) for tag, value in exif.items() if tag in (271, 272, 274, 315, 33432)}
    for name, ifd in (("exif", ExifTags.IFD.Exif), ("gps", ExifTags.IFD.GPSInfo)):
        fields = exif.get_ifd(ifd)
        found |= {f"{name} {tag}": value for tag, value in fields.items() if tag != ExifTags.IFD.Interop}
    return found


def _utf8(value: Any) -> Any:
    """Text as it was meant, of readers that take any byte for Latin-1."""
    try:
        return value.encode("latin-1").decode() if isinstance(value, str) else value
    except UnicodeError:
        return value


def _jpeg_tags(path: Path) -> Tags:
    data, position, segments = path.read_bytes(), 2, []
    while data[position + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, position + 2)
        marker, payload = data[position + 1], data[position + 4 : position + 2 + length]
        if (0xE0 <= marker <= 0xEF or marker == 0xFE) and not payload.startswith(b"Exif\0\0"):
            segments.append((bytes([marker]), payload))
        position += 2 + length
    with Image.open(path) as image:
        coding = {"tables": image.quantization, "sampling": [layer[1:3] for layer in image.layer]}  # type: ignore[attr-defined]
        coding["progressive"] = "progressive" in image.info
    return _counted(segments, set()) | shared(path) | coding


def _png_tags(path: Path) -> Tags:
    chunks = [(kind, content) for kind, content in read_chunks(path) if kind not in _PNG_STORAGE]
    whole = [(kind, content) for kind, content in chunks if not _has_thumbnail(kind, content)]
    return _counted(whole, set()) | shared(path) | {"interlaced": path.read_bytes()[28]}


def _has_thumbnail(kind: bytes, content: bytes) -> bool:
    block = content if kind == b"eXIf" else _raw_profile((kind, content))[1]
    return b"\xff\xd8\xff" in block


def _raw_profile(item: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    kind, content = item
    keyword, _, text = content.partition(b"\0")
    if kind not in (b"tEXt", b"zTXt") or not keyword.startswith(b"Raw profile type "):
        return b"", b""
    lines = (zlib.decompress(text[1:]) if kind == b"zTXt" else text).split(b"\n")
    return keyword[17:], bytes.fromhex(b"".join(lines[3:]).decode())


def _riff(data: bytes) -> list[tuple[bytes, bytes]]:
    position, found = 12, []
    while position + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, position + 4)
        found.append((data[position : position + 4], data[position + 8 : position + 8 + length]))
        position += 8 + length + length % 2
    return found


def _counted(parts: list[tuple[bytes, bytes]], without: set[bytes]) -> Tags:
    """Each part under its kind and its place among those of its kind."""
    places: Counter[bytes] = Counter()
    found = {}
    for kind, content in parts:
        if kind not in without:
            found[f"{kind!r} {places[kind]}"] = content
            places[kind] += 1
    return found
