"""Cameras by their spectral sensitivities: those that ship with the package, and the user's own."""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import D65_XY, Camera
from awbkit.datasets.spectral.grid import resample
from awbkit.datasets.spectral.lights import black_body, daylight, white_xyz
from awbkit.datasets.spectral.measurements import measurements
from awbkit.errors import UnreadableFile, UsageError
from awbkit.store.documents import MalformedText, decode_text, parse_json, rows

_RANGE = 420.0, 680.0
"""Nanometres that a table must cover, because cameras are sensitive there."""

_GREATEST_VALUE = 1e30
_GREATEST_CONDITION = 1e3
"""Greatest condition number of the three channels of a colour camera; the 52 measured ones have 1.5 to 2.6."""

_REMEDY = "give JSON as rawtoaces-data has it, or CSV with the columns wavelength,r,g,b"

_Lines = list[tuple[float, list[float]]]
_A_KELVIN = 2856.0
_D65_KELVIN = 6504.0

# LibRaw's names for cameras whose names in the data are shortened or American.
_MARK = re.compile(r"(?<=[0-9])m([2-5])$")
_MARKS = {"2": " Mark II", "3": " Mark III", "4": " Mark IV", "5": " Mark V"}
_AMERICAN_NAMES = {"Digital Rebel XTi": "EOS 400D"}


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The spectral sensitivity of one camera.

    Attributes:
        name: Make and model.
        rgb: (81, 3), relative sensitivity of red, green and blue at the common wavelengths, not negative.
    """

    name: str
    rgb: NDArray[np.float64]

    def white(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """RGB (3,) of a perfect white under a light of this spectral power (81,), green = 1."""
        response = power @ self.rgb
        return np.asarray(response / response[1])

    @cached_property
    def camera(self) -> Camera:
        """The camera with its XYZ-to-camera matrices for the illuminants A and D65.

        Each is the least-squares fit over the 190 measured reflectances under its light, as in ISO 17321-1:2012 and
        chapter 6 of the DNG specification 1.7.1, but with an exact white: the light itself maps to its RGB by the
        sensitivities (G. D. Finlayson and M. S. Drew, "Constrained least-squares regression in color spaces", Journal
        of Electronic Imaging 6(4), 1997).
        """
        warm, cold = black_body(_A_KELVIN).power, d65()
        x, y = D65_XY
        # The canonical white is defined by rounded xy, and must be exact.
        canonical = np.array([x / y, 1.0, (1 - x - y) / y])
        fitted = (_A_KELVIN, self._matrix(warm, white_xyz(warm))), (_D65_KELVIN, self._matrix(cold, canonical))
        return Camera(self.name, "camera", tuple((cct, matrix.tolist()) for cct, matrix in fitted))

    def _matrix(self, power: NDArray[np.float64], xyz_of_white: NDArray[np.float64]) -> NDArray[np.float64]:
        known = measurements()
        lit = known.patches * power
        xyz = lit @ known.observer / (power @ known.observer)[1]
        responses = lit @ self.rgb / (power @ self.rgb)[1]
        inverse = np.linalg.inv(xyz.T @ xyz)
        free = responses.T @ xyz @ inverse
        missed = self.white(power) - free @ xyz_of_white
        pull = inverse @ xyz_of_white / (xyz_of_white @ inverse @ xyz_of_white)
        return np.asarray(free + np.outer(missed, pull))


@cache
def d65() -> NDArray[np.float64]:
    """Spectral power of CIE D65, (81,)."""
    return daylight(_D65_KELVIN).power


@cache
def shipped_cameras() -> tuple[Sensitivity, ...]:
    """The 52 cameras that ship with the package, by name."""
    known = measurements()
    return tuple(Sensitivity(name, rgb) for name, rgb in zip(known.cameras, known.sensitivities, strict=True))


def read(data: bytes, where: str) -> Sensitivity:
    """Read a camera from a user's file.

    JSON follows the schema of rawtoaces-data, whose make and model give the name. CSV has the columns
    ``wavelength,r,g,b`` in nanometres and any unit, and the file's name. Beyond the table the sensitivity is 0.

    Args:
        data: The file's bytes.
        where: Its name, for the camera and for messages.

    Raises:
        UnreadableFile: If it has neither format, or is no camera's sensitivity from 420 to 680 nm.
    """
    kind, parse = ("JSON", _parse_json) if where.lower().endswith(".json") else ("CSV", _parse_csv)
    try:
        name, lines = parse(decode_text(data))
    except MalformedText as error:
        raise UnreadableFile(where, str(error), _REMEDY) from None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
        raise UnreadableFile(where, f"is no spectral sensitivity in {kind}", _REMEDY) from None
    table = dict(lines)
    if len(table) < len(lines):
        raise UnreadableFile(where, "states a wavelength twice", "remove one of the two")
    return Sensitivity(name or PurePosixPath(where).stem, _resample(table, where))


def _parse_json(text: str) -> tuple[str, _Lines]:
    """The camera's name, and each wavelength with its RGB, from JSON of rawtoaces-data's schema."""
    document = parse_json(text)
    header, spectra = document["header"], document["spectral_data"]
    order = [str(channel).lower() for channel in spectra["index"]["main"]]
    columns = [order.index(channel) for channel in "rgb"]
    lines = [(float(key), [float(row[place]) for place in columns]) for key, row in spectra["data"]["main"].items()]
    return _libraw_name(str(header.get("manufacturer") or ""), str(header.get("model") or "")), lines


def _parse_csv(text: str) -> tuple[str, _Lines]:
    """No name, and each wavelength with its RGB, from a table with the columns wavelength, r, g and b."""
    found = rows(io.StringIO(text, newline=""), skip_blanks=True)
    header = [cell.strip().lower() for cell in next(found, (1, []))[1]]
    places = [header.index(name) for name in ("wavelength", "r", "g", "b")] if header else []
    cells = [[float(row[place]) for place in places] for _, row in found if row]
    return "", [(wavelength, rgb) for wavelength, *rgb in cells]


def _resample(table: dict[float, list[float]], where: str) -> NDArray[np.float64]:
    """The checked sensitivities of a table, (81, 3), at the common wavelengths."""
    wavelengths = sorted(table)
    values = np.array([table[wavelength] for wavelength in wavelengths]).reshape(-1, 3)
    if not wavelengths or not all(map(math.isfinite, wavelengths)):
        raise UnreadableFile(where, "holds no wavelengths", _REMEDY)
    if (np.abs(values) > _GREATEST_VALUE).any():
        raise UnreadableFile(where, f"holds a value beyond {_GREATEST_VALUE:g}, which no sensitivity is", _REMEDY)
    if wavelengths[0] > _RANGE[0] or wavelengths[-1] < _RANGE[1]:
        covered = f"covers {wavelengths[0]:g} to {wavelengths[-1]:g} nm"
        raise UnreadableFile(where, covered, f"a camera needs at least {_RANGE[0]:g} to {_RANGE[1]:g} nanometres")
    try:
        rgb = np.maximum(resample(wavelengths, values, outside="zero"), 0)
    except UsageError as error:
        raise UnreadableFile(where, str(error), _REMEDY) from None
    if not (rgb.max(axis=0) > 0).all():
        raise UnreadableFile(where, "has a channel that is nowhere sensitive", _REMEDY)
    if np.linalg.cond(rgb / rgb.max(axis=0)) > _GREATEST_CONDITION:
        raise UnreadableFile(where, "has channels of the same sensitivity", _REMEDY)
    rgb.setflags(write=False)
    return rgb


def _libraw_name(make: str, model: str) -> str:
    model = _MARK.sub(lambda mark: _MARKS[mark[1]], _AMERICAN_NAMES.get(model, model))
    return f"{make} {model}".strip()
