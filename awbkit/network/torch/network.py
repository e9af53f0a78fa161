"""The network in torch: the same weights, by the same names, as `awbkit.network.inference` has in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from awbkit.network.architecture import OUTPUTS, SQUEEZE, Architecture
from awbkit.network.features import GRID_CHANNELS
from awbkit.network.inference import LIMIT, SCALES, UNSEEN_LOGIT

Batch = Mapping[str, Tensor]
"""``anchor`` (N, 2), ``known`` (N, 1), 1 or 0, ``statistics`` (N, S) and ``grid`` (N, 5, 16, 16), all float32."""


class Network(nn.Module):
    """A network that can be trained.

    Args:
        architecture: Its dimensions.
        mean: (S,), of the statistics that it reads over the images to train on.
        std: (S,), their standard deviation, positive.
    """

    mean: Tensor
    std: Tensor
    chosen: Tensor
    stem: nn.Conv2d
    attention: nn.Conv2d

    def __init__(self, architecture: Architecture, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.architecture = architecture
        if architecture.statistics:
            self.register_buffer("mean", mean)
            self.register_buffer("std", std)
            self.register_buffer("chosen", torch.tensor(architecture.statistics), persistent=False)
        if architecture.channels:
            self.stem = nn.Conv2d(GRID_CHANNELS, architecture.channels[0], 1)
            block = _Separable if architecture.family == "awbnet" else _InvertedResidual
            self.blocks = nn.ModuleList(block(architecture, number) for number in range(architecture.blocks))
        if architecture.maps:
            self.attention = nn.Conv2d(architecture.channels[-1], architecture.maps, 1, bias=False)
        widths = (architecture.head_inputs, *architecture.hidden)
        sizes = zip(pairwise(widths), architecture.hidden_ranks, strict=True)
        self.hidden = nn.ModuleList(_Linear(inputs, outputs, rank) for (inputs, outputs), rank in sizes)
        self.output = nn.Linear(widths[-1], OUTPUTS)
        # Training starts at the anchor.
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        # Several times as fast as the default on CPUs, and nowhere slower.
        self.memory_format = torch.channels_last
        self.to(memory_format=self.memory_format)  # type: ignore[call-overload]

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Residuals (N, 2) in ln r/g and ln b/g, and (N,) the logarithm of the expected error in degrees."""
        x = self._read(batch)
        for layer in self.hidden:
            x = functional.relu(layer(x))
        out = self.output(x)
        return out[:, :2] * float(SCALES["residual"]), out[:, 2]

    def _read(self, batch: Batch) -> Tensor:
        """The inputs of the head."""
        known = batch["known"]
        parts = [batch["anchor"] * known * float(SCALES["anchor"]), known]
        if self.architecture.statistics:
            normal = (batch["statistics"][:, self.chosen] - self.mean) / self.std
            parts.insert(0, normal.clamp(-float(LIMIT), float(LIMIT)))
        if self.architecture.channels:
            parts.append(self._local(batch["grid"]))
        return torch.cat(parts, dim=1)

    def trained_weights(self) -> list[nn.Parameter]:
        """What is trained, in the order of computation."""
        return [self.get_parameter(name) for name in self.architecture.trained_weights]

    def _local(self, grid: Tensor) -> Tensor:
        x = self.stem(grid.contiguous(memory_format=self.memory_format))
        if self.architecture.family != "awbnet":
            x = _activation(self.architecture)(x)
            for block in self.blocks:
                x = block(x)
            means: Tensor = x.mean(dim=(2, 3))
            return means
        x = functional.relu(x)
        for block in self.blocks:
            x = block(x)
        return self._attention_means(self.attention(x), grid)

    @staticmethod
    def _attention_means(logits: Tensor, grid: Tensor) -> Tensor:
        """(N, 2 maps) means of the cells' log-chroma, by attention."""
        logits = logits.flatten(2)
        logits = torch.where(grid[:, 4:].flatten(2) > 0, logits, torch.full_like(logits, float(UNSEEN_LOGIT)))
        pooled = logits.softmax(dim=2) @ grid[:, :2].flatten(2).transpose(1, 2)
        return pooled.flatten(1) * float(SCALES["attended"])


def network_of(architecture: Architecture, weights: Mapping[str, NDArray[np.float32]]) -> Network:
    """A network of these weights, ready to answer."""
    tensors = {name: torch.from_numpy(value.copy()) for name, value in weights.items()}
    empty = torch.zeros(len(architecture.statistics))
    network = Network(architecture, tensors.get("mean", empty), tensors.get("std", empty))
    network.load_state_dict(tensors)
    return network.eval()


class _Linear(nn.Linear):
    """A linear layer, or the product of two."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        first = nn.Linear(inputs, rank, bias=False) if rank else nn.Identity()
        super().__init__(rank or inputs, outputs)
        self.rank = first

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.rank(x))


class _Pointwise(nn.Conv2d):
    """A pointwise convolution, or the product of two."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        first = nn.Conv2d(inputs, rank, 1, bias=False) if rank else nn.Identity()
        super().__init__(rank or inputs, outputs, 1)
        self.rank = first

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.rank(x))


class _Separable(nn.Module):
    def __init__(self, architecture: Architecture, number: int) -> None:
        super().__init__()
        inputs, outputs = architecture.channels[number : number + 2]
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs)
        self.pointwise = _Pointwise(inputs, outputs, architecture.block_ranks[number])

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = functional.relu(self.pointwise(self.depthwise(x)))
        return out


class _InvertedResidual(nn.Module):
    def __init__(self, architecture: Architecture, number: int) -> None:
        super().__init__()
        channels = architecture.channels[number]
        wide, few = channels * architecture.expansion, max(1, channels // SQUEEZE)
        self.expand = nn.Conv2d(channels, wide, 1)
        self.depthwise = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.squeeze = nn.Conv2d(wide, few, 1)
        self.excite = nn.Conv2d(few, wide, 1)
        self.project = nn.Conv2d(wide, channels, 1)
        self.mobile = architecture.family == "mobilenet-v3"
        self.activation = _activation(architecture)
        # A block that starts as the identity trains without normalisation.
        for value in self.project.parameters():
            nn.init.zeros_(value)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.activation(self.depthwise(self.activation(self.expand(x))))
        squeezed = self.squeeze(wide.mean(dim=(2, 3), keepdim=True))
        squeezed = functional.relu(squeezed) if self.mobile else functional.silu(squeezed)
        excited = self.excite(squeezed)
        gate = functional.hardsigmoid(excited) if self.mobile else torch.sigmoid(excited)
        residual: Tensor = x + self.project(wide * gate)
        return residual


def _activation(architecture: Architecture) -> nn.Module:
    return nn.Hardswish() if architecture.family == "mobilenet-v3" else nn.SiLU()
