"""Training with what whole numbers will do to a network: quantisation-aware training.

Weights, activations and the inputs of the head are rounded and clipped as in the integer network, on the way forward
only; gradients pass as if nothing was rounded, and stop where something is clipped (B. Jacob et al., Quantization and
training of neural networks for efficient integer-arithmetic-only inference, CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from awbkit.network.architecture import Architecture
from awbkit.network.integer.description import GRID_UNITS
from awbkit.network.integer.network import INPUT_LIMIT, INPUT_UNIT, input_corrections
from awbkit.network.integer.quantization import LEAST_UNIT, Bits
from awbkit.network.torch.network import Batch, Network


class FakeQuantization:
    """How a network is rounded.

    Args:
        architecture: Of the family "awbnet".
        scales: What one unit of each layer's outputs is; of :func:`awbkit.network.integer.quantization.calibrated`.
        bits: How many bits numbers have.
    """

    def __init__(self, architecture: Architecture, scales: Mapping[str, float], bits: Bits) -> None:
        corrections = input_corrections(architecture).astype(np.float32)
        self._first = architecture.head_layers()[0]
        self._units = {"stem": torch.from_numpy(GRID_UNITS.astype(np.float32))} if architecture.channels else {}
        self._units[self._first] = torch.from_numpy(corrections)
        self._scales = scales
        self._bits = bits
        self._weights = tuple(f"{name}.weight" for name in architecture.layers())

    def answer(self, network: Network, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the network, rounded, makes of pictures; its weights themselves stay as they are."""
        weights = {name: self._rounded(name, network.get_parameter(name)) for name in self._weights}
        with ExitStack() as stack:
            reader = network.get_submodule(self._first.removesuffix(".rank"))
            stack.callback(reader.register_forward_pre_hook(self._read).remove)
            for name in self._scales:
                handle = network.get_submodule(name).register_forward_hook(self._passing(name))
                stack.callback(handle.remove)
            found: tuple[Tensor, Tensor] = functional_call(network, weights, (batch,))
        return found

    def _rounded(self, name: str, weight: Tensor) -> Tensor:
        """Weights on a scale for each output, for inputs in the units that they come in."""
        units = self._units.get(name.removesuffix(".weight"))
        if units is not None:
            units = units.to(weight.device).view(1, -1, *[1] * (weight.dim() - 2))
            weight = weight * units
        most = self._bits.largest_weight
        scale = (weight.detach().flatten(1).abs().amax(dim=1) / most).clamp_min(LEAST_UNIT)
        scale = scale.view(-1, *[1] * (weight.dim() - 1))
        held = _held(weight / scale, most) * scale
        return held if units is None else held / units

    def _read(self, module: nn.Module, given: tuple[Tensor]) -> Tensor:
        units = self._units[self._first].to(given[0].device) * INPUT_UNIT
        return _held(given[0] / units, INPUT_LIMIT) * units

    def _passing(self, name: str) -> Callable[[nn.Module, Any, Tensor], Tensor]:
        unit, most = self._scales[name], self._bits.largest_activation

        def passed(module: nn.Module, given: Any, out: Tensor) -> Tensor:
            # What is negative here and goes through a rectifier next becomes 0 whether it is rounded or not.
            return _held(out / unit, most) * unit

        return passed


def _held(x: Tensor, most: int) -> Tensor:
    """The nearest whole numbers, halves up, from minus ``most`` to it; with the gradient of the clipping alone."""
    clipped = x.clamp(-most, most)
    return clipped + (torch.floor(clipped + 0.5) - clipped).detach()
