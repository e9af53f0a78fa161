"""Quantised models: from a picture to its light in whole numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import DOMAINS
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import THUMBNAIL_SIZE, LinearImage
from awbkit.network import weights as store
from awbkit.network.architecture import Architecture
from awbkit.network.integer.arithmetic import OCTAVE, Int, exp2, log2
from awbkit.network.integer.description import describe, thumbnail
from awbkit.network.integer.network import INPUT_LIMIT, SUM_BITS, IntegerNetwork, Layer
from awbkit.network.model import GREATEST_ERROR, LEAST_ERROR, check_domain, white_of

DEGREE = 256
"""One degree of expected errors."""

_LEAST_ERROR, _GREATEST_ERROR = round(LEAST_ERROR * DEGREE), round(GREATEST_ERROR * DEGREE)
_ERROR_BITS = 8


@dataclass(frozen=True, eq=False)
class IntegerModel:
    """A quantised network.

    Attributes:
        name: As records and reports call it.
        network: The layers.
        weight_bits: 4 or 8, of the weights.
        domain: "raw" or "rendered", as :class:`awbkit.network.model.Model` has it.
        greatest_logit: The largest of the attention's logits, of either sign, in natural logarithms, in the pictures
            that it was calibrated on; runtimes that give them few bits need to know. 0 without attention.
        calibration: (a, b): the expected error in 1/256 degree is a plus b / 256 times the stated error.
        calibration_without_matrix: The same for pictures whose camera has no matrix.
        training: How it came about.
    """

    name: str
    network: IntegerNetwork
    weight_bits: int
    domain: str
    greatest_logit: float
    calibration: tuple[int, int] = (0, DEGREE)
    calibration_without_matrix: tuple[int, int] = (0, DEGREE)
    training: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise ValueError(f"there is no domain {self.domain!r}")
        if self.weight_bits not in (4, 8) or self.network.activation_bits not in (8, 16):
            raise ValueError("weights have 4 or 8 bits, activations 8 or 16")
        most = (1 << self.weight_bits - 1) - 1
        if any(np.abs(layer.weight.astype(np.int16)).max() > most for layer in self.network.layers.values()):
            raise ValueError(f"a weight has more than {self.weight_bits} bits")
        if not (0 < self.greatest_logit < np.inf if self.architecture.channels else self.greatest_logit == 0):
            raise ValueError("the greatest logit is a positive number, or 0 without attention")
        for offset, slope in (self.calibration, self.calibration_without_matrix):
            if not (-(1 << 15) <= offset < 1 << 15 and 0 <= slope < 1 << 15):
                raise ValueError("a calibration is two numbers of 16 bits, the second not negative")

    @property
    def architecture(self) -> Architecture:
        """The dimensions of the network."""
        return self.network.architecture

    def estimate(self, image: LinearImage) -> Illuminant:
        """The light of a picture; see :meth:`awbkit.network.model.Model.estimate`."""
        check_domain(self.name, self.domain, image)
        small = image if image.valid.shape == (THUMBNAIL_SIZE, THUMBNAIL_SIZE) else image.thumbnail()
        light, error = self.answer(thumbnail(small), white_logs(white_of(image.camera)))
        rgb = 2.0 ** (np.insert(light, 1, 0) / OCTAVE)
        return Illuminant.of(rgb, image.camera, expected_error=error / DEGREE)

    def answer(self, pixels: NDArray[np.uint16], white: Int | None) -> tuple[Int, int]:
        """What embedded code answers, to the bit.

        Args:
            pixels: (64, 64, 3), as :func:`awbkit.network.integer.description.describe` takes them.
            white: (2,), log2 of r/g and b/g of the camera's white under D65, in 1/2048; None where it is not known.

        Returns:
            (2,), log2 of the light's r/g and b/g in the thumbnail's own RGB, in 1/2048, and the expected error in
            1/256 degree.

        Raises:
            AwbError: If no pixel is valid.
        """
        description = describe(pixels)
        return self.answer_of(description.anchor, self.network.forward(description, white), known=white is not None)

    def answer_of(self, anchor: Int, out: Int, *, known: bool) -> tuple[Int, int]:
        """The same of the anchor and the network's three numbers.

        Args:
            anchor: (2,), as descriptions have it.
            out: (3,), of :meth:`awbkit.network.integer.network.IntegerNetwork.forward`.
            known: Whether the camera's white is.
        """
        offset, slope = self.calibration if known else self.calibration_without_matrix
        stated = exp2(np.minimum(out[2], 10 * OCTAVE), _ERROR_BITS)
        error = offset + (int(stated) * slope + 128 >> 8)
        return anchor + out[:2], min(max(error, _LEAST_ERROR), _GREATEST_ERROR)

    @property
    def digest(self) -> str:
        """SHA-256 of the model as a file holds it."""
        import hashlib

        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """As a file holds it; the same bytes for the same model."""
        bits = {"weights": self.weight_bits, "activations": self.network.activation_bits}
        arrays: dict[str, NDArray[Any]] = {"centre": self.network.centre, "gain": self.network.gain}
        for name, layer in self.network.layers.items():
            for part in ("weight", "bias", "multiplier"):
                arrays[f"{name}.{part}"] = getattr(layer, part)
        header = {**store.header_of(self), "bits": bits, "greatest_logit": self.greatest_logit}
        return store.to_bytes(header, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> IntegerModel:
        """Read a quantised model.

        Raises:
            UnreadableFile: If the file is no quantised model.
        """
        return store.read(path, cls.from_arrays)

    @classmethod
    def from_arrays(cls, header: Mapping[str, Any], arrays: store.Arrays) -> IntegerModel:
        """The model of a file's header and arrays.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: If they make no such model.
        """
        architecture = Architecture.from_json(header["architecture"])
        if architecture.family != "awbnet":
            raise ValueError(f"whole numbers compute awbnets, not {architecture.family}")
        bits = header["bits"]
        network = _network(architecture, int(bits["activations"]), arrays)
        known, unknown = _pair(header["calibration"]), _pair(header["calibration_without_matrix"])
        name, domain = store.name_of(header), str(header["domain"])
        logit = float(header["greatest_logit"])
        return cls(name, network, int(bits["weights"]), domain, logit, known, unknown, dict(header["training"]))


def whole_white(white: NDArray[np.float32]) -> Int:
    """(3,) a white in numbers of 16 bits, the largest 65535."""
    return np.asarray(np.maximum(np.rint(white.astype(np.float64) / white.max() * 65535), 1), np.int64)


def white_logs(white: NDArray[np.float32] | None) -> Int | None:
    """(2,), log2 of r/g and b/g in 1/2048 of a white as :func:`whole_white` has it; None of None."""
    if white is None:
        return None
    logs = log2(whole_white(white))
    return np.asarray(logs[0::2] - logs[1])


def _pair(entry: Any) -> tuple[int, int]:
    offset, slope = entry
    return int(offset), int(slope)


def _network(architecture: Architecture, activation_bits: int, arrays: store.Arrays) -> IntegerNetwork:
    shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {}
    names = []
    for name, shape in architecture.shapes().items():
        layer, _, part = name.rpartition(".")
        if part == "weight":
            names.append(layer)
            rows = shape[0]
            shapes[f"{layer}.weight"] = ((rows, int(np.prod(shape[1:]))), np.int8)
            shapes[f"{layer}.bias"] = ((rows,), np.int32)
            shapes[f"{layer}.multiplier"] = ((rows,), np.int32)
        elif name == "mean":
            shapes |= {"centre": (shape, np.int16), "gain": (shape, np.int16)}
    if activation_bits not in SUM_BITS:
        raise ValueError("activations have 8 or 16 bits")
    store.check(arrays, shapes)
    layers = {
        name: Layer(arrays[f"{name}.weight"], arrays[f"{name}.bias"], arrays[f"{name}.multiplier"]) for name in names
    }
    if any((each.multiplier <= 0).any() for each in layers.values()):
        raise ValueError("a multiplier is not positive")
    first = ("stem", architecture.head_layers()[0])
    for own_name, own in layers.items():
        inputs = INPUT_LIMIT if own_name in first else (1 << activation_bits - 1) - 1
        sums = np.abs(own.weight.astype(np.int64)).sum(axis=1) * inputs + np.abs(own.bias.astype(np.int64))
        if sums.max() >= 1 << SUM_BITS[activation_bits]:
            # In C they would overflow.
            raise ValueError(f"layer {own_name} may sum to more than {SUM_BITS[activation_bits]} bits and a sign")
    empty = np.zeros(0, np.int16)
    return IntegerNetwork(architecture, layers, arrays.get("centre", empty), arrays.get("gain", empty), activation_bits)
