"""Images for the tests of the estimators, and the one way to compare two lights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.estimators import method_names

Array = NDArray[Any]
LIGHT = np.array([0.7, 1.0, 0.4])

FROM_PIXELS = [name for name in method_names() if name != "as-shot" and not name.startswith("awbnet")]
"""The statistics; what networks answer depends on what lights are likely, too."""
ANY_PARAMETERS = [
    *FROM_PIXELS,
    "white-patch:percentile=100",
    "shades-of-gray:p=inf",
    "shades-of-gray:p=1000",
    "general-gray-world:p=inf,sigma=3",
    "general-gray-world:sigma=0",
    "gray-edge:p=1,sigma=2",
    "gray-edge:p=inf",
    "gray-edge-2:p=1,sigma=2",
    "pca:percent=0",
    "pca:percent=50",
    "gray-index:percent=100,contrast=0",
    "gray-index:contrast=inf",
    "local-surface-reflectance:patches=1000",
    "bright-gray:percent=0",
    "bright-gray:percent=100",
]


def of(pixels: Array, valid: Array | None = None) -> LinearImage:
    """An image whose pixels are all valid unless said otherwise."""
    linear = np.asarray(pixels, dtype=np.float32)
    return LinearImage(linear, np.ones(linear.shape[:2], dtype=bool) if valid is None else valid)


def scene(seed: int, shape: tuple[int, int] = (20, 24)) -> Array:
    """Noise of many colours, log-uniform, all pixels positive."""
    return np.exp(np.random.default_rng(seed).uniform(-4, -0.1, (*shape, 3))).astype(np.float32)


def assert_direction(estimate: Any, expected: Any, degrees: float = 1e-4) -> None:
    estimate = np.asarray(estimate)
    assert estimate.shape == (3,)
    assert np.isfinite(estimate).all()
    assert (estimate > 0).all()
    assert angular_error(estimate.tolist(), np.asarray(expected).tolist()) < degrees
