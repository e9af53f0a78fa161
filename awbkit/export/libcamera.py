"""Networks for libcamera's neural white balance on Raspberry Pi, ``rpi.nn.awb``: a network and a tuning file.

libcamera gives a network the sensor's zones, balanced for 5000 K by the tuning file's colour curve and multiplied by
its colour matrix for 5000 K, and the estimated lux. It takes a temperature in kelvin, looks the gains up on the curve,
and searches a little across it. So the file here undoes the balance and the matrix, which makes it the file of one
sensor; it answers with the place on the curve that is nearest, in angle, to the network's light. Lux is not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import CLIP, THUMBNAIL_SIZE
from awbkit.datasets.awb_nn import BALANCE_KELVIN
from awbkit.datasets.rpi_tuning import RpiTuning
from awbkit.errors import UnreadableFile, UsageError
from awbkit.export import check
from awbkit.export.cases import Case
from awbkit.export.check import Difference
from awbkit.export.traced import Estimator
from awbkit.network.model import Model
from awbkit.network.models import AnyModel
from awbkit.store.documents import parse_json, read_text

TAKES, GIVES = ("zones", "lux"), ("kelvin",)

Run = Callable[[Mapping[str, NDArray[np.float32]]], Mapping[str, NDArray[np.float32]]]
"""Outputs by name, of inputs by name."""

_OLD, _NEW = "rpi.awb", "rpi.nn.awb"
_ZONES = {"pisp": (32, 32), "bcm2835": (12, 16)}
"""Rows and columns, by the tuning file's target."""

_D65_KELVIN = 6504.0
_STEP = 5.0
"""Kelvins between the places on the curve."""

_LEAST = 1e-6
"""In place of zeros in the colour matrix, which libcamera takes for a matrix that is missing."""

_COLDEST, _HOTTEST = 500.0, 50_000.0
"""Kelvins that a curve may have."""

_MOST_BLACK = 0.5

_TINY = 0.5 / 65535
"""Of the range, which a zone without light may have after the matrix is undone; libcamera's numbers have 16 bits."""


@dataclass(frozen=True, eq=False)
class Sensor:
    """What a tuning file says of a sensor's colours, in the RGB that libcamera works in.

    Attributes:
        name: The file's, without its ending.
        text: The file.
        zones: Rows and columns.
        ccm: (3, 3), from RGB that is balanced for 5000 K to linear sRGB.
        kelvins: (n,), along the curve.
        whites: (n, 3), a white's RGB under each, green 1.
        black: As a share of the range.
    """

    name: str
    text: str
    zones: tuple[int, int]
    ccm: NDArray[np.float64]
    kelvins: NDArray[np.float64]
    whites: NDArray[np.float64]
    black: float

    @classmethod
    def read(cls, path: Path) -> Sensor:
        """Read a tuning file.

        Raises:
            UnreadableFile: If the file is no tuning file, or one for another image signal processor.
        """
        text = read_text(path, "name a tuning file of libcamera")
        tuning = RpiTuning.parse(text, str(path))
        document = parse_json(text)
        target = document.get("target")
        balances = [own for entry in document["algorithms"] for name, own in entry.items() if name in (_OLD, _NEW)]
        if not all(isinstance(own, dict) for own in balances):
            raise UnreadableFile(path, f"has a {_OLD} that is no object", "take it from libcamera as it is")
        if not isinstance(target, str) or target not in _ZONES:
            known = " and ".join(_ZONES)
            raise UnreadableFile(path, f"is for {target!r}, not one of {known}", "name a tuning file of Raspberry Pi")
        # libcamera multiplies by the sensitivities itself, and then the curve holds as it is written.
        scale = np.array(tuning.sensitivity)
        first, last = tuning.curve[0, 0], tuning.curve[-1, 0]
        ccm = tuning.ccm(BALANCE_KELVIN)
        ccm[ccm == 0] = _LEAST
        sound = len(tuning.curve) > 1 and _COLDEST <= first < last <= _HOTTEST and tuning.black < _MOST_BLACK
        if not sound or abs(np.linalg.det(ccm)) < _LEAST:
            raise UnreadableFile(
                path, "has no usable curve, colour matrix or black level", "take it from libcamera as it is"
            )
        kelvins = np.append(np.arange(first, last, _STEP), last)
        whites = np.array([tuning.white(kelvin) for kelvin in kelvins]) / scale
        return cls(path.stem, text, _ZONES[target], ccm, kelvins, whites, tuning.black)

    def white(self, kelvin: float) -> NDArray[np.float64]:
        """(3,), of the curve; its ends hold beyond them."""
        return np.array([np.interp(kelvin, self.kelvins, channel) for channel in self.whites.T])

    def nearest(self, light: NDArray[np.float64]) -> float:
        """The temperature of the place on the curve that is nearest to a light."""
        whites = self.whites / np.linalg.norm(self.whites, axis=1, keepdims=True)
        return float(self.kelvins[(whites @ light).argmax()])

    def with_network(self, model: Path) -> bytes:
        """The tuning file with the network in the place of the balance that it had.

        Args:
            model: Where the TensorFlow Lite file will lie.
        """
        document: Any = json.loads(self.text)
        changes = {
            "model": model.as_posix(),
            "min_temp": float(self.kelvins[0]),
            "max_temp": float(self.kelvins[-1]),
            "enable_nn": 1,
            "ccm": self.ccm.reshape(-1).tolist(),
        }
        found: list[dict[str, Any]] = []
        for name, own in ((name, own) for entry in document["algorithms"] for name, own in entry.items()):
            if name.removeprefix("disable.") not in (_OLD, _NEW):
                found.append({name: own})
            elif name in (_OLD, _NEW) and changes:
                found.append({_NEW: {**own, **changes}})
                changes = {}
        document["algorithms"] = found
        return (json.dumps(document, indent=4) + "\n").encode()


class Temperature(nn.Module):
    """From libcamera's zones to a temperature.

    Args:
        model: Of raw pictures.
        sensor: Whose zones they are.
    """

    whites: Tensor
    kelvins: Tensor
    undone: Tensor
    white: Tensor
    rows: Tensor
    columns: Tensor

    def __init__(self, model: Model, sensor: Sensor) -> None:
        super().__init__()
        self.estimator = Estimator(model)
        self.limit = float(CLIP * (1 - sensor.black))
        whites = sensor.whites / np.linalg.norm(sensor.whites, axis=1, keepdims=True)
        undone = sensor.white(BALANCE_KELVIN)[:, None] * np.linalg.inv(sensor.ccm)
        for name, value in (
            ("whites", whites),
            ("kelvins", sensor.kelvins),
            ("undone", undone),
            ("white", sensor.white(_D65_KELVIN)[None]),
        ):
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))
        for name, size in zip(("rows", "columns"), sensor.zones, strict=True):
            self.register_buffer(name, torch.arange(THUMBNAIL_SIZE) * size // THUMBNAIL_SIZE)

    def forward(self, zones: Tensor, lux: Tensor) -> Tensor:
        """Kelvins, float32 (1,).

        Args:
            zones: float32 (1, rows, columns, 3), as libcamera makes them.
            lux: float32 (1,).
        """
        rgb = zones[0] @ self.undone.T
        whole = (rgb.amin(dim=2) > _TINY).to(torch.float32) * (rgb.amax(dim=2) < self.limit).to(torch.float32)
        # Where every zone is clipped or black, all count: libcamera wants an answer for any picture.
        valid = torch.where(whole.sum() > 0, whole, torch.ones_like(whole))
        rgb, valid = (part[self.rows][:, self.columns] for part in (rgb.clamp(min=_TINY), valid))
        light, _ = self.estimator(rgb[None], valid[None], self.white, torch.ones(1, 1))
        nearest = (self.whites @ light[0]).argmax(dim=0, keepdim=True)
        return torch.gather(self.kelvins, 0, nearest) + 0 * lux


def require_float(model: AnyModel) -> Model:
    """The model, if libcamera can use it.

    Raises:
        UsageError: If it is quantised, or reads photographs.
    """
    if not isinstance(model, Model):
        raise UsageError(f"{model.name} is quantised; libcamera takes floating point: name the model it was made of")
    if model.domain != "raw":
        raise UsageError(f"{model.name} is for rendered pictures; libcamera needs a model of --domain raw")
    return model


def sample(sensor: Sensor) -> tuple[Tensor, Tensor]:
    """Example inputs to trace a :class:`Temperature` with."""
    zones = torch.rand((1, *sensor.zones, 3), generator=torch.Generator().manual_seed(0))
    return zones * 0.5, torch.full((1,), 400.0)


def compare(model: Model, sensor: Sensor, run: Run, cases: Sequence[Case]) -> Difference:
    """By how much farther from the model's light, in degrees, the answer lies than the nearest place on the curve.

    The places themselves can be far apart: where the curve bends, a light beside it may be as near to two of them.

    Args:
        model: The reference.
        sensor: Whose zones the cases are made to be.
        run: Gives ``kelvin``, of :meth:`Temperature.forward`'s inputs by name.
        cases: Pictures.
    """
    reference = check.runner(model)
    at = [np.arange(size) * THUMBNAIL_SIZE // size for size in sensor.zones]
    back = [np.arange(THUMBNAIL_SIZE) * size // THUMBNAIL_SIZE for size in sensor.zones]
    limit, white = CLIP * (1 - sensor.black), sensor.white(_D65_KELVIN)
    farther = []
    for case in cases:
        # Every so manieth pixel, under this sensor's colours, in shares of its range.
        own = 1 if case.white is None else case.white
        pixels = case.pixels[np.ix_(*at)] / 65535 / own * white
        shares = pixels / max(pixels.max(), _TINY) * limit * 0.999
        zones = shares / sensor.white(BALANCE_KELVIN) @ sensor.ccm.T
        given = {"zones": zones[None].astype(np.float32), "lux": np.full(1, 400, np.float32)}
        kelvin = float(run(given)["kelvin"][0])
        thumbnail = np.rint(shares[np.ix_(*back)] * 65535).astype(np.uint16)
        thumbnail[(thumbnail == 0).any(axis=2)] = 0
        light, _ = reference(Case(thumbnail, white.astype(np.float32)))
        whites = (sensor.white(place).tolist() for place in (kelvin, sensor.nearest(light)))
        found, nearest = (angular_error(light.tolist(), white) for white in whites)
        farther.append(found - nearest)
    return Difference(len(farther), float(np.mean(farther)), max(farther), 0.0)
