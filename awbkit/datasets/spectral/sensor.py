"""Sensor simulation, from light to raw numbers: exposure, noise, clipping, black level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Sensor:
    """A pixel and its converter by the photon-transfer model (J. R. Janesick, "Photon Transfer", SPIE, 2007).

    Attributes:
        full_well: Electrons at the white level, at the gain in use.
        read_noise: Standard deviation in the dark, in electrons.
        bits: Bits of the converter.
        black: Black level in codes; noise below it is kept down to code 0.
    """

    full_well: float
    read_noise: float
    bits: int
    black: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Sensor:
        """Draw a sensor between a phone's at high gain and a full frame's at base gain."""
        bits = int(rng.choice((10, 12, 14)))
        full_well = float(np.exp(rng.uniform(np.log(1000), np.log(60_000))))
        return cls(full_well, float(rng.uniform(1, 8)), bits, int(rng.integers(0, 2**bits // 16)))

    def variance(self, signal: Pixels) -> Pixels:
        """Noise variance of one pixel, in units of the white level squared: shot noise, read noise and rounding.

        Args:
            signal: Light, 1.0 = white level; any shape.
        """
        dark = (self.read_noise / self.full_well) ** 2 + 1 / 12 / self._range**2
        return np.asarray(np.maximum(signal, 0) / np.float32(self.full_well) + np.float32(dark), dtype=np.float32)

    def read(self, light: Pixels, count: int, rng: np.random.Generator) -> Pixels:
        """Simulate the mean of ``count`` pixels under this light: noisy, clipped, black level subtracted.

        Args:
            light: 1.0 = white level; any shape.
            count: Number of pixels, at least 1.
            rng: Random generator.
        """
        noise = rng.standard_normal(light.shape, dtype=np.float32) * np.sqrt(self.variance(light) / np.float32(count))
        return np.asarray(np.clip(light + noise, np.float32(-self.black / self._range), 1))

    @property
    def _range(self) -> float:
        """Codes from black to white level."""
        return 2.0**self.bits - 1 - self.black


def auto_exposure(light: Pixels, rng: np.random.Generator) -> float:
    """Draw the gain of an automatic exposure: a high percentile comes near the white level.

    Some exposures are a stop or two darker, to save highlights or for lack of light.

    Args:
        light: (H, W, 3) on any scale.
        rng: Random generator.
    """
    greatest = np.maximum(np.maximum(light[..., 0], light[..., 1]), light[..., 2])
    brightest = np.quantile(greatest, rng.uniform(0.93, 1.0))
    stops = float(rng.exponential(0.6)) if rng.random() < 0.6 else float(rng.uniform(-0.3, 0.3))
    return float(2.0**-stops / max(float(brightest), 1e-9))
