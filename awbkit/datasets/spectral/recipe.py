"""The recipe of a scene: setting and lights, drawn with the frequencies of ordinary photographs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from awbkit.datasets.spectral.grid import WAVELENGTHS
from awbkit.datasets.spectral.lights import Light, black_body, catalogue, coloured_led, daylight

SETTINGS: Final = ("sun", "overcast", "shade", "dusk", "room", "window", "night")

# Shares imitate the field's published sets, in which two thirds of the pictures are taken outdoors.
_FREQUENCY = (0.28, 0.16, 0.08, 0.06, 0.29, 0.07, 0.06)
_LAMP_FREQUENCY = {
    "room": {"tungsten": 0.28, "led": 0.36, "fluorescent": 0.34, "coloured": 0.02},
    "night": {"tungsten": 0.1, "led": 0.38, "fluorescent": 0.1, "discharge": 0.37, "coloured": 0.05},
}

_ONE_LIGHT = 0.65
"""Share of the scenes with one light, if more are allowed."""

MATERIALS: Final = ("foliage", "earth", "pigment", "skin", "blue sky", "grey")
"""Materials of the scenes of one material."""

_TINT = 0.1
"""Standard deviation of the exponent of the power law by which shades, walls and age change a lamp's spectrum."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """The recipe of one scene.

    Attributes:
        setting: One of :data:`SETTINGS`.
        lights: The main light first.
        material: The family of most surfaces, as in a picture of a lawn, a wall or a face; None for a mixed scene.
    """

    setting: str
    lights: tuple[Light, ...]
    material: str | None = None

    @property
    def is_outdoors(self) -> bool:
        """Whether the scene has sky above and ground below."""
        return self.setting not in ("room", "window")

    @property
    def title(self) -> str:
        """The names of the lights."""
        return " + ".join(light.name for light in self.lights)


def draw(rng: np.random.Generator, most_lights: int, *, lamps: bool) -> Recipe:
    """Draw a setting and its lights.

    Args:
        rng: Random generator.
        most_lights: Greatest number of lights, 1 to 3.
        lamps: Whether to use measured lamps; otherwise only daylight and black bodies.

    Raises:
        MissingExtra: If measured lamps are requested and colour-science is not installed.
    """
    setting = str(rng.choice(SETTINGS, p=_FREQUENCY))
    count = 1 if rng.random() < _ONE_LIGHT else int(rng.integers(2, 4))
    lights = [_main_light(rng, setting, lamps)]
    while len(lights) < min(count, most_lights):
        lights.append(_further_light(rng, setting, lamps))
    return Recipe(setting, tuple(lights))


def draw_material(rng: np.random.Generator) -> Recipe:
    """Draw a scene mostly of one material, under daylight or a black body of any temperature from 2,300 to 12,000 K.

    Material and light are then independent: lamps light leaves and the sky lights faces, and only the prior frequencies
    distinguish such pictures.

    Args:
        rng: Random generator.
    """
    cct = 1e6 / float(rng.uniform(1e6 / 12_000, 1e6 / 2_300))
    light = daylight(cct, float(rng.normal(0, 0.004))) if cct >= 4000 else black_body(cct)
    return Recipe("sun" if cct >= 4000 else "room", (light,), str(rng.choice(MATERIALS)))


def _main_light(rng: np.random.Generator, setting: str, lamps: bool) -> Light:
    if setting in ("room", "night"):
        return _lamp(rng, setting, lamps)
    return _sky(rng, "overcast" if setting == "window" else setting)


def _further_light(rng: np.random.Generator, setting: str, lamps: bool) -> Light:
    """Draw a second light: blue sky in the sun's shadows, lamps at dusk and by the window, a window in the room."""
    if setting in ("sun", "overcast", "shade"):
        return _sky(rng, "shade")
    if setting == "room" and rng.random() < 0.6:
        return _sky(rng, "overcast")
    return _lamp(rng, "night" if setting == "night" else "room", lamps)


def _sky(rng: np.random.Generator, setting: str) -> Light:
    """Draw natural light; temperatures vary in mired, which is perceptually even."""
    middle, deviation = {"sun": (188, 10), "overcast": (160, 12), "shade": (128, 20), "dusk": (240, 75)}[setting]
    cct = 1e6 / float(np.clip(rng.normal(middle, deviation), 50, 420))
    # Below CIE daylight's range a black body replaces the low sun, which is about as red and as smooth.
    return daylight(cct, float(rng.normal(0, 0.0025))) if cct >= 4000 else black_body(cct)


def _lamp(rng: np.random.Generator, setting: str, lamps: bool) -> Light:
    if not lamps:
        return _incandescent_lamp(rng)
    frequency = _LAMP_FREQUENCY[setting]
    kind = str(rng.choice(list(frequency), p=list(frequency.values())))
    if kind == "coloured":
        peak, width = float(rng.uniform(440, 640)), float(rng.uniform(12, 35))
        return coloured_led(peak, width, _incandescent_lamp(rng), float(rng.uniform(0.25, 0.7)))
    if kind == "tungsten" and rng.random() < 0.6:
        return _incandescent_lamp(rng)
    known = catalogue()[kind]
    lamp = known[int(rng.integers(len(known)))]
    return Light(lamp.name, lamp.power * (WAVELENGTHS / 560) ** rng.normal(0, _TINT))


def _incandescent_lamp(rng: np.random.Generator) -> Light:
    return black_body(1e6 / float(rng.uniform(310, 430)))
