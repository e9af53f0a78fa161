"""Where an error points: along the lights that there are, to warm or cool, or across them, to green or magenta.

An angular error says how far an estimate is from the truth, not whether the picture comes out blue or green, which eyes
judge differently: errors along the daylight locus look like another time of day, errors across it look like a mistake.
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
"""Reciprocal megakelvins of the black bodies that a locus is drawn through."""

_FEWEST = 3
"""With fewer lights than this a camera without a matrix has no main axis of its own."""


@dataclass(frozen=True, eq=False)
class Locus:
    """The black bodies as one camera sees them.

    Attributes:
        ccts: float64 (K,) kelvin, falling, 25 000 to 1700 or as far as the camera's RGB of the light is positive.
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
        indices: int (M,), of the evaluation's images, rising.
        camera: What is known of it.
    """

    dataset: str
    name: str
    indices: NDArray[np.intp]
    camera: Camera

    @property
    def label(self) -> str:
        """What a reader calls it."""
        return self.name or self.dataset or "unnamed camera"


def by_camera(truth: Truth, camera_of: Callable[[int], Camera] | None = None) -> list[CameraImages]:
    """The images of each camera of each data set, in the order of their first image.

    Args:
        truth: The images.
        camera_of: From the index of an image to its camera; None where only names are known.
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
    """The black bodies in a camera's RGB; None without a matrix."""
    found = [(1e6 / mired, camera.rgb_of_xy(*cct_duv_to_xy(1e6 / mired))) for mired in _MIREDS.tolist()]
    seen = [(cct, rgb) for cct, rgb in found if rgb is not None]
    if len(seen) < 2:
        return None
    return Locus(np.array([cct for cct, _ in seen]), np.array([rgb for _, rgb in seen]))


def daylight_xy(cct: float) -> tuple[float, float]:
    """CIE 1931 xy of daylight of this temperature, 4000 to 25 000 K (CIE 15:2018, equations 4.2 to 4.4)."""
    t = 1e3 / cct
    if cct <= 7000:
        x = ((-4.6070 * t + 2.9678) * t + 0.09911) * t + 0.244063
    else:
        x = ((-2.0064 * t + 1.9018) * t + 0.24748) * t + 0.237040
    return x, (-3.000 * x + 2.870) * x - 0.275


def log_chroma(rgb: NDArray[np.float64], white: Sequence[float] = (1.0, 1.0, 1.0)) -> NDArray[np.float64]:
    """ln(r/g) and ln(b/g), each less that of ``white``: float (N, 2) of positive RGB (N, 3)."""
    logs = np.log(rgb / np.asarray(white))
    return np.stack([logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1]], axis=1)


def signed_errors(truth: NDArray[np.float64], estimates: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """Recovery errors taken apart.

    At each true light the sphere of RGB directions has a tangent plane; in it, the locus of black bodies points one
    way (without a camera matrix: the main axis of the true lights in log-chromaticity), and green another.

    Args:
        truth: (N, 3) positive.
        estimates: (N, 3) positive, or NaN where there is none.
        camera: Of these lights.

    Returns:
        (N, 2) degrees, of which the squares add up to the square of the recovery angular error: along the lights,
        positive where the estimate is too warm, and across them, positive where it is too green.
    """
    light = truth / np.linalg.norm(truth, axis=1, keepdims=True)
    guess = estimates / np.linalg.norm(estimates, axis=1, keepdims=True)
    cosine = np.sum(light * guess, axis=1, keepdims=True)
    offset = guess - cosine * light
    sine = np.linalg.norm(offset, axis=1, keepdims=True)
    # The offset's own length is the sine of the angle; the angle itself is what must add up.
    offset *= np.divide(np.degrees(np.arctan2(sine, cosine)), sine, out=np.zeros_like(sine), where=sine != 0)
    steps = _warmer(truth, camera)
    along = np.stack([light[:, 0] * steps[:, 0], np.zeros(len(light)), light[:, 2] * steps[:, 1]], axis=1)
    along -= np.sum(along * light, axis=1, keepdims=True) * light
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.cross(light, along)
    across *= np.where(across[:, 1:2] < 0, -1.0, 1.0)
    return np.stack([np.sum(offset * along, axis=1), np.sum(offset * across, axis=1)], axis=1)


def signed_errors_by_camera(
    truth: NDArray[np.float64], estimates: NDArray[np.float64], members: Sequence[CameraImages]
) -> NDArray[np.float64]:
    """:func:`signed_errors` of all images (N, 3), each by what is known of its camera: (N, 2) degrees."""
    result = np.full((len(truth), 2), np.nan)
    for each in members:
        result[each.indices] = signed_errors(truth[each.indices], estimates[each.indices], each.camera)
    return result


def _warmer(truth: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """(N, 2) in log-chromaticity, of any length: which way a slightly warmer light would lie."""
    lights = log_chroma(truth)
    locus = planckian_locus(camera)
    if locus is not None:
        points = log_chroma(locus.rgb)
        nearest = [int(np.argmin(((points - light) ** 2).sum(axis=1))) for light in lights]
        # Temperatures fall along the locus, so its gradient points to warm.
        return np.asarray(np.gradient(points, axis=0)[nearest], dtype=np.float64)
    axis = np.array([1.0, -1.0])
    centred = lights - lights.mean(axis=0)
    if len(lights) >= _FEWEST and np.ptp(centred, axis=0).max() > 1e-9:
        axis = np.linalg.svd(centred, full_matrices=False)[2][0]
        axis *= 1.0 if axis[0] >= axis[1] else -1.0
    return np.tile(axis, (len(lights), 1))
