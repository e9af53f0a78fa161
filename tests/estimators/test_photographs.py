"""The methods on real photographs: the thumbnails of Cube+ and Gehler-Shi, against figures measured independently.

The data lie in the folder that AWBKIT_SHARED names, or in ``../shared``, beside the repository; without them the
tests are skipped. Each image's valid pixels have all channels above 0 and under 0.98 of the image's maximum.
"""

from __future__ import annotations

import csv
import importlib.util
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.estimators import parse

SHARED = Path(os.environ.get("AWBKIT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
UNPACK = SHARED / "data" / "unpack.py"

pytestmark = pytest.mark.skipif(
    not UNPACK.is_file() or importlib.util.find_spec("imagecodecs") is None,
    reason="the labelled thumbnails (AWBKIT_SHARED or ../shared) or imagecodecs, which decodes them, are not here",
)


@cache
def labelled(name: str) -> list[tuple[LinearImage, NDArray[np.float64]]]:
    """Every thumbnail of one set, and its true illuminant."""
    specification = importlib.util.spec_from_file_location("unpack", UNPACK)
    assert specification is not None
    assert specification.loader is not None
    unpack = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(unpack)
    rows = csv.DictReader((SHARED / "data" / f"{name}.csv").read_text(encoding="utf-8").splitlines())
    truth = [np.array([float(row[channel]) for channel in "rgb"]) for row in rows]
    frames = unpack.frames(SHARED / "data" / f"{name}.jxls")
    images = [LinearImage.from_array(frame.astype(np.float32) / frame.max()) for frame in frames]
    return list(zip(images, truth, strict=True))


@cache
def errors(specification: str, name: str) -> NDArray[np.float64]:
    method = parse(specification)
    return np.array([angular_error(method.estimate(image).rgb, truth.tolist()) for image, truth in labelled(name)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("specification", "name", "mean", "median"),
    [
        ("gray-world", "cube-plus", 3.54, 2.52),
        ("gray-world", "gehler-shi", 4.70, 3.56),
        ("shades-of-gray:p=5", "cube-plus", 2.42, 1.51),
        ("shades-of-gray:p=5", "gehler-shi", 4.06, 2.39),
        ("pca:percent=3.5", "cube-plus", 2.38, 1.55),
        ("pca:percent=3.5", "gehler-shi", 3.65, 2.18),
    ],
)
def test_reference_figures(specification: str, name: str, mean: float, median: float) -> None:
    measured = errors(specification, name)
    assert measured.mean() == pytest.approx(mean, abs=0.05)
    assert np.median(measured) == pytest.approx(median, abs=0.05)


@pytest.mark.slow
def test_bright_gray_is_more_accurate_than_the_published_methods() -> None:
    """By the geometric mean of both sets' mean errors."""

    def score(specification: str) -> float:
        return float(np.sqrt(errors(specification, "cube-plus").mean() * errors(specification, "gehler-shi").mean()))

    assert score("bright-gray") < 0.95 * min(score(other) for other in ("pca:percent=3.5", "shades-of-gray:p=5"))
