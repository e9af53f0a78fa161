"""Lights and reflectances, sampled every 10 nm from 400 to 700 nm (31 bands).

Lights are relative spectral power, scaled to a mean of 1. Reflectances lie between 0 and 1. Both are written as
formulae, so that every picture can be rendered again from nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float32]

NM = np.arange(400.0, 701.0, 10.0)

# CIE 15:2018, table of the daylight components S0, S1 and S2.
_S0 = (
    "94.8 104.8 105.9 96.8 113.9 125.6 125.5 121.3 121.3 113.5 113.1 110.8 106.5 108.8 105.3 104.4 100.0 96.0 95.1 "
    "89.1 90.5 90.3 88.4 84.0 85.1 81.9 82.6 84.9 81.3 71.9 74.3"
)
_S1 = (
    "43.4 46.3 43.9 37.1 36.7 35.9 32.6 27.9 24.3 20.1 16.2 13.2 8.6 6.1 4.2 1.9 0.0 -1.6 -3.5 -3.5 -5.8 -7.2 -8.6 "
    "-9.5 -10.9 -10.7 -12.0 -14.0 -13.6 -12.0 -13.3"
)
_S2 = (
    "-1.1 -0.5 -0.7 -1.2 -2.6 -2.9 -2.8 -2.6 -2.6 -1.8 -1.5 -1.3 -1.2 -1.0 -0.5 -0.3 0.0 0.2 0.5 2.1 3.2 4.1 4.7 5.1 "
    "6.7 7.3 8.6 9.8 10.2 8.3 9.6"
)


def _relative(power: NDArray[np.float64]) -> Spectrum:
    return (power / power.mean()).astype(np.float32)


def planckian(kelvin: float) -> Spectrum:
    """A black body (Planck's law, c2 = 1.4388e-2 m K); tungsten filaments are close to one."""
    metres = NM * 1e-9
    return _relative(1e-35 / (metres**5 * np.expm1(1.4388e-2 / (metres * kelvin))))


def daylight(kelvin: float) -> Spectrum:
    """CIE daylight of a CCT between 4000 and 25 000 K (CIE 15:2018, section 4.1.2)."""
    if kelvin <= 7000:
        x = -4.6070e9 / kelvin**3 + 2.9678e6 / kelvin**2 + 0.09911e3 / kelvin + 0.244063
    else:
        x = -2.0064e9 / kelvin**3 + 1.9018e6 / kelvin**2 + 0.24748e3 / kelvin + 0.237040
    y = -3.000 * x * x + 2.870 * x - 0.275
    scale = 0.0241 + 0.2562 * x - 0.7341 * y
    m1 = (-1.3515 - 1.7703 * x + 5.9114 * y) / scale
    m2 = (0.0300 - 31.4424 * x + 30.0717 * y) / scale
    s0, s1, s2 = (np.array(column.split(), dtype=np.float64) for column in (_S0, _S1, _S2))
    return _relative(s0 + m1 * s1 + m2 * s2)


def fluorescent() -> Spectrum:
    """A cool white halophosphate tube: antimony and manganese bands, and the mercury lines on top of them."""
    power = 0.55 * np.exp(-0.5 * ((NM - 480) / 44) ** 2) + 1.6 * np.exp(-0.5 * ((NM - 582) / 38) ** 2)
    for line, strength in ((404.7, 0.8), (435.8, 2.2), (546.1, 1.4), (578.0, 0.4)):
        power += strength * np.clip(1 - np.abs(NM - line) / 10, 0, None)
    return _relative(power)


def led(blue: float = 0.95) -> Spectrum:
    """A white LED: a blue diode under a yellow phosphor. The less blue comes through, the warmer the white."""
    sides = np.where(NM < 575, 48.0, 60.0)
    return _relative(blue * np.exp(-0.5 * ((NM - 452) / 11) ** 2) + np.exp(-0.5 * ((NM - 575) / sides) ** 2))


def flat(level: float) -> Spectrum:
    """A neutral reflectance."""
    return np.full(NM.size, level, dtype=np.float32)


def edge(nm: float, low: float, high: float, width: float = 14.0) -> Spectrum:
    """A reflectance that climbs at ``nm`` (reds, oranges, yellows), or falls where ``high`` < ``low`` (blues)."""
    return (low + (high - low) / (1 + np.exp(-(NM - nm) / width))).astype(np.float32)


def hump(nm: float, base: float, height: float, width: float = 35.0) -> Spectrum:
    """A reflectance with one band (greens, blues)."""
    return (base + height * np.exp(-0.5 * ((NM - nm) / width) ** 2)).astype(np.float32)


def foliage(level: float = 1.0) -> Spectrum:
    """A leaf: chlorophyll lets green through, and the red edge begins before 700 nm."""
    return np.clip(level * (hump(552, 0.035, 0.13, 26) + edge(702, 0.0, 0.28, 7)), 0, 1).astype(np.float32)


# Named paints and stuffs, so that scenes read as lists of things.
PAINT: dict[str, Spectrum] = {
    "black": flat(0.03),
    "charcoal": flat(0.07),
    "gray": flat(0.18),
    "silver": flat(0.45),
    "white": (flat(0.86) * edge(405, 0.8, 1.0, 9)).astype(np.float32),
    "cream": edge(455, 0.42, 0.78, 30),
    "ivory": edge(440, 0.55, 0.82, 24),
    "red": edge(602, 0.035, 0.62, 10),
    "crimson": (edge(612, 0.03, 0.48, 12) + hump(440, 0, 0.03)).astype(np.float32),
    "orange": edge(568, 0.04, 0.72, 13),
    "yellow": edge(512, 0.05, 0.78, 12),
    "lemon": edge(503, 0.09, 0.80, 13),
    "lime": (hump(555, 0.05, 0.42, 36) + edge(700, 0, 0.2, 10)).astype(np.float32),
    "green": hump(530, 0.04, 0.26, 30),
    "teal": hump(495, 0.05, 0.30, 36),
    "blue": hump(455, 0.04, 0.36, 32),
    "navy": hump(450, 0.025, 0.10, 32),
    "sky": hump(470, 0.18, 0.38, 48),
    "violet": (hump(430, 0.06, 0.25, 28) + edge(650, 0, 0.25, 16)).astype(np.float32),
    "pink": (edge(590, 0.30, 0.72, 14) + hump(430, 0, 0.14, 32)).astype(np.float32),
    "brown": edge(600, 0.05, 0.20, 34),
    "terracotta": edge(582, 0.08, 0.42, 18),
    "brick": edge(585, 0.07, 0.32, 20),
    "mortar": edge(480, 0.30, 0.46, 60),
    "pine": edge(530, 0.16, 0.62, 48),
    "oak": edge(565, 0.09, 0.42, 46),
    "walnut": edge(590, 0.045, 0.19, 44),
    "straw": edge(530, 0.18, 0.55, 40),
    "leaf": foliage(1.0),
    "grass": foliage(1.35),
    "moss": foliage(0.6),
    "earth": edge(590, 0.06, 0.20, 50),
    "stone": edge(480, 0.26, 0.36, 80),
    "asphalt": edge(500, 0.055, 0.075, 80),
    "aubergine": (hump(420, 0.02, 0.02) + edge(680, 0, 0.10, 14)).astype(np.float32),
}
