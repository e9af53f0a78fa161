"""JPEG-coded TIFFs: damage in a strip or tile is refused, and every sound one is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import awbkit
from awbkit.errors import UnreadableFile

RNG = np.random.default_rng(29)
PATCHES = np.kron(RNG.integers(30, 220, (32, 40, 3)), np.ones((8, 8, 1)))
PICTURE = np.clip(PATCHES + RNG.normal(0, 5, PATCHES.shape), 0, 255).astype(np.uint8)
KINDS: dict[str, dict[str, Any]] = {
    "one strip": {"rowsperstrip": 256},
    "strips": {"rowsperstrip": 64},
    "tiles": {"tile": (128, 128)},
    "single channels": {"planarconfig": "separate", "rowsperstrip": 128},
}


def save(path: Path, kind: str) -> None:
    pixels = np.moveaxis(PICTURE, 2, 0) if kind == "single channels" else PICTURE
    how: dict[str, Any] = {"photometric": "rgb", "compression": "jpeg", "compressionargs": {"level": 97}}
    tifffile.imwrite(path, pixels, **how | KINDS[kind])


def damage(path: Path, new: Callable[[bytes], bytes]) -> None:
    """Overwrite half of the middle part."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0].aspage()
        middle = len(page.dataoffsets) // 2
        offset, length = page.dataoffsets[middle], page.databytecounts[middle]
    content = bytearray(path.read_bytes())
    start, end = offset + length * 4 // 10, offset + length * 9 // 10
    content[start:end] = new(bytes(content[start:end]))
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["zeros", "noise", "shifted"])
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_parts_are_refused(kind: str, how: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    save(path, kind)
    change = {
        "zeros": lambda old: bytes(len(old)),
        "noise": lambda old: RNG.integers(0, 255, len(old)).astype(np.uint8).tobytes(),
        "shifted": lambda old: old[len(old) // 3 :] + old[: len(old) // 3],
    }[how]
    damage(path, change)
    for work in (
        lambda: awbkit.estimate(path, "gray-world"),
        lambda: awbkit.correct(path, tmp_path / "out.tif", illuminant=(1, 1, 0.999)),
    ):
        with pytest.raises(UnreadableFile, match="copy it again"):
            work()


@pytest.mark.parametrize("kind", KINDS)
def test_sound_parts_are_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    save(path, kind)
    assert awbkit.open(path).thumbnail().pixels.mean() > 0.05


@pytest.mark.parametrize("value", [1, 128, 255])
def test_flat_pictures_are_sound(value: int, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    flat = np.full((1024, 512, 3), value, np.uint8)
    tifffile.imwrite(path, flat, photometric="rgb", compression="jpeg", rowsperstrip=512)
    assert awbkit.open(path).thumbnail().pixels.shape[2] == 3


def test_data_sets_refuse_them_too(tmp_path: Path) -> None:
    from awbkit.datasets.pixels import read_codes
    from awbkit.store.source import Source

    save(tmp_path / "a.tif", "strips")
    save(tmp_path / "b.tif", "strips")
    damage(tmp_path / "b.tif", lambda old: bytes(len(old)))
    source = Source.open(tmp_path)
    assert read_codes(source, "a.tif").shape == PICTURE.shape
    with pytest.raises(UnreadableFile, match="copy it again"):
        read_codes(source, "b.tif")
