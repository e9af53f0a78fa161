"""Protocols: no scene is on both sides, every image is tested once, in any order; and what they refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.choices import PROTOCOLS
from awbkit.errors import UsageError
from awbkit.evaluation.evaluate import select
from awbkit.evaluation.protocols import default_protocol, protocol
from awbkit.evaluation.result import Truth
from tests.helpers.evaluation_sets import truth_of_rows

row = st.tuples(st.sampled_from("ab"), st.sampled_from("XYZ"), st.sampled_from("123456789"), st.just(""))
rows = st.lists(row, min_size=4, max_size=60)


def scenes(truth: Truth, indices: np.ndarray) -> set[tuple[str, str]]:
    return {(truth.datasets[index], truth.scenes[index]) for index in indices}


def sides(truth: Truth, name: str, **options: int) -> set[tuple[str, frozenset[str], frozenset[str]]]:
    """The names of the images of each split, which do not depend on the order of the images."""
    return {
        (split.name, *(frozenset(truth.images[index] for index in side) for side in (split.fit, split.test)))
        for split in protocol(name, truth, **options).splits
    }


def check(truth: Truth, name: str, random: object, **options: int) -> None:
    try:
        found = protocol(name, truth, **options)
    except UsageError:
        return
    assert sorted(index for split in found.splits for index in split.test) == list(range(len(truth)))
    assert list(found.test) == list(range(len(truth)))
    for split in found.splits:
        assert len(split.fit) > 0
        assert len(split.test) > 0
        assert not scenes(truth, split.fit) & scenes(truth, split.test)
    order = list(range(len(truth)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert sides(select(truth, np.array(order)), name, **options) == sides(truth, name, **options)


@given(rows, st.randoms(), st.integers(2, 4))
def test_k_fold_is_a_partition_by_scene(some: list[tuple[str, str, str, str]], random: object, folds: int) -> None:
    check(truth_of_rows(some), "k-fold", random, folds=folds)


@given(rows, st.randoms(), st.sampled_from(["leave-one-camera-out", "leave-one-dataset-out"]))
def test_leaving_out_is_a_partition_by_scene(some: list[tuple[str, str, str, str]], random: object, name: str) -> None:
    check(truth_of_rows(some), name, random)


def test_k_fold_uses_all_other_images() -> None:
    truth = truth_of_rows([("a", "X", str(i), "") for i in range(23)])
    assert all(len(split.fit) + len(split.test) == 23 for split in protocol("k-fold", truth, folds=5).splits)


def test_k_fold_is_balanced_in_each_camera() -> None:
    truth = truth_of_rows([("a", "XYZ"[i % 3], str(i), "") for i in range(100)])
    for split in protocol("k-fold", truth, folds=10).splits:
        assert len(split.test) == 10
        counts = Counter(truth.cameras[index] for index in split.test)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_k_fold_keeps_a_scene_of_several_cameras_together() -> None:
    truth = truth_of_rows([("a", camera, str(i), "") for i in range(20) for camera in "XYZ"])
    for split in protocol("k-fold", truth, folds=5).splits:
        assert len(split.test) == 12
        assert len(scenes(truth, split.test)) == 4


def test_folds_of_a_data_set_do_not_depend_on_its_name_or_company() -> None:
    alone = truth_of_rows([("a", "X", str(i), "") for i in range(40)])
    renamed = truth_of_rows([("z", "X", str(i), "") for i in range(40)])
    joined = truth_of_rows([*[("z", "X", str(i), "") for i in range(40)], *[("b", "Y", str(i), "") for i in range(33)]])
    tests = [[split.test for split in protocol("k-fold", truth, folds=4).splits] for truth in (alone, renamed, joined)]
    for first, second, third in zip(*tests, strict=True):
        assert np.array_equal(first, second)
        assert np.array_equal(first, third[third < 40])


def test_folds_are_the_same_for_ever() -> None:
    """Known folds, so that figures of different versions can be compared."""
    truth = truth_of_rows([("a", "X", f"scene{i}", "") for i in range(9)])
    assert [split.test.tolist() for split in protocol("k-fold", truth, folds=3).splits] == [
        [5, 6, 8],
        [0, 4, 7],
        [1, 2, 3],
    ]


def test_a_camera_left_out_takes_its_scenes_along() -> None:
    """As INTEL-TAU's field_3_cameras: one scene, several cameras."""
    truth = truth_of_rows([("a", "X", "1", ""), ("a", "Y", "1", ""), ("a", "X", "2", ""), ("a", "Y", "3", "")])
    found = protocol("leave-one-camera-out", truth)
    assert [(split.name, split.fit.tolist(), split.test.tolist()) for split in found.splits] == [
        ("X", [3], [0, 2]),
        ("Y", [2], [1, 3]),
    ]
    assert "left out of a fit for showing a tested scene: 2 images of other cameras" in found.sentence


def test_a_camera_is_one_camera_in_two_data_sets() -> None:
    truth = truth_of_rows([("a", "X", "1", ""), ("b", "X", "1", ""), ("b", "Y", "2", "")])
    assert [split.test.tolist() for split in protocol("leave-one-camera-out", truth).splits] == [[0, 1], [2]]


def test_cameras_without_a_name_are_one_in_each_data_set() -> None:
    truth = truth_of_rows([("a", "", "1", ""), ("b", "", "1", ""), ("b", "X", "2", "")])
    found = protocol("leave-one-camera-out", truth).splits
    assert [(split.name, split.test.tolist()) for split in found] == [
        ("X", [2]),
        ("the unnamed camera of a", [0]),
        ("the unnamed camera of b", [1]),
    ]


@pytest.mark.parametrize(("folds", "name"), [("12", "folds"), ("11", "k-fold"), (["1", ""], "k-fold")])
def test_published_folds_are_the_choice_where_they_can_be_used(folds: Sequence[str], name: str) -> None:
    assert default_protocol(truth_of_rows([("a", "X", str(i), fold) for i, fold in enumerate(folds)])) == name


def test_published_folds_stay_within_their_data_set() -> None:
    truth = truth_of_rows(
        [("a", "X", str(i), f"{i % 3}") for i in range(6)] + [("b", "X", str(i), f"{i}") for i in "12"]
    )
    found = {split.name: (split.fit.tolist(), split.test.tolist()) for split in protocol("folds", truth).splits}
    assert found["a: 0"] == ([1, 2, 4, 5], [0, 3])
    assert found["b: 2"] == ([6], [7])
    assert len(found) == 5


def test_of_a_published_test_part_only_that_is_tested() -> None:
    truth = truth_of_rows([("a", "X", str(i), fold) for i, fold in enumerate(["train", "train", "Test", "val"])])
    found = protocol("folds", truth)
    assert [(split.fit.tolist(), split.test.tolist()) for split in found.splits] == [([0, 1, 3], [2])]
    assert found.test.tolist() == [2]


def test_published_folds_that_part_a_scene_are_kept_and_told_of() -> None:
    truth = truth_of_rows([("a", "X", "1", "1"), ("a", "X", "1", "2"), ("a", "X", "2", "2")])
    assert "1 scene is on both sides" in protocol("folds", truth).sentence


def test_none_judges_all_and_fits_nothing() -> None:
    found = protocol("none", truth_of_rows([("a", "X", "1", "")]))
    assert not found.splits
    assert found.test.tolist() == [0]


@pytest.mark.parametrize(
    ("name", "options", "some", "message"),
    [
        ("k-folds", {}, [("a", "X", "1", "")], "unknown protocol 'k-folds'; protocols: " + ", ".join(PROTOCOLS)),
        ("folds", {}, [("a", "X", "1", "")], "a has no published folds; use the protocol k-fold"),
        ("folds", {}, [("a", "X", "1", "1"), ("a", "X", "2", "")], "1 image of a is in no published fold"),
        ("folds", {}, [("a", "X", "1", "test")], "leaves no image to fit on"),
        ("k-fold", {"folds": 1}, [("a", "X", "1", "")], "at least 2 folds, not 1"),
        ("k-fold", {"folds": 3}, [("a", "X", "1", "")] * 9, "only one; add images of other scenes"),
        ("k-fold", {"folds": 3}, [("a", "X", "1", ""), ("a", "X", "2", "")], "2 scenes cannot be divided into 3 folds"),
        ("k-fold", {"folds": 3}, [("a", "X", "1", ""), ("a", "X", "2", "")], "ask for at most 2"),
        ("leave-one-camera-out", {}, [("a", "X", "1", "")], "needs several cameras, and there is only 'X'"),
        ("leave-one-camera-out", {}, [("a", "X", "1", ""), ("a", "Y", "1", "")], "leaves no image to fit on"),
        ("leave-one-dataset-out", {}, [("a", "X", "1", "")], "needs several data sets, and there is only 'a'"),
    ],
)
def test_refusals(name: str, options: dict[str, int], some: list[tuple[str, str, str, str]], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        protocol(name, truth_of_rows(some), **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
