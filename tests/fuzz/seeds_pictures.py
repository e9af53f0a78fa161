"""Small sound pictures of every format, with every block of metadata that strangers' files carry."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tests.helpers.pictures import PROFILES
from tests.helpers.png_files import digits, write_png

WIDTH, HEIGHT = 28, 20

XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    b'crs:Temperature="5200" crs:Tint="+3" crs:WhiteBalance="Custom" tiff:Orientation="6">'
    b"<crs:Exposure2012>0.1</crs:Exposure2012></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
)
IPTC = b"\x1c\x02\x00\x00\x02\x00\x04\x1c\x02\x50\x00\x06Author\x1c\x02\x78\x00\x07Caption"
PHOTOSHOP = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
PHOTOSHOP += b"8BIM\x03\xed\0\0\0\0\0\x10\0\x48\0\0\0\1\0\1\0\x48\0\0\0\1\0\1"


def patches(dtype: Any = np.uint8, channels: int = 3, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    values = np.random.default_rng(7).uniform(0.1, 0.8, (-(-height // 4), -(-width // 4), channels))
    values = np.kron(values, np.ones((4, 4, 1)))[:height, :width] * np.array([1, 0.8, 0.6, 1])[:channels]
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype)
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


@cache
def exif(thumbnail: bool = True) -> bytes:
    """An EXIF block with all kinds of directories, and a thumbnail."""
    block = Image.Exif()
    block[271], block[272], block[274], block[282], block[283], block[296] = "Acme", "One", 6, 72.0, 72.0, 2
    block[305], block[306], block[315] = "made by a test", "2024:01:01 00:00:00", "Author"
    block.get_ifd(34665).update(
        {
            33434: 0.01,
            34855: 100,
            36864: b"0232",
            36867: "2024:01:01 00:00:00",
            37500: b"Acme\0" + bytes(range(40)),
            37510: b"ASCII\0\0\0a comment",
            40961: 65535,
        }
    )
    block.get_ifd(34665)[40965] = {1: "R03", 2: b"0100"}
    block.get_ifd(34853).update({1: "N", 2: (48.0, 12.0, 3.0), 29: "2024:01:01"})
    data = block.tobytes().removeprefix(b"Exif\0\0")
    return _with_thumbnail(data) if thumbnail else data


def _with_thumbnail(data: bytes) -> bytes:
    order = "<" if data.startswith(b"II") else ">"
    (first,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, first)
    result = bytearray(data) + bytes(len(data) % 2)
    struct.pack_into(order + "I", result, first + 2 + 12 * count, len(result))
    small = encoded("JPEG", patches()[:8, :8])
    entries = ((259, 3, 1, 6), (513, 4, 1, len(result) + 2 + 36 + 4), (514, 4, 1, len(small)))
    result += struct.pack(order + "H", len(entries))
    for tag, kind, number, value in entries:
        packed = struct.pack(order + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,)))
        result += struct.pack(order + "HHI", tag, kind, number) + packed
    return bytes(result) + bytes(4) + small


def encoded(kind: str, pixels: np.ndarray, mode: str | None = None, **options: Any) -> bytes:
    """Pixels as Pillow writes them."""
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, kind, **options)
    return file.getvalue()


def with_segments(jpeg: bytes, *segments: tuple[int, bytes]) -> bytes:
    """A JPEG with more application segments."""
    parts = b"".join(struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content for marker, content in segments)
    return jpeg[:2] + parts + jpeg[2:]


def jpegs() -> dict[str, bytes]:
    plain = encoded("JPEG", patches(), quality=85)
    blocks = {"exif": b"Exif\0\0" + exif(), "icc_profile": PROFILES["display-p3"]}
    gain_map = encoded("JPEG", patches()[:8, :8, 0])
    mpf = b"MPF\0MM\0*\0\0\0\x08\0\3" + struct.pack(
        ">HHI4sHHIIHHII", 0xB000, 7, 4, b"0100", 0xB001, 4, 1, 2, 0xB002, 7, 32, 50
    )
    mpf += bytes(4) + struct.pack(">IIIHH", 0x030000, len(plain), 0, 0, 0)
    mpf += struct.pack(">IIIHH", 0, len(gain_map), len(plain), 0, 0)
    return {
        "baseline.jpg": plain,
        "full.jpg": encoded("JPEG", patches(), quality=95, subsampling=0),
        "progressive.jpg": encoded("JPEG", patches(), progressive=True),
        "restart.jpg": encoded("JPEG", patches(), restart_marker_rows=1, optimize=True),
        "gray.jpg": encoded("JPEG", patches(), "L"),
        "cmyk.jpg": encoded("JPEG", patches(), "CMYK"),
        "rgb.jpg": encoded("JPEG", patches(), keep_rgb=True),
        "large.jpg": encoded("JPEG", patches(width=300, height=280), quality=50),
        "blocks.jpg": encoded("JPEG", patches(), comment=b"a comment", xmp=XMP, dpi=(300, 300), **blocks),
        "resources.jpg": with_segments(plain, (0xED, b"Photoshop 3.0\0" + PHOTOSHOP), (0xEE, b"Adobe\0\x64\0\0\0\0\1")),
        "mpf.jpg": with_segments(plain, (0xE2, mpf)) + gain_map,
        "exif_adobe.jpg": encoded("JPEG", patches(), exif=b"Exif\0\0" + exif(False)),
    }


def pngs() -> dict[str, bytes]:
    def written(pixels: np.ndarray, *arguments: Any, **options: Any) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return write_png(Path(folder) / "a.png", pixels, *arguments, **options).read_bytes()

    def text(kind: bytes, key: bytes, content: bytes) -> tuple[bytes, bytes]:
        packed = zlib.compress(content)
        between = {b"tEXt": b"\0" + content, b"zTXt": b"\0\0" + packed, b"iTXt": b"\0\1\0de\0" + key + b"\0" + packed}
        return kind, key + between[kind]

    before = [
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        (b"sBIT", b"\x08\x08\x08"),
        (b"bKGD", bytes(6)),
        (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
        (b"tIME", struct.pack(">HBBBBB", 2024, 1, 2, 3, 4, 5)),
        text(b"tEXt", b"Title", b"caf\xe9"),
        text(b"zTXt", b"Raw profile type exif", digits(b"exif", b"Exif\0\0" + exif(False))),
        text(b"iTXt", b"XML:com.adobe.xmp", XMP),
    ]
    behind = [
        (b"eXIf", exif()),
        text(b"tEXt", b"Raw profile type iptc", digits(b"iptc", PHOTOSHOP)),
        (b"vpAg", bytes(9)),
    ]
    profile = (b"iCCP", b"P3\0\0" + zlib.compress(PROFILES["display-p3"]))
    palette = (b"PLTE", patches(width=16, height=4)[:1].tobytes())
    alpha = patches(channels=4)
    return {
        "8.png": written(patches()),
        "16.png": written(patches(np.uint16)),
        "alpha.png": written(alpha),
        "alpha16.png": written(patches(np.uint16, 4), [(b"sRGB", b"\0")]),
        "palette.png": written(patches()[..., 0] % 16, [palette, (b"tRNS", bytes(3))]),
        "palette4.png": written(patches()[..., 0] % 16, [palette], bits=4),
        "gray.png": encoded("PNG", patches(), "L"),
        "key.png": written(patches(), [(b"tRNS", bytes(6))]),
        "chunks.png": written(patches(), before, behind),
        "profile.png": written(patches(), [profile, (b"cICP", b"\x0c\x0d\0\1"), (b"mDCV", bytes(24))], tail=b"more"),
        "cicp.png": written(patches(np.uint16), [(b"cICP", b"\x09\x10\0\1"), (b"cLLI", bytes(8))]),
        "animation.png": written(patches(), [(b"acTL", bytes(8))]),
    }


def tiffs() -> dict[str, bytes]:
    def written(pixels: Any, **options: Any) -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, pixels, **{"photometric": "rgb", "metadata": None, **options})
        return file.getvalue()

    deep, light, real = patches(np.uint16), patches(), patches(np.float32)
    holes = real.copy()
    holes[2, 2], holes[5, 5], holes[6, 6] = np.nan, np.inf, 3.4e38
    tags = [
        (274, 3, 1, 6, True),
        (700, 1, len(XMP), XMP, True),
        (33723, 7, len(IPTC), IPTC, True),
        (34377, 7, len(PHOTOSHOP), PHOTOSHOP, True),
        (34675, 7, len(PROFILES["adobe-rgb"]), PROFILES["adobe-rgb"], True),
        (271, 2, 0, "Acme", True),
        (315, 2, 0, "Author", True),
    ]
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(light[::2, ::2].copy(), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(light, photometric="rgb", metadata=None)
        writer.write(deep[..., 0], photometric="minisblack", metadata=None)
    children = io.BytesIO()
    with tifffile.TiffWriter(children) as writer:
        writer.write(light, photometric="rgb", subifds=1, metadata=None)
        writer.write(light[::2, ::2].copy(), photometric="rgb", subfiletype=1, metadata=None)
    palette = np.zeros((3, 256), np.uint16)
    palette[:] = np.arange(256) * 257
    return {
        "8.tif": written(light),
        "16.tif": written(deep),
        "motorola.tif": written(deep, byteorder=">"),
        "big.tif": written(deep, bigtiff=True),
        "float.tif": written(real),
        "half.tif": written(patches(np.float16)),
        "double.tif": written(patches(np.float64)),
        "holes.tif": written(holes),
        "float_lzw.tif": written(real, compression="lzw", predictor=True),
        "deflate.tif": written(deep, compression="zlib", predictor=True, rowsperstrip=7),
        "lzw.tif": written(light, compression="lzw"),
        "packbits.tif": written(light, compression="packbits"),
        "zstd.tif": written(light, compression="zstd"),
        "jpeg.tif": written(light, compression="jpeg"),
        "ycbcr.tif": encoded("TIFF", light, "YCbCr"),
        "tiles.tif": written(deep, tile=(16, 16)),
        "planar.tif": written(np.moveaxis(deep, 2, 0), planarconfig="separate"),
        "alpha.tif": written(patches(np.uint16, 4), extrasamples=["unassalpha"]),
        "fourth.tif": written(patches(np.uint8, 4), extrasamples=["unspecified"]),
        "cmyk.tif": written(patches(np.uint8, 4), photometric="separated"),
        "gray.tif": written(light[..., 0], photometric="minisblack"),
        "palette.tif": written(light[..., 0], photometric="palette", colormap=palette),
        "integers.tif": written(patches(np.uint32)),
        "tags.tif": written(light, extratags=tags, resolution=(300, 300)),
        "pages.tif": file.getvalue(),
        "children.tif": children.getvalue(),
        "lab.tif": written(light, photometric="cielab"),
        "xz.tif": written(light, compression="lzma"),
    }


def webps() -> dict[str, bytes]:
    frames = [Image.fromarray(patches()), Image.fromarray(patches()[::-1].copy())]
    animation = io.BytesIO()
    frames[0].save(animation, "WEBP", save_all=True, append_images=frames[1:])
    blocks = {"exif": exif(), "xmp": XMP, "icc_profile": PROFILES["display-p3"]}
    return {
        "lossy.webp": encoded("WEBP", patches()),
        "lossless.webp": encoded("WEBP", patches(), lossless=True),
        "alpha.webp": encoded("WEBP", patches(channels=4)),
        "blocks.webp": encoded("WEBP", patches(), **blocks),
        "animation.webp": animation.getvalue(),
    }


def heifs() -> dict[str, bytes]:
    import pillow_heif

    blocks: dict[str, Any] = {"exif": exif(False), "icc_profile": PROFILES["display-p3"]}

    def hevc(pixels: np.ndarray, mode: str, **options: Any) -> bytes:
        file = io.BytesIO()
        pillow_heif.encode(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes(), file, **options)
        return file.getvalue()

    return {
        "8.avif": encoded("AVIF", patches(), speed=10),
        "alpha.avif": encoded("AVIF", patches(channels=4), speed=10),
        "blocks.avif": encoded("AVIF", patches(), speed=10, xmp=XMP, **blocks),
        "8.heic": hevc(patches(), "RGB", quality=80),
        "alpha.heic": hevc(patches(channels=4), "RGBA", quality=80),
        "deep.heic": hevc(patches(np.uint16), "RGB;16", quality=80),
        "blocks.heic": hevc(patches(), "RGB", quality=80, exif=b"Exif\0\0" + exif(False), xmp=XMP),
    }


def odd() -> dict[str, bytes]:
    """Pictures whose pixels are extreme, or whose sizes are."""
    found: dict[str, bytes] = {}
    top = {np.uint8: 255, np.uint16: 65535, np.float32: 1.0}
    for kind, white in top.items():
        for name, value in (("black", 0), ("white", white), ("mixed", None)):
            pixels = np.full((9, 11, 3), value or 0, kind)
            if value is None:
                pixels[::2] = white
            found |= _everywhere(f"{name}_{np.dtype(kind).name}", pixels)
    for width, height in ((1, 1), (1, 40), (40, 1), (2, 2)):
        for kind in top:
            found |= _everywhere(f"{width}x{height}_{np.dtype(kind).name}", patches(kind, 3, width, height))
    for name, value in (
        *(("huge", 3.4028235e38), ("minus_huge", -3.4028235e38), ("nan", np.nan), ("inf", np.inf), ("minus", -1.0)),
        *(("tiny", 1e-45), ("hundred", 100.0)),
    ):
        for share in ("some", "all", "channel"):
            pixels = patches(np.float32)
            if share == "some":
                pixels[3:9, 3:9] = value
            elif share == "all":
                pixels[:] = value
            else:
                pixels[..., 1] = value
            found |= _everywhere(f"{share}_{name}", pixels)
            found |= {
                f"{key[:-4]}_64.tif": data for key, data in _everywhere(f"{share}_{name}", pixels.astype("f8")).items()
            }
    return found


def _everywhere(name: str, pixels: np.ndarray) -> dict[str, bytes]:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric="rgb", metadata=None)
    found = {f"{name}.tif": file.getvalue()}
    if pixels.dtype == np.uint8:
        found[f"{name}.png"] = encoded("PNG", pixels)
        found[f"{name}.jpg"] = encoded("JPEG", pixels)
        found[f"{name}.webp"] = encoded("WEBP", pixels, lossless=True)
        found[f"{name}.avif"] = encoded("AVIF", pixels, speed=10)
    return found


def raws() -> dict[str, bytes]:
    from tests.helpers.raw_files import QUAD, RGGB, XTRANS, mosaic, write_dng

    scene = patches(np.float64, width=48, height=40)
    samples = mosaic(scene, RGGB)
    with tempfile.TemporaryDirectory() as folder:

        def written(samples: np.ndarray, *arguments: Any, **options: Any) -> bytes:
            return write_dng(Path(folder) / "a.dng", samples, *arguments, **options).read_bytes()

        return {
            "bayer.dng": written(samples, neutral=(0.5, 1, 0.7)),
            "packed.dng": written(samples, bits=12, white_xy=(0.33, 0.34)),
            "lossless.dng": written(samples, lossless_jpeg=True, bits=12),
            "xtrans.dng": written(mosaic(scene, XTRANS), XTRANS, orientation=6),
            "quad.dng": written(mosaic(scene, QUAD), QUAD, model="Two"),
            "linear.dng": written((scene * 4095).astype(np.uint16), black=0),
            "float.dng": written(scene[..., 0].astype(np.float32), black=0, white=1, bits=32),
            "active.dng": written(samples, active=(2, 2, 38, 46), matrix=None),
            "tiny.dng": written(samples[:4, :4]),
        }


@cache
def pictures() -> dict[str, bytes]:
    return {**jpegs(), **pngs(), **tiffs(), **webps(), **heifs()}
