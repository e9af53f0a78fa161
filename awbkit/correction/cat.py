"""Linear chromatic adaptation transforms (CATs): from one white to another by way of CIE XYZ.

Each goes from XYZ to a sharpened cone response, scales its three channels by the ratio of the two whites (von Kries
1902, full adaptation) and goes back. They need to know the light in XYZ, and so a camera with a matrix; the von Kries
correction in the camera's own RGB needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import CATS
from awbkit.colour.camera import D65_XY, LINEAR_SRGB, Camera
from awbkit.colour.temperature import nearest_cct
from awbkit.errors import UsageError

_RESPONSES = MappingProxyType(
    {
        # Hunt-Pointer-Estevez cone fundamentals normalised to D65: R. W. G. Hunt, "The Reproduction of Colour",
        # 6th ed., 2004; M. D. Fairchild, "Color Appearance Models", 3rd ed., 2013, chapter 9.
        "von-kries": ((0.40024, 0.70760, -0.08081), (-0.22630, 1.16532, 0.04570), (0.0, 0.0, 0.91822)),
        # K. M. Lam, "Metamerism and Colour Constancy", thesis, University of Bradford, 1985, in the linear form of
        # ICC.1:2022 annex E.
        "bradford": ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)),
        # CIE 159:2004, "A colour appearance model for colour management systems: CIECAM02".
        "cat02": ((0.7328, 0.4296, -0.1624), (-0.7036, 1.6975, 0.0061), (0.0030, 0.0136, 0.9834)),
        # C. Li et al., "Comprehensive color solutions: CAM16, CAT16, and CAM16-UCS", Color Res. Appl. 42(6), 2017.
        "cat16": (
            (0.401288, 0.650173, -0.051461),
            (-0.250268, 1.204414, 0.045854),
            (-0.002079, 0.048952, 0.953127),
        ),
        # G. D. Finlayson and S. Susstrunk, "Performance of a chromatic adaptation transform based on spectral
        # sharpening", 8th Color Imaging Conference, 2000.
        "sharp": ((1.2694, -0.0988, -0.1706), (-0.8364, 1.8006, 0.0357), (0.0297, -0.0315, 1.0018)),
    }
)


def adaptation_matrix(
    source_xy: Sequence[float], target_xy: Sequence[float], cat: str = "bradford"
) -> NDArray[np.float64]:
    """The XYZ-to-XYZ matrix that turns colours seen under one white into their match under another.

    Args:
        source_xy: CIE 1931 xy of the white to adapt from.
        target_xy: CIE 1931 xy of the white to adapt to.
        cat: One of :data:`awbkit.choices.CATS`.

    Returns:
        float64 (3, 3). It sends the source white to the target white at the same luminance.

    Raises:
        UsageError: If there is no such CAT, or a white is too far from any real light for its cone response to be
            positive.
    """
    if cat not in _RESPONSES:
        raise UsageError(f"there is no chromatic adaptation transform {cat!r}; choose from {', '.join(CATS)}")
    response = np.array(_RESPONSES[cat])
    gains = _cone_response(response, target_xy, cat) / _cone_response(response, source_xy, cat)
    return np.asarray(np.linalg.solve(response, gains[:, None] * response), dtype=np.float64)


def rgb_correction_matrix(
    illuminant_rgb: Sequence[float], camera: Camera = LINEAR_SRGB, cat: str = "bradford"
) -> NDArray[np.float64]:
    """The matrix that corrects linear pixels in the camera's own RGB, by adapting the light to D65.

    Args:
        illuminant_rgb: RGB of a perfect white under the light, on any scale.
        camera: The RGB of the pixels before and after.
        cat: One of :data:`awbkit.choices.CATS`.

    Returns:
        float64 (3, 3). It sends the light to the camera's D65 white, which in linear sRGB is neutral, (k, k, k), and
        keeps the luminance of that white.

    Raises:
        UsageError: If there is no such CAT, the camera has no matrix, or the light cannot be expressed in XYZ.
    """
    return _through_xyz(illuminant_rgb, camera, camera, cat)


def camera_to_srgb_matrix(
    illuminant_rgb: Sequence[float], camera: Camera, cat: str = "bradford"
) -> NDArray[np.float64]:
    """The matrix from linear camera RGB to linear sRGB with the light adapted to D65.

    Args:
        illuminant_rgb: RGB of a perfect white under the light, on any scale.
        camera: The RGB of the pixels before.
        cat: One of :data:`awbkit.choices.CATS`.

    Returns:
        float64 (3, 3). It keeps luminance: the light, scaled to the camera RGB whose luminance Y is 1 by the camera's
        matrix, becomes exactly (1, 1, 1). So it does not depend on the scale of ``illuminant_rgb``; to send the
        light *as given* to (1, 1, 1), divide by ``(matrix @ illuminant_rgb)[1]``.

    Raises:
        UsageError: If there is no such CAT, the camera has no matrix, or the light cannot be expressed in XYZ.
    """
    return _through_xyz(illuminant_rgb, camera, LINEAR_SRGB, cat)


def _through_xyz(illuminant_rgb: Sequence[float], source: Camera, target: Camera, cat: str) -> NDArray[np.float64]:
    """(3, 3) from source RGB, by the matrix for this light, to target RGB, by the matrix for D65."""
    to_target = target.xyz_to_rgb(nearest_cct(*D65_XY) or 6504.0)
    if to_target is None or not source.matrices:
        name = source.name or "this camera"
        raise UsageError(
            f"the {cat} adaptation needs a camera matrix, and {name} has none; use von Kries gains instead"
        )
    white = source.white(illuminant_rgb)
    if white is None:
        light = ", ".join(f"{value:g}" for value in illuminant_rgb)
        raise UsageError(f"the {cat} adaptation cannot place the light ({light}) in XYZ; use von Kries gains instead")
    xyz, matrix = white
    total = float(xyz.sum())
    adapt = adaptation_matrix((float(xyz[0]) / total, float(xyz[1]) / total), D65_XY, cat)
    return np.asarray(to_target @ adapt @ np.linalg.inv(matrix), dtype=np.float64)


def _cone_response(response: NDArray[np.float64], xy: Sequence[float], cat: str) -> NDArray[np.float64]:
    """The response (3,) to a white of this chromaticity and luminance 1."""
    x, y = (float(value) for value in xy)
    cones = response @ [x / y, 1.0, (1 - x - y) / y] if y > 0 else np.zeros(3)
    if not (np.isfinite(cones).all() and (cones > 0).all()):
        raise UsageError(f"the {cat} adaptation has no positive cone response to a white of xy ({x:g}, {y:g})")
    return np.asarray(cones, dtype=np.float64)
