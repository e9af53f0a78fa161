"""Parts of the labelled images, by conditions on their columns."""

from __future__ import annotations

import numpy as np
import pytest

from awbkit.errors import UsageError
from awbkit.evaluation.evaluate import judge, restrict, select
from awbkit.evaluation.protocols import narrow, protocol
from awbkit.evaluation.result import Truth
from awbkit.evaluation.subset import Condition, choose, describe, parse_condition

TRUTH = Truth(
    images=[f"i{number}" for number in range(6)],
    datasets=["cube", "cube", "cube", "shi", "shi", "shi"],
    cameras=["Canon 5D", "Canon 5D", "Nikon D810", "Nikon D810", "Canon [1]", "Canon [1]"],
    scenes=["indoor-1", "outdoor-1", "indoor-2", "indoor-3", "", "x"],
    folds=["1", "2", "3", "1", "2", "3"],
    illuminants=np.tile(np.array([1, 2, 2]) / 3, (6, 1)),
)


def places(*conditions: str) -> list[int]:
    return np.flatnonzero(choose(TRUTH, [parse_condition(text) for text in conditions])).tolist()


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([], [0, 1, 2, 3, 4, 5]),
        (["camera=Nikon D810"], [2, 3]),
        (["camera=Canon [1]"], [4, 5]),  # a name with the signs of a pattern is itself first
        (["camera=Canon*"], [0, 1, 4, 5]),
        (["camera=Canon 5D", "camera=Nikon D810"], [0, 1, 2, 3]),
        (["scene=indoor-*", "dataset=cube"], [0, 2]),
        (["fold!=1"], [1, 2, 4, 5]),
        (["fold!=1", "fold!=2"], [2, 5]),
        (["scene="], [4]),
        (["image = i3"], [3]),
        (["scene!=*door*"], [4, 5]),
    ],
)
def test_conditions(conditions: list[str], found: list[int]) -> None:
    assert places(*conditions) == found


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["camera=Nikon"], "no image has camera=Nikon; values of camera: 'Canon 5D', "),
        (["camera"], "where: 'camera' is not of the form KEY=VALUE or KEY!=VALUE; keys: image, dataset, camera"),
        (["camra=x"], "where: no column 'camra', did you mean 'camera'?; keys: image"),
        (["=x"], "where: no column ''; keys"),
        (["dataset=shi", "scene=indoor-1"], "no image has dataset=shi and scene=indoor-1; leave out a condition"),
        (["fold!=*"], "no image has fold!=*"),
    ],
)
def test_what_fits_nothing_is_refused(conditions: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        places(*conditions)
    assert str(caught.value).startswith(message)


def test_the_words_for_a_title() -> None:
    conditions = [Condition("camera", "A"), Condition("fold", "2", True), Condition("camera", "B")]
    assert describe(conditions) == "camera=A or camera=B and fold!=2"
    assert describe([]) == ""


def test_a_narrower_protocol_fits_on_the_same_images() -> None:
    whole = protocol("folds", select(TRUTH, np.arange(3)))
    part = narrow(whole, np.array([True, False, True]))
    assert part.test.tolist() == [0, 2]
    assert [(split.fit.tolist(), split.test.tolist()) for split in part.splits] == [([1, 2], [0]), ([0, 1], [2])]
    with pytest.raises(UsageError, match="none of these images is tested by the protocol folds"):
        narrow(whole, np.zeros(3, dtype=np.bool_))


def test_restricted_answers_are_those_of_the_kept_images() -> None:
    estimates = np.tile([1.0, 1.0, 1.0], (6, 1))
    estimates[[2, 3]] = np.nan
    whole = judge("theirs", estimates, np.arange(6.0), {2: "damaged"}, TRUTH)
    chosen = np.array([1, 2, 5])
    part = restrict(whole, chosen, select(TRUTH, chosen))
    assert part.failures == {1: "damaged"}
    assert part.expected[[0, 2]].tolist() == [1, 5]
    for metric, errors in part.errors.items():
        assert errors.tolist() == whole.errors[metric][chosen].tolist()
