"""Surfaces: random reflectance spectra of paint, foliage, earth, skin, sky and grey things.

They come from measured spectra where available, and otherwise from the physics of the pigment, so that metamers differ
under another light, as in reality. All lie between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.spectral.grid import WAVELENGTHS
from awbkit.datasets.spectral.measurements import measurements

Spectra = NDArray[np.float64]

_LEAST, _GREATEST = 0.02, 0.95
"""Least and greatest reflectance: black paint and fresh snow."""

_RATIO = WAVELENGTHS / 550.0


def _bands(*bands: tuple[float, float, float]) -> Spectra:
    """Sum (81,) of Gaussians of (centre in nanometres, standard deviation, height)."""
    total = np.zeros(len(WAVELENGTHS))
    for centre, deviation, height in bands:
        total += height * np.exp(-(((WAVELENGTHS - centre) / deviation) ** 2) / 2)
    return total


# Chlorophyll a and b with carotenoids, roughly as in S. Jacquemoud and F. Baret, "PROSPECT: a model of leaf optical
# properties spectra", Remote Sensing of Environment 34, 1990: strong in violet, blue and red, weak in green, none past
# 720 nm.
_CHLOROPHYLL = _bands((430, 35, 0.9), (475, 22, 0.5), (560, 50, 0.1), (620, 30, 0.5), (672, 20, 1.0))
_CAROTENOID = _bands((445, 35, 1.0), (485, 22, 0.7))

# Oxygenated blood's bands and melanin's power law, after S. L. Jacques, "Optical properties of biological tissues: a
# review", Physics in Medicine and Biology 58, 2013.
_BLOOD = _bands((415, 16, 1.0), (542, 14, 0.28), (577, 10, 0.29), (500, 80, 0.08))
_MELANIN = _RATIO**-3.33


def draw(rng: np.random.Generator, families: Sequence[str], colourfulness: float) -> Spectra:
    """Draw one surface of each family in a list.

    Args:
        rng: Random generator.
        families: Names in :data:`FAMILIES`.
        colourfulness: 0 makes every surface grey, 1 does not change it, more saturates it: reflectances are raised to
            this power about their mean level, as by a thinner or thicker layer of dye (Bouguer and Lambert).

    Returns:
        (len(families), 81), each within 0.02 to 0.95.
    """
    spectra = np.empty((len(families), len(WAVELENGTHS)))
    for family in dict.fromkeys(families):
        chosen = [index for index, name in enumerate(families) if name == family]
        spectra[chosen] = FAMILIES[family](rng, len(chosen))
    level = np.exp(np.log(np.maximum(spectra, 1e-3)).mean(axis=1, keepdims=True))
    saturated = level * (np.maximum(spectra, 1e-3) / level) ** colourfulness
    return np.asarray(np.clip(saturated, _LEAST, _GREATEST))


def _pigment(rng: np.random.Generator, count: int) -> Spectra:
    patches = measurements().patches
    first, second = patches[rng.integers(len(patches), size=(2, count))]
    share = rng.uniform(0, 0.5, (count, 1)) ** 2
    return np.asarray(first * (1 - share) + second * share)


def _grey(rng: np.random.Generator, count: int) -> Spectra:
    level = np.exp(rng.uniform(np.log(0.04), np.log(0.9), (count, 1)))
    # Concrete, asphalt, plaster and dust are a little yellow more often than blue, the darker the more.
    tilt = rng.normal(0.25, 0.35, (count, 1)) * (1.2 - level)
    return np.asarray(level * _RATIO**tilt)


def _white(rng: np.random.Generator, count: int) -> Spectra:
    level = rng.uniform(0.6, 0.92, (count, 1))
    # Titanium white and paper absorb in the violet.
    edge = 1 - rng.uniform(0.05, 0.6, (count, 1)) / (1 + np.exp((WAVELENGTHS - 405) / 10))
    return np.asarray(level * edge * _RATIO ** rng.normal(0.12, 0.16, (count, 1)))


def _foliage(rng: np.random.Generator, count: int) -> Spectra:
    green = np.exp(rng.normal(0.4, 0.5, (count, 1)))
    yellow = np.exp(rng.normal(-0.8, 0.6, (count, 1)))
    top = rng.uniform(0.2, 0.55, (count, 1))
    return np.asarray(top * np.exp(-green * _CHLOROPHYLL - yellow * _CAROTENOID) + 0.02)


def _earth(rng: np.random.Generator, count: int) -> Spectra:
    # Iron oxides: an edge between 530 nm (ochre) and 590 nm (brick) over a slow rise; wood, sand and hair are alike.
    edge = rng.uniform(520, 595, (count, 1))
    width = rng.uniform(20, 70, (count, 1))
    depth = rng.uniform(0.2, 0.9, (count, 1))
    rise = rng.uniform(0.2, 1.2, (count, 1))
    level = np.exp(rng.uniform(np.log(0.08), np.log(0.6), (count, 1)))
    return np.asarray(level * (1 - depth / (1 + np.exp((WAVELENGTHS - edge) / width))) * _RATIO**rise)


def _skin(rng: np.random.Generator, count: int) -> Spectra:
    melanin = np.exp(rng.normal(-1.2, 0.7, (count, 1)))
    blood = rng.uniform(0.4, 1.1, (count, 1))
    return np.asarray(0.75 * np.exp(-melanin * _MELANIN - blood * _BLOOD))


def _blue_sky(rng: np.random.Generator, count: int) -> Spectra:
    # Rayleigh's law softened by haze; its radiance against that of a white in the sun.
    return np.asarray(rng.uniform(0.15, 0.6, (count, 1)) * _RATIO ** -rng.uniform(0.8, 3.2, (count, 1)))


def _overcast_sky(rng: np.random.Generator, count: int) -> Spectra:
    return np.asarray(rng.uniform(0.6, 0.95, (count, 1)) * _RATIO ** -rng.normal(0.1, 0.15, (count, 1)))


FAMILIES: Mapping[str, Callable[[np.random.Generator, int], Spectra]] = {
    "pigment": _pigment,
    "grey": _grey,
    "white": _white,
    "foliage": _foliage,
    "earth": _earth,
    "skin": _skin,
    "blue sky": _blue_sky,
    "overcast sky": _overcast_sky,
}
"""The function that draws (count, 81) surfaces of each family."""
