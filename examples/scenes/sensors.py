"""How sensors answer spectra: linear sRGB by the CIE observer, and a raw camera with its calibration.

All spectra are sampled as in `scenes.spectra`; sensitivities are (31, 3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenes.spectra import NM, PAINT, Spectrum, daylight, planckian

Matrix = NDArray[np.float64]

# IEC 61966-2-1, CIE XYZ of D65 to linear sRGB.
XYZ_TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])

# What the example camera sees in a perfect white under D65.
CAMERA_WHITE = np.array([0.50, 1.0, 0.65])


def _lobe(centre: float, left: float, right: float) -> Matrix:
    away = NM - centre
    return np.exp(-0.5 * (away / np.where(away < 0, left, right)) ** 2)


def observer() -> Matrix:
    """The CIE 1931 observer as sums of lobes (Wyman, Sloan and Shirley 2013, "Simple analytic approximations")."""
    x = 1.056 * _lobe(599.8, 37.9, 31.0) + 0.362 * _lobe(442.0, 16.0, 26.7) - 0.065 * _lobe(501.1, 20.4, 26.2)
    y = 0.821 * _lobe(568.8, 46.9, 40.5) + 0.286 * _lobe(530.9, 16.3, 31.1)
    z = 1.217 * _lobe(437.0, 11.8, 36.0) + 0.681 * _lobe(459.0, 26.0, 13.8)
    return np.stack([x, y, z], axis=1)


def srgb_sensor() -> Matrix:
    """Sensitivities whose answer is linear sRGB with the white balance fixed at daylight: D65 gives equal RGB."""
    raw = observer() @ XYZ_TO_SRGB.T
    return raw / (daylight(6504.0) @ raw)


def camera_sensor() -> Matrix:
    """A raw camera: one band a filter, a little of red's second lobe, and `CAMERA_WHITE` under D65."""
    bands = np.stack(
        [
            _lobe(603, 26, 38) + 0.05 * _lobe(440, 20, 20),
            _lobe(534, 34, 36) + 0.03 * _lobe(610, 30, 30),
            _lobe(459, 26, 27) + 0.02 * _lobe(540, 25, 25),
        ],
        axis=1,
    )
    return bands / (daylight(6504.0) @ bands) * CAMERA_WHITE


def answer(light: Spectrum, sensor: Matrix) -> Matrix:
    """The sensor's RGB for a perfect white under a light, (3,)."""
    return np.asarray(light, dtype=np.float64) @ sensor


def colour_matrix(light: Spectrum) -> Matrix:
    """CIE XYZ to camera RGB under a light, (3, 3), by least squares over the scenes' paints.

    As in the DNG specification's ColorMatrix: XYZ is not adapted, and Y of white is 1. Every paint counts by its
    relative error, and white counts ten times, so that neutrals come out exact to a fraction of a percent.
    """
    paints = np.stack(list(PAINT.values())).astype(np.float64)
    paints = np.vstack([paints, np.ones((10, paints.shape[1]))])
    seen = paints * light
    xyz = seen @ observer()
    xyz = xyz / (light @ observer()[:, 1])
    rgb = seen @ camera_sensor()
    rgb = rgb / answer(light, camera_sensor())[1]
    weight = 1 / np.linalg.norm(xyz, axis=1, keepdims=True)
    matrix, *_ = np.linalg.lstsq(xyz * weight, rgb * weight, rcond=None)
    return matrix.T


def calibration() -> dict[int, Matrix]:
    """The two matrices of a DNG file by EXIF LightSource code: 17 is standard light A, 21 is D65."""
    return {17: colour_matrix(planckian(2856.0)), 21: colour_matrix(daylight(6504.0))}
