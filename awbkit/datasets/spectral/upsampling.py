"""Reflectances for the pixels of photographs: three spectra whose mixtures match any colour of sRGB.

The idea is that of I. Mallett and C. Yuksel, "Spectral primary decomposition for rendering with sRGB reflectance",
Eurographics Symposium on Rendering (2019): a pixel's linear red, green and blue are the weights of three reflectances
that (1) have the sRGB primaries' colours under D65, (2) sum to 1 at every wavelength, (3) are nowhere negative, and (4)
are the smoothest such, in the sum of the squared differences between neighbouring wavelengths. White is then a perfect
white, no colour reflects more light than it gets, and an image takes one 3 x 3 matrix for each light and camera.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import LINEAR_SRGB
from awbkit.datasets.spectral.grid import WAVELENGTHS
from awbkit.datasets.spectral.measurements import measurements
from awbkit.datasets.spectral.sensitivities import d65

_ROUNDS = 200
"""Limit of the iterations, far more than the active set needs."""


@cache
def basis() -> NDArray[np.float64]:
    """The reflectances of sRGB red, green and blue, (3, 81), 0 to 1.

    A quadratic programme, solved by its Karush-Kuhn-Tucker system under an active set: negative reflectances are fixed
    at 0, and released where the multiplier shows that the constraint costs smoothness.
    """
    count = len(WAVELENGTHS)
    differences = np.diff(np.eye(count), axis=0)
    smoothness = np.kron(np.eye(3), differences.T @ differences)
    sums, ones = np.kron(np.ones((1, 3)), np.eye(count)), np.ones(count)
    # Blue's colour follows from red's, green's and white's.
    colours = np.kron(np.eye(3)[:2], srgb_of_reflectance())
    equalities = np.concatenate([sums, colours])
    wanted = np.concatenate([ones, np.eye(3)[:2].ravel()])
    active: list[int] = []
    spectra = np.zeros(3 * count)
    for _ in range(_ROUNDS):
        constraints = np.concatenate([equalities, np.eye(3 * count)[active]])
        zero = np.zeros((len(constraints), len(constraints)))
        system = np.block([[smoothness, constraints.T], [constraints, zero]])
        results = np.concatenate([np.zeros(3 * count), wanted, np.zeros(len(active))])
        solved = np.linalg.lstsq(system, results, rcond=None)[0]
        spectra = solved[: 3 * count]
        costly = solved[len(solved) - len(active) :] > 1e-12
        negative = np.flatnonzero(spectra < -1e-12)
        if not costly.any() and not len(negative):
            break
        useful = [index for index, is_costly in zip(active, costly, strict=True) if not is_costly]
        active = sorted({*useful, *negative.tolist()})
    result = np.clip(spectra.reshape(3, count), 0, 1)
    result.setflags(write=False)
    return result


@cache
def srgb_of_reflectance() -> NDArray[np.float64]:
    """Matrix (3, 81) from a reflectance to its linear sRGB under D65; a perfect white gives 1, 1, 1."""
    matrix = LINEAR_SRGB.xyz_to_rgb()
    assert matrix is not None
    response = matrix @ (measurements().observer * d65()[:, None]).T
    # D65's power and its rounded xy disagree by some 1e-4.
    return np.asarray(response / response.sum(axis=1, keepdims=True))
