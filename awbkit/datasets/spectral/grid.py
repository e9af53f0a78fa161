"""The common wavelengths of all spectra, and the interpolation of other tables to them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.errors import UsageError

STEP = 5.0
WAVELENGTHS: Final = np.arange(380.0, 781.0, STEP)
"""Nanometres, 380 to 780 by 5: the grid of the measured cameras, and of CIE 15 for spectra without lines."""

WAVELENGTHS.setflags(write=False)

# The six points around a gap make a polynomial of the fifth degree whose first and second derivatives at the gap's ends
# are those of the neighbours' (CIE 167:2005, 9.2.4; T. B. Sprague 1880): rows are its coefficients
# by rising power, times 24.
_SPRAGUE = np.array(
    [
        [0, 0, 24, 0, 0, 0],
        [2, -16, 0, 16, -2, 0],
        [-1, 16, -30, 16, -1, 0],
        [-9, 39, -70, 66, -33, 7],
        [13, -64, 126, -124, 61, -12],
        [-5, 25, -50, 50, -25, 5],
    ]
)

# Two further points before the first, from the first six, times 209 (CIE 167:2005, table V); mirrored after the last.
_SPRAGUE_ENDS = np.array([[884, -1960, 3033, -2648, 1080, -180], [508, -540, 488, -367, 144, -24]])


def resample(wavelengths: ArrayLike, values: ArrayLike, *, outside: str = "hold") -> NDArray[np.float64]:
    """A smooth spectrum on :data:`WAVELENGTHS`.

    Equal steps use Sprague's quintic of CIE 167:2005, "Recommended practice for tabulating spectral data for use in
    colour computations"; other steps use the cubic through the four nearest points (Lagrange), which CIE 15 allows. A
    table finer than the grid is sampled, not averaged, which is right for smooth spectra, but not for the lines of a
    gas.

    Args:
        wavelengths: (N,) nanometres, ascending.
        values: (N,) or (N, C).
        outside: Beyond the table: "hold" the last value (as CIE 15 does), or "zero".

    Returns:
        (81,) or (81, C).

    Raises:
        UsageError: If there are fewer than six wavelengths, they do not ascend, a number is not finite, or the shapes
            do not match.
    """
    table = np.asarray(wavelengths, dtype=np.float64)
    data = np.asarray(values, dtype=np.float64)
    if table.ndim != 1 or len(table) < 6 or data.shape[:1] != table.shape or data.ndim > 2:
        raise UsageError("a spectrum needs six wavelengths or more, and a value at each")
    steps = np.diff(table)
    if not np.isfinite(table).all() or not np.isfinite(data).all() or not (steps > 0).all():
        raise UsageError("a spectrum needs finite values at rising wavelengths")
    inside = np.clip(WAVELENGTHS, table[0], table[-1])
    even = np.ptp(steps) < 1e-6 * steps[0]
    result = _sprague(table, data, inside) if even else _lagrange(table, data, inside)
    if outside == "zero":
        result[inside != WAVELENGTHS] = 0
    return result


def _sprague(table: NDArray[np.float64], data: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    before = _SPRAGUE_ENDS @ data[:6] / 209
    after = (_SPRAGUE_ENDS @ data[:-7:-1] / 209)[::-1]
    padded = np.concatenate([before, data, after])
    place = (at - table[0]) / (table[-1] - table[0]) * (len(table) - 1)
    first = np.minimum(place.astype(np.intp), len(table) - 2)
    powers = (place - first)[:, None] ** np.arange(6)
    return _weigh(powers @ _SPRAGUE / 24, padded, first)


def _lagrange(table: NDArray[np.float64], data: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    first = np.clip(np.searchsorted(table, at, side="right") - 2, 0, len(table) - 4)
    near = table[first[:, None] + np.arange(4)]
    weights = np.ones_like(near)
    for point in range(4):
        for other in range(4):
            if other != point:
                weights[:, point] *= (at - near[:, other]) / (near[:, point] - near[:, other])
    return _weigh(weights, data, first)


def _weigh(weights: NDArray[np.float64], data: NDArray[np.float64], first: NDArray[np.intp]) -> NDArray[np.float64]:
    """Weighted sums of neighbouring values at each wavelength, with one value for each weight."""
    neighbours = data[first[:, None] + np.arange(weights.shape[1])]
    return np.asarray(np.einsum("nk,nk...->n...", weights, neighbours))
