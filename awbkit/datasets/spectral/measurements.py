"""The measured spectra that ship with the package: one file of arrays on the common grid.

``data/measured.npz`` is made from the spectral data of the Academy's RAW to ACES utility (Apache-2.0,
https://github.com/AcademySoftwareFoundation/rawtoaces-data); NOTICE says whose they are, and
``python -m awbkit.datasets.spectral.pack FOLDER`` makes it again. ``data/daylight.csv`` holds the components of
CIE daylight as the standard prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.spectral.grid import WAVELENGTHS

FILE = "measured.npz"


@dataclass(frozen=True, eq=False)
class Measurements:
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
def measurements() -> Measurements:
    """The measured spectra of the package."""
    data = files(__package__) / "data"
    with (data / FILE).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        spectra = {name: stored[name].astype(np.float64) for name in ("sensitivities", "patches", "observer")}
        names = tuple(stored["cameras"].tolist())
    with (data / "daylight.csv").open() as table:
        wavelengths, *components = np.loadtxt(table, delimiter=",", unpack=True)
    spectra["daylight"] = np.stack([np.interp(WAVELENGTHS, wavelengths, each) for each in components], axis=1)
    for array in spectra.values():
        array.setflags(write=False)
    return Measurements(names, **spectra)
