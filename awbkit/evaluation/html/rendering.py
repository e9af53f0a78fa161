"""Thumbnails for display: balanced for a light, converted by the camera's matrix, exposed, in sRGB."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.image import LinearImage
from awbkit.files.encoding import linear_to_srgb

_BRIGHT = 97.0
"""Percentile of the luminance that the exposure puts at ``_BRIGHT_LEVEL``: highlights may clip, the scene may not."""

_BRIGHT_LEVEL = 0.85
_GRAY_LEVEL = 0.35
_QUALITY = 85


def canonical_white(camera: Camera) -> tuple[float, float, float]:
    """The light that "before" is balanced for: D65 in the camera's RGB, or (1, 1, 1) without a matrix."""
    return camera.white_d65 or (1.0, 1.0, 1.0)


def srgb_matrix(camera: Camera) -> NDArray[np.float64]:
    """Matrix (3, 3) from balanced camera RGB, white at (1, 1, 1), to linear sRGB; the identity without a matrix.

    Balanced RGB is treated as the camera's RGB under D65, its canonical white.
    """
    matrix, white = camera.xyz_to_rgb(), camera.white_d65
    to_srgb = LINEAR_SRGB.xyz_to_rgb()
    if matrix is None or white is None or to_srgb is None:
        return np.eye(3)
    return np.asarray(to_srgb @ np.linalg.inv(matrix) @ np.diag(white), dtype=np.float64)


def render(
    image: LinearImage, lights: Sequence[Sequence[float]], reference: Sequence[float]
) -> list[NDArray[np.uint8]]:
    """Render the image balanced for each of several lights, all at one exposure.

    Args:
        image: Linear camera RGB, white level at 1. Cells that are 0 in all channels are empty, because all their pixels
            were clipped, black or masked; they become gray, as bright as their surroundings.
        lights: RGB of each, positive, on any scale.
        reference: RGB of the light under which the exposure is set.

    Returns:
        For each light, uint8 (H, W, 3) in sRGB. Pixels that clip in the camera become white under every light.
    """
    matrix = srgb_matrix(image.camera)
    empty = ~(image.pixels > 0).any(axis=2)
    luminance = _balance(image, reference, matrix) @ (0.2126, 0.7152, 0.0722)
    bright = float(np.percentile(luminance[~empty], _BRIGHT)) if not empty.all() else 1.0
    exposure = _BRIGHT_LEVEL / max(bright, 1e-6)
    filled = _fill(luminance, np.logical_not(empty))[empty, None]
    pictures = []
    for light in lights:
        linear = _balance(image, light, matrix)
        linear[empty] = filled
        encoded = linear_to_srgb(np.clip(linear * exposure, 0, 1))
        pictures.append(np.rint(encoded * 255).astype(np.uint8))
    return pictures


def gray_card(truth: Sequence[float], estimate: Sequence[float], camera: Camera) -> tuple[int, int, int]:
    """sRGB, 0 to 255, of a gray card in the picture balanced for the estimate."""
    cast = np.asarray(truth, dtype=np.float64) / np.asarray(estimate, dtype=np.float64)
    linear = np.maximum(srgb_matrix(camera) @ cast, 0)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    encoded = linear_to_srgb(np.clip(linear * _GRAY_LEVEL / max(luminance, 1e-6), 0, 1))
    red, green, blue = np.rint(encoded * 255).astype(int).tolist()
    return red, green, blue


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """Encode a picture (H, W, 3) in sRGB as a JPEG in a data URI."""
    import simplejpeg

    code = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=_QUALITY, colorsubsampling="444")
    return "data:image/jpeg;base64," + b64encode(code).decode("ascii")


def _balance(image: LinearImage, light: Sequence[float], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear sRGB (H, W, 3), before exposure."""
    gains = light[1] / np.asarray(light, dtype=np.float64)
    # Above the lowest of the three balanced white levels some channel may be clipped, and the ratio of the channels
    # is no longer that of the scene.
    return np.asarray(np.minimum(image.pixels * gains, gains.min()) @ matrix.T, dtype=np.float64)


def _fill(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fill unknown values (H, W) from their edges inwards by the mean of the known neighbours."""
    sums, count = np.where(known, values, 0.0), known.astype(np.float64)
    while count.any() and not count.all():
        around, weight = (_neighbours(array) for array in (sums, count))
        new = (count == 0) & (weight > 0)
        sums[new] = around[new] / weight[new]
        count[new] = 1.0
    return sums


def _neighbours(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of each cell's four neighbours."""
    padded = np.pad(array, 1)
    return np.asarray(padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:], dtype=np.float64)
