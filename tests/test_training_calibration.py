"""The line from what a network states to what came: known answers, and what a handful of pictures may say."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from awbkit.training.calibration import FEWEST, Judged, line


def judged(stated: list[float] | np.ndarray, missed: list[float] | np.ndarray) -> Judged:
    return Judged(np.array(stated, dtype=np.float64), np.array(missed, dtype=np.float64))


def test_a_line_is_found_again() -> None:
    stated = np.linspace(0.5, 6, 100)
    offset, slope = line([judged(stated, 0.7 + 1.3 * stated)])
    assert (offset, slope) == pytest.approx((0.7, 1.3))


def test_parts_count_alike_whatever_their_size() -> None:
    one, ten = np.linspace(1, 2, FEWEST), np.tile(np.linspace(1, 2, FEWEST), 10)
    assert line([judged(one, one * 0 + 1), judged(ten, ten * 0 + 3)]) == pytest.approx((2.0, 0.0))


@pytest.mark.parametrize(
    ("stated", "missed", "expected"),
    [
        ([], [], (0.5, 2.0)),
        ([1.0, 2.0], [5.0, 5.0], (0.5 * 10 / 7, 2.0 * 10 / 7)),
        ([1.0, 2.0], [0.0, 0.0], (0.5, 2.0)),
    ],
    ids=["none", "two", "all right"],
)
def test_of_a_few_pictures_only_the_scale_is_believed(
    stated: list[float], missed: list[float], expected: tuple[float, float]
) -> None:
    assert line([judged(stated, missed)], (0.5, 2.0)) == pytest.approx(expected)


def test_what_orders_the_wrong_way_orders_nothing() -> None:
    stated = np.linspace(1, 5, 60)
    assert line([judged(stated, 6 - stated)]) == pytest.approx((3.0, 0.0))
    assert line([judged(np.full(60, 2.0), stated)]) == pytest.approx((3.0, 0.0))
