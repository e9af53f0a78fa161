"""The direction of an error: along the locus of lights, to warm or cool, or across it, to green or magenta.

An angular error measures the distance from the truth, not the colour of the cast. Eyes judge casts differently: an
error along the daylight locus looks like another time of day, an error across it looks like a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.temperature import cct_duv_to_xy
from awbkit.evaluation.result import Truth

_MIREDS = np.linspace(1e6 / 25_000, 1e6 / 1_700, 96)
"""Temperatures of the black bodies on the drawn locus, in mired."""

_MIN_LIGHTS = 3
"""Least number of lights for the main axis of a camera without a matrix."""


@dataclass(frozen=True, eq=False)
class Locus:
    """The black-body locus in one camera's RGB.

    Attributes:
        ccts: float64 (K,) kelvin, descending, from 25 000 to 1700 or as far as the camera's RGB is positive.
        rgb: float64 (K, 3), green = 1.
    """

    ccts: NDArray[np.float64]
    rgb: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CameraImages:
    """The images of one camera in one data set.

    Attributes:
        dataset: Name of the data set.
        name: Name of the camera; may be empty.
        indices: int (M,), of the evaluation's images, ascending.
        camera: The camera, with its matrices if known.
    """

    dataset: str
    name: str
    indices: NDArray[np.intp]
    camera: Camera

    @property
    def label(self) -> str:
        """The camera's label for readers."""
        return self.name or self.dataset or "unnamed camera"


def group_by_camera(truth: Truth, camera_of: Callable[[int], Camera] | None = None) -> list[CameraImages]:
    """Group the images by data set and camera, in the order of their first image.

    Args:
        truth: The images.
        camera_of: Maps the index of an image to its camera; None if only names are known.
    """
    members: dict[tuple[str, str], list[int]] = {}
    for index, key in enumerate(zip(truth.datasets, truth.cameras, strict=True)):
        members.setdefault(key, []).append(index)
    return [
        CameraImages(dataset, name, np.array(found, np.intp), camera_of(found[0]) if camera_of else Camera(name))
        for (dataset, name), found in members.items()
    ]


@lru_cache(maxsize=64)
def planckian_locus(camera: Camera) -> Locus | None:
    """The black-body locus in a camera's RGB; None without a matrix."""
    found = [(1e6 / mired, camera.rgb_of_xy(*cct_duv_to_xy(1e6 / mired))) for mired in _MIREDS.tolist()]
    points = [(cct, rgb) for cct, rgb in found if rgb is not None]
    if len(points) < 2:
        return None
    return Locus(np.array([cct for cct, _ in points]), np.array([rgb for _, rgb in points]))


def log_chroma(rgb: NDArray[np.float64], white: Sequence[float] = (1.0, 1.0, 1.0)) -> NDArray[np.float64]:
    """Log-chromaticity ln(r/g) and ln(b/g) (N, 2) of positive RGB (N, 3), less that of ``white``."""
    logs = np.log(rgb / np.asarray(white))
    return np.stack([logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1]], axis=1)


def signed_errors(truth: NDArray[np.float64], estimates: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """Divide recovery errors into two components.

    At each true light the sphere of RGB directions has a tangent plane. One axis in it follows the locus of black
    bodies (without a camera matrix: the main axis of the true lights in log-chromaticity), the other points to green.

    Args:
        truth: (N, 3) positive.
        estimates: (N, 3) positive, or NaN without an estimate.
        camera: The camera of these lights.

    Returns:
        (N, 2) degrees, whose squares add up to the square of the recovery error: along the locus, positive where the
        estimate is too warm, and across it, positive where it is too green.
    """
    light = truth / np.linalg.norm(truth, axis=1, keepdims=True)
    guess = estimates / np.linalg.norm(estimates, axis=1, keepdims=True)
    cosine = np.sum(light * guess, axis=1, keepdims=True)
    offset = guess - cosine * light
    sine = np.linalg.norm(offset, axis=1, keepdims=True)
    # The offset's length is the sine of the angle, but the squared angles must add up.
    offset *= np.divide(np.degrees(np.arctan2(sine, cosine)), sine, out=np.zeros_like(sine), where=sine != 0)
    steps = _warm_directions(truth, camera)
    along = np.stack([light[:, 0] * steps[:, 0], np.zeros(len(light)), light[:, 2] * steps[:, 1]], axis=1)
    along -= np.sum(along * light, axis=1, keepdims=True) * light
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.cross(light, along)
    across *= np.where(across[:, 1:2] < 0, -1.0, 1.0)
    return np.stack([np.sum(offset * along, axis=1), np.sum(offset * across, axis=1)], axis=1)


def signed_errors_by_camera(
    truth: NDArray[np.float64], estimates: NDArray[np.float64], members: Sequence[CameraImages]
) -> NDArray[np.float64]:
    """:func:`signed_errors` of all images (N, 3), camera by camera: (N, 2) degrees."""
    result = np.full((len(truth), 2), np.nan)
    for each in members:
        result[each.indices] = signed_errors(truth[each.indices], estimates[each.indices], each.camera)
    return result


def _warm_directions(truth: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """The direction (N, 2) of a slightly warmer light in log-chromaticity, of any length."""
    lights = log_chroma(truth)
    locus = planckian_locus(camera)
    if locus is not None:
        points = log_chroma(locus.rgb)
        nearest = [int(np.argmin(((points - light) ** 2).sum(axis=1))) for light in lights]
        # Temperatures fall along the locus, so its gradient points to warm.
        return np.asarray(np.gradient(points, axis=0)[nearest], dtype=np.float64)
    axis = np.array([1.0, -1.0])
    centred = lights - lights.mean(axis=0)
    if len(lights) >= _MIN_LIGHTS and np.ptp(centred, axis=0).max() > 1e-9:
        axis = np.linalg.svd(centred, full_matrices=False)[2][0]
        axis *= 1.0 if axis[0] >= axis[1] else -1.0
    return np.tile(axis, (len(lights), 1))
