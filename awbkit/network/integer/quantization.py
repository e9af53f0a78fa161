"""A network of floating point in whole numbers: post-training quantisation.

Weights get a scale for each output of a layer, activations one for each layer (B. Jacob et al., Quantization and
training of neural networks for efficient integer-arithmetic-only inference, CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import THUMBNAIL_SIZE, LinearImage
from awbkit.errors import AwbError, UsageError
from awbkit.network.architecture import Architecture
from awbkit.network.features import describe
from awbkit.network.inference import SCALES, forward
from awbkit.network.integer.arithmetic import NATURAL
from awbkit.network.integer.description import GRID_UNITS
from awbkit.network.integer.model import DEGREE, IntegerModel
from awbkit.network.integer.network import (
    INPUT_LIMIT,
    INPUT_UNIT,
    LOGIT_UNIT,
    MULTIPLIER_BITS,
    NORMAL_BITS,
    SUM_BITS,
    IntegerNetwork,
    Layer,
    input_corrections,
)
from awbkit.network.model import Model, to_canonical, white_of
from awbkit.network.statistics import TABLE

Float = NDArray[np.float32]
Weights = Mapping[str, Float]

LEAST_UNIT = 1e-12
"""The least that a unit of weights is, where all of an output's are 0."""

_HEADROOM = {8: 1.1, 16: 4.0}
"""By the bits of activations, for pictures unlike those seen: where they clip, lights are off by degrees."""


@dataclass(frozen=True)
class Bits:
    """How many bits numbers have.

    Attributes:
        weights: 4 or 8.
        activations: 8 or 16, of all that passes between layers.
    """

    weights: int = 8
    activations: int = 8

    def __post_init__(self) -> None:
        if self.weights not in (4, 8) or self.activations not in (8, 16):
            raise UsageError("weights have 4 or 8 bits, activations 8 or 16")

    @property
    def largest_weight(self) -> int:
        """Weights go from its negative to it."""
        return int(1 << self.weights - 1) - 1

    @property
    def largest_activation(self) -> int:
        """The same of activations."""
        return int(1 << self.activations - 1) - 1


def measure_scales(
    model: Model, pictures: Iterable[LinearImage], bits: Bits, *, progress: Callable[[int], None] = lambda count: None
) -> dict[str, float]:
    """Measure the value of one unit of each layer's outputs, with headroom for pictures unlike these.

    Args:
        model: Of the family "awbnet".
        pictures: What it may see, of its domain; their lights need not be known.
        bits: How many bits numbers will have.
        progress: Called with the number of pictures just read.

    Raises:
        UsageError: If the model is of another family, or there is no picture.
        AwbError: If a picture has no valid pixel.
    """
    if model.architecture.family != "awbnet":
        raise UsageError(f"{model.name}: whole numbers compute awbnets, not {model.architecture.family}")
    greatest: dict[str, float] = {}
    for picture in pictures:
        small = picture if picture.valid.shape == (THUMBNAIL_SIZE, THUMBNAIL_SIZE) else picture.thumbnail()

        def note(name: str, out: Float) -> None:
            greatest[name] = max(greatest.get(name, 0.0), float(np.abs(out).max()))

        known = white_of(picture.camera) is not None
        forward(model.architecture, model.weights, describe(to_canonical(small)), known, note=note)
        progress(1)
    if not greatest:
        raise UsageError("no picture to calibrate on")
    unit = _HEADROOM[bits.activations] / bits.largest_activation
    return {name: max(value, 1e-3) * unit for name, value in greatest.items()}


def quantize_model(model: Model, scales: Mapping[str, float], bits: Bits) -> IntegerModel:
    """A model in whole numbers.

    Args:
        model: Of the family "awbnet".
        scales: What one unit of each layer's outputs is; of :func:`measure_scales`.
        bits: How many bits numbers will have.

    Raises:
        AwbError: If the weights do not fit whole numbers.
    """
    network = integer_network(model.architecture, model.weights, scales, bits)
    training = {**(model.training or {}), "quantised": {"from": model.name, "sha256": model.digest}}
    known, unknown = (
        (round(offset * DEGREE), round(slope * DEGREE))
        for offset, slope in (model.calibration, model.calibration_without_matrix)
    )
    logit = scales.get("attention", 0.0) * bits.largest_activation
    try:
        return IntegerModel(model.name, network, bits.weights, model.domain, logit, known, unknown, training)
    except ValueError as error:
        raise AwbError(f"{model.name} does not fit whole numbers: {error}") from None


def integer_network(
    architecture: Architecture, weights: Weights, scales: Mapping[str, float], bits: Bits
) -> IntegerNetwork:
    """The integer network that these weights round to.

    Raises:
        AwbError: If its sums could be too large for it.
    """
    layers: dict[str, Layer] = {}
    one, residual = np.ones(1), NATURAL / float(SCALES["residual"])
    outputs = {"attention": [LOGIT_UNIT], "output": [residual, residual, NATURAL]}
    units, unit = GRID_UNITS, 1.0
    corrections = input_corrections(architecture)
    for name in architecture.layers():
        if name == architecture.head_layers()[0]:
            units, unit = corrections, INPUT_UNIT
        out = np.array(outputs.get(name) or [scales[name]])
        layers[name] = _layer(name, weights, units, unit, out, bits)
        units, unit = one, float(out[0])
    centre, gain = np.zeros(0, np.int16), np.zeros(0, np.int16)
    if architecture.statistics:
        centre, gain = normalisation(weights["mean"], weights["std"], TABLE.units.take(architecture.statistics))
    return IntegerNetwork(architecture, layers, centre, gain, bits.activations)


def normalisation(mean: Float, std: Float, units: NDArray[np.float64]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The integer network's centre and gain for statistics of this mean, standard deviation and unit."""
    most = np.iinfo(np.int16).max
    centre = np.clip(np.rint(mean / units), -most, most)
    gain = np.clip(np.rint(units / std / INPUT_UNIT * 2.0**NORMAL_BITS), 1, most)
    return centre.astype(np.int16), gain.astype(np.int16)


def _layer(
    name: str,
    weights: Weights,
    units: NDArray[np.float64],
    unit: float,
    out: NDArray[np.float64],
    bits: Bits,
) -> Layer:
    """A layer of the integer network, for inputs in these units times ``unit``, and outputs in ``out``."""
    weight = weights[f"{name}.weight"].astype(np.float64)
    weight = weight.reshape(len(weight), -1) * units
    bias = weights.get(f"{name}.bias", np.zeros(len(weight), np.float32)).astype(np.float64)
    scale = np.maximum(np.abs(weight).max(axis=1) / bits.largest_weight, LEAST_UNIT)
    whole, offset = np.rint(weight / scale[:, None]), np.rint(bias / (scale * unit))
    multiplier = np.maximum(np.rint(scale * unit / out * 2.0**MULTIPLIER_BITS), 1)
    inputs = INPUT_LIMIT if units.size > 1 else bits.largest_activation
    if (np.abs(whole).sum(axis=1) * inputs + np.abs(offset)).max() >= 1 << SUM_BITS[bits.activations]:
        most = SUM_BITS[bits.activations]
        remedy = "give activations 16 bits" if bits.activations == 8 else "train it longer, or prune it less"
        raise AwbError(f"layer {name} may sum to more than {most} bits and a sign; {remedy}")
    if multiplier.max() >= 1 << 31:
        raise AwbError(f"layer {name} needs finer steps than its multiplier has; give weights or activations 8 bits")
    return Layer(whole.astype(np.int8), offset.astype(np.int32), multiplier.astype(np.int32))
