"""Registration: the shift between two pictures of a scene under different lights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.reduction import Reduction

_FLARE = 0.01
"""Added before the logarithm, so that noise in dark areas is not mistaken for structure."""

_FAINT_GRADIENT = 0.05
"""Smaller log-gradients are noise and shading; larger ones count by their direction alone."""

_BLUR = 0.7
"""Standard deviation of the correlation peak in pixels, wide enough for interpolation."""

_REACH = 1 / 16
"""The largest shift in the search, as a share of the side."""

_PEAK_HEIGHT = 9.0
"""Least height of the peak over the surface's root mean square; unrelated scenes stay under 8."""

_EDGE_SHARE = 0.02
"""Least share of edges; with fewer there is nothing to register, and shifts are harmless."""


@dataclass(frozen=True)
class Registration:
    """The shift between two pictures.

    Attributes:
        rows: The shift down of the reference's content in the input, in reduced pixels.
        columns: Its shift to the right, in reduced pixels.
        has_peak: Whether the pictures share enough structure; if not, the shift is 0.
        lacks_edges: Whether one of them has too few edges for a registration, so that a shift would do no harm.
    """

    rows: float
    columns: float
    has_peak: bool
    lacks_edges: bool


def register(picture: Reduction, reference: Reduction) -> Registration:
    """Translation by phase correlation (Kuglin and Hines 1975) of gradient directions (Fitch et al. 2002).

    The gradients are those of each channel's logarithm: within a channel, the light's colour and brightness do not
    change the edges of reflectances; in luminance they would. A Gaussian weight on the spectrum makes the peak a
    Gaussian, whose samples give the sub-pixel part.

    Args:
        picture: The scene.
        reference: The same scene, of the same size, under different lights.

    References:
        C. D. Kuglin and D. C. Hines, "The phase correlation image alignment method", IEEE Int. Conf. Cybernetics and
        Society, 1975. A. J. Fitch, A. Kadyrov, W. J. Christmas and J. Kittler, "Orientation correlation", BMVC 2002.
    """
    height, width = picture.usable.shape
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[1:-1]
    ours, theirs = _gradients(picture), _gradients(reference)
    power = np.zeros((height, width), np.complex128)
    for channel in range(3):
        first, second = (np.fft.fft2(_directions(gradients[channel]) * window) for gradients in (ours, theirs))
        power += first * second.conj()
    strength = np.abs(power)
    power /= np.maximum(strength, 1e-9 * strength.max() + 1e-30)
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    surface = np.fft.ifft2(power * np.exp(-2 * (math.pi * _BLUR) ** 2 * (rows**2 + columns**2))).real
    near = (np.abs(rows) <= _REACH) & (np.abs(columns) <= _REACH)
    row, column = (int(index) for index in np.unravel_index(np.argmax(np.where(near, surface, -np.inf)), near.shape))
    if not surface[row, column] > _PEAK_HEIGHT * math.sqrt(np.mean(surface**2)):
        return Registration(0.0, 0.0, False, min(_edges(ours), _edges(theirs)) < _EDGE_SHARE)
    down = row + _vertex(surface[row - 1, column], surface[row, column], surface[(row + 1) % height, column])
    right = column + _vertex(surface[row, column - 1], surface[row, column], surface[row, (column + 1) % width])
    return Registration(_signed_shift(down, height), _signed_shift(right, width), True, False)


def shift_picture(image: Reduction, rows: float, columns: float) -> Reduction:
    """Shift the picture down and right by fractional pixels; pixels from outside are not usable.

    Cubic convolution (R. G. Keys, "Cubic convolution interpolation for digital image processing", 1981).
    """
    pixels, usable = image.pixels, image.usable
    for axis, amount in ((0, rows), (1, columns)):
        moved, whole = np.zeros_like(pixels), np.ones_like(usable)
        for step in range(math.floor(amount) - 1, math.floor(amount) + 3):
            weight = _cubic(abs(amount - step))
            if weight:
                moved += np.float32(weight) * _roll(pixels, step, axis)
                whole &= _roll(usable, step, axis)
        pixels, usable = moved, whole
    return Reduction(np.maximum(pixels, 0), usable, image.height, image.width)


def _gradients(image: Reduction) -> NDArray[np.complex128]:
    """Gradient (3, h, w) of each channel's logarithm, as the complex number down + i right."""
    log = np.log(np.moveaxis(image.pixels.astype(np.float64), 2, 0) + _FLARE)
    down, right = np.gradient(log, axis=(1, 2))
    return np.asarray(down + 1j * right)


def _directions(gradients: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return gradients / (np.abs(gradients) + _FAINT_GRADIENT)


def _edges(gradients: NDArray[np.complex128]) -> float:
    """Share of the pixels on an edge, in the channel with most edges."""
    return float((np.abs(gradients) > 2 * _FAINT_GRADIENT).mean(axis=(1, 2)).max())


def _vertex(before: float, peak: float, after: float) -> float:
    """Position of a sampled Gaussian's maximum between its neighbours, -0.5 to 0.5."""
    floor = 1e-3 * peak
    left, middle, right = (math.log(max(value, floor)) for value in (before, peak, after))
    curvature = left - 2 * middle + right
    return min(max(0.5 * (left - right) / curvature, -0.5), 0.5) if curvature < 0 else 0.0


def _signed_shift(shift: float, length: int) -> float:
    return shift - length if shift > length / 2 else shift


def _cubic(distance: float) -> float:
    if distance <= 1:
        return (1.5 * distance - 2.5) * distance**2 + 1
    return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2 if distance < 2 else 0.0


def _roll(array: NDArray[Any], step: int, axis: int) -> NDArray[Any]:
    """Shift along an axis by whole pixels, with zeros from outside."""
    result = np.roll(array, step, axis)
    outside = slice(step, None) if step < 0 else slice(step)
    result[(slice(None),) * axis + (outside,)] = 0
    return result
