"""Samples that a decoder leaves out: memory with known contents, and raw files decoded twice over different memory."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rawpy

import awbkit
from awbkit.datasets.bayer import read_half_size
from awbkit.errors import UnreadableFile
from awbkit.files.memory_fill import FILLS, _setter, filled_memory, has_unwritten_samples
from awbkit.store.source import Source
from tests.fuzz.raws_twice import decoded_twice
from tests.helpers.dng_files import (
    HEIGHT,
    TILE,
    WIDTH,
    damage,
    data_of,
    lossless,
    overwrite,
    scene,
    seeds,
    tiles,
    write,
)
from tests.helpers.raw_files import RGGB, mosaic

SAMPLES = mosaic(scene(np.random.default_rng(3)), RGGB, 0)

fills = pytest.mark.skipif(_setter() is None, reason="the C library here does not fill memory")


def write_half(folder: Path) -> Path:
    """A DNG whose fourth tile of six LibRaw does not find."""
    path = write(folder / "a.dng", SAMPLES, tiles(SAMPLES, lossless), compression=7, tile=(TILE, TILE))
    return overwrite(path, data_of(path, 3)[0], bytes(2))


def disguise(path: Path) -> Path:
    """The same for LibRaw, but no DNG by its fields: its version lies beyond the end of the file."""
    field = path.read_bytes().index(struct.pack("<HHI", 50706, 1, 4))
    return overwrite(path, field + 4, struct.pack("<II", 1 << 20, 0x401))


def unpack_over(path: Path, which: int) -> np.ndarray:
    with rawpy.imread(str(path)) as raw:
        with filled_memory(which):
            raw.unpack()
        return np.array(raw.raw_image_visible)


@fills
@pytest.mark.parametrize("which", [0, 1])
def test_what_libraw_leaves_out_holds_the_fill(which: int, tmp_path: Path) -> None:
    found = unpack_over(write_half(tmp_path), which)
    fill = FILLS[which] * 0x101
    assert (found[HEIGHT // 2 :] == fill).all()
    assert not (found[: HEIGHT // 2] == fill).any()


@fills
def test_a_raw_that_libraw_gives_up_on_is_refused(tmp_path: Path) -> None:
    path = disguise(write_half(tmp_path))
    with pytest.raises(UnreadableFile, match=r"LibRaw gives up on.*copy it again"):
        awbkit.estimate(path)
    with pytest.raises(UnreadableFile, match="LibRaw gives up on"):
        awbkit.correct(path, tmp_path / "b.tif", illuminant=(0.5, 1.0, 0.7))


@fills
def test_threads_may_want_different_fills(tmp_path: Path) -> None:
    path = write_half(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda index: unpack_over(path, index % 2)[-1, -1], range(40)))
    assert found == [FILLS[index % 2] * 0x101 for index in range(40)]


def _fill_places(fill: int, places: object) -> np.ndarray:
    samples = SAMPLES.copy()
    samples[places] = fill * 0x101
    return samples


@pytest.mark.parametrize("places", [np.s_[40:60], np.s_[:, 190:], np.s_[-1], np.s_[-1, -1], np.s_[:4, 5]])
def test_places_that_change_with_the_fill_were_not_written(places: object) -> None:
    assert has_unwritten_samples(_fill_places(FILLS[0], places), lambda: _fill_places(FILLS[1], places))


def test_samples_may_equal_the_fill() -> None:
    samples = _fill_places(FILLS[0], np.s_[40:60])
    assert not has_unwritten_samples(samples, lambda: samples)


def test_nothing_is_decoded_again_without_need() -> None:
    def again() -> np.ndarray:
        raise AssertionError

    assert not has_unwritten_samples(SAMPLES, again)
    assert not has_unwritten_samples(np.zeros((HEIGHT, WIDTH, 3), np.uint16), again)


@pytest.mark.slow
def test_damaged_raws_give_the_same_bytes_on_every_run_or_are_refused(tmp_path: Path) -> None:
    """A small part of what tests/fuzz/raws_twice.py does."""
    rng = np.random.default_rng(11)
    paths = []
    for index, (name, content) in enumerate(seeds(rng).items()):
        for copy in range(3):
            paths.append(tmp_path / f"{copy} {index:02} {name}.dng")
            paths[-1].write_bytes(damage(content, rng) if copy else content)
    results = decoded_twice(paths)
    assert {name: both for name, both in results.items() if both[0] != both[1]} == {}
    assert [
        name for name, (first, _) in results.items() if name[0] == "0" and ("File" in first or "Image" in first)
    ] == []


@fills
def test_a_raw_of_a_data_set_that_libraw_gives_up_on_is_refused(tmp_path: Path) -> None:
    path = write_half(tmp_path)
    with pytest.raises(UnreadableFile, match="LibRaw gives up on"):
        read_half_size(Source.open(tmp_path), path.name)
