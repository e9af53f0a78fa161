"""Linear images and their thumbnails, against a cell-by-cell computation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.image import LinearImage
from awbkit.errors import UsageError


def thumbnail_by_hand(pixels: np.ndarray, valid: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each cell's valid pixels, and whether at least half of the cell is valid."""
    height, width = valid.shape
    means, sound = np.zeros((size, size, 3)), np.zeros((size, size), bool)
    for row in range(size):
        for column in range(size):
            top, left = row * height // size, column * width // size
            bottom = max((row + 1) * height // size, top + 1)
            right = max((column + 1) * width // size, left + 1)
            inside = valid[top:bottom, left:right]
            if inside.any():
                means[row, column] = pixels[top:bottom, left:right][inside].mean(axis=0)
            sound[row, column] = 2 * inside.sum() >= inside.size and (means[row, column] > 0).all()
    return means, sound


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_thumbnail_is_the_mean_of_each_cell(height: int, width: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.uniform(0.01, 0.9, (height, width, 3)).astype(np.float32)
    valid = rng.random((height, width)) < 0.7
    # What is not valid must not matter, whatever it holds.
    pixels[~valid] = rng.choice([np.nan, np.inf, -1.0, 50.0])
    thumbnail = LinearImage(pixels, valid).thumbnail(size)
    means, sound = thumbnail_by_hand(pixels, valid, size)
    assert thumbnail.pixels.shape == (size, size, 3)
    assert thumbnail.pixels.dtype == np.float32
    assert thumbnail.pixels == pytest.approx(means, rel=1e-5)
    assert np.array_equal(thumbnail.valid, sound)


def test_clipped_black_and_unreal_numbers_are_not_valid() -> None:
    values = [0.5, 0.0, -0.1, 0.979, 0.98, 1.0, np.nan, np.inf]
    pixels = np.full((1, len(values), 3), 0.5)
    pixels[0, :, 1] = values
    assert LinearImage.from_array(pixels).valid[0].tolist() == [True, False, False, True, False, False, False, False]


def test_a_mask_of_ones_own_decides_but_for_black() -> None:
    pixels = np.array([[[0.5, 0.5, 1.0], [0.5, 0.0, 0.5], [0.5, 0.5, 0.5]]])
    image = LinearImage.from_array(pixels, valid=np.array([[True, True, False]]))
    assert image.valid.tolist() == [[True, False, False]]


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (3,), (2, 2, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="height, width, 3"):
        LinearImage.from_array(np.ones(shape))


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="valid must have the shape"):
        LinearImage(np.ones((4, 5, 3), np.float32), np.ones((5, 4), bool))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, bool])
def test_whole_numbers_are_refused(dtype: type) -> None:
    with pytest.raises(UsageError, match="linear floating point"):
        LinearImage.from_array(np.ones((4, 4, 3), dtype))
