"""EXIF orientations: pixels, sizes and rectangles, turned alike."""

from __future__ import annotations

import numpy as np
import pytest

from awbkit.colour.orientation import OF_FLIP, displayed_size, stored_rectangle, turn_upright

STORED = np.array([[1, 2, 3], [4, 5, 6]])
DISPLAYED = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[4, 1], [5, 2], [6, 3]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[3, 6], [2, 5], [1, 4]],
}


@pytest.mark.parametrize("orientation", DISPLAYED)
def test_pixels_and_sizes(orientation: int) -> None:
    shown = turn_upright(STORED, orientation)
    assert shown.tolist() == DISPLAYED[orientation]
    assert displayed_size(3, 2, orientation) == shown.shape[::-1]
    assert turn_upright(np.stack([STORED, -STORED], axis=-1), orientation)[..., 1].tolist() == (-shown).tolist()


@pytest.mark.parametrize("orientation", DISPLAYED)
def test_a_rectangle_holds_the_same_pixels(orientation: int) -> None:
    stored = np.arange(35).reshape(5, 7)
    shown = turn_upright(stored, orientation)
    x, y, width, height = stored_rectangle(1, 2, 3, 2, shown.shape[::-1], orientation)
    part = stored[y : y + height, x : x + width]
    assert turn_upright(part, orientation).tolist() == shown[2:4, 1:4].tolist()


def test_flips_of_libraw() -> None:
    # Upside down, a quarter to the left, a quarter to the right: what cameras write.
    assert [OF_FLIP[flip] for flip in (0, 3, 5, 6)] == [1, 3, 8, 6]
    assert sorted(OF_FLIP) == list(DISPLAYED)


@pytest.mark.parametrize("orientation", [0, 9, -1])
def test_what_is_no_orientation(orientation: int) -> None:
    for turn in (lambda: turn_upright(STORED, orientation), lambda: displayed_size(3, 2, orientation)):
        with pytest.raises(ValueError, match="not in tuple"):
            turn()
