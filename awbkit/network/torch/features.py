"""What the network reads of a picture, measured in torch: what is traced for ONNX and ExecuTorch.

It computes what :mod:`awbkit.network.features` computes, on whole planes with masks where that takes the valid pixels
out, so that no shape depends on the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from awbkit.colour.image import THUMBNAIL_SIZE
from awbkit.network import features, formulas
from awbkit.network.features import GRID_SIDE
from awbkit.network.statistics import BRIGHTEST, DARKEST, GREYEST, TABLE, WHITEST

_SIDE = THUMBNAIL_SIZE
_CELL = _SIDE // GRID_SIDE
_TINY, _FAINT, _GREAT = float(formulas.TINY), float(formulas.FAINT), float(formulas.GREAT)


def _from_above(thousandths: int) -> tuple[float, float]:
    """The place of the least value among the greatest ``thousandths``, whose number is rounded up.

    As many values lie below it as the other thousandths have, rounded down.
    """
    return 1000 - thousandths, 0.5


def _from_below(thousandths: int) -> tuple[float, float]:
    """The place of the greatest value among the least ``thousandths``, whose number is rounded up."""
    return thousandths, -0.5


def _quantile(thousandths: int) -> tuple[float, float]:
    """The place of a quantile, rounded down. Half a thousandth keeps exact places from falling below themselves."""
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
            *map(_from_above, BRIGHTEST),
            *map(_from_below, DARKEST),
            *map(_quantile, (100, 500, 900, 990, 1000)),
        ],
        [*map(_from_above, WHITEST), *map(_quantile, (500, 900, 1000))],
        [*map(_from_below, GREYEST), *map(_quantile, (10, 100))],
        _CHROMA,
        _CHROMA,
    ]
)
_ANCHOR_PLACE = _places([[_from_above(30)]])
_BLOCK_PLACES = _places([[_quantile(part) for part in (100, 500, 900)]] * 2)


def describe(pixels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`awbkit.network.features.describe` in torch.

    Args:
        pixels: (3, 4096), canonical RGB.
        valid: (4096,), 1 or 0.

    Returns:
        (2,), (S,) and (GRID_CHANNELS, GRID_SIDE, GRID_SIDE).
    """
    mask = valid > 0
    count = valid.sum()
    planes = torch.where(mask, pixels, torch.zeros_like(pixels))
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
    names, parts = _formulas(y, uv, brightness, contrast, colour_contrast, valid, count, square)
    statistics = TABLE.arrange(names, torch.cat([part.reshape(-1) for part in parts])).clamp(-4, 4)
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


def _formulas(
    y: Tensor,
    uv: Tensor,
    brightness: Tensor,
    contrast: Tensor,
    colour_contrast: Tensor,
    valid: Tensor,
    count: Tensor,
    square: Tensor,
) -> tuple[list[str], list[Tensor]]:
    """The names of the statistics, and their numbers in the order of the names."""
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
    colours = {
        "norms": _norms(y, valid, count),
        "masks": means[:11, :3],
        "edges": _edges(square, valid.reshape(_SIDE, _SIDE)),
        "surface": _local_surface_reflectance(square, blocks)[None],
        "principal": _principal(y * ends)[None],
    }
    parts = [_chroma(torch.cat([*colours.values()]))]
    others = {
        "means": means[:, 3:],
        "rough": _chroma(means[14, :3]),
        "mean": mean,
        "blocks": _block_quantiles(blocks),
        "percentiles": ordered[3:, :5].T,
        "strips": _chroma(blocks.reshape(3, 4, 16).sum(dim=2).T),
        "spread": _moments(uv - mean[:, None], valid, count),
        "bright_spread": _moments(uv - upper[:, None], weight[3], mass[3]),
        "valid": (count / _SIDE**2)[None],
        "contrast": torch.log(
            torch.stack([(one * valid).sum() / count for one in (contrast, colour_contrast)]) + _FAINT
        )
        / 2,
        "tones": torch.log(torch.cat([ordered[0, 6:11], ordered[1, 3:6], ordered[2, 2:4]]).clamp(min=_FAINT)),
        "windows": mass[11:14] / count,
        "sectors": _sectors(uv, apart, brightness, valid) / count,
    }
    for other in others.values():
        parts += other if isinstance(other, tuple) else (other,)
    return [*colours, *others], parts


def _grid(square: Tensor, valid: Tensor, contrast: Tensor) -> Tensor:
    sums = square.reshape(3, GRID_SIDE, _CELL, GRID_SIDE, _CELL).sum(dim=(2, 4))
    number = valid.reshape(GRID_SIDE, _CELL, GRID_SIDE, _CELL).sum(dim=(1, 3))
    logs = torch.log((sums / number.clamp(min=1)).clamp(min=_TINY))
    greatest = contrast.reshape(GRID_SIDE, _CELL, GRID_SIDE, _CELL).amax(dim=(1, 3))
    cells = [
        (logs[0] - logs[1]).clamp(-1.5, 1.5),
        (logs[2] - logs[1]).clamp(-1.5, 1.5),
        (logs.sum(dim=0) / 3).clamp(-4, 3),
        greatest.clamp(max=2),
        number / _CELL**2,
    ]
    return torch.stack(cells) * (number > 0)


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
    mask = greatest[:1] > 0
    return (totals * mask).sum(dim=(1, 2)) / (totals * mask / torch.where(mask, greatest, 1.0)).sum(dim=(1, 2))


def _sectors(uv: Tensor, apart: Tensor, brightness: Tensor, valid: Tensor) -> Tensor:
    u, v = uv[0], uv[1]
    sector = (u > 0).to(torch.float32) + 2 * (v > 0).to(torch.float32) + 4 * (u.abs() > v.abs()).to(torch.float32)
    coloured = (apart > float(features.COLOUR_THRESHOLD)) * valid
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
    for _ in range(formulas.ROUNDS):
        axis = moment @ axis
        axis = axis / axis.sum()
    return axis


def _moments(centred: Tensor, weight: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    covariance = (centred * weight) @ centred.T / total
    variance = torch.stack([covariance[0, 0], covariance[1, 1]]) + _TINY
    return torch.log(variance) / 4, covariance[0, 1] / torch.sqrt(variance[0] * variance[1])


def _block_quantiles(blocks: Tensor) -> Tensor:
    flat = blocks.reshape(3, -1)
    mask = (flat[0] > 0).to(torch.float32)
    logs = torch.log(flat.clamp(min=_TINY))
    return _at(logs[0::2] - logs[1], mask, mask.sum(), _BLOCK_PLACES).T


def _whiteness(y: Tensor) -> Tensor:
    least = y.amin(dim=0)
    return least * least / y.amax(dim=0)


def _chroma(rgb: Tensor) -> Tensor:
    logs = torch.log(rgb.clamp(min=_TINY))
    return torch.stack([logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], dim=-1)


def _at(values: Tensor, valid: Tensor, count: Tensor, places: Tensor) -> Tensor:
    """(R, K): the valid values of each row (R, n), sorted in ascending order, at the places (2, R, K).

    A place has two parts: thousandths of the number of valid values, and thousandths of one value to add. Their sum is
    rounded down.
    """
    # ExecuTorch and LiteRT cannot sort, but they can select the k greatest values.
    ordered = -torch.topk(torch.where(valid > 0, -values, -torch.inf), values.shape[1], dim=1)[0]
    place = torch.floor((count * places[0] + places[1]) / 1000)
    return torch.gather(ordered, 1, torch.minimum(place, count - 1).to(torch.int64))
