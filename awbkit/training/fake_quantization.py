"""Quantisation-aware training: simulate the rounding of the integer network.

The forward pass rounds and clips weights, activations and the head's inputs as the integer network does. Gradients
ignore the rounding and stop where a value is clipped (B. Jacob et al., Quantization and training of neural networks for
efficient integer-arithmetic-only inference, CVPR 2018).
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
    """Simulated quantisation of a network.

    Args:
        architecture: Of the family "awbnet".
        scales: Value of one unit of each layer's outputs, as
            :func:`awbkit.network.integer.quantization.measure_scales` gives them.
        bits: Bits of each number.
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
        """The answers of the rounded network; the weights themselves do not change."""
        weights = {name: self._round_weights(name, network.get_parameter(name)) for name in self._weights}
        with ExitStack() as stack:
            reader = network.get_submodule(self._first.removesuffix(".rank"))
            stack.callback(reader.register_forward_pre_hook(self._round_inputs).remove)
            for name in self._scales:
                handle = network.get_submodule(name).register_forward_hook(self._rounding_hook(name))
                stack.callback(handle.remove)
            found: tuple[Tensor, Tensor] = functional_call(network, weights, (batch,))
        return found

    def _round_weights(self, name: str, weight: Tensor) -> Tensor:
        """Round weights with a scale for each output, for inputs in their own units."""
        units = self._units.get(name.removesuffix(".weight"))
        if units is not None:
            units = units.to(weight.device).view(1, -1, *[1] * (weight.dim() - 2))
            weight = weight * units
        most = self._bits.largest_weight
        scale = (weight.detach().flatten(1).abs().amax(dim=1) / most).clamp_min(LEAST_UNIT)
        scale = scale.view(-1, *[1] * (weight.dim() - 1))
        value = _clip(weight / scale, most) * scale
        return value if units is None else value / units

    def _round_inputs(self, module: nn.Module, given: tuple[Tensor]) -> Tensor:
        units = self._units[self._first].to(given[0].device) * INPUT_UNIT
        return _clip(given[0] / units, INPUT_LIMIT) * units

    def _rounding_hook(self, name: str) -> Callable[[nn.Module, Any, Tensor], Tensor]:
        unit, most = self._scales[name], self._bits.largest_activation

        def passed(module: nn.Module, given: Any, out: Tensor) -> Tensor:
            # A rectifier follows: negative values become 0, rounded or not.
            return _clip(out / unit, most) * unit

        return passed


def _clip(x: Tensor, most: int) -> Tensor:
    """Round to whole numbers, halves up, and clip at plus and minus ``most``; gradients see the clipping alone."""
    clipped = x.clamp(-most, most)
    return clipped + (torch.floor(clipped + 0.5) - clipped).detach()
