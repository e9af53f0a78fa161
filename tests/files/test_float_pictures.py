"""Floating-point pictures with numbers that are no light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import awbkit
from awbkit.errors import AwbError
from awbkit.estimators.registry import method_names
from tests.helpers.command import angle
from tests.helpers.pictures import TUNGSTEN

LARGEST = float(np.finfo(np.float32).max)
NO_LIGHT = [LARGEST, -LARGEST, np.inf, -np.inf, np.nan, 1e30, 1e-30, 1e-45, -1.0, 0.0]
SIMPLE = ("gray-world", "shades-of-gray", "general-gray-world", "white-patch", "pca", "bright-gray", "gray-edge")


def write(path: Path, pixels: np.ndarray) -> Path:
    tifffile.imwrite(path, pixels, photometric="rgb", metadata=None)
    return path


@pytest.fixture
def grey(rng: np.random.Generator) -> np.ndarray:
    """Grey patches under one light, float32 (96, 128, 3)."""
    shades = np.kron(rng.uniform(0.1, 0.7, (6, 8, 1)), np.ones((16, 16, 1)))
    return (shades * TUNGSTEN).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("value", NO_LIGHT)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_light_is_that_of_the_valid_pixels(grey: np.ndarray, value: float, kind: type, tmp_path: Path) -> None:
    pixels = grey.astype(kind)
    pixels[30:50, 40:60] = value
    path = write(tmp_path / "some.tif", pixels)
    for method in SIMPLE:
        assert angle(awbkit.estimate(path, method).rgb, TUNGSTEN) < 0.5, method


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*exactly zero:awbkit.AwbWarning")
@pytest.mark.parametrize("value", NO_LIGHT)
def test_nothing_valid_is_one_line_by_every_method(value: float, tmp_path: Path) -> None:
    path = write(tmp_path / "all.tif", np.full((20, 30, 3), value, np.float32))
    for method in set(method_names()) - {"as-shot"}:
        with pytest.raises(AwbError) as caught:
            awbkit.estimate(path, method)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("value", NO_LIGHT)
def test_corrected_without_a_sound(
    grey: np.ndarray, value: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    grey[30:50, 40:60] = value
    output = tmp_path / "corrected.tif"
    awbkit.correct(write(tmp_path / "some.tif", grey), output, illuminant=(1, 1, 1))
    assert np.array_equal(tifffile.imread(output), grey, equal_nan=True)
    assert capfd.readouterr().err == ""


def test_extremes_leave_an_array_quietly() -> None:
    pixels = np.full((8, 8, 3), 1e300)
    pixels[:4] = 0.5
    image = awbkit.LinearImage.from_array(pixels)
    assert image.valid.sum() == 32
