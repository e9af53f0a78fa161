"""A camera's RGB: how it relates to CIE XYZ, and what the camera itself chose as white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Camera:
    """One RGB space.

    Attributes:
        name: "Canon EOS 550D", or empty where the file does not say.
        space: "camera" for sensor RGB, "linear-srgb" for rendered files.
        matrices: (calibration illuminant's CCT in kelvin, 3x3 CIE XYZ to camera RGB) once or twice, as in the DNG
            ColorMatrix1/2 tags; empty where the camera is not calibrated.
        as_shot: The white that the camera chose, RGB; None where the file does not say.
    """

    name: str = ""
    space: str = "camera"
    matrices: tuple[tuple[float, Matrix], ...] = ()
    as_shot: tuple[float, float, float] | None = None

    def xyz_to_rgb(self, cct: float = 6504.0) -> NDArray[np.float64] | None:
        """The 3x3 XYZ-to-camera matrix for a light of this CCT (DNG 1.7 interpolation in reciprocal kelvin)."""
        raise NotImplementedError

    def white_xy(self, rgb: Sequence[float]) -> tuple[float, float] | None:
        """CIE 1931 xy of a light seen as ``rgb``."""
        raise NotImplementedError

    def rgb_of_xy(self, x: float, y: float) -> tuple[float, float, float] | None:
        """RGB, green = 1, of a light of this chromaticity."""
        raise NotImplementedError

    def cct_duv(self, rgb: Sequence[float]) -> tuple[float, float] | None:
        raise NotImplementedError


LINEAR_SRGB = Camera(space="linear-srgb")
