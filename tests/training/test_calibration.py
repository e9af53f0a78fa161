"""The line from what a network states to what came: known answers, and what a handful of pictures may say."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from awbkit.errors import UsageError
from awbkit.training.bank import Member
from awbkit.training.calibration import FEWEST, Errors, carry_over, line, parts
from awbkit.training.split import Picture

pytestmark = pytest.mark.slow


def judged(stated: list[float] | np.ndarray, missed: list[float] | np.ndarray) -> Errors:
    return Errors(np.array(stated, dtype=np.float64), np.array(missed, dtype=np.float64))


def between(before: tuple[float, float], found: tuple[float, float], count: int) -> tuple[float, float]:
    """By hand: a line known before counts for as many pictures as a line takes."""
    old, new = FEWEST / (FEWEST + count), count / (FEWEST + count)
    return old * before[0] + new * found[0], old * before[1] + new * found[1]


def test_a_line_is_found_again() -> None:
    stated = np.linspace(0.5, 6, 30_000)
    assert line([judged(stated, 0.7 + 1.3 * stated)]) == pytest.approx((0.7, 1.3), abs=1e-3)
    few = stated[::1000]
    before = (0.1, 1.0)
    assert line([judged(few, 0.7 + 1.3 * few)], before) == pytest.approx(between(before, (0.7, 1.3), 30))


def test_a_few_wild_statements_do_not_lay_the_line_flat() -> None:
    rng = np.random.default_rng(0)
    stated = np.exp(rng.normal(1.0, 0.4, 5000))
    missed = stated * rng.exponential(1.0, 5000)
    wild = np.full(50, 500.0)
    offset, slope = line([judged(np.append(stated, wild), np.append(missed, wild * 0 + 8))])
    assert abs(offset) < 0.4
    assert 0.8 < slope < 1.1


def test_parts_count_alike_whatever_their_size() -> None:
    one, ten = np.linspace(1, 2, FEWEST), np.tile(np.linspace(1, 2, FEWEST), 10)
    expected = between((0.5, 1.0), (2.0, 0.0), 11 * FEWEST)
    assert line([judged(one, one * 0 + 1), judged(ten, ten * 0 + 3)], (0.5, 1.0)) == pytest.approx(expected)


@pytest.mark.parametrize("count", [1, 15, FEWEST - 1])
def test_a_network_of_a_few_pictures_is_not_believed_what_it_states(count: int) -> None:
    """Of pictures that it was trained on it states next to nothing, and there is no line known before."""
    stated = np.linspace(0.05, 0.2, count)
    missed = np.linspace(1.0, 1.8, count)
    assert line([judged(stated, missed)]) == pytest.approx((0.0, missed.mean() / stated.mean()))


def test_a_line_of_some_pictures_is_drawn_towards_the_mean_of_what_came() -> None:
    stated = np.linspace(1, 5, 60)
    missed = 1 + 3 * stated
    assert line([judged(stated, missed)]) == pytest.approx(between((0.0, missed.mean() / 3), (1.0, 3.0), 60))


@pytest.mark.parametrize(
    ("stated", "missed", "scale"),
    [([], [], 1.0), ([2.0], [0.1], (FEWEST + 0.1 / 4.5) / (FEWEST + 1)), ([1.0, 2.0], [5.0, 5.0], (30 + 20 / 7) / 32)],
    ids=["none", "one, nearly right", "two"],
)
def test_a_few_pictures_move_the_scale_by_little(stated: list[float], missed: list[float], scale: float) -> None:
    assert line([judged(stated, missed)], (0.5, 2.0)) == pytest.approx((0.5 * scale, 2.0 * scale))


def test_pictures_without_any_error_leave_the_line_as_it_was() -> None:
    assert line([judged([1.0, 2.0], [0.0, 0.0])], (0.5, 2.0)) == (0.5, 2.0)
    assert line([judged([1.0, 2.0], [0.0, 0.0])]) == line([]) == (0.0, 1.0)
    assert line([judged([1.0, 2.0], [3.0, 3.0])], (0.0, 0.0)) == (0.0, 0.0)


def test_what_orders_the_wrong_way_orders_nothing() -> None:
    stated = np.linspace(1, 5, 60)
    assert line([judged(stated, 6 - stated)], (0.5, 2.0)) == pytest.approx(between((0.5, 2.0), (3.0, 0.0), 60))
    assert line([judged(np.full(60, 2.0), stated)]) == pytest.approx(between((0.0, 1.5), (3.0, 0.0), 60))


def test_of_pictures_seen_before_it_counts_how_much_more_is_missed_and_of_others_how_much() -> None:
    """Both kinds are stated alike; of the known ones next to nothing is missed, before and after."""
    stated = np.tile(np.linspace(1, 3, 3000), 2)
    known = np.arange(6000) < 3000
    before = judged(stated, np.where(known, 0.1, 5.0) * stated)
    after = judged(stated, np.where(known, 0.1, 1.5) * stated)
    assert carry_over(after, before, (0.0, 1.5), known) == pytest.approx((0.0, 1.5), abs=0.01)
    assert carry_over(after, before, (0.0, 1.5)) != pytest.approx((0.0, 1.5), abs=0.2)
    assert carry_over(after, before, (0.0, 1.5), ~known) != pytest.approx((0.0, 1.5), abs=0.2)


def pictures_of(*sets: tuple[str, str, str]) -> list[Picture]:
    """By data set, camera and scene."""
    return [Picture(Member(name, row), name, camera, scene, False) for row, (name, camera, scene) in enumerate(sets)]


def test_a_data_set_left_out_is_new_in_its_cameras_too() -> None:
    seen = pictures_of(("a", "D810", "1"), ("a", "X100", "2"), ("b", "D810", "3"), ("b", "5D", "4"), ("b", "5D", "5"))
    found = {name: (fit_on.tolist(), test.tolist()) for name, fit_on, test in parts(seen, "leave-one-dataset-out")}
    assert found == {"a": ([3, 4], [0, 1]), "b": ([1], [2, 3, 4])}


def test_where_all_share_one_camera_data_sets_are_left_out_as_they_are() -> None:
    seen = pictures_of(("a", "D810", "1"), ("b", "D810", "2"), ("b", "D810", "3"))
    found = {name: (fit_on.tolist(), test.tolist()) for name, fit_on, test in parts(seen, "leave-one-dataset-out")}
    assert found == {"a": ([1, 2], [0]), "b": ([0], [1, 2])}


def test_a_camera_left_out_is_new_in_its_scenes_too() -> None:
    seen = pictures_of(("a", "D810", "1"), ("a", "X100", "1"), ("a", "X100", "2"))
    found = {name: (fit_on.tolist(), test.tolist()) for name, fit_on, test in parts(seen, "leave-one-camera-out")}
    # Of the other camera nothing would be left to train on.
    assert found == {"D810": ([2], [0])}
    with pytest.raises(UsageError, match="needs several, and there is only 'D810'; use validation"):
        parts(seen[:1], "leave-one-camera-out")
