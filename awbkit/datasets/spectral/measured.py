"""The measured spectra that ship with the package: one file of arrays on the common grid.

``data/measured.npz`` is made from the spectral data of the Academy's RAW to ACES utility (Apache-2.0,
https://github.com/AcademySoftwareFoundation/rawtoaces-data); NOTICE says whose they are, and
``python -m awbkit.datasets.spectral.pack FOLDER`` makes it again. CIE daylight's components stand here as the
standard has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.spectral.grid import WAVELENGTHS

FILE = "measured.npz"

_DAYLIGHT_FROM, _DAYLIGHT_STEP = 380, 10

# CIE 15:2018, components of daylight: S0, S1, S2 from 380 to 780 nm by 10, to be interpolated linearly.
_DAYLIGHT = (
    (63.4, 38.5, 3.0),
    (65.8, 35.0, 1.2),
    (94.8, 43.4, -1.1),
    (104.8, 46.3, -0.5),
    (105.9, 43.9, -0.7),
    (96.8, 37.1, -1.2),
    (113.9, 36.7, -2.6),
    (125.6, 35.9, -2.9),
    (125.5, 32.6, -2.8),
    (121.3, 27.9, -2.6),
    (121.3, 24.3, -2.6),
    (113.5, 20.1, -1.8),
    (113.1, 16.2, -1.5),
    (110.8, 13.2, -1.3),
    (106.5, 8.6, -1.2),
    (108.8, 6.1, -1.0),
    (105.3, 4.2, -0.5),
    (104.4, 1.9, -0.3),
    (100.0, 0.0, 0.0),
    (96.0, -1.6, 0.2),
    (95.1, -3.5, 0.5),
    (89.1, -3.5, 2.1),
    (90.5, -5.8, 3.2),
    (90.3, -7.2, 4.1),
    (88.4, -8.6, 4.7),
    (84.0, -9.5, 5.1),
    (85.1, -10.9, 6.7),
    (81.9, -10.7, 7.3),
    (82.6, -12.0, 8.6),
    (84.9, -14.0, 9.8),
    (81.3, -13.6, 10.2),
    (71.9, -12.0, 8.3),
    (74.3, -13.3, 9.6),
    (76.4, -12.9, 8.5),
    (63.3, -10.6, 7.0),
    (71.7, -11.6, 7.6),
    (77.0, -12.2, 8.0),
    (65.2, -10.2, 6.7),
    (47.7, -7.8, 5.2),
    (68.6, -11.2, 7.4),
    (65.0, -10.4, 6.8),
)


@dataclass(frozen=True, eq=False)
class Measured:
    """Spectra at :data:`awbkit.datasets.spectral.grid.WAVELENGTHS`, as read-only arrays.

    Attributes:
        cameras: Make and model as LibRaw writes them.
        sensitivities: (len(cameras), 81, 3), relative spectral sensitivity of red, green and blue, as measured.
        patches: (190, 81), reflectances of paints, natural things and skin, 0 to 1.
        observer: (81, 3), the CIE 1931 colour-matching functions.
        daylight: (81, 3), S0, S1 and S2 of CIE daylight.
    """

    cameras: tuple[str, ...]
    sensitivities: NDArray[np.float64]
    patches: NDArray[np.float64]
    observer: NDArray[np.float64]
    daylight: NDArray[np.float64]


@cache
def measured() -> Measured:
    """The measured spectra of the package."""
    with (files(__package__) / "data" / FILE).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        spectra = {name: stored[name].astype(np.float64) for name in ("sensitivities", "patches", "observer")}
        names = tuple(stored["cameras"].tolist())
    table = np.array(_DAYLIGHT)
    knots = _DAYLIGHT_FROM + _DAYLIGHT_STEP * np.arange(len(table))
    spectra["daylight"] = np.stack([np.interp(WAVELENGTHS, knots, column) for column in table.T], axis=1)
    for array in spectra.values():
        array.setflags(write=False)
    return Measured(names, **spectra)
