"""One light for a set of pictures."""

from __future__ import annotations

import pytest

from awbkit.colour.camera import Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.errors import UsageError
from awbkit.fusion.common import common_illuminant, common_illuminants


def test_common_light_ignores_one_that_is_far_off() -> None:
    lights = [Illuminant.of((0.9, 1, 0.5)), Illuminant.of((0.92, 1, 0.51)), Illuminant.of((0.3, 1, 2.0))]
    assert common_illuminant(lights).gains == pytest.approx((1 / 0.9, 1, 1 / 0.51))


@pytest.mark.parametrize(
    "lights", [[], [Illuminant.of((1, 1, 1)), Illuminant.of((1, 1, 1), Camera("another"))]], ids=["none", "two cameras"]
)
def test_nothing_in_common(lights: list[Illuminant]) -> None:
    with pytest.raises(UsageError, match="one camera"):
        common_illuminant(lights)


def test_each_camera_has_a_light_of_its_own() -> None:
    first, second = Camera("first"), Camera("second")
    pairs = [
        *(("a", Illuminant.of((0.5, 1, 0.5), first)), ("b", Illuminant.of((0.9, 1, 0.5), second))),
        *(("c", Illuminant.of((2, 1, 0.5), first)), ("d", Illuminant.of((0.9, 1, 0.5), second))),
    ]
    common = common_illuminants(pairs)
    assert {key: light.gains for key, light in common.items()} == {
        "a": pytest.approx((1, 1, 2)),
        "b": pytest.approx((1 / 0.9, 1, 2)),
        "c": pytest.approx((1, 1, 2)),
        "d": pytest.approx((1 / 0.9, 1, 2)),
    }
    assert common["a"].camera == first


def test_no_picture_has_no_light() -> None:
    assert common_illuminants([]) == {}
