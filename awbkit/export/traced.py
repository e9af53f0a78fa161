"""A network with all that comes before and after it, from the thumbnail to the light, in torch: what is traced for ONNX
and ExecuTorch.

It computes what :mod:`awbkit.network.features` and :class:`awbkit.network.model.Model` compute, on whole planes with
masks where they take the valid pixels out, so that no shape depends on the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from awbkit.colour.image import THUMBNAIL_SIZE
from awbkit.export.cases import Case
from awbkit.network import features
from awbkit.network.features import GRID_SIDE
from awbkit.network.integer.arithmetic import OCTAVE
from awbkit.network.integer.description import GRID_UNITS, UNITS
from awbkit.network.integer.network import ANCHOR_SHIFT, INPUT_UNIT, NORMAL_BITS, IntegerNetwork
from awbkit.network.model import GREATEST_ERROR, GREATEST_LOG_ERROR, LEAST_ERROR, Model
from awbkit.network.torch.network import network_of

INPUTS = ("thumbnail", "valid", "white", "known")
OUTPUTS = ("light", "expected_error")

_SIDE = THUMBNAIL_SIZE
_CELL = _SIDE // GRID_SIDE
_TINY, _FAINT, _GREAT = float(features.TINY), float(features.FAINT), float(features.GREAT)


def _from_above(thousandths: int) -> tuple[float, float]:
    """The least of so many of the greatest, their number rounded up: as many from below, rounded down."""
    return 1000 - thousandths, 0.5


def _from_below(thousandths: int) -> tuple[float, float]:
    """The greatest of so many of the least, their number rounded up."""
    return thousandths, -0.5


def _quantile(thousandths: int) -> tuple[float, float]:
    """The number is rounded down; half of one part keeps what is exact from being rounded below itself."""
    return thousandths, 0.5


def _places(rows: Sequence[Sequence[tuple[float, float]]]) -> Tensor:
    """(2, R, K): the places of each row, and what fills up the shorter ones."""
    longest = max(len(row) for row in rows)
    full = [[*row, *[(0.0, 0.5)] * (longest - len(row))] for row in rows]
    return torch.tensor([[[place[part] for place in row] for row in full] for part in (0, 1)], dtype=torch.float32)


_CHROMA = [_quantile(part) for part in (50, 250, 500, 750, 950)]
_PLACES = _places(
    [
        [
            *map(_from_above, features.BRIGHTEST),
            *map(_from_below, features.DARKEST),
            *map(_quantile, (100, 500, 900, 990, 1000)),
        ],
        [*map(_from_above, features.WHITEST), *map(_quantile, (500, 900, 1000))],
        [*map(_from_below, features.GREYEST), *map(_quantile, (10, 100))],
        _CHROMA,
        _CHROMA,
    ]
)
_ANCHOR_PLACE = _places([[_from_above(30)]])
_BLOCK_PLACES = _places([[_quantile(part) for part in (100, 500, 900)]] * 2)


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
        anchor, statistics, grid = _described(thumbnail, valid, white)
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
        self.register_buffer("mean", torch.tensor(network.centre * UNITS[chosen], dtype=torch.float32))
        gain = network.gain / UNITS[chosen] / 2.0**NORMAL_BITS
        self.register_buffer("gain", torch.tensor(gain, dtype=torch.float32))
        self.register_buffer("units", torch.tensor(GRID_UNITS, dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, thumbnail: Tensor, valid: Tensor, white: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        """As :meth:`Estimator.forward` takes it.

        Returns:
            float32 (1, 2), ln(r/g) and ln(b/g) of the anchor; (1, S + 3), the statistics, the anchor and whether the
            white is known; and, where the network reads it, (1, 5, 16, 16), the grid; none of them rounded.
        """
        anchor, statistics, grid = _described(thumbnail, valid, white)
        normal = (statistics[:, self.chosen] - self.mean) * self.gain
        place = anchor * (OCTAVE / math.log(2) / (1 << ANCHOR_SHIFT))
        read = torch.cat([normal, place * known, known * (1 / INPUT_UNIT)], dim=1)
        return (anchor, read, grid / self.units) if self._local else (anchor, read)


def inputs(case: Case) -> dict[str, NDArray[np.float32]]:
    """A picture as what was traced takes it."""
    white = np.ones(3, np.float32) if case.white is None else case.white.astype(np.float32)
    valid = np.asarray((case.pixels > 0).all(axis=2), np.float32)
    known = np.array([[float(case.white is not None)]], np.float32)
    values = (case.pixels.astype(np.float32)[None], valid[None], white[None], known)
    return dict(zip(INPUTS, values, strict=True))


def example() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What can be traced by: inputs of the right shapes."""
    grey = torch.rand((1, THUMBNAIL_SIZE, THUMBNAIL_SIZE, 3), generator=torch.Generator().manual_seed(0))
    return grey + 0.1, torch.ones(1, THUMBNAIL_SIZE, THUMBNAIL_SIZE), torch.ones(1, 3), torch.ones(1, 1)


def _described(thumbnail: Tensor, valid: Tensor, white: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    pixels = thumbnail.reshape(-1, 3).T.contiguous() / white.reshape(3, 1)
    anchor, statistics, grid = describe(pixels, valid.reshape(-1))
    return anchor[None], statistics[None], grid[None]


def describe(pixels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`awbkit.network.features.describe` in torch.

    Args:
        pixels: (3, 4096), canonical RGB.
        valid: (4096,), 1 or 0.

    Returns:
        (2,), (STATISTICS,) and (GRID_CHANNELS, GRID_SIDE, GRID_SIDE).
    """
    seen = valid > 0
    count = valid.sum()
    planes = torch.where(seen, pixels, torch.zeros_like(pixels))
    planes = (planes / planes.max()).clamp(min=_TINY)
    anchor = _anchor(planes, valid, count)
    planes = planes / anchor[:, None]
    brightness = planes.sum(dim=0)
    level = count / (brightness * valid).sum()
    brightness, y = brightness * level, planes * level
    logs = torch.log(y.clamp(min=_TINY))
    uv = torch.stack([logs[0] - logs[1], logs[2] - logs[1]])
    masked = y * valid
    square = masked.reshape(3, _SIDE, _SIDE)
    contrast, colour_contrast = _local_contrast((logs * valid).reshape(3, _SIDE, _SIDE), valid.reshape(_SIDE, _SIDE))
    statistics = _statistics(y, uv, brightness, contrast, colour_contrast, valid, count, square)
    grid = _grid(square, valid.reshape(_SIDE, _SIDE), contrast.reshape(_SIDE, _SIDE))
    return _chroma(anchor), statistics, grid


def _anchor(planes: Tensor, valid: Tensor, count: Tensor) -> Tensor:
    power = planes * planes
    first = torch.sqrt(torch.sqrt((power * power * valid).sum(dim=1) / count))
    y = planes / first[:, None]
    white = _whiteness(y)
    bright = (white >= _at(white[None], valid, count, _ANCHOR_PLACE)[0]) * valid
    anchor = first * (y / y.sum(dim=0) * bright).sum(dim=1) / bright.sum()
    return anchor / anchor[1]


def _statistics(
    y: Tensor,
    uv: Tensor,
    brightness: Tensor,
    contrast: Tensor,
    colour_contrast: Tensor,
    valid: Tensor,
    count: Tensor,
    square: Tensor,
) -> Tensor:
    greyness = (colour_contrast + 1e-3) / (contrast + 1e-2)
    whiteness = _whiteness(y)
    measured = torch.stack([brightness, whiteness, greyness, uv[0], uv[1]])
    ordered = _at(measured, valid, count, _PLACES)
    apart = uv[0] * uv[0] + uv[1] * uv[1]
    near = torch.exp(apart * float(features.NEAR))
    weight = torch.cat(
        [
            (brightness >= ordered[0, :4, None]).to(torch.float32),
            (brightness <= ordered[0, 4:6, None]).to(torch.float32),
            (whiteness >= ordered[1, :3, None]).to(torch.float32),
            (greyness <= ordered[2, :2, None]).to(torch.float32),
            torch.stack(
                [near, torch.exp(apart * float(features.FAR)), near * brightness, contrast * brightness, brightness]
            ),
        ]
    )
    weight = weight * valid
    sums = weight @ torch.cat([y, uv, torch.ones_like(uv[:1])]).T
    mass = sums[:, 5]
    means = sums[:, :5] / mass.clamp(min=_TINY)[:, None]
    blocks = square.reshape(3, 8, 8, 8, 8).sum(dim=(2, 4))
    mean = (uv * valid).sum(dim=1) / count
    upper = (uv * weight[3]).sum(dim=1) / mass[3]
    ends = ((weight[1] + weight[4]) > 0).to(torch.float32)
    answers = _chroma(
        torch.cat(
            [
                _norms(y, valid, count),
                means[:11, :3],
                _edges(square, valid.reshape(_SIDE, _SIDE)),
                _local_surface_reflectance(square, blocks)[None],
                _principal(y * ends)[None],
            ]
        )
    )
    parts = [
        answers,
        means[:, 3:],
        _chroma(means[14, :3]),
        mean,
        _block_quantiles(blocks),
        ordered[3:, :5].T,
        _chroma(blocks.reshape(3, 4, 16).sum(dim=2).T),
        *_moments(uv - mean[:, None], valid, count),
        *_moments(uv - upper[:, None], weight[3], mass[3]),
        (count / _SIDE**2)[None],
        torch.log(torch.stack([(one * valid).sum() / count for one in (contrast, colour_contrast)]) + _FAINT) / 2,
        torch.log(torch.cat([ordered[0, 6:11], ordered[1, 3:6], ordered[2, 2:4]]).clamp(min=_FAINT)),
        mass[11:14] / count,
        _sectors(uv, apart, brightness, valid) / count,
    ]
    return torch.cat([part.reshape(-1) for part in parts]).clamp(-4, 4)


def _grid(square: Tensor, valid: Tensor, contrast: Tensor) -> Tensor:
    sums = square.reshape(3, GRID_SIDE, _CELL, GRID_SIDE, _CELL).sum(dim=(2, 4))
    seen = valid.reshape(GRID_SIDE, _CELL, GRID_SIDE, _CELL).sum(dim=(1, 3))
    logs = torch.log((sums / seen.clamp(min=1)).clamp(min=_TINY))
    greatest = contrast.reshape(GRID_SIDE, _CELL, GRID_SIDE, _CELL).amax(dim=(1, 3))
    cells = [
        (logs[0] - logs[1]).clamp(-1.5, 1.5),
        (logs[2] - logs[1]).clamp(-1.5, 1.5),
        (logs.sum(dim=0) / 3).clamp(-4, 3),
        greatest.clamp(max=2),
        seen / _CELL**2,
    ]
    return torch.stack(cells) * (seen > 0)


def _local_contrast(logs: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    apart = logs - _neighbours(logs) / _neighbours(valid[None]).clamp(min=1)
    mean = apart.abs().sum(dim=0) / 3 * valid
    colour = (apart[0] - apart[1]).abs() + (apart[2] - apart[1]).abs()
    return mean.reshape(-1), colour.reshape(-1)


def _neighbours(planes: Tensor) -> Tensor:
    padded = nn.functional.pad(planes, (1, 1, 1, 1))
    return padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]


def _edges(square: Tensor, valid: Tensor) -> Tensor:
    across = (square[:, :, 1:] - square[:, :, :-1]).abs() * (valid[:, 1:] * valid[:, :-1])
    down = (square[:, 1:] - square[:, :-1]).abs() * (valid[1:] * valid[:-1])
    both = torch.cat([across.reshape(3, -1), down.reshape(3, -1)], dim=1)
    second = both * both
    return torch.stack([both.sum(dim=1), torch.sqrt(torch.sqrt((second * second).sum(dim=1)))])


def _local_surface_reflectance(square: Tensor, blocks: Tensor) -> Tensor:
    greatest = square.reshape(3, 4, 16, 4, 16).amax(dim=(2, 4))
    totals = blocks.reshape(3, 4, 2, 4, 2).sum(dim=(2, 4))
    seen = greatest[:1] > 0
    return (totals * seen).sum(dim=(1, 2)) / (totals * seen / torch.where(seen, greatest, 1.0)).sum(dim=(1, 2))


def _sectors(uv: Tensor, apart: Tensor, brightness: Tensor, valid: Tensor) -> Tensor:
    u, v = uv[0], uv[1]
    sector = (u > 0).to(torch.float32) + 2 * (v > 0).to(torch.float32) + 4 * (u.abs() > v.abs()).to(torch.float32)
    coloured = (apart > float(features.COLOURED)) * valid
    inside = (sector == torch.arange(8, dtype=torch.float32)[:, None]) * coloured
    return torch.cat([inside.sum(dim=1), (inside * brightness).sum(dim=1)])


def _norms(y: Tensor, valid: Tensor, count: Tensor) -> Tensor:
    y = y.clamp(max=_GREAT) * valid
    second = y * y
    fourth = second * second
    means = [one.sum(dim=1) / count for one in (y, second, fourth, fourth * fourth)]
    root = torch.sqrt
    return torch.stack([means[0], root(means[1]), root(root(means[2])), root(root(root(means[3]))), y.amax(dim=1)])


def _principal(chosen: Tensor) -> Tensor:
    moment = chosen @ chosen.T
    axis = torch.ones(3)
    for _ in range(features.ROUNDS):
        axis = moment @ axis
        axis = axis / axis.sum()
    return axis


def _moments(centred: Tensor, weight: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    covariance = (centred * weight) @ centred.T / total
    variance = torch.stack([covariance[0, 0], covariance[1, 1]]) + _TINY
    return torch.log(variance) / 4, covariance[0, 1] / torch.sqrt(variance[0] * variance[1])


def _block_quantiles(blocks: Tensor) -> Tensor:
    flat = blocks.reshape(3, -1)
    seen = (flat[0] > 0).to(torch.float32)
    logs = torch.log(flat.clamp(min=_TINY))
    return _at(logs[0::2] - logs[1], seen, seen.sum(), _BLOCK_PLACES).T


def _whiteness(y: Tensor) -> Tensor:
    least = y.amin(dim=0)
    return least * least / y.amax(dim=0)


def _chroma(rgb: Tensor) -> Tensor:
    logs = torch.log(rgb.clamp(min=_TINY))
    return torch.stack([logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], dim=-1)


def _at(values: Tensor, valid: Tensor, count: Tensor, places: Tensor) -> Tensor:
    """(R, K) of the valid ones among (R, n), in ascending order, those at (2, R, K) places.

    A place is a part of their number, in thousandths, and what is added to it then, in thousandths of one; all rounded
    down.
    """
    # ExecuTorch and LiteRT have no sort, but they have the so many greatest.
    ordered = -torch.topk(torch.where(valid > 0, -values, -torch.inf), values.shape[1], dim=1)[0]
    place = torch.floor((count * places[0] + places[1]) / 1000)
    return torch.gather(ordered, 1, torch.minimum(place, count - 1).to(torch.int64))
