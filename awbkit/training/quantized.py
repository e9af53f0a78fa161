"""The network as whole numbers will compute it, so that it is trained with what rounding does to it.

Quantisation-aware training with a straight-through gradient (B. Jacob et al., Quantization and training of neural
networks for efficient integer-arithmetic-only inference, CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from awbkit.errors import AwbError
from awbkit.network.architecture import Architecture
from awbkit.network.inference import SCALES
from awbkit.network.integer.arithmetic import OCTAVE
from awbkit.network.integer.description import GRID_UNITS, UNITS
from awbkit.network.integer.network import (
    INPUT_LIMIT,
    INPUT_UNIT,
    NORMAL_BITS,
    ROUNDED_OFF,
    IntegerNetwork,
    Layer,
    input_corrections,
)
from awbkit.training.network import Batch, Network

Float = NDArray[np.float32]

_LOGARITHM = float(np.log(2)) / OCTAVE
_CLIPPED = 1e-4
"""Share of a layer's outputs that its scale may clip."""

_SUM_BITS = {8: 23, 16: 31}
"""What sums may take, by the bits of activations, their signs apart."""

_LEAST_UNIT = 1e-12


@dataclass(frozen=True)
class Bits:
    """How many bits numbers have.

    Attributes:
        weights: 4 or 8.
        activations: 8 or 16, of all that passes between layers.
    """

    weights: int = 8
    activations: int = 8

    @property
    def largest_weight(self) -> int:
        """Weights go from its negative to it."""
        return int(1 << self.weights - 1) - 1

    @property
    def largest_activation(self) -> int:
        """The same of activations."""
        return int(1 << self.activations - 1) - 1


class Quantized(Network):
    """A network that rounds as the integer one does.

    Args:
        architecture: Of the family "awbnet".
        mean: (S,), of the statistics.
        std: (S,), their standard deviation.
        bits: How many bits numbers have.
        scales: What one unit of each layer's outputs is, by the layer's name; from :func:`calibrated`.
    """

    def __init__(
        self, architecture: Architecture, mean: Tensor, std: Tensor, *, bits: Bits, scales: Mapping[str, float]
    ) -> None:
        super().__init__(architecture, mean, std)
        self.corrections: Tensor
        self.grid_units: Tensor
        self.bits = bits
        self.scales = scales
        corrections = torch.from_numpy(input_corrections(architecture).astype(np.float32))
        self.register_buffer("corrections", corrections, persistent=False)
        self.register_buffer("grid_units", torch.from_numpy(GRID_UNITS.astype(np.float32)), persistent=False)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """As that of :class:`Network`, of descriptions in whole numbers times their units."""
        units = self.corrections * INPUT_UNIT
        x = _held(self._read(batch) / units, -INPUT_LIMIT, INPUT_LIMIT) * units
        for place, (name, layer) in enumerate(_head(self)):
            weight = self._rounded(layer.weight, self.corrections if place == 0 else None)
            x = functional.linear(x, weight, layer.bias)
            if name != "output":
                x = self._passed(name, x, signed=name == "rank")
        return x[:, :2] * float(SCALES["residual"]), x[:, 2]

    def _local(self, grid: Tensor) -> Tensor:
        x = grid
        for name, layer in _branch(self):
            weight = self._rounded(layer.weight, self.grid_units[:, None, None] if name == "stem" else None)
            x = functional.conv2d(
                x, weight, layer.bias, padding=weight.shape[-1] // 2, groups=x.shape[1] // weight.shape[1]
            )
            if name != "attention":
                x = self._passed(name, x, signed=name.endswith("depthwise"))
        return self._pooled(x, grid)

    def _passed(self, name: str, total: Tensor, *, signed: bool) -> Tensor:
        """A layer's outputs, on its scale."""
        most, unit = self.bits.largest_activation, self.scales[name]
        return _held(total / unit, -most if signed else 0, most) * unit

    def _rounded(self, weight: Tensor, units: Tensor | None) -> Tensor:
        """Weights, for inputs in these units, on a scale for each output."""
        most = self.bits.largest_weight
        scaled = weight if units is None else weight * units
        unit = (scaled.detach().flatten(1).abs().amax(dim=1) / most).clamp_min(_LEAST_UNIT)
        unit = unit.view(-1, *[1] * (weight.dim() - 1))
        held = _held(scaled / unit, -most, most) * unit
        return held if units is None else held / units


def calibrated(network: Network, batches: Iterator[Batch], bits: Bits) -> dict[str, float]:
    """What one unit of each layer's outputs is: as little as clips one in ten thousand.

    Args:
        network: In floating point.
        batches: What it may read.
        bits: How many bits numbers will have.
    """
    seen: dict[str, list[Tensor]] = {}

    def watch(name: str, layer: nn.Module) -> None:
        def note(_: nn.Module, __: tuple[Tensor], out: Tensor) -> None:
            flat = out.detach().flatten()
            flat = flat.abs() if name == "rank" or name.endswith("depthwise") else flat
            kept = max(1, int(len(flat) * _CLIPPED))
            seen.setdefault(name, []).append(torch.topk(flat, kept).values[-1])

        handles.append(layer.register_forward_hook(note))

    handles: list[torch.utils.hooks.RemovableHandle] = []
    for name, layer in (*_branch(network), *_head(network)):
        if name not in ("attention", "output"):
            watch(name, layer)
    with torch.no_grad():
        for batch in batches:
            network(batch)
    for handle in handles:
        handle.remove()
    most = bits.largest_activation
    return {name: max(float(torch.stack(values).max()), 1e-3) / most for name, values in seen.items()}


def integer_of(network: Quantized) -> IntegerNetwork:
    """The integer network that rounds as this one does.

    Raises:
        AwbError: If its sums could be too large for it.
    """
    layers: dict[str, Layer] = {}
    one, residual = np.ones(1), _LOGARITHM / float(SCALES["residual"])
    outputs = {"attention": [_LOGARITHM], "output": [residual, residual, _LOGARITHM]}
    for stack, first, unit in (
        (_branch(network), GRID_UNITS, 1.0),
        (_head(network), network.corrections.numpy().astype(np.float64), INPUT_UNIT),
    ):
        units = first
        for name, module in stack:
            out = np.array(outputs.get(name) or [network.scales[name]])
            layers[name] = _layer(name, module, units, unit, out, network.bits)
            units, unit = one, float(out[0])
    centre, gain = normalisation(network.architecture, network.mean.numpy(), network.std.numpy())
    return IntegerNetwork(network.architecture, layers, centre, gain, network.bits.activations)


def normalisation(architecture: Architecture, mean: Float, std: Float) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The integer network's centre and gain for statistics of this mean and standard deviation."""
    units = UNITS
    most = np.iinfo(np.int16).max
    centre = np.clip(np.rint(mean / units), -most, most)
    gain = np.clip(np.rint(units / std / INPUT_UNIT * 2.0**NORMAL_BITS), 1, most)
    return centre.astype(np.int16), gain.astype(np.int16)


def _layer(
    name: str,
    module: nn.Conv2d | nn.Linear,
    units: NDArray[np.float64],
    unit: float,
    out: NDArray[np.float64],
    bits: Bits,
) -> Layer:
    """A layer of the integer network, for inputs in these units times ``unit``, and outputs in ``out``."""
    weight = module.weight.detach().double().flatten(1).numpy() * units
    # The types of torch say that there always is one.
    offsets: Tensor | None = module.bias
    bias = np.zeros(len(weight)) if offsets is None else offsets.detach().double().numpy()
    scale = np.maximum(np.abs(weight).max(axis=1) / bits.largest_weight, _LEAST_UNIT)
    whole, offset = np.rint(weight / scale[:, None]), np.rint(bias / (scale * unit))
    multiplier = np.maximum(np.rint(scale * unit / out * 2.0**ROUNDED_OFF), 1)
    inputs = INPUT_LIMIT if name == "stem" or units.size > 1 else bits.largest_activation
    if (np.abs(whole).sum(axis=1) * inputs + np.abs(offset)).max() >= 1 << _SUM_BITS[bits.activations]:
        raise AwbError(f"layer {name} may sum to more than {_SUM_BITS[bits.activations]} bits and a sign")
    if multiplier.max() >= 1 << 31:
        raise AwbError(f"layer {name} has outputs so small that no multiplier of 32 bits scales to them")
    return Layer(whole.astype(np.int8), offset.astype(np.int32), multiplier.astype(np.int32))


def _branch(network: Network) -> Iterator[tuple[str, nn.Conv2d | nn.Linear]]:
    """The convolutions in their order, by the integer network's names."""
    if not network.architecture.channels:
        return
    yield "stem", network.stem
    for number, block in enumerate(network.blocks):
        yield f"blocks.{number}.depthwise", cast(nn.Conv2d, block.depthwise)
        yield f"blocks.{number}.pointwise", cast(nn.Conv2d, block.pointwise)
    yield "attention", network.attention


def _head(network: Network) -> Iterator[tuple[str, nn.Conv2d | nn.Linear]]:
    """The linear layers in their order."""
    if network.architecture.rank:
        yield "rank", network.rank
    for number, layer in enumerate(network.hidden):
        yield f"hidden.{number}", cast(nn.Linear, layer)
    yield "output", network.output


def _held(x: Tensor, low: int, high: int) -> Tensor:
    """The nearest whole numbers from ``low`` to ``high``; the gradient passes as if nothing was rounded."""
    x = x.clamp(low, high)
    return x + (torch.floor(x + 0.5) - x).detach()
