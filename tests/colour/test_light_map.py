"""Lights that vary: means, sizes and orientations with known answers, and what is no light map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from awbkit import LINEAR_SRGB, Camera, Illuminant, LightMap
from awbkit.colour.light_map import as_illuminant, as_light_map
from awbkit.errors import UsageError

CAMERA = Camera("one")
WARM, COOL = (2.0, 1.0, 0.5), (0.5, 1.0, 2.0)
UNKNOWN = (np.nan, np.nan, np.nan)


def test_arrays_there_and_back() -> None:
    found = LightMap.of_rgb([[(4, 2, 1), COOL, (0, 1, 1)]], camera=CAMERA)
    np.testing.assert_allclose(found.chroma[0, :2], np.log([[2, 0.5], [0.5, 2]]), rtol=1e-6)
    np.testing.assert_allclose(found.rgb, [[WARM, COOL, UNKNOWN]], rtol=1e-6)
    assert found.known.tolist() == [[True, True, False]]
    assert found.confidence.tolist() == [[1, 1, 0]]
    assert found.camera is CAMERA


def test_the_form_on_disk_loses_nothing() -> None:
    stored = np.random.default_rng(1).normal(size=(64, 64, 2)).astype(np.float16)
    stored[3, 5] = np.nan
    assert LightMap.of(stored).chroma.astype(np.float16).tobytes() == stored.tobytes()


@pytest.mark.parametrize(
    ("rgb", "confidence", "gains"),
    [
        ([[WARM, WARM]], None, (1 / 2, 1, 2)),
        # The mean of 2 and 1/2 is 5/4, not 1.
        ([[WARM, COOL]], None, (4 / 5, 1, 4 / 5)),
        ([[WARM], [UNKNOWN]], None, (1 / 2, 1, 2)),
        ([[WARM, COOL]], [[3, 1]], (1 / 1.625, 1, 1 / 0.875)),
        ([[WARM, COOL]], [[0, 5]], (2, 1, 1 / 2)),
        # What is not known has no confidence.
        ([[UNKNOWN, COOL]], [[7, 0.1]], (2, 1, 1 / 2)),
    ],
)
def test_mean(rgb: list[list[object]], confidence: list[list[float]] | None, gains: tuple[float, ...]) -> None:
    found = LightMap.of_rgb(rgb, confidence, CAMERA, expected_error=2.0)
    assert found.mean().gains == pytest.approx(gains)
    assert (found.mean().camera, found.mean().expected_error) == (CAMERA, 2.0)


@pytest.mark.parametrize(("orientation", "first"), [(1, WARM), (3, COOL), (6, UNKNOWN), (8, (1, 1, 1))])
def test_upright(orientation: int, first: tuple[float, float, float]) -> None:
    found = LightMap.of_rgb([[WARM, WARM, (1, 1, 1)], [UNKNOWN, WARM, COOL]], camera=CAMERA).upright(orientation)
    np.testing.assert_allclose(found.rgb[0, 0], first, rtol=1e-6)
    assert found.confidence.shape == found.chroma.shape[:2] == ((2, 3) if orientation < 5 else (3, 2))
    assert np.argwhere(found.confidence == 0).tolist() == np.argwhere(~found.known).tolist()


def test_answers_of_estimators_are_read_alike() -> None:
    whole = Illuminant.of(WARM, CAMERA, expected_error=1.5)
    varying = LightMap.of_rgb([[WARM, COOL]], camera=CAMERA)
    assert as_illuminant(whole, CAMERA) == whole
    assert as_illuminant([4, 2, 1], CAMERA) == Illuminant.of(WARM, CAMERA)
    assert as_illuminant(varying, CAMERA) == varying.mean()
    assert as_light_map(varying, CAMERA).chroma is varying.chroma
    single = as_light_map(whole, CAMERA)
    assert (single.camera, single.expected_error, single.known.tolist()) == (CAMERA, 1.5, [[True]])
    np.testing.assert_allclose(single.rgb, [[WARM]], rtol=1e-6)


@pytest.mark.parametrize("stated", [LINEAR_SRGB, Camera(), Camera("another")])
def test_answers_in_another_rgb_are_refused(stated: Camera) -> None:
    for answer in (Illuminant.of(WARM, stated), LightMap.of_rgb([[WARM]], camera=stated)):
        for ask in (as_illuminant, as_light_map):
            with pytest.raises(
                UsageError, match=r"the picture in camera RGB of one; give the answer camera=image\.camera"
            ):
                ask(answer, CAMERA)
            with pytest.raises(
                UsageError, match="the answer is in camera RGB of one and the picture in linear-srgb RGB"
            ):
                ask(Illuminant.of(WARM, CAMERA), LINEAR_SRGB)


def test_linear_srgb_is_one_whatever_took_the_picture() -> None:
    photo = replace(LINEAR_SRGB, name="a phone")
    assert as_illuminant(Illuminant.of(WARM), photo) == Illuminant.of(WARM, photo)


CELL = np.zeros((1, 1, 2))


@pytest.mark.parametrize(
    ("chroma", "confidence", "why"),
    [
        (np.zeros((4, 4, 3)), None, r"shape \(height, width, 2\), not \(4, 4, 3\)"),
        (np.zeros((4, 2)), None, r"shape \(height, width, 2\), not \(4, 2\)"),
        (np.zeros((0, 4, 2)), None, "shape"),
        (CELL + np.inf, None, "none of them infinite"),
        (CELL - np.inf, None, "none of them infinite"),
        (CELL + 1000, None, "none of them infinite"),
        (CELL, [1], r"shape \(1, 1\), not \(1,\)"),
        (CELL, [[-1]], "finite and not negative"),
        (CELL, [[np.nan]], "finite and not negative"),
        (CELL, [[np.inf]], "finite and not negative"),
    ],
)
def test_what_is_no_map(chroma: np.ndarray, confidence: list[object] | None, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        LightMap.of(chroma, confidence)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (LightMap.of(CELL * np.nan), "no cell of the light map is known"),
        (LightMap.of(CELL, [[0]]), "no cell of the light map is known"),
        (LightMap.of(CELL + 15), "more than a million apart"),
    ],
)
def test_maps_without_a_mean(found: LightMap, why: str) -> None:
    for ask in (found.mean, lambda: as_illuminant(found, LINEAR_SRGB), lambda: as_light_map(found, LINEAR_SRGB)):
        with pytest.raises(UsageError, match=why):
            ask()


def test_lights_of_another_shape() -> None:
    with pytest.raises(UsageError, match=r"shape \(height, width, 3\), not \(1, 2\)"):
        LightMap.of_rgb([[1, 2]])
