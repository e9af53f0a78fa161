"""The groups of the statistics: each where it is said to be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from network_pictures import picture

from awbkit.network.features import STATISTICS, Float, describe
from awbkit.network.statistics import GROUPS, groups_of

IMAGE = picture(11, share_valid=0.8)
FOUND = describe(IMAGE)


def group(name: str) -> Float:
    numbers = GROUPS[name]
    return FOUND.statistics[numbers.start : numbers.stop]


def chroma(rgb: Float) -> Float:
    """(..., 2) relative to the anchor."""
    logs = np.log(rgb)
    return np.asarray(logs[..., 0::2] - logs[..., 1:2] - FOUND.anchor)


PIXELS = IMAGE.pixels[IMAGE.valid].astype(np.float64)
COLOURS = chroma(PIXELS)
GAINS = np.exp(-FOUND.anchor.astype(np.float64))
RELATIVE = PIXELS * [GAINS[0], 1, GAINS[1]]
BRIGHTNESS = RELATIVE.sum(axis=1)
ORDER = np.argsort(BRIGHTNESS)
STRIPS = [IMAGE.pixels[16 * strip : 16 * strip + 16][IMAGE.valid[16 * strip : 16 * strip + 16]] for strip in range(4)]
UPPER = COLOURS[ORDER[-math.ceil(0.3 * len(ORDER)) :]]


def correlated(colours: Float) -> list[float]:
    return [*colours.std(axis=0).tolist(), float(np.corrcoef(colours.T)[0, 1])]


@pytest.mark.parametrize(
    ("name", "place", "expected"),
    [
        ("norms", 0, chroma(PIXELS.mean(axis=0))),
        ("norms", 8, chroma(PIXELS.max(axis=0))),
        ("brightest", 0, chroma(PIXELS[ORDER[-math.ceil(len(ORDER) / 100) :]].mean(axis=0))),
        ("darkest", 2, chroma(PIXELS[ORDER[: math.ceil(len(ORDER) / 10)]].mean(axis=0))),
        ("brightest-chroma", 6, UPPER.mean(axis=0)),
        ("brightness-chroma", 0, (COLOURS * BRIGHTNESS[:, None]).sum(axis=0) / BRIGHTNESS.sum()),
        ("mean-chroma", 0, COLOURS.mean(axis=0)),
        ("pixel-quantiles", 4, np.sort(COLOURS, axis=0)[len(COLOURS) // 2]),
        ("strips", 0, np.concatenate([chroma(strip.sum(axis=0)) for strip in STRIPS])),
        ("spread", 0, correlated(COLOURS)),
        ("bright-spread", 0, correlated(UPPER)),
        ("valid-share", 0, [IMAGE.valid.mean()]),
        ("brightness-quantiles", 4, [np.log(BRIGHTNESS.max() / BRIGHTNESS.mean())]),
    ],
)
def test_a_group_holds_what_its_name_says(name: str, place: int, expected: Float) -> None:
    np.testing.assert_allclose(group(name)[place : place + len(expected)], expected, atol=2e-3)


def test_every_statistic_is_of_one_group() -> None:
    assert [number for numbers in GROUPS.values() for number in numbers] == list(range(STATISTICS))


def test_groups_that_are_read() -> None:
    assert groups_of(()) == ()
    assert groups_of((0, 9, 39, 137)) == ("norms", "principal", "sectors")
    assert groups_of(range(STATISTICS)) == tuple(GROUPS)
