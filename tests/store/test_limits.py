"""Pictures that claim more than they may: refused by their headers, in one line that says how to let them through."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import pyvips
import tifffile
from PIL import Image

import awbkit as package
from awbkit.colour.illuminant import Illuminant
from awbkit.correction.picture import correct_preview
from awbkit.correction.von_kries import Correction
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.limits import MAX_PIXELS, check_size
from awbkit.store.source import Source
from tests.helpers.command import awbkit
from tests.helpers.raw_files import MATRIX, RGGB, mosaic, write_dng

WIDTH, HEIGHT = 96, 64
PIXELS = np.random.default_rng(2).integers(20, 230, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def write(path: Path) -> Path:
    kind = path.suffix
    if kind == ".dng":
        return write_dng(path, mosaic(PIXELS / 255.0, RGGB), matrix=MATRIX)
    if kind == ".raw":
        return write_dng(path, mosaic(PIXELS / 255.0, RGGB), matrix=None)
    if kind == ".tif":
        tifffile.imwrite(path, PIXELS, photometric="rgb")
    elif kind == ".tiff":
        tifffile.imwrite(path, PIXELS / 255.0, photometric="rgb")
    elif kind == ".heic":
        pillow_heif.from_bytes("RGB", (WIDTH, HEIGHT), PIXELS.tobytes()).save(path)
    elif kind == ".avif":
        pyvips.Image.new_from_array(PIXELS).heifsave(str(path), compression="av1", effort=0, keep="none")
    else:
        Image.fromarray(PIXELS).save(path)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "heic", "tif", "tiff", "dng", "raw"])
def test_more_pixels_than_allowed(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a.{suffix}")
    claim = f"claims {WIDTH} x {HEIGHT} pixels, more than the limit of {WIDTH * HEIGHT - 1}; raise --max-pixels"
    with pytest.raises(UnsupportedImage, match=claim):
        package.open(path, max_pixels=WIDTH * HEIGHT - 1)
    for allowed in (WIDTH * HEIGHT, None, MAX_PIXELS):
        assert package.open(path, max_pixels=allowed).width == WIDTH


@pytest.mark.slow
@pytest.mark.parametrize("command", [("estimate",), ("correct", "-o", "out.png"), ("correct", "--shared", "-d", "out")])
def test_the_option(command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("a.png"))
    ran = awbkit(*command, "a.png", "-m", "gray-world", "--max-pixels", 100, "-q")
    assert ran.code == 1
    assert ran.complaint.startswith("awbkit: a.png: claims 96 x 64 pixels, more than the limit of 100; raise --max-pix")
    assert sorted(path.name for path in tmp_path.iterdir() if not path.is_dir()) == ["a.png"]
    for allowed in (WIDTH * HEIGHT, 0):
        assert awbkit(*command, "a.png", "-m", "gray-world", "--max-pixels", allowed, "-q").code == 0
        shutil.rmtree("out", ignore_errors=True)
        Path("out.png").unlink(missing_ok=True)


@pytest.mark.parametrize("limit", [0, -1])
def test_no_such_limit(limit: int) -> None:
    with pytest.raises(UsageError, match="max_pixels is at least 1, or None"):
        package.open("a.png", max_pixels=limit)
    assert awbkit("estimate", "a.png", "--max-pixels", -1).code == 2


def test_python_takes_it_everywhere(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png")
    with pytest.raises(UnsupportedImage, match="limit of 5"):
        package.estimate(path, max_pixels=5)
    with pytest.raises(UnsupportedImage, match="limit of 5"):
        package.correct(path, tmp_path / "b.png", max_pixels=5)


def test_one_colour_of_any_extent(tmp_path: Path) -> None:
    """VP8L needs six bytes for it, after 14 bits of width and of height, each less 1."""
    bits = 0x2F | 16382 << 8 | 16382 << 22
    stream = bits.to_bytes(5, "little") + bytes.fromhex("0788885a0cd81f00")
    chunk = b"VP8L" + len(stream).to_bytes(4, "little") + stream + bytes(len(stream) % 2)
    path = tmp_path / "a.webp"
    path.write_bytes(b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk)
    with pytest.raises(UnsupportedImage, match=r"16383 pixels in .. bytes, which no photograph fits into; lift"):
        package.open(path)
    assert package.open(path, max_pixels=None).width == 16383


@pytest.mark.parametrize(
    ("side", "size", "fits"),
    [(8192, 1, True), (8193, 4096, False), (8193, 4098, True), (16384, 16384, True), (16385, 1 << 20, False)],
)
def test_pixels_and_bytes(side: int, size: int, fits: bool, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(size))
    if fits:
        check_size(path, side, side, MAX_PIXELS)
    else:
        with pytest.raises(UnsupportedImage):
            check_size(path, side, side, MAX_PIXELS)
    check_size(path, side, side, None)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


TEXT = zlib.compress(bytes((64 << 20) + 1), 9)
PARTS = zlib.compress(bytes(7 << 20), 9)


@pytest.mark.slow
@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"Comment\0\0" + TEXT),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0x-default\0xyz\0" + TEXT),
        chunk(b"iCCP", b"x\0\0" + TEXT),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + PARTS) * 10,
    ],
    ids=["zTXt", "iTXt", "iCCP", "many"],
)
@pytest.mark.parametrize("behind", [False, True])
def test_texts_that_unfold_without_end(extra: bytes, behind: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png")
    content = path.read_bytes()
    at = content.index(b"IEND") - 4 if behind else 33
    path.write_bytes(content[:at] + extra + content[at:])
    with pytest.raises(UnsupportedImage, match="holds compressed texts of more than 64 MiB"):
        package.open(path)


def test_texts_of_usual_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png")
    content = path.read_bytes()
    texts = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"text " * 9999)) + chunk(b"iTXt", b"a\0\0\0\0\0" + TEXT)
    path.write_bytes(content[:33] + texts + chunk(b"zTXt", b"damaged\0\0" + TEXT[5:999]) + content[33:])
    assert package.open(path).width == WIDTH


def test_a_thumbnail_that_claims_to_be_a_picture_is_dropped(tmp_path: Path) -> None:
    """It is in EXIF, whose 64 KB hold what unfolds to gigabytes."""
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, "JPEG")
    sound = out.getvalue()
    frame = sound.index(b"\xff\xc0")
    claim = sound[: frame + 5] + struct.pack(">HH", 16000, 16000) + sound[frame + 9 :]
    light = Correction(Illuminant.of((0.6, 1.0, 0.8)))
    assert correct_preview(sound, light) is not None
    assert correct_preview(claim, light) is None


def test_a_plain_file_of_a_data_set_is_not_read_beyond_all_measure(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate((2 << 30) + 1)
    with pytest.raises(UnreadableFile, match="is larger than any image"):
        Source.open(tmp_path).read("a.png")
