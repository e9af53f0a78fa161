"""A camera's RGB: how it relates to CIE XYZ, and what the camera itself chose as white.

The colour model is that of the Digital Negative (DNG) specification 1.7.1, chapter 6, "Mapping Camera Color Space to
CIE XYZ Space": one or two XYZ-to-camera matrices, each calibrated under a light of known CCT, blended by reciprocal
CCT for the lights between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.temperature import nearest_cct, xy_to_cct_duv
from awbkit.errors import UsageError

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

D65_XY = (0.3127, 0.3290)
"""CIE 1931 xy of the canonical white, as IEC 61966-2-1 and ITU-R BT.709 round it."""

_MAX_ENTRY = 1e6


@dataclass(frozen=True)
class Camera:
    """One RGB space; hashable, picklable, compared by value.

    Attributes:
        name: "Canon EOS 550D", or empty where the file does not say.
        space: "camera" for sensor RGB, "linear-srgb" for rendered files.
        matrices: (calibration illuminant's CCT in kelvin, 3x3 CIE XYZ to camera RGB) once or twice, as in the DNG
            ColorMatrix1/2 tags; empty where the camera is not calibrated. Nested sequences and arrays are
            converted to tuples.
        as_shot: The white that the camera chose, RGB; None where the file does not say.

    Raises:
        UsageError: If a matrix is not 3x3, not finite, singular or a million times too large or small, a CCT is not
            positive, there are more than two matrices, or ``as_shot`` is not three positive numbers.
    """

    name: str = ""
    space: str = "camera"
    matrices: tuple[tuple[float, Matrix], ...] = ()
    as_shot: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if len(self.matrices) > 2:
            raise UsageError(f"a camera has one or two matrices, not {len(self.matrices)}")
        checked = tuple((_check_cct(cct), _check_matrix(matrix)) for cct, matrix in self.matrices)
        object.__setattr__(self, "matrices", checked)
        if self.as_shot is not None:
            object.__setattr__(self, "as_shot", _check_white(self.as_shot))

    @property
    def white_d65(self) -> tuple[float, float, float] | None:
        """The canonical white: RGB, green = 1, of D65 as this camera sees it; None without a matrix."""
        return self.rgb_of_xy(*D65_XY)

    def xyz_to_rgb(self, cct: float = 6504.0) -> NDArray[np.float64] | None:
        """The 3x3 XYZ-to-camera matrix for a light of this CCT.

        Two matrices are interpolated linearly in reciprocal CCT and not extrapolated; see DNG 1.7.1, chapter 6.

        Args:
            cct: Kelvin, positive.

        Returns:
            float64 (3, 3), camera RGB from XYZ columns; None where the camera has no matrix.

        Raises:
            UsageError: If ``cct`` is not positive.
        """
        _check_cct(cct)
        return self._blend(self._share(cct)) if self.matrices else None

    def white(
        self, rgb: Sequence[float] | NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """The XYZ of a light seen as ``rgb`` and the (3, 3) XYZ-to-camera matrix that belongs to that light.

        With two matrices, the light depends on the matrix and the matrix on the light. The DNG specification finds the
        fixed point by repeated substitution ("Translating Camera Neutral Coordinates to White Balance xy Coordinates").
        Bracketing finds the same point and cannot cycle.

        Returns:
            XYZ (3,) on the scale of ``rgb``, and ``matrix`` with ``matrix @ xyz == rgb``; None where the camera
            has no matrix or no light of positive luminance looks like this.
        """
        values = np.asarray(rgb, dtype=np.float64)
        if not self.matrices or values.shape != (3,) or not np.isfinite(values).all():
            return None
        low, high = 0.0, 1.0
        error_low, error_high = self._mismatch(values, low), self._mismatch(values, high)
        if error_low is None or error_high is None:
            return None
        if error_low <= 0 or error_high >= 0:
            return self._solve(values, low if error_low <= 0 else high)
        share, raised = low, None
        for _ in range(60):
            share = (low * error_high - high * error_low) / (error_high - error_low)
            error = self._mismatch(values, share)
            if error is None:
                return None
            if abs(error) < 1e-13:
                break
            # Regula falsi, Illinois variant: an end that stays put twice counts half, so that it moves too.
            if error > 0:
                low, error_low, error_high = share, error, error_high / 2 if raised is True else error_high
            else:
                high, error_high, error_low = share, error, error_low / 2 if raised is False else error_low
            raised = error > 0
        return self._solve(values, share)

    def white_xy(self, rgb: Sequence[float] | NDArray[np.floating]) -> tuple[float, float] | None:
        """CIE 1931 xy of a light seen as ``rgb``, on any scale.

        Returns:
            x and y; None where the camera has no matrix or no light of positive luminance looks like this.
        """
        found = self.white(rgb)
        return None if found is None else _chromaticity(found[0])

    def rgb_of_xy(self, x: float, y: float) -> tuple[float, float, float] | None:
        """RGB, green = 1, of a light of this CIE 1931 chromaticity.

        None where the camera has no matrix, ``x`` and ``y`` are no chromaticity, or the light lies outside the
        positive RGB of this space, as lights under some 1900 K do in linear sRGB.
        """
        cct = nearest_cct(x, y)
        matrix = None if cct is None else self.xyz_to_rgb(cct)
        if matrix is None:
            return None
        red, green, blue = (float(value) for value in matrix @ [x / y, 1.0, (1 - x - y) / y])
        if not (red > 0 and green > 0 and blue > 0):
            return None
        white = red / green, 1.0, blue / green
        return white if math.isfinite(white[0] + white[2]) else None

    def cct_duv(self, rgb: Sequence[float] | NDArray[np.floating]) -> tuple[float, float] | None:
        """Correlated colour temperature in kelvin and Duv of a light seen as ``rgb``.

        None where the camera has no matrix or the light is off the CCT scale; see `awbkit.colour.temperature`.
        """
        xy = self.white_xy(rgb)
        return None if xy is None else xy_to_cct_duv(*xy)

    def _share(self, cct: float) -> float:
        """The second matrix's share, 0 to 1, in the blend for a light of this CCT."""
        first = self.matrices[0][0]
        second = self.matrices[-1][0]
        if first == second:
            return 0.0
        return min(max((1 / cct - 1 / first) / (1 / second - 1 / first), 0.0), 1.0)

    def _blend(self, share: float) -> NDArray[np.float64]:
        first = np.array(self.matrices[0][1])
        return first if share == 0 else (1 - share) * first + share * np.array(self.matrices[-1][1])

    def _solve(self, rgb: NDArray[np.float64], share: float) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        matrix = self._blend(share)
        try:
            xyz = np.asarray(np.linalg.solve(matrix, rgb), dtype=np.float64)
        except np.linalg.LinAlgError:
            # Two sound matrices of opposite orientation have a singular blend.
            return None
        return None if _chromaticity(xyz) is None else (xyz, matrix)

    def _mismatch(self, rgb: NDArray[np.float64], share: float) -> float | None:
        """The share that fits the light found with this share, minus this share; None where no light is found."""
        found = self._solve(rgb, share)
        xy = None if found is None else _chromaticity(found[0])
        cct = None if xy is None else nearest_cct(*xy)
        return None if cct is None else self._share(cct) - share


def _chromaticity(xyz: NDArray[np.float64]) -> tuple[float, float] | None:
    total = float(xyz.sum())
    if not (math.isfinite(total) and total > 0 and xyz[1] > 0):
        return None
    return float(xyz[0]) / total, float(xyz[1]) / total


def _check_cct(cct: float) -> float:
    if not cct > 0:
        raise UsageError(f"a CCT must be a positive number of kelvins, not {cct:g}")
    return float(cct)


def _check_matrix(matrix: object) -> Matrix:
    try:
        values = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (3, 3) or not np.isfinite(values).all():
        raise UsageError("a camera matrix must be 3x3 finite numbers (CIE XYZ to camera RGB)")
    if not 1 / _MAX_ENTRY < np.abs(values).max() < _MAX_ENTRY and values.any():
        raise UsageError(f"a camera matrix maps XYZ to RGB of similar size; this one reaches {values.max():g}")
    if np.linalg.matrix_rank(values) < 3:
        raise UsageError("a camera matrix must be invertible; this one is singular")
    rows = values.tolist()
    return (tuple(rows[0]), tuple(rows[1]), tuple(rows[2]))


def _check_white(white: Sequence[float]) -> tuple[float, float, float]:
    values = [float(value) for value in white]
    if len(values) != 3 or not all(math.isfinite(value) and value > 0 for value in values):
        raise UsageError(f"an as-shot white needs three positive numbers (red, green, blue), not {values}")
    return values[0], values[1], values[2]


def _matrix_of_primaries(primaries: Sequence[tuple[float, float]], white: tuple[float, float]) -> Matrix:
    """The 3x3 XYZ-to-RGB matrix of an RGB space by its primaries' and white's xy (SMPTE RP 177:1993)."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T
    x, y = white
    amounts = np.linalg.solve(columns, [x / y, 1.0, (1 - x - y) / y])
    return _check_matrix(np.linalg.inv(columns * amounts))


# IEC 61966-2-1 prints this matrix rounded; from its primaries, D65 maps to (1, 1, 1) to the last bit of float64.
LINEAR_SRGB = Camera(
    space="linear-srgb",
    matrices=((6504.0, _matrix_of_primaries(((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), D65_XY)),),
)
