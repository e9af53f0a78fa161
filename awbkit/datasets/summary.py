"""Summary figures of a prepared data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.prepared import Prepared
from awbkit.datasets.spread import ONE_LIGHT


@dataclass(frozen=True)
class CameraSummary:
    """Figures of the images of one camera, or of all.

    Attributes:
        camera: Name of the camera.
        images: Number of images.
        scenes: Number of scenes.
        has_matrix: Whether the camera's matrix is known, and so the colour temperatures.
        cct: 5th, 50th and 95th percentile of the lights' colour temperature in kelvin; None without a matrix.
        cast: Mean angle of the lights to their mean, in degrees: the error of a constant answer.
        several_lights: Share of the images with a spread over ``ONE_LIGHT``; None where no spread is known.
        valid: Mean share of valid pixels.
        fewest_valid: The least share of valid pixels in an image.
    """

    camera: str
    images: int
    scenes: int
    has_matrix: bool
    cct: tuple[float, ...] | None
    cast: float
    several_lights: float | None
    valid: float
    fewest_valid: float


def summarise(prepared: Prepared) -> list[CameraSummary]:
    """One summary for each camera, in the order of their names."""
    valid = np.asarray(np.mean(prepared.valid, axis=(1, 2), dtype=np.float64))
    names = np.array([row.camera for row in prepared.rows])
    return [_summary(prepared, name, np.flatnonzero(names == name), valid) for name in sorted(set(names.tolist()))]


def folds(prepared: Prepared) -> dict[str, int]:
    """The published folds with their numbers of images; empty without folds."""
    found = [row.fold for row in prepared.rows if row.fold]
    return {fold: found.count(fold) for fold in sorted(set(found))}


def light_map_share(prepared: Prepared) -> float:
    """The share of the images whose light is known cell by cell.

    Raises:
        UnreadableFile: If ``local.npy`` is damaged.
    """
    return sum(prepared.light_map(index) is not None for index in range(len(prepared))) / len(prepared)


def _summary(prepared: Prepared, name: str, places: NDArray[np.intp], valid: NDArray[np.float64]) -> CameraSummary:
    rows = [prepared.rows[index] for index in places]
    lights = prepared.illuminants[places]
    mean = lights.mean(axis=0).tolist()
    camera = prepared.cameras[name]
    known = [found[0] for light in lights if (found := camera.cct_duv(light)) is not None] if camera.matrices else []
    spreads = [row.spread for row in rows if row.spread is not None]
    return CameraSummary(
        camera=name,
        images=len(rows),
        scenes=len({row.scene for row in rows}),
        has_matrix=bool(camera.matrices),
        cct=tuple(np.percentile(known, (5, 50, 95)).tolist()) if known else None,
        cast=float(np.mean([angular_error(light.tolist(), mean) for light in lights])),
        several_lights=float(np.mean([s > ONE_LIGHT for s in spreads])) if spreads else None,
        valid=float(valid[places].mean()),
        fewest_valid=float(valid[places].min()),
    )
