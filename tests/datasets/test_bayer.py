"""Raw files at half their size: levels, patterns, clipping and orientation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from awbkit.datasets.bayer import HalfSize, read_half_size
from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.store.source import Source
from tests.helpers.dataset_files_c import zip_folder
from tests.helpers.raw_files import BAYER, RGGB, XTRANS, mosaic, write_dng

BLACK = np.array([[200, 210], [220, 230]])


def scene() -> np.ndarray:
    """Linear RGB (96, 128, 3) in blocks of 2 x 2."""
    return np.kron(np.random.default_rng(2).uniform(0.05, 0.9, (48, 64, 3)), np.ones((2, 2, 1)))


def read(path: Path) -> HalfSize:
    return read_half_size(Source.open(path.parent), path.name)


@pytest.mark.parametrize("pattern", BAYER)
def test_each_colour_from_its_own_samples_and_black_level(tmp_path: Path, pattern: str) -> None:
    samples = mosaic(scene(), BAYER[pattern], black=BLACK, white=4000)
    half = read(write_dng(tmp_path / "one.dng", samples, BAYER[pattern], black=BLACK, white=4000))
    np.testing.assert_allclose(half.pixels, scene()[::2, ::2], atol=2e-4)
    assert not half.clipped.any()
    assert half.image().valid.all()


def test_one_clipped_sample_is_enough(tmp_path: Path) -> None:
    samples = mosaic(scene() * 0.9, RGGB, black=200, white=4000)
    samples[10, 21] = 3970
    half = read(write_dng(tmp_path / "one.dng", samples, black=200, white=4000))
    assert np.argwhere(half.clipped).tolist() == [[5, 10]]


def test_noise_about_black_is_kept(tmp_path: Path) -> None:
    samples = np.full((64, 64), 190, np.uint16)
    half = read(write_dng(tmp_path / "one.dng", samples, black=200, white=4000))
    np.testing.assert_allclose(half.pixels, -10 / 3800, rtol=1e-5)
    assert not half.image().valid.any()


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_upright(tmp_path: Path, orientation: int, turns: int) -> None:
    samples = mosaic(scene(), RGGB, black=200, white=4000)
    half = read(write_dng(tmp_path / "one.dng", samples, black=200, white=4000, orientation=orientation))
    np.testing.assert_allclose(half.upright().pixels, np.rot90(scene()[::2, ::2], turns), atol=2e-4)
    assert half.upright().clipped.shape == half.upright().pixels.shape[:2]


def test_odd_sizes_and_archives(tmp_path: Path) -> None:
    folder = tmp_path / "raws"
    folder.mkdir()
    samples = mosaic(scene()[:95, :127], RGGB, black=200, white=4000)
    write_dng(folder / "one.dng", samples, black=200, white=4000)
    plain = read(folder / "one.dng")
    packed = read_half_size(Source.open(zip_folder(folder, tmp_path / "raws.zip")), "raws/one.dng")
    assert plain.pixels.shape == (47, 63, 3)
    assert np.array_equal(plain.pixels, packed.pixels)


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (mosaic(scene(), XTRANS, black=200, white=4000), {"pattern": XTRANS}, "Bayer"),
        ((scene() * 4000).astype(np.uint16), {}, "Bayer"),
    ],
)
def test_refuses_other_sensors(tmp_path: Path, samples: np.ndarray, options: dict[str, Any], message: str) -> None:
    path = write_dng(tmp_path / "one.dng", samples, **options)
    with pytest.raises(UnsupportedImage, match=message):
        read(path)


@pytest.mark.parametrize("keep", [0, 100, 6000])
def test_refuses_damaged_files(tmp_path: Path, keep: int) -> None:
    path = write_dng(tmp_path / "one.dng", mosaic(scene(), RGGB))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableFile, match=r"one\.dng"):
        read(path)
