"""Pictures, and the blocks within them, through all that opens, estimates and corrects them."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from PIL import Image

from awbkit import api
from awbkit.estimators.registry import parse
from awbkit.files.open import open_photo
from awbkit.files.raw import RawPhoto
from tests.fuzz import seeds_pictures as seeds
from tests.fuzz.target import Step, Target, chosen
from tests.helpers.pictures import PROFILES
from tests.helpers.png_files import chunk, digits

MAX_PIXELS = 1 << 20
_SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".avif", ".heic")
_OWN = {"jpeg": ".jpg", "png": ".png", "tiff": ".tif", "webp": ".webp", "avif": ".avif", "heic": ".heic"}
_METHODS = ("awbnet-s", "as-shot", "bright-gray", "pca", "gray-edge-2", "local-surface-reflectance", "gray-index")
_ENCODINGS = ("auto", "auto", "auto", "linear", "camera", "srgb", "icc")
_NEUTRAL, _WARM = (1.0, 1.0, 1.0), (0.9, 1.0, 0.6)


def use_picture(path: Path, outputs: Path) -> Iterator[Step]:
    """Estimate, and correct into the same format, for nothing and for a warm light, and into another one."""
    data = path.read_bytes()
    encoding = _ENCODINGS[chosen(data, len(_ENCODINGS))]

    def estimate(method: str) -> Step:
        return lambda: parse(method).estimate(open_photo(path, encoding=encoding, max_pixels=MAX_PIXELS).thumbnail())

    def correct(number: int, suffix: str | None, light: tuple[float, float, float] = _WARM) -> None:
        photo = open_photo(path, encoding=encoding, max_pixels=MAX_PIXELS)
        own = ".dng" if isinstance(photo, RawPhoto) else _OWN[photo.format]
        wanted = own if suffix is None else suffix
        if suffix != own and wanted in _SUFFIXES:
            api.correct(photo, outputs / f"{number}{wanted}", illuminant=light)

    yield estimate(_METHODS[chosen(data, len(_METHODS))])
    yield lambda: api.estimate(path, region=(0, 0, 1, 1), max_pixels=MAX_PIXELS)
    yield lambda: api.estimate(data, max_pixels=MAX_PIXELS)
    yield lambda: _estimate_image(data)
    yield lambda: correct(0, None, _NEUTRAL)
    yield lambda: correct(1, None)
    yield lambda: correct(2, _SUFFIXES[chosen(data[::-1], len(_SUFFIXES))])


def _estimate_image(data: bytes) -> None:
    """What Pillow opens; what it refuses is no picture for awbkit either, and what it warns of is its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data))
        except Exception:
            return
        # Pillow's libtiff complains on standard error.
        if image.format != "TIFF" and image.width * image.height <= MAX_PIXELS:
            api.estimate(image)


def use_within(wraps: Mapping[str, Callable[[bytes], bytes]]) -> Callable[[Path, Path], Iterator[Step]]:
    """The same for a block of metadata, within a picture of a format that its content decides."""

    def use(path: Path, outputs: Path) -> Iterator[Step]:
        data = path.read_bytes()
        name = sorted(wraps)[chosen(data, len(wraps))]
        place = outputs / "given"
        place.mkdir()
        (place / name).write_bytes(wraps[name](data))
        yield from use_picture(place / name, outputs)

    return use


_PLAIN = seeds.encoded("JPEG", seeds.patches())
_PNG = seeds.encoded("PNG", seeds.patches())
_WEBP = seeds.encoded("WEBP", seeds.patches())[12:]
_TIFF = seeds.encoded("TIFF", seeds.patches())


def _in_jpeg(head: bytes, block: bytes, marker: int = 0xE1) -> bytes:
    return seeds.with_segments(_PLAIN, (marker, (head + block)[:65533]))


def _in_png(kind: bytes, content: bytes) -> bytes:
    return _PNG[:33] + chunk(kind, content) + _PNG[33:]


def _in_webp(kind: bytes, flag: int, block: bytes) -> bytes:
    def part(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)

    extended = part(b"VP8X", struct.pack("<I", flag) + struct.pack("<I", seeds.WIDTH - 1)[:3] + b"\x13\0\0")
    parts = [part(kind, block), _WEBP] if kind == b"ICCP" else [_WEBP, part(kind, block)]
    body = b"WEBP" + extended + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _in_tiff(tag: int, block: bytes, kind: int = 7) -> bytes:
    """One more entry of a TIFF's directory, of bytes."""
    (first,) = struct.unpack_from("<I", _TIFF, 4)
    (count,) = struct.unpack_from("<H", _TIFF, first)
    entries = [_TIFF[first + 2 + 12 * i : first + 14 + 12 * i] for i in range(count)]
    start = len(_TIFF) + len(_TIFF) % 2
    entries.append(struct.pack("<HHII", tag, kind, len(block), start))
    padded = _TIFF.ljust(start, b"\0") + block + bytes(len(block) % 2)
    directory = struct.pack("<H", count + 1) + b"".join(sorted(entries, key=lambda e: struct.unpack("<H", e[:2])))
    return padded[:4] + struct.pack("<I", len(padded)) + padded[8:] + directory + bytes(4)


def _in_avif(head: bytes, block: bytes, kind: str) -> bytes:
    """Pillow looks into what it embeds, so that something sound of the same length goes in first."""
    sound = {"exif": b"MM\0*\0\0\0\x08\0\0\0\0\0\0", "xmp": b"", "icc_profile": b""}[kind]
    sound += b"\x55" * (max(len(block), 32) - len(sound))
    file = seeds.encoded("AVIF", seeds.patches(), speed=10, **{kind: head + sound})
    return file.replace(sound, block.ljust(len(sound), b"\0"))


def _in_heic(**block: bytes) -> bytes:
    import pillow_heif

    file = io.BytesIO()
    pixels = seeds.patches()
    pillow_heif.encode("RGB", (pixels.shape[1], pixels.shape[0]), pixels.tobytes(), file, quality=80, **block)
    return file.getvalue()


def _raw_profile(name: bytes, block: bytes) -> bytes:
    return b"Raw profile type %s\0\0" % name + zlib.compress(digits(name, block))


WITH_EXIF = {
    "exif.jpg": lambda block: _in_jpeg(b"Exif\0\0", block),
    "exif.png": lambda block: _in_png(b"eXIf", block),
    "text.png": lambda block: _in_png(b"zTXt", _raw_profile(b"exif", b"Exif\0\0" + block)),
    "exif.webp": lambda block: _in_webp(b"EXIF", 8, block),
    "exif.avif": lambda block: _in_avif(b"Exif\0\0", block, "exif"),
    "exif.heic": lambda block: _in_heic(exif=b"Exif\0\0" + block),
}
WITH_XMP = {
    "xmp.jpg": lambda block: _in_jpeg(b"http://ns.adobe.com/xap/1.0/\0", block),
    "xmp.png": lambda block: _in_png(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + block),
    "xmp.webp": lambda block: _in_webp(b"XMP ", 4, block),
    "xmp.tif": lambda block: _in_tiff(700, block, 1),
    "xmp.avif": lambda block: _in_avif(b"", block, "xmp"),
    "xmp.heic": lambda block: _in_heic(xmp=block),
}
WITH_PROFILE = {
    "icc.jpg": lambda block: _in_jpeg(b"ICC_PROFILE\0\1\1", block, 0xE2),
    "icc.png": lambda block: _in_png(b"iCCP", b"a\0\0" + zlib.compress(block)),
    "icc.webp": lambda block: _in_webp(b"ICCP", 32, block),
    "icc.tif": lambda block: _in_tiff(34675, block),
    "icc.avif": lambda block: _in_avif(b"", block, "icc_profile"),
}
WITH_RESOURCES = {
    "8bim.jpg": lambda block: _in_jpeg(b"Photoshop 3.0\0", block, 0xED),
    "8bim.tif": lambda block: _in_tiff(34377, block),
    "iptc.tif": lambda block: _in_tiff(33723, block),
    "iptc.png": lambda block: _in_png(b"zTXt", _raw_profile(b"iptc", block)),
}


def _profiles() -> dict[str, bytes]:
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    found = {f"{name}.icc": profile for name, profile in PROFILES.items()}
    return {**found, "lab.icc": lab, "table.icc": _table_profile()}


def _table_profile() -> bytes:
    """A profile with look-up tables both ways: A2B0 and B2A0 of lut8, the identity."""
    grid = bytes(v for r in (0, 255) for g in (0, 255) for b in (0, 255) for v in (r, g, b))
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    table = b"mft1\0\0\0\0\x03\x03\x02\0" + identity + bytes(range(256)) * 3 + grid + bytes(range(256)) * 3
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\2a\0" + bytes(78), b"A2B0": table, b"B2A0": table}
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    head, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        head += struct.pack(">4sII", name, at + len(body), len(content))
        body += padded
    start = bytearray(PROFILES["srgb"][:128])
    struct.pack_into(">I", start, 0, 128 + len(head) + len(body))
    start[8:12], start[20:24] = b"\2\x20\0\0", b"Lab "
    return bytes(start) + head + body


def _exif_blocks() -> dict[str, bytes]:
    swapped = Image.Exif()
    swapped.endian = ">"
    swapped[274], swapped[271] = 8, "Acme"
    text = struct.pack("<2sHIHHHI4sI", b"II", 42, 8, 1, 274, 2, 4, b"abc\0", 0)
    loop = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 34665, 4, 1, 8, 8)
    orientations = {
        f"orientation_{kind}_{count}_{value}.exif": struct.pack(
            "<2sHIHHHIII", b"II", 42, 8, 1, 274, kind, count, value, 0
        )
        for kind, count, value in (
            (3, 1, 0),
            (3, 1, 9),
            (3, 1, 65535),
            (3, 0, 6),
            (3, 2, 6),
            (4, 1, 1 << 31),
            (12, 1, 6),
        )
    }
    return {
        "whole.exif": seeds.exif(),
        "small.exif": seeds.exif(False),
        "motorola.exif": swapped.tobytes().removeprefix(b"Exif\0\0"),
        "text.exif": text,
        "loop.exif": loop,
        **orientations,
    }


_FILES = "awbkit.files."

TARGETS = (
    Target(
        "picture",
        tuple(
            _FILES + reader
            for reader in (
                *("open:open_photo", "rendered:open_rendered", "decode:load", "jpeg:read_info", "png:read_metadata"),
                *("png:read_profile", "source:open_source", "memory:open_image"),
                *("tiff:read_metadata", "pages:read_pages", "tiff_codings:read_coding", "carry:read_metadata"),
                *(
                    "jpeg_metadata:read_metadata",
                    "jpeg_stream:read_code_tables",
                    "raw_profiles:read_text",
                    "raw_profiles:read_block",
                ),
            )
        ),
        seeds.pictures,
        use_picture,
    ),
    Target("extreme", (), seeds.odd, use_picture),
    Target(
        "raw",
        tuple(
            _FILES + reader
            for reader in (
                *(
                    "raw:open_raw",
                    "dng_crop:read_crop",
                    "dng:read_dng_camera",
                    "dng_opcodes:read_opcodes",
                    "jpeg_stream:read_stream",
                ),
            )
        ),
        seeds.raws,
        use_picture,
    ),
    Target(
        "exif",
        (_FILES + "exif:read_make_model", _FILES + "exif:read_orientation", _FILES + "ifd:read_directory"),
        _exif_blocks,
        use_within(WITH_EXIF),
    ),
    Target("xmp", (_FILES + "xmp:parse",), lambda: {"a.xmp": seeds.XMP}, use_within(WITH_XMP)),
    Target(
        "profile",
        (_FILES + "encoding:parse_profile", _FILES + "profile_tables:read_tables"),
        _profiles,
        use_within(WITH_PROFILE),
    ),
    Target(
        "resources",
        (_FILES + "photoshop:read_iptc",),
        lambda: {"a.8bim": seeds.PHOTOSHOP, "a.iptc": seeds.IPTC},
        use_within(WITH_RESOURCES),
    ),
)
