"""The colour calibration in a Raspberry Pi camera tuning file.

The file (JSON, "version": 2.0, one for each sensor and image signal processor) belongs to libcamera's Raspberry Pi
pipelines; "Raspberry Pi Camera Algorithm and Tuning Guide" (Raspberry Pi Ltd, 2020) describes ``awb`` and ``ccm``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import D65_XY, LINEAR_SRGB, Camera
from awbkit.colour.temperature import cct_duv_to_xy
from awbkit.correction.cat import adaptation_matrix
from awbkit.errors import AwbError, UnreadableFile
from awbkit.store.documents import MalformedText, parse_json

_D65_KELVIN = 6504.0
_REMEDY = "take the unchanged tuning file from libcamera"


@dataclass(frozen=True, eq=False)
class RpiTuning:
    """The colours of one sensor behind one image signal processor.

    Attributes:
        curve: float64 (n, 3), rows by ascending temperature: kelvin, and the sensor's r/g and b/g of a white surface
            under a light of that temperature (``ct_curve`` times ``sensitivity_r`` and ``sensitivity_b``).
        ccm_kelvin: float64 (m,), ascending.
        ccms: float64 (m, 3, 3), from white-balanced sensor RGB to linear sRGB, for each of those temperatures.
        black: Black level, as a share of the sensor's range.
        sensitivity: (3,), ``sensitivity_r``, 1 and ``sensitivity_b``, which the curve includes.
    """

    curve: NDArray[np.float64]
    ccm_kelvin: NDArray[np.float64]
    ccms: NDArray[np.float64]
    black: float
    sensitivity: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @classmethod
    def parse(cls, text: str, where: str) -> RpiTuning:
        """Read a tuning file.

        Args:
            text: Its contents.
            where: Its name, for messages.

        Raises:
            UnreadableFile: If it is not JSON, or lacks a usable colour curve, colour matrix or black level.
        """
        try:
            algorithms: dict[str, Any] = {}
            for entry in parse_json(text)["algorithms"]:
                algorithms |= dict(entry.items())
            awb = algorithms["rpi.awb" if "rpi.awb" in algorithms else "rpi.nn.awb"]
            red, blue = float(awb.get("sensitivity_r", 1.0)), float(awb.get("sensitivity_b", 1.0))
            curve = np.array(awb["ct_curve"], dtype=np.float64).reshape(-1, 3) * (1.0, red, blue)
            entries = algorithms["rpi.ccm"]["ccms"]
            kelvin = np.array([entry["ct"] for entry in entries], dtype=np.float64)
            ccms = np.array([entry["ccm"] for entry in entries], dtype=np.float64).reshape(-1, 3, 3)
            black = float(algorithms["rpi.black_level"]["black_level"]) / 65536
        except MalformedText as error:
            raise UnreadableFile(where, str(error), _REMEDY) from None
        except KeyError as error:
            raise UnreadableFile(where, f"is no Raspberry Pi tuning file (it lacks {error})", _REMEDY) from None
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
            problem = "is no Raspberry Pi tuning file (a colour curve, matrix or black level is not of its form)"
            raise UnreadableFile(where, problem, _REMEDY) from None
        tables = curve, kelvin, ccms
        if not all(len(table) and np.isfinite(table).all() for table in tables) or not 0 <= black < 1:
            raise UnreadableFile(where, "has an empty or infinite colour table", _REMEDY)
        if (curve <= 0).any() or (np.diff(curve[:, 0]) <= 0).any() or (np.diff(kelvin) <= 0).any():
            raise UnreadableFile(where, "has a colour table that does not rise with temperature", _REMEDY)
        if (np.abs(np.linalg.det(ccms)) < 1e-6).any():
            raise UnreadableFile(where, "has a colour matrix that cannot be inverted", _REMEDY)
        return cls(curve, kelvin, ccms, black, (red, 1.0, blue))

    def white(self, kelvin: float) -> tuple[float, float, float]:
        """Sensor RGB, green = 1, of a white surface under the curve's light of this temperature.

        Linear in kelvin between the points of the curve, and constant beyond its ends, as on the camera.
        """
        red, blue = (float(np.interp(kelvin, self.curve[:, 0], self.curve[:, column])) for column in (1, 2))
        return red, 1.0, blue

    def ccm(self, kelvin: float) -> NDArray[np.float64]:
        """Matrix (3, 3) from balanced sensor RGB to linear sRGB for a light of this temperature; linear in kelvin."""
        columns = self.ccms.reshape(-1, 9).T
        return np.array([np.interp(kelvin, self.ccm_kelvin, column) for column in columns]).reshape(3, 3)

    def camera(self, name: str) -> Camera:
        """The sensor with XYZ-to-camera matrices, as in the DNG ColorMatrix tags, for a warm light and for D65.

        A light of CCT T has the white w(T) of the curve and the matrix C(T). C(T) diag(1 / w(T)) converts sensor RGB to
        linear sRGB, adapted from T to D65. Inverting sRGB and the adaptation (Bradford) gives CIE XYZ under T itself;
        the inverse of the whole chain is the matrix. The lights are the warmest point of the curve, on the Planckian
        locus, and D65, or the coldest point where the curve ends before it. So ``white_d65`` equals the curve's white
        at 6504 K within 0.1 %, unless the curve ends before.

        Raises:
            UnreadableFile: If the tables do not give matrices.
        """
        coldest = min(_D65_KELVIN, float(self.curve[-1, 0]))
        warmest = max(1000.0, float(self.curve[0, 0]))
        lights = [coldest] if warmest > 0.9 * coldest else [warmest, coldest]
        try:
            return Camera(name, matrices=tuple((light, self._xyz_to_rgb(light).tolist()) for light in lights))
        except (AwbError, np.linalg.LinAlgError) as error:
            raise UnreadableFile(name, f"has colour tables of no camera ({error})", _REMEDY) from None

    def _xyz_to_rgb(self, kelvin: float) -> NDArray[np.float64]:
        xy = D65_XY if math.isclose(kelvin, _D65_KELVIN) else cct_duv_to_xy(kelvin)
        to_srgb = np.array(LINEAR_SRGB.matrices[0][1]) @ adaptation_matrix(xy, D65_XY)
        to_balanced = np.linalg.solve(self.ccm(kelvin), to_srgb)
        return np.asarray(np.array(self.white(kelvin))[:, None] * to_balanced)
