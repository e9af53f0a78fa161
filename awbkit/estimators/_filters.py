"""Gaussian derivatives that see valid pixels only.

The smoothed image is a *normalised convolution* (Knutsson and Westin, "Normalized and differential convolution",
CVPR 1993, DOI 10.1109/CVPR.1993.341081): S = N / D, where N is the Gaussian blur of value x mask and D that of the
mask. Its derivatives follow from those of N = S D, and each of N and D is a plain convolution with a separable
derivative of a Gaussian. Neither invalid pixels nor the border of the image can make an edge.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from awbkit.estimators._pixels import FloatArray

TRUNCATE = 3.0
"""The radius of the filters, in standard deviations."""


def gaussian_kernel(sigma: float, order: int) -> FloatArray:
    """A sampled Gaussian (order 0) of sum 1, or its first or second derivative.

    Args:
        sigma: Standard deviation in pixels; 0 is the identity, for order 0 only.
        order: 0, 1 or 2.

    Returns:
        (2 r + 1,), to be correlated with the signal.
    """
    radius = math.ceil(TRUNCATE * sigma)
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    if radius == 0:
        return np.ones(1)
    gauss = np.exp(-0.5 * (x / sigma) ** 2)
    gauss /= gauss.sum()
    if order == 0:
        return np.asarray(gauss)
    if order == 1:
        return np.asarray(x / sigma**2 * gauss)
    return np.asarray((x**2 / sigma**4 - 1 / sigma**2) * gauss)


def _correlate(planes: FloatArray, kernel: FloatArray, axis: int) -> FloatArray:
    """``planes`` (C, H, W), C > 1, correlated with ``kernel`` along ``axis`` (1 or 2), zeros beyond the border."""
    lines = np.moveaxis(planes, axis, -1)
    length = lines.shape[-1]
    # Zeros after each line let all lines be one signal, which numpy correlates in compiled code.
    padded = np.zeros((*lines.shape[:-1], length + len(kernel) // 2))
    padded[..., :length] = lines
    result = np.correlate(padded.reshape(-1), kernel, mode="same").reshape(padded.shape)
    return np.moveaxis(result[..., :length], -1, axis)


class NormalisedGaussian:
    """The Gaussian jet of a masked image.

    Args:
        values: (H, W, C); what lies outside the mask is never read.
        mask: bool (H, W).
        sigma: Standard deviation in pixels.
    """

    def __init__(self, values: FloatArray, mask: NDArray[np.bool_], sigma: float) -> None:
        self._mask = mask
        self._sigma = sigma
        masked = np.where(mask[..., None], values, 0.0).transpose(2, 0, 1)
        self._planes = np.concatenate([masked, mask[None].astype(np.float64)])
        self._smooth_rows = _correlate(self._planes, gaussian_kernel(sigma, 0), 1)

    def _jet(self, dy: int, dx: int) -> tuple[FloatArray, FloatArray]:
        """Derivatives, at the valid pixels, of the blurred value x mask (C, N) and of the blurred mask (N,)."""
        rows = self._smooth_rows if dy == 0 else _correlate(self._planes, gaussian_kernel(self._sigma, dy), 1)
        both = _correlate(rows, gaussian_kernel(self._sigma, dx), 2)[:, self._mask]
        return both[:-1], both[-1]

    def smooth(self) -> FloatArray:
        """The smoothed values at the valid pixels, (N, C)."""
        value, weight = self._jet(0, 0)
        return np.asarray((value / weight).T)

    def gradient(self) -> FloatArray:
        """The length of the gradient at the valid pixels, (N, C)."""
        n, d = self._jet(0, 0)
        ny, dy = self._jet(1, 0)
        nx, dx = self._jet(0, 1)
        s = n / d
        return np.hypot((nx - s * dx) / d, (ny - s * dy) / d).T

    def curvature(self) -> FloatArray:
        """The Frobenius norm of the matrix of second derivatives at the valid pixels, (N, C)."""
        n, d = self._jet(0, 0)
        ny, dy = self._jet(1, 0)
        nx, dx = self._jet(0, 1)
        nyy, dyy = self._jet(2, 0)
        nyx, dyx = self._jet(1, 1)
        nxx, dxx = self._jet(0, 2)
        s = n / d
        sy, sx = (ny - s * dy) / d, (nx - s * dx) / d
        syy = (nyy - 2 * sy * dy - s * dyy) / d
        sxx = (nxx - 2 * sx * dx - s * dxx) / d
        syx = (nyx - sy * dx - sx * dy - s * dyx) / d
        return np.sqrt(sxx**2 + 2 * syx**2 + syy**2).T
