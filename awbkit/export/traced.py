"""A network with all that comes before and after it, from the thumbnail to the light, in torch: what is traced for ONNX
and ExecuTorch.

It computes what :mod:`awbkit.network.features` and :class:`awbkit.network.model.Model` compute, on whole planes with
masks where they take the valid pixels out, so that no shape depends on the picture.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from awbkit.colour.image import THUMBNAIL_SIZE
from awbkit.export.cases import Case
from awbkit.network.integer.arithmetic import OCTAVE
from awbkit.network.integer.description import GRID_UNITS
from awbkit.network.integer.network import ANCHOR_SHIFT, INPUT_UNIT, NORMAL_BITS, IntegerNetwork
from awbkit.network.model import GREATEST_ERROR, GREATEST_LOG_ERROR, LEAST_ERROR, Model
from awbkit.network.statistics import TABLE
from awbkit.network.torch.features import describe
from awbkit.network.torch.network import network_of

INPUTS = ("thumbnail", "valid", "white", "known")
OUTPUTS = ("light", "expected_error")


class Estimator(nn.Module):
    """From a thumbnail to its light.

    Args:
        model: What is traced.
    """

    lines: Tensor

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network = network_of(model.architecture, model.weights)
        # ExecuTorch's kernels take memory in the plain order, and kernels of one pixel can be in several.
        self.network.memory_format = torch.contiguous_format
        for value in self.network.parameters():
            value.data = torch.empty(value.shape).copy_(value)
        self.register_buffer("lines", torch.tensor([model.calibration_without_matrix, model.calibration]))

    def forward(self, thumbnail: Tensor, valid: Tensor, white: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """The light of a picture, and by how many degrees it is expected to be wrong.

        Args:
            thumbnail: float32 (1, 64, 64, 3), linear RGB of the camera, black level subtracted, on any scale.
            valid: float32 (1, 64, 64), 1 where a pixel counts, 0 where one is clipped or masked; one at least is 1.
            white: float32 (1, 3), the camera's RGB of D65; ones where it is not known.
            known: float32 (1, 1), 1 where it is, else 0.

        Returns:
            float32 (1, 3), the light's RGB in the camera's own, green 1; float32 (1, 1), degrees.
        """
        anchor, statistics, grid = _describe(thumbnail, valid, white)
        residual, log_error = self.network({"anchor": anchor, "known": known, "statistics": statistics, "grid": grid})
        chroma = torch.exp(anchor + residual)
        light = torch.cat([chroma[:, :1], torch.ones_like(known), chroma[:, 1:]], dim=1) * white
        line = self.lines[:1] + known * (self.lines[1:] - self.lines[:1])
        stated = torch.exp(log_error.clamp(max=GREATEST_LOG_ERROR))[:, None]
        expected = (line[:, :1] + line[:, 1:] * stated).clamp(LEAST_ERROR, GREATEST_ERROR)
        return light / light[:, 1:2], expected


class Describer(nn.Module):
    """From a thumbnail to what a quantised network reads, in the units that it reads it in.

    Args:
        network: The integer network.
    """

    mean: Tensor
    gain: Tensor
    chosen: Tensor
    units: Tensor

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__()
        self._local = bool(network.architecture.channels)
        chosen = list(network.architecture.statistics)
        self.register_buffer("chosen", torch.tensor(chosen, dtype=torch.int64))
        units = TABLE.units[chosen]
        self.register_buffer("mean", torch.tensor(network.centre * units, dtype=torch.float32))
        gain = network.gain / units / 2.0**NORMAL_BITS
        self.register_buffer("gain", torch.tensor(gain, dtype=torch.float32))
        self.register_buffer("units", torch.tensor(GRID_UNITS, dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, thumbnail: Tensor, valid: Tensor, white: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        """As :meth:`Estimator.forward` takes it.

        Returns:
            float32 (1, 2), ln(r/g) and ln(b/g) of the anchor; (1, S + 3), the statistics, the anchor and whether the
            white is known; and, where the network reads it, (1, 5, 16, 16), the grid; none of them rounded.
        """
        anchor, statistics, grid = _describe(thumbnail, valid, white)
        normal = (statistics[:, self.chosen] - self.mean) * self.gain
        place = anchor * (OCTAVE / math.log(2) / (1 << ANCHOR_SHIFT))
        read = torch.cat([normal, place * known, known * (1 / INPUT_UNIT)], dim=1)
        return (anchor, read, grid / self.units) if self._local else (anchor, read)


def inputs(case: Case) -> dict[str, NDArray[np.float32]]:
    """The inputs of the traced network for one picture, by name."""
    white = np.ones(3, np.float32) if case.white is None else case.white.astype(np.float32)
    valid = np.asarray((case.pixels > 0).all(axis=2), np.float32)
    known = np.array([[float(case.white is not None)]], np.float32)
    values = (case.pixels.astype(np.float32)[None], valid[None], white[None], known)
    return dict(zip(INPUTS, values, strict=True))


def example() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Example inputs to trace with, of the right shapes."""
    grey = torch.rand((1, THUMBNAIL_SIZE, THUMBNAIL_SIZE, 3), generator=torch.Generator().manual_seed(0))
    return grey + 0.1, torch.ones(1, THUMBNAIL_SIZE, THUMBNAIL_SIZE), torch.ones(1, 3), torch.ones(1, 1)


def _describe(thumbnail: Tensor, valid: Tensor, white: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    pixels = thumbnail.reshape(-1, 3).T.contiguous() / white.reshape(3, 1)
    anchor, statistics, grid = describe(pixels, valid.reshape(-1))
    return anchor[None], statistics[None], grid[None]
