"""Corrected moments: a fitted matrix maps the moments of the pixels to an illuminant.

G. D. Finlayson, Corrected-moment illuminant estimation, ICCV 2013, DOI 10.1109/ICCV.2013.239. Features are the 19
moments of R, G and B up to the third order, each with the root that makes it linear in the exposure, mean(R^i G^j B^k)
^ (1 / (i + j + k)); a 19 x 3 matrix maps them to the light. Only the direction matters, so alternating least squares
fits each image's scale together with the matrix.

Awbkit adds three things: a ridge, whose strength is chosen on held-out scenes; bounds on the estimates, because a
matrix extrapolates badly to unfamiliar pictures; and an expected error, a regression of the errors on held-out scenes
on the disagreement of the moments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError
from awbkit.evaluation.angles import recovery_error
from awbkit.evaluation.examples import Examples

MIN_IMAGES = 200
"""Least number of images of a camera for which its own matrix is better than one for all cameras."""

_POWERS = np.array(
    [
        (red, green, order - red - green)
        for order in (1, 2, 3)
        for red in range(order, -1, -1)
        for green in range(order - red, -1, -1)
    ]
)
_ROOTS = 1 / _POWERS.sum(axis=1)
_SQUARES = [_POWERS.tolist().index(powers) for powers in ([2, 0, 0], [0, 2, 0], [0, 0, 2])]
_CUBES = [_POWERS.tolist().index(powers) for powers in ([3, 0, 0], [0, 3, 0], [0, 0, 3])]
_PRODUCTS = [_POWERS.tolist().index(powers) for powers in ([1, 1, 0], [0, 1, 1], [1, 0, 1])]

_RIDGES = tuple(10.0**power for power in range(-8, -2))
"""Strengths of the ridge to try, as shares of the mean eigenvalue of the features' second-moment matrix."""

_ROUNDS = 10
_FOLDS = 5
_LEAST_RATIO = 0.01
"""Least ratio of a component of an estimate to the largest; no light that a camera balances is more saturated."""

_MARGIN = 0.1
"""How far an estimate's ln(r/g) and ln(b/g) may lie outside the range of the fitted lights."""

_LEAST_ERROR = 0.3
"""Least expected error in degrees; smaller ones were never right."""

FloatArray = NDArray[np.float64]


def describe(image: LinearImage) -> FloatArray:
    """The 19 moments of the valid pixels, scaled so that the means of R, G and B sum to 1.

    Raises:
        AwbError: If no pixel is valid.
    """
    pixels = image.pixels[image.valid].astype(np.float64)
    if not pixels.size or not pixels.max() > 0:
        raise AwbError("no valid pixel: every pixel is clipped, black or masked")
    pixels /= pixels.max()
    powers = np.stack([np.ones_like(pixels), pixels, pixels**2, pixels**3])
    red, green, blue = _POWERS.T
    products = powers[red, :, 0] * powers[green, :, 1] * powers[blue, :, 2]
    return _normalise(products.mean(axis=1) ** _ROOTS)


def divide(features: FloatArray, white: FloatArray) -> FloatArray:
    """The features (N, 19) of images with their RGB divided by whites (N, 3)."""
    return _normalise(features / np.exp(np.log(white) @ _POWERS.T * _ROOTS))


@dataclass(frozen=True, eq=False)
class CorrectedMoments:
    """A fitted matrix, with the regression of its error.

    Attributes:
        matrix: (19, 3).
        bounds: (2, 2) least and largest ln(r/g) and ln(b/g) of an estimate.
        centre: (F,) mean of the predictors of the error.
        scale: (F,) their standard deviation.
        weights: (2 F + 1,) weights of the regression of the logarithm of the error.
        line: Offset and slope that correct the regression's mean.
    """

    matrix: FloatArray
    bounds: FloatArray
    centre: FloatArray
    scale: FloatArray
    weights: FloatArray
    line: tuple[float, float]

    def predict(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Estimates (N, 3), positive, on any scale, and their expected errors (N,) in degrees."""
        estimates = _bound(features @ self.matrix, self.bounds)
        logarithm = _design(_signs(features, estimates), self.centre, self.scale) @ self.weights
        return estimates, np.maximum(self.line[0] + self.line[1] * np.exp(logarithm), _LEAST_ERROR)


def fit(examples: Examples) -> CorrectedMoments:
    """Fit the matrix, choose its ridge, and fit the expected error.

    Args:
        examples: At least two scenes; errors are measured in RGB multiplied by the examples' whites.
    """
    features, lights = examples.features, examples.lights
    size = features.shape[1]
    identity = np.eye(size)
    scaled = features * _scales(features, lights)[:, None]
    second, mixed = scaled.T @ scaled, scaled.T @ lights
    unit = np.trace(second) / size
    fold = _folds(examples.scenes)
    chroma = _chroma(lights)
    bounds = np.array([chroma.min(axis=0) - _MARGIN, chroma.max(axis=0) + _MARGIN])
    best: tuple[float, float, FloatArray, FloatArray] | None = None
    for ridge in _RIDGES:
        held_out = np.empty_like(lights)
        for number in range(_FOLDS):
            out = fold == number
            part = scaled[out]
            inner = second - part.T @ part + ridge * unit * identity
            held_out[out] = features[out] @ np.linalg.solve(inner, mixed - part.T @ lights[out])
        held_out = _bound(held_out, bounds)
        errors = recovery_error(held_out * examples.whites, lights * examples.whites)
        if best is None or errors.mean() < best[0]:
            best = float(errors.mean()), ridge, held_out, errors
    assert best is not None
    _, ridge, held_out, errors = best
    matrix = np.linalg.solve(second + ridge * unit * identity, mixed)
    return CorrectedMoments(matrix, bounds, *_regression(_signs(features, held_out), errors))


def _scales(features: FloatArray, lights: FloatArray) -> FloatArray:
    """The best scale (N,) of each image, by alternating least squares."""
    scales = np.ones(len(features))
    identity = np.eye(features.shape[1])
    for _ in range(_ROUNDS):
        scaled = features * scales[:, None]
        second = scaled.T @ scaled
        ridge = 1e-6 * np.trace(second) / len(second)
        found = features @ np.linalg.solve(second + ridge * identity, scaled.T @ lights)
        scales = np.sum(found * lights, axis=1) / np.sum(found**2, axis=1)
    return scales


def _signs(features: FloatArray, estimates: FloatArray) -> FloatArray:
    """Predictors (N, 11) of large errors: disagreement of the moments, contrast, correlation, colour."""
    angles = [recovery_error(features[:, place], estimates) for place in ([0, 1, 2], _SQUARES, _CUBES)]
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(features), math.log(np.finfo(np.float64).tiny))
    squares = logs[:, _SQUARES]
    correlation = logs[:, _PRODUCTS] - (squares + squares[:, [1, 2, 0]]) / 2
    contrast = squares - logs[:, :3]
    return np.column_stack([np.log1p(np.stack(angles, axis=1)), contrast, correlation, _chroma(estimates)])


def _regression(
    signs: FloatArray, errors: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, tuple[float, float]]:
    centre = np.asarray(signs.mean(axis=0), dtype=np.float64)
    scale = np.asarray(signs.std(axis=0) + 1e-9, dtype=np.float64)
    design = _design(signs, centre, scale)
    penalty = (10 + 0.01 * len(design)) * np.eye(design.shape[1])
    penalty[0, 0] = 0
    weights = np.asarray(
        np.linalg.solve(design.T @ design + penalty, design.T @ np.log(errors + 0.5)), dtype=np.float64
    )
    fitted = np.exp(design @ weights)
    spread = float(fitted.var())
    slope = float(np.mean((fitted - fitted.mean()) * errors)) / spread if spread > 0 else 0.0
    slope = max(slope, 0.0)
    return centre, scale, weights, (float(errors.mean()) - slope * float(fitted.mean()), slope)


def _design(signs: FloatArray, centre: FloatArray, scale: FloatArray) -> FloatArray:
    # Clipped, because a square grows fast outside the fitted range.
    normal = np.clip((signs - centre) / scale, -3, 3)
    return np.column_stack([np.ones(len(normal)), normal, normal**2])


def _folds(scenes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Divide the images (N,) into five parts of whole scenes, independent of their order."""
    _, number = np.unique(scenes, return_inverse=True)
    return np.asarray(number % _FOLDS)


def _normalise(features: FloatArray) -> FloatArray:
    return np.asarray(features / features[..., :3].sum(axis=-1, keepdims=True))


def _chroma(lights: FloatArray) -> FloatArray:
    """(N, 2) ln(r/g) and ln(b/g)."""
    return np.asarray(np.log(lights[:, [0, 2]] / lights[:, 1:2]))


def _bound(estimates: FloatArray, bounds: FloatArray) -> FloatArray:
    positive = np.maximum(estimates, _LEAST_RATIO * np.abs(estimates).max(axis=1, keepdims=True))
    chroma = np.exp(np.clip(_chroma(positive), *bounds))
    return np.column_stack([chroma[:, 0], np.ones(len(chroma)), chroma[:, 1]])
