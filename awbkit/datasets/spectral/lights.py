"""Light sources by their spectral power: daylight and black bodies by formula, lamps by measurement."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.temperature import cct_duv_to_xy, daylight_xy, xy_to_cct_duv
from awbkit.datasets.spectral.grid import WAVELENGTHS, resample
from awbkit.datasets.spectral.measurements import measurements
from awbkit.errors import MissingExtra, UsageError

DAYLIGHT_RANGE = 4000.0, 25_000.0
"""Range of CIE 15's daylight in kelvin."""

_C2 = 1.4388e-2
"""Second radiation constant, m K (ITS-90)."""

_TOP = 560.0
"""Wavelength in nanometres at which a formula's power is 1."""

# Names of colour-science's tables by kind of lamp. Left out are daylight and A, which have formulas, ISO lamps for film
# printing, low-pressure sodium, whose one line leaves nothing to balance, and doubles under two names.
_LAMPS: Mapping[str, tuple[str, ...]] = {
    "tungsten": ("ISO 7589 Studio Tungsten", "ISO 7589 Photoflood", "Incandescent", "Neodimium Incandescent"),
    "led": (
        *("LED-B1", "LED-B2", "LED-B3", "LED-B4", "LED-B5", "LED-BH1", "LED-RGB1", "LED-V1", "LED-V2"),
        *("Luxeon WW 2880", "PHOS-1", "PHOS-2", "PHOS-3", "PHOS-4", "Phosphor LED YAG"),
        *("3-LED-1 (457/540/605)", "3-LED-2 (473/545/616)", "3-LED-3 (465/546/614)", "3-LED-4 (455/547/623)"),
        *("4-LED No Yellow", "4-LED-1 (461/526/576/624)", "4-LED-2 (447/512/573/627)"),
    ),
    "fluorescent": (
        *(f"FL{number}" for number in range(1, 13)),
        *(f"FL3.{number}" for number in range(1, 16)),
        *("Natural", "Philips TL-84", "T8 Luxline Plus White", "T8 Polylux 3000", "T8 Polylux 4000"),
        *("Thorn Kolor-rite", "Cool White FL", "Daylight FL", "Triphosphor FL"),
        *("F32T8/TL830 (Triphosphor)", "F32T8/TL835 (Triphosphor)", "F32T8/TL841 (Triphosphor)"),
        *("F32T8/TL850 (Triphosphor)", "F32T8/TL865/PLUS (Triphosphor)", "F34/CW/RS/EW (Cool White FL)"),
        *("F34T12/LW/RS/EW", "F34T12WW/RS/EW (Warm White FL)", "F40/C50 (Broadband FL)"),
        *("F40/C75 (Broadband FL)", "F40/CWX (Broadband FL)", "F40/DX (Broadband FL)"),
        *("F40/DXTP (Delux FL)", "F40/N (Natural FL)"),
    ),
    "discharge": (
        *("HP1", "HP2", "HP3", "HP4", "HP5", "HPS", "Mercury", "Metal Halide", "Super HPS"),
        *("C100S54 (HPS)", "C100S54C (HPS)", "H38HT-100 (Mercury)", "H38JA-100/DX (Mercury DX)"),
        *("MHC100/U/MP/3K", "MHC100/U/MP/4K", "SDW-T 100W/LV (Super HPS)", "Kinoton 75P"),
    ),
}


@dataclass(frozen=True, eq=False)
class Light:
    """One light source.

    Attributes:
        name: Name of the table or formula, such as "FL11", "daylight 5500 K".
        power: (81,), relative spectral power at the common wavelengths; positive sum, no negative values.
    """

    name: str
    power: NDArray[np.float64]


def white_xyz(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE 1931 XYZ (3,) of a light's power (81,), Y = 1."""
    xyz = power @ measurements().observer
    return np.asarray(xyz / xyz[1])


def black_body(cct: float) -> Light:
    """A black body (Planck's law): incandescent lamps, candles, the low sun.

    Args:
        cct: Kelvin, positive.
    """
    metres = 1e-9 * WAVELENGTHS
    top = 1e-9 * _TOP
    power = (top / metres) ** 5 * np.expm1(_C2 / (top * cct)) / np.expm1(_C2 / (metres * cct))
    return Light(f"black body {cct:.0f} K", power)


def daylight(cct: float, duv: float = 0.0) -> Light:
    """A phase of CIE daylight (CIE 15:2018; after D. B. Judd et al. 1964), on or off its locus.

    Args:
        cct: Kelvin, 4000 to 25 000.
        duv: Distance towards green from CIE daylight of this temperature, in CIE 1960 UCS; measured daylight scatters
            by about 0.003 (J. Hernandez-Andres et al., "Color and spectral analysis of daylight in southern Europe",
            JOSA A 18(6), 2001).

    Raises:
        UsageError: If the temperature is out of range.
    """
    low, high = DAYLIGHT_RANGE
    if not low <= cct <= high:
        raise UsageError(f"daylight has {low:.0f} to {high:.0f} K, not {cct:g}")
    x, y = daylight_xy(cct)
    found = xy_to_cct_duv(x, y) if duv else None
    if found is not None:
        x, y = cct_duv_to_xy(found[0], found[1] + duv)
    scale = 0.0241 + 0.2562 * x - 0.7341 * y
    mean, yellow, pink = measurements().daylight.T
    power = (
        mean
        + (-1.3515 - 1.7703 * x + 5.9114 * y) / scale * yellow
        + (0.0300 - 31.4424 * x + 30.0717 * y) / scale * pink
    )
    return Light(f"daylight {cct:.0f} K", np.maximum(power, 0) / 100)


def coloured_led(peak: float, width: float, white: Light, share: float) -> Light:
    """A coloured light-emitting diode in a room with some other light.

    The diode's spectrum is that of Y. Ohno, "Spectral design considerations for white LED color rendering", Optical
    Engineering 44(11), 2005: (g + 2 g^5) / 3 with g = exp(-((wavelength - peak) / width)^2).

    Args:
        peak: Nanometres.
        width: Nanometres, about 10 (red) to 40 (phosphor-converted).
        white: The other light.
        share: The other light's share of the power, 0 to 1; at 0 the camera would get one channel only.
    """
    gauss = np.exp(-(((WAVELENGTHS - peak) / width) ** 2))
    diode = (gauss + 2 * gauss**5) / 3
    power = (1 - share) * diode / diode.sum() + share * white.power / white.power.sum()
    return Light(f"led {peak:.0f} nm", power / power.max())


@cache
def catalogue() -> Mapping[str, tuple[Light, ...]]:
    """Measured and standard lamps by kind: tungsten, led, fluorescent, discharge.

    They are colour-science's tables: the CIE illuminants FL, HP and LED (CIE 15:2018), ISO 7589, and lamps measured by
    NIST and others.

    Raises:
        MissingExtra: If colour-science is not installed.
    """
    try:
        with warnings.catch_warnings():
            # On import it warns of its own missing optional parts.
            warnings.simplefilter("ignore")
            import colour
    except ImportError:
        raise MissingExtra("rendering under measured lamps", "datasets") from None
    tables = {**colour.SDS_ILLUMINANTS, **colour.SDS_LIGHT_SOURCES}
    return {kind: tuple(_lamp(name, tables[name]) for name in names) for kind, names in _LAMPS.items()}


def _lamp(name: str, table: Any) -> Light:
    power = np.maximum(resample(table.wavelengths, table.values), 0)
    power /= power.max()
    power.setflags(write=False)
    return Light(name, power)
