"""TIFFs in codings that libvips lacks: read and written back without loss, or named, and never called damaged."""

from __future__ import annotations

import io
import lzma
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import pyvips
import tifffile

import awbkit as package
from awbkit.errors import AwbWarning, MissingExtra, UnsupportedImage
from awbkit.files.write import write_picture
from tests.helpers.command import awbkit

HEIGHT, WIDTH = 48, 70
RNG = np.random.default_rng(9)
DEEP = RNG.integers(0, 65536, (HEIGHT, WIDTH, 3)).astype(np.uint16)


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **{"photometric": "rgb"} | options)
    return out.getvalue()


def pack(codes: np.ndarray, bits: int, *, order: str = "<") -> bytes:
    """RGB TIFF of any depth, each row from a byte on (TIFF 6.0, section 4)."""
    own = codes.astype(np.uint8 if bits < 8 else np.uint16)
    rows = b"".join(imagecodecs.packints_encode(row.ravel(), bits) for row in own)
    height, width = codes.shape[:2]
    fields = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 122), (259, 3, 1, 1), (262, 3, 1, 2)]
    fields += [(273, 4, 1, 128), (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(rows))]

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        single = kind == 3 and count == 1
        return struct.pack(f"{order}HHI{'HH' if single else 'I'}", tag, kind, count, value, *([0] if single else []))

    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, len(fields))
    head += b"".join(entry(*field) for field in fields) + bytes(4)
    return head.ljust(122, b"\0") + struct.pack(f"{order}3H", bits, bits, bits) + rows


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def write_tiff(content: bytes) -> Path:
        path = tmp_path / "a.tif"
        path.write_bytes(content)
        return path

    return write_tiff


def write_again(path: Path) -> np.ndarray:
    """The picture after its pixels were decoded and encoded again."""
    photo = package.open(path)
    write_picture(photo, photo.pixels().numpy(), path.with_name("out.tif"), lambda _: None)
    return np.asarray(tifffile.imread(path.with_name("out.tif")))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [2, 4, 6, 10, 12, 14])
def test_packed_bits(bits: int, order: str, make: Any) -> None:
    codes = RNG.integers(0, 1 << bits, (HEIGHT, WIDTH, 3)).astype(np.uint16)
    most, full = (1 << bits) - 1, 255 if bits < 8 else 65535
    with pytest.warns(AwbWarning, match=f"stores {bits}-bit channels"):
        result = write_again(make(pack(codes, bits, order=order)))
    assert result.max() <= full
    assert np.array_equal(np.rint(result / full * most), codes)


@pytest.mark.parametrize("bits", [4, 12])
def test_another_depth_is_told(bits: int, make: Any) -> None:
    path = make(pack((DEEP >> 4 if bits == 12 else DEEP >> 12), bits))
    wide = 8 if bits < 8 else 16
    ran = awbkit("correct", path, "-o", path.with_name("out.tif"), "--gains", "1.1,1,1", "-q")
    assert ran.record["warning"] == f"stores {bits}-bit channels, and its output {wide}-bit channels"
    assert awbkit("estimate", path, "-m", "gray-world").record["warning"] is None


LOSSLESS = {
    "lzma": {"compression": "lzma"},
    "zstd": {"compression": "zstd"},
    "zstd with predictor": {"compression": "zstd", "predictor": True},
    "zstd in tiles": {"compression": "zstd", "tile": (32, 32)},
}


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("depth", [8, 16])
def test_compression(name: str, depth: int, make: Any) -> None:
    pixels = DEEP if depth == 16 else (DEEP >> 8).astype(np.uint8)
    assert np.array_equal(write_again(make(tiff(pixels, **LOSSLESS[name]))), pixels)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "lzw"}, {"byteorder": ">"}])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiles_of_single_channels(dtype: type, options: dict[str, Any], make: Any) -> None:
    pixels = (DEEP / 65535).astype(dtype) if dtype is np.float32 else DEEP.astype(dtype)
    path = make(tiff(np.moveaxis(pixels, 2, 0), planarconfig="separate", tile=(32, 32), **options))
    assert np.allclose(write_again(path), pixels, rtol=1e-5, atol=1e-7)


def test_metadata_goes_over(make: Any) -> None:
    profile = bytes(pyvips.Operation.call("profile_load", "srgb"))
    extra = [(274, 3, 1, 6, True), (315, 2, 0, "A. Painter", True), (700, 1, 30, b"<x:xmpmeta/>".ljust(30), True)]
    path = make(tiff(DEEP, compression="zstd", iccprofile=profile, extratags=extra, resolution=(300, 300)))
    assert package.open(path).width == HEIGHT
    write_again(path)
    with tifffile.TiffFile(path.with_name("out.tif")) as written:
        tags = written.pages.first.aspage().tags
        assert tags.valueof(274) == 6
        assert tags.valueof(282) == (300, 1)
        assert tags.valueof(315) == "A. Painter"
        assert tags.valueof(700) == b"<x:xmpmeta/>".ljust(30)
        assert tags.valueof(34675) == profile
    awbkit("correct", path, "-o", path.with_name("out.png"), "--gains", "1,1,1", "-q")
    png = pyvips.Image.new_from_file(str(path.with_name("out.png")))
    assert png.get("xmp-data") == b"<x:xmpmeta/>".ljust(30)
    assert png.get("icc-profile-data") == profile
    assert png.xres * 25.4 == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize(("kind", "unit"), [("SBYTE", 1), ("UNDEFINED", 1), ("LONG", 4), ("SHORT", 2)])
def test_blocks_may_be_called_numbers_of_any_kind(kind: str, unit: int, make: Any) -> None:
    """Photoshop writes IPTC as numbers of 32 bits."""
    block = b"\x1c\x02\x50\x00\x06Author\xff".ljust(12)
    profile = bytes(pyvips.Operation.call("profile_load", "srgb")).ljust(4000, b"\0")
    extra = [(33723, 7, len(block), block, True), (34675, 7, len(profile), profile, True)]
    content = bytearray(tiff(DEEP, compression="zstd", extratags=extra))
    for tag, size in ((33723, len(block)), (34675, len(profile))):
        at = content.index(struct.pack("<HHI", tag, 7, size))
        content[at : at + 8] = struct.pack("<HHI", tag, tifffile.DATATYPE[kind], size // unit)
    path = make(bytes(content))
    write_again(path)
    with tifffile.TiffFile(path.with_name("out.tif")) as written:
        tags = written.pages.first.aspage().tags
        assert tags.valueof(34675) == profile
        assert bytes(tags.valueof(33723)) == block


def patch(content: bytes, tag: int, value: int) -> bytes:
    """With another value of a field of one 16-bit number."""
    at = content.index(struct.pack("<HHI", tag, 3, 1)) + 8
    return content[:at] + struct.pack("<H", value) + content[at + 2 :]


@pytest.mark.parametrize(
    ("compression", "name"),
    [
        (9, "JBIG BW"),
        (32766, "NEXT"),
        (32809, "THUNDERSCAN"),
        (32909, "PIXARLOG"),
        (34661, "JBIG"),
        (34676, "SGILOG"),
        (34712, "JPEG2000"),
        (34887, "LERC"),
        (34933, "PNG"),
        (34934, "JPEGXR"),
        (50002, "JPEGXL"),
        (52546, "JPEGXL DNG"),
        (1234, r"an unknown coding \(1234\)"),
    ],
)
def test_compression_that_nobody_reads(compression: int, name: str, make: Any) -> None:
    path = make(patch(tiff((DEEP >> 8).astype(np.uint8)), 259, compression))
    message = f"is a TIFF of 8-bit channels packed by {name}, which awbkit does not read; convert it"
    for work in (package.estimate, lambda p: package.correct(p, p.with_name("out.png"), illuminant=(1, 1, 1))):
        with pytest.raises(UnsupportedImage, match=message):
            work(path)


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (DEEP.astype(np.uint32), {"compression": "zstd"}, "TIFF of 32-bit channels packed by ZSTD, which"),
        (DEEP.astype(np.uint64), {}, "TIFF of 64-bit channels, which awbkit does not read"),
        (DEEP.astype(np.int16), {"compression": "zstd"}, "TIFF of 16-bit channels packed by ZSTD, which"),
        (DEEP, {"compression": "zstd", "photometric": "cielab"}, "is CIELAB; convert it to RGB first"),
        (np.dstack([DEEP, DEEP[..., :1]]), {"compression": "zstd", "photometric": "separated"}, "is CMYK; convert it"),
    ],
)
def test_numbers_that_nobody_reads(pixels: np.ndarray, options: dict[str, Any], message: str, make: Any) -> None:
    with pytest.raises(UnsupportedImage, match=message):
        package.open(make(tiff(pixels, **options)))


def test_jpeg_of_twelve_bits(make: Any) -> None:
    with pytest.raises(UnsupportedImage, match="is a TIFF of 12-bit channels packed by JPEG, which"):
        package.open(make(tiff(DEEP >> 4, compression="jpeg")))


@pytest.mark.parametrize("compression", ["zlib", "lzma", "zstd"])
@pytest.mark.slow
def test_what_unfolds_to_more_than_stated_is_not_unfolded(compression: str, make: Any) -> None:
    """64 MiB in a strip of 20 KB; the decoder's buffer has the size that the directory states."""
    bomb = {"zlib": zlib.compress, "lzma": lzma.compress, "zstd": imagecodecs.zstd_encode}[compression](bytes(1 << 26))
    content = bytearray(tiff(DEEP, compression=compression, rowsperstrip=HEIGHT))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first.aspage()
        for tag, value in ((273, len(content)), (279, len(bomb))):
            found = page.tags[tag]
            struct.pack_into({3: "<H", 4: "<I"}[found.dtype], content, found.valueoffset, value)
    path = make(bytes(content) + bomb)
    script = (
        "import re, resource, sys, awbkit\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (1 << 29, 1 << 29))\n"
        "try: awbkit.estimate(sys.argv[1], 'gray-world')\n"
        "except awbkit.AwbError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
    assert "memory" not in done.stdout


def test_two_depths_at_once(make: Any) -> None:
    content = pack((DEEP >> 12), 4)
    path = make(content[:122] + struct.pack("<3H", 5, 6, 5) + content[128:])
    with pytest.raises(UnsupportedImage, match="is a TIFF of 5 and 6-bit channels, which"):
        package.open(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "name"),
    [(pack((DEEP >> 4), 12), "12-bit channels"), (tiff(DEEP, compression="lzma"), "16-bit channels packed by LZMA")],
)
def test_without_imagecodecs(content: bytes, name: str, make: Any) -> None:
    path = make(content)
    script = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "import awbkit\n"
        "try: awbkit.open(sys.argv[1])\n"
        "except awbkit.AwbError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{MissingExtra(f'reading a TIFF of {name}', 'tiff')}\n"
