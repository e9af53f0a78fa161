"""DNGs of many layouts, and damage to them: what interrupted copies, failing disks and hostile hands make of files."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from tests.helpers.raw_files import RGGB, mosaic, write_dng

HEIGHT, WIDTH, TILE = 128, 192, 64
OPCODE_LIST_2 = 51009


def polynomial(plane: int, *terms: float, version: int = 0x01030000) -> bytes:
    """An opcode MapPolynomial for one colour of the whole picture."""
    body = struct.pack(">9I", 0, 0, HEIGHT, WIDTH, plane, 1, 1, 1, len(terms) - 1)
    body += struct.pack(f">{len(terms)}d", *terms)
    return struct.pack(">4I", 8, version, 0, len(body)) + body


def opcode_list(*opcodes: bytes, count: int | None = None) -> bytes:
    """A list, which may lie about its length."""
    return struct.pack(">I", len(opcodes) if count is None else count) + b"".join(opcodes)


def scene(rng: np.random.Generator) -> np.ndarray:
    """Camera RGB (HEIGHT, WIDTH, 3): patches with noise."""
    patches = rng.uniform(0.05, 0.5, (HEIGHT // 16, WIDTH // 16, 3)) * [0.5, 1.0, 0.7]
    linear: np.ndarray = np.kron(patches, np.ones((16, 16, 1))) * rng.normal(1, 0.02, (HEIGHT, WIDTH, 1))
    return linear


def jpeg(pixels: np.ndarray, **options: Any) -> bytes:
    """A baseline stream of uint8 pixels."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", **{"quality": 95, "subsampling": 0} | options)
    return out.getvalue()


def lossless(pixels: np.ndarray, bits: int = 12) -> bytes:
    """A lossless stream of (H, W) or (H, W, 3)."""
    whole = np.ascontiguousarray(pixels)
    coded: bytes
    if pixels.ndim == 2:
        coded = imagecodecs.ljpeg_encode(whole, bitspersample=bits)
    else:
        coded = imagecodecs.jpeg8_encode(whole, bitspersample=bits, lossless=True, predictor=1)
    return coded


def tiles(pixels: np.ndarray, code: Callable[[np.ndarray], bytes], size: int = TILE) -> Iterator[bytes]:
    """Each tile of a picture, padded to its full size, in a coding."""
    edges = [(0, -length % size) for length in pixels.shape[:2]] + [(0, 0)] * (pixels.ndim - 2)
    padded = np.pad(pixels, edges, mode="edge")
    for top in range(0, pixels.shape[0], size):
        for left in range(0, pixels.shape[1], size):
            yield code(padded[top : top + size, left : left + size])


def write(path: Path, pixels: np.ndarray, data: Any = None, *, extra: Any = (), **layout: Any) -> Path:
    """A DNG of any layout that tifffile can write; ``data`` are its tiles or strips, already coded."""
    white = {"uint8": 255, "uint16": 4095, "uint32": 4095, "float16": 1, "float32": 1, "float64": 1}[pixels.dtype.name]
    whole = write_dng(path, pixels, black=0, white=white, bits=8 * pixels.itemsize)
    with tifffile.TiffFile(whole) as tiff:
        page = tiff.pages.first
        tags = [(t.code, int(t.dtype), t.count, t.value, True) for t in page.tags.values() if _describes(t.code)]
        photometric = page.tags[262].value
    options = {"photometric": photometric, "metadata": None, "software": False, "extratags": [*tags, *extra]}
    if data is not None:
        options |= {"shape": pixels.shape, "dtype": pixels.dtype}
    tifffile.imwrite(path, pixels if data is None else data, **options | layout)
    return path


def _describes(tag: int) -> bool:
    return tag in (271, 272, 274) or tag >= 33421


def change_field(path: Path, tag: int, value: int, index: int = 0) -> Path:
    """The file with one value of a field replaced, of as many bytes as it has."""
    with tifffile.TiffFile(path) as tiff:
        found = tiff.pages.first.tags[tag]
        size = {1: 1, 3: 2, 4: 4}[int(found.dtype)]
        at = found.valueoffset + index * size
    content = bytearray(path.read_bytes())
    content[at : at + size] = value.to_bytes(size, "little")
    path.write_bytes(content)
    return path


def data_of(path: Path, index: int = 0) -> tuple[int, int]:
    """Offset and length of one tile or strip."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        return page.dataoffsets[index], page.databytecounts[index]


def overwrite(path: Path, at: int, content: bytes) -> Path:
    """The file with other bytes from an offset on."""
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + content + whole[at + len(content) :])
    return path


def seeds(rng: np.random.Generator) -> dict[str, bytes]:
    """One sound DNG of each layout that is read."""
    linear = scene(rng)
    samples = mosaic(linear, RGGB, 0)
    three = np.rint(linear * 4000).astype(np.uint16)
    eight = np.rint(linear * 250).astype(np.uint8)
    maps = (OPCODE_LIST_2, 7, 0, opcode_list(*(polynomial(plane, 0.0, 0.9, 0.1) for plane in range(3))), True)
    found: dict[str, bytes] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.dng"

        def keep(name: str, pixels: np.ndarray, data: Any = None, **options: Any) -> None:
            found[name] = write(path, pixels, data, **options).read_bytes()

        keep("plain", samples)
        keep("strips", samples, rowsperstrip=16)
        keep("tiles", samples, tile=(TILE, TILE))
        keep("jpeg", samples, tiles(samples, lossless), compression=7, tile=(TILE, TILE))
        keep("one jpeg", samples, iter([lossless(samples)]), compression=7, rowsperstrip=HEIGHT)
        keep("linear", three)
        keep("linear jpeg", three, tiles(three, lossless), compression=7, tile=(TILE, TILE))
        keep("lossy", eight, tiles(eight, jpeg), compression=34892, tile=(TILE, TILE), extra=[maps])
        keep("float", (linear * 0.9).astype(np.float32)[..., 1])
        for name, options in (("12 bits", {"bits": 12}), ("no matrix", {"matrix": None, "lossless_jpeg": True})):
            found[name] = write_dng(path, samples, black=0, neutral=(0.5, 1.0, 0.7), **options).read_bytes()
    return found


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """The file after one to three accidents."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        ACCIDENTS[int(rng.integers(len(ACCIDENTS)))](data, rng)
    return bytes(data)


def _flip(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 9))):
        data[int(rng.integers(8, len(data)))] ^= 1 << int(rng.integers(8))


def _fill(data: bytearray, rng: np.random.Generator) -> None:
    """A stretch that was never copied."""
    length = int(rng.integers(1, max(len(data) // 2, 2)))
    start = int(rng.integers(8, len(data)))
    stretch = data[start : start + length]
    data[start : start + length] = bytes([int(rng.choice([0, 0, 0, 255]))]) * len(stretch)


def _move(data: bytearray, rng: np.random.Generator) -> None:
    """Another part of the file in place of this one."""
    length = int(rng.integers(1, max(len(data) // 4, 2)))
    source, target = rng.integers(8, max(len(data) - length, 9), 2).tolist()
    data[target : target + length] = data[source : source + length]


def _cut(data: bytearray, rng: np.random.Generator) -> None:
    """A file that ends early, as long as before or not."""
    end = int(rng.integers(len(data) // 2, len(data)))
    padding = len(data) - end if rng.random() < 0.5 else 0
    data[end:] = bytes(padding)


def _field(data: bytearray, rng: np.random.Generator) -> None:
    """One field of the first directory with another type, number or value."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return
    (number,) = struct.unpack_from(order + "H", data, start)
    at = start + 2 + 12 * int(rng.integers(max(number, 1)))
    if at + 12 > len(data):
        return
    if rng.random() < 0.7:
        (value,) = struct.unpack_from(order + "I", data, at + 8)
        value = int(rng.choice([0, 1, 7, value ^ 1, value ^ 2, value * 2, value // 2, value + 4, 0xFFFF, 0xFFFFFFFF]))
        struct.pack_into(order + "I", data, at + 8, value & 0xFFFFFFFF)
    else:
        data[at + int(rng.integers(8))] ^= 1 << int(rng.integers(8))


def _value(data: bytearray, rng: np.random.Generator) -> None:
    """One of a field's values that lie outside the directory, such as a tile's offset or an opcode."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
            wanted = (273, 279, 324, 325, OPCODE_LIST_2, 259, 322, 323)
            tags = [tag for tag in tiff.pages.first.tags.values() if tag.code in wanted]
    except Exception:
        return
    if tags:
        tag = tags[int(rng.integers(len(tags)))]
        at = tag.valueoffset + 4 * int(rng.integers(max(min(tag.count, 16), 1)))
        if at + 4 <= len(data):
            (value,) = struct.unpack_from(order + "I", data, at)
            value = int(rng.choice([0, 1, value ^ 8, value + 4, max(value - 40, 0), value * 2, 0x7FFFFFFF]))
            struct.pack_into(order + "I", data, at, value & 0xFFFFFFFF)


def _marker(data: bytearray, rng: np.random.Generator) -> None:
    """A JPEG marker where none belongs."""
    at = int(rng.integers(8, len(data) - 1))
    data[at : at + 2] = bytes([255, int(rng.choice([0xC0, 0xC3, 0xC4, 0xD0, 0xD8, 0xD9, 0xDA, 0xDD, 0xFF]))])


def _stream(data: bytearray, rng: np.random.Generator) -> None:
    """A byte in the headers of a JPEG stream."""
    found = [at for at in range(len(data) - 1) if data[at] == 255 and data[at + 1] == 0xD8]
    if found:
        at = found[int(rng.integers(len(found)))] + int(rng.integers(60))
        if at < len(data):
            data[at] = int(rng.integers(256))


ACCIDENTS = (_flip, _fill, _move, _cut, _field, _field, _value, _value, _marker, _stream)
