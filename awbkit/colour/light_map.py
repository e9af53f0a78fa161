"""A light that varies over the picture: true or estimated, in memory or in ``local.npy``, always of this one form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.orientation import turn_upright
from awbkit.errors import UsageError

Float = NDArray[np.float32]

_MAX_LOG = 88
"""Single precision holds the ratio of a logarithm up to this, and its inverse."""

LightOrMap = TypeVar("LightOrMap", Illuminant, "LightMap")


@dataclass(frozen=True, eq=False)
class LightMap:
    """The light in each cell of a picture; h x w equal cells cover it, in stored orientation.

    Attributes:
        chroma: float32 (h, w, 2), ln(r / g) and ln(b / g) of a white in the cell; NaN where the light is unknown.
        confidence: float32 (h, w), how much each cell counts for in means, on any scale; 0 where the light is unknown.
        camera: The RGB that the map is in.
        expected_error: Expected recovery angular error of the mean in degrees; None where the method states none.
    """

    chroma: Float
    confidence: Float
    camera: Camera = LINEAR_SRGB
    expected_error: float | None = None

    def __repr__(self) -> str:
        height, width = self.confidence.shape
        return f"<LightMap {width} x {height} cells, {self.camera.space}, {(self.confidence > 0).mean():.0%} known>"

    @classmethod
    def of(
        cls,
        chroma: ArrayLike,
        confidence: ArrayLike | None = None,
        camera: Camera = LINEAR_SRGB,
        *,
        expected_error: float | None = None,
    ) -> LightMap:
        """A map from any array of log-chroma.

        Args:
            chroma: (h, w, 2), ln(r / g) and ln(b / g); NaN where unknown.
            confidence: (h, w), not negative; by default 1 in every known cell.
            camera: The RGB that the map is in.
            expected_error: Of the mean, in degrees.

        Raises:
            UsageError: If a shape is wrong, a logarithm is infinite or beyond single precision, or a confidence is
                negative or not finite.
        """
        with np.errstate(over="ignore"):
            logs = np.asarray(chroma, dtype=np.float32)
        if logs.ndim != 3 or logs.shape[2] != 2 or not logs.size:
            raise UsageError(f"a light map has the shape (height, width, 2), not {logs.shape}")
        if (np.abs(logs) > _MAX_LOG).any():
            raise UsageError("a light map holds the logarithms of r/g and b/g, none of them infinite; unknown is NaN")
        known = _known_cells(logs)
        if confidence is None:
            return cls(logs, known.astype(np.float32), camera, expected_error)
        weight = np.asarray(confidence, dtype=np.float32)
        if weight.shape != known.shape:
            raise UsageError(f"the confidence must have the shape {known.shape}, not {weight.shape}")
        if not (np.isfinite(weight) & (weight >= 0))[known].all():
            raise UsageError("the confidence of a known cell must be finite and not negative")
        return cls(logs, np.where(known, weight, np.float32(0)), camera, expected_error)

    @classmethod
    def of_rgb(
        cls,
        rgb: ArrayLike,
        confidence: ArrayLike | None = None,
        camera: Camera = LINEAR_SRGB,
        *,
        expected_error: float | None = None,
    ) -> LightMap:
        """A map from the RGB of a white in each cell, on any scale.

        Args:
            rgb: (h, w, 3); a cell is unknown where a channel is not finite or not positive.
            confidence: As of :meth:`of`.
            camera: The RGB that ``rgb`` is in.
            expected_error: As of :meth:`of`.

        Raises:
            UsageError: If a shape is wrong, or a confidence is negative or not finite.
        """
        whites = np.asarray(rgb, dtype=np.float64)
        if whites.ndim != 3 or whites.shape[2] != 3:
            raise UsageError(f"the lights of a map have the shape (height, width, 3), not {whites.shape}")
        known = np.all(np.isfinite(whites) & (whites > 0), axis=2, keepdims=True)
        logs = np.log(np.where(known, whites, np.nan))
        return cls.of(logs[..., ::2] - logs[..., 1:2], confidence, camera, expected_error=expected_error)

    @property
    def rgb(self) -> Float:
        """float32 (h, w, 3), the RGB of a white in each cell, green = 1; NaN where the light is unknown."""
        return np.exp(np.insert(self.chroma, 1, np.where(self.known, 0, np.nan), axis=2))

    @property
    def known(self) -> NDArray[np.bool_]:
        """bool (h, w), whether the light of each cell is known."""
        return _known_cells(self.chroma)

    def mean(self) -> Illuminant:
        """The light of the picture as a whole.

        It is the arithmetic mean of r/g and of b/g over the known cells, each weighted by its confidence. With the
        picture's green as the confidence, r/g of a grey scene is the sum of its red over the sum of its green.

        Raises:
            UsageError: If no known cell has any confidence, or the mean is no light.
        """
        weight = self.confidence[..., None].astype(np.float64)
        if not weight.sum() > 0:
            raise UsageError("no cell of the light map is known")
        ratio = np.exp(np.where(weight > 0, self.chroma, 0).astype(np.float64))
        red, blue = (ratio * weight).sum(axis=(0, 1)) / weight.sum()
        return Illuminant.of((red, 1.0, blue), self.camera, expected_error=self.expected_error)

    def upright(self, orientation: int) -> LightMap:
        """The map as it is displayed, of a picture with this EXIF orientation, 1 to 8."""
        chroma, confidence = (turn_upright(cells, orientation) for cells in (self.chroma, self.confidence))
        return replace(self, chroma=chroma, confidence=confidence)


def as_illuminant(answer: Any, camera: Camera) -> Illuminant:
    """An estimator's answer as one light: the mean of a map, an illuminant itself, or RGB on any scale.

    Args:
        answer: A LightMap or an Illuminant in the picture's RGB, or three numbers.
        camera: The RGB of the picture.

    Raises:
        UsageError: If it is no light, or one in another RGB.
        TypeError, ValueError: If it is no array of numbers.
    """
    if isinstance(answer, LightMap | Illuminant):
        light = answer.mean() if isinstance(answer, LightMap) else answer
        return _in_rgb_of(light, camera)
    return Illuminant.of(answer, camera)


def as_light_map(answer: Any, camera: Camera) -> LightMap:
    """An estimator's answer as a map: of a single cell if the answer is a single light.

    Raises:
        UsageError, TypeError, ValueError: As :func:`as_illuminant`, which a map must have as well.
    """
    light = as_illuminant(answer, camera)
    if isinstance(answer, LightMap):
        return _in_rgb_of(answer, camera)
    return LightMap.of_rgb([[light.rgb]], camera=light.camera, expected_error=light.expected_error)


def _in_rgb_of(answer: LightOrMap, camera: Camera) -> LightOrMap:
    """The answer, which must be in the camera's RGB; of linear sRGB there is only one, whatever took the picture."""
    stated = answer.camera
    if stated.space != camera.space or (camera.space == "camera" and stated != camera):
        names = [f"{one.space} RGB" + (f" of {one.name}" if one.name else "") for one in (stated, camera)]
        raise UsageError(
            f"the answer is in {names[0]} and the picture in {names[1]}; give the answer camera=image.camera"
        )
    return replace(answer, camera=camera)


def _known_cells(chroma: Float) -> NDArray[np.bool_]:
    # Several times faster than all(axis=2).
    return ~(np.isnan(chroma[..., 0]) | np.isnan(chroma[..., 1]))
