"""The light of a scene from two pictures of it: one under that light, one under a known, even light.

With input I = L R s and reference A = L0 R s0 (light, reflectance, shading), reflectances cancel in I / A, and shading
and exposure cancel in its chromaticity: ln(I_R / I_G) - ln(A_R / A_G) = ln(L_R / L_G) - ln(L0_R / L0_G), and the same
for blue. That is the local light: the dominant one, or the mixture of several.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import THUMBNAIL_SIZE
from awbkit.colour.light_map import LightMap
from awbkit.datasets.reduction import Reduction, edges
from awbkit.datasets.registration import register, shift_picture
from awbkit.datasets.spread import angular_spread
from awbkit.errors import UsageError

Floats = NDArray[np.floating]

_LEAST_LIGHT = 5e-4
"""Lower limit of the light in a channel: about two steps of 8-bit sRGB."""

_FLARE = 0.01
"""Added before the logarithm of the edge detection, so that noise in dark areas is no edge."""

_EDGE_CONTRAST = 0.3
"""Least change of brightness of an edge, in ln over 3 x 3 pixels."""

_SMOOTH_SHARE = 1 / 3
"""Least share of the pixels to keep, even in strong texture."""

_LEAST_PIXELS = 64
"""Least number of usable reduced pixels."""

_GREATEST_WEIGHT = 3.0
"""Greatest weight of a pixel, in units of the median brightness: the brightest pixels are reflections of lamps."""

_OUTLIER_DISTANCE = 3.0
"""Outliers (highlights, moved objects) lie further from the geometric median than this many third quartiles of the
distance. The median of the distance would exclude the lesser of two unequal lights."""

_OUTLIER_SHARES = (0.05, 0.15)
"""Outliers below the first share of the pixels or of the weight are excluded; above the second share they are a lesser
light and count. In between they count if they form a cluster: moved objects scatter, since the paint in front and
behind differs in all ways."""

_CLUSTER_SHARE = 0.3
"""Greatest median distance of a cluster from its own middle, as a share of the distance between the two middles."""

_EDGE_VARIANCE = 0.02
"""Variance of ln reference, over 3 x 3 cells, from which the guided filter follows its edges."""

_KNOWN_SHARE = 0.25
"""Least usable share of a cell; below it the cell is unknown, even if its neighbours are known."""

_KNOWN_PIXELS = 4
"""Least number of pixels around a cell for its light."""


@dataclass(frozen=True, eq=False)
class PairIlluminant:
    """The light of the input relative to that of the reference.

    Attributes:
        rgb: Unit length: the mean light, weighted by the brightness of the lit surfaces.
        spread: Degrees between the lights one sixth of the cells from either end, along the direction in
            log-chroma in which they differ most: for two lights in equal shares the angle between them.
        light_map: The light in each cell of the input's thumbnail, (64, 64). Its confidence is the square root of the
            number of pixels behind the cell, at some 512 to the longer side.
    """

    rgb: tuple[float, float, float]
    spread: float
    light_map: LightMap


def illuminant_from_pair(picture: Reduction, reference: Reduction) -> PairIlluminant:
    """The global and local illuminant of a picture, relative to the light of its reference.

    The two are registered. Pixels that are clipped or dark in either picture, and
    those around strong edges, are left out. The global light is the mean, weighted by the input's green, which equals
    the light on the scene as a whole (the sum of red over the sum of green). Highlights and
    moved objects are excluded by their distance from the geometric median of the log-chroma, which withstands outliers
    in up to half of the pixels (A. Weiszfeld 1937; Y. Vardi and C.-H. Zhang, "The multivariate L1-median and associated
    data depth", PNAS 2000). The local light is the
    same mean by cell, smoothed by a guided filter (K. He, J. Sun and X. Tang, "Guided image filtering", 2013) with the
    reference as the guide.

    Args:
        picture: The scene under the light in question.
        reference: The same scene, of the same size; it may be shifted by up to a sixteenth of a side.

    Raises:
        UsageError: If the sizes differ, too little is neither clipped nor dark in both, or the two show different
            scenes.
    """
    if (picture.height, picture.width) != (reference.height, reference.width):
        sizes = f"{picture.width} x {picture.height} pixels and its reference {reference.width} x {reference.height}"
        raise UsageError(f"the picture is {sizes}")
    found = register(picture, reference)
    if not (found.has_peak or found.lacks_edges):
        raise UsageError("the picture and its reference cannot be registered; do they show the same scene?")
    even = shift_picture(reference, found.rows, found.columns)
    usable = picture.usable & even.usable
    if usable.sum() < _LEAST_PIXELS:
        raise UsageError(f"only {usable.mean():.1%} of the pixels are neither clipped nor dark in both pictures")
    contrast = np.maximum(_contrast(picture.pixels), _contrast(even.pixels))
    used = usable & (contrast <= max(_EDGE_CONTRAST, float(np.quantile(contrast[usable], _SMOOTH_SHARE))))
    ratio = _log_chroma(picture.pixels) - _log_chroma(even.pixels)
    green = picture.pixels[..., 1].astype(np.float64) + _LEAST_LIGHT
    weight = np.where(used, np.minimum(green, _GREATEST_WEIGHT * np.median(green[used])), 0.0)
    light_map = _light_map(ratio, weight, usable, even.pixels)
    return PairIlluminant(
        rgb=_rgb(_mean(ratio[used], weight[used], green[used])),
        spread=angular_spread(light_map.chroma[light_map.known].astype(np.float64)),
        light_map=light_map,
    )


def geometric_median(points: Floats, weights: Floats) -> NDArray[np.float64]:
    """The geometric median: the point with the least weighted sum of distances to all others.

    Weiszfeld's iteration with Vardi and Zhang's step, which does not stall at one of the points.

    Args:
        points: (N, D).
        weights: (N,), not negative and not all 0.
    """
    middle = np.median(points, axis=0).astype(np.float64)
    for _ in range(300):
        away = points - middle
        distance = np.linalg.norm(away, axis=1)
        apart = distance > 1e-9
        pull = weights[apart] / distance[apart]
        if not pull.sum() > 0:
            break
        step = pull @ away[apart] / pull.sum()
        here = float(weights[~apart].sum())
        force = float(np.linalg.norm(pull @ away[apart]))
        step *= max(0.0, 1 - here / force) if force > 0 else 0.0
        middle += step
        if np.abs(step).max() < 1e-6:
            break
    return middle


def _mean(ratio: Floats, weight: Floats, green: Floats) -> NDArray[np.float64]:
    """Log-chroma of the mean light, without outliers from the geometric median that are no lesser light."""
    middle = geometric_median(ratio, weight)
    distance = np.linalg.norm(ratio - middle, axis=1)
    near = distance <= _OUTLIER_DISTANCE * _quantile(distance, weight, 0.75) + 1e-6
    share = max(1 - near.mean(), 1 - weight[near].sum() / weight.sum())
    if share > _OUTLIER_SHARES[1] or (share > _OUTLIER_SHARES[0] and _is_cluster(ratio[~near], weight[~near], middle)):
        near[:] = True
    return np.asarray(np.log(np.average(np.exp(ratio[near]), axis=0, weights=green[near])))


def _is_cluster(ratio: Floats, weight: Floats, elsewhere: NDArray[np.float64]) -> bool:
    middle = geometric_median(ratio, weight)
    scatter = _quantile(np.linalg.norm(ratio - middle, axis=1), weight, 0.5)
    return scatter < _CLUSTER_SHARE * float(np.linalg.norm(middle - elsewhere))


def _quantile(values: Floats, weight: Floats, share: float) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(total, share * total[-1])]])


def _light_map(ratio: Floats, weight: Floats, usable: NDArray[np.bool_], reference: Floats) -> LightMap:
    """The light by cell."""
    total = _cells(weight)
    mean = _cells(ratio * weight[..., None]) / np.where(total > 0, total, 1)[..., None]
    area = _cells(np.ones(usable.shape))
    guide = np.log(_cells(reference.mean(axis=2, dtype=np.float64)) / area + _FLARE)
    counts = _cells((weight > 0).astype(np.float64))
    known = (_box(counts) >= _KNOWN_PIXELS) & (_cells(usable.astype(np.float64)) >= _KNOWN_SHARE * area)
    return LightMap.of(np.where(known[..., None], _guided_filter(mean, guide, total), np.nan), np.sqrt(counts))


def _log_chroma(pixels: Floats) -> NDArray[np.float64]:
    log = np.log(np.maximum(pixels.astype(np.float64), _LEAST_LIGHT))
    return np.asarray(log[..., (0, 2)] - log[..., 1:2])


def _rgb(chroma: Floats) -> tuple[float, float, float]:
    light = np.exp([float(chroma[0]), 0.0, float(chroma[1])])
    red, green, blue = light / np.linalg.norm(light)
    return float(red), float(green), float(blue)


def _contrast(pixels: Floats) -> NDArray[np.float64]:
    """Greatest change of a channel's logarithm over 3 x 3 pixels."""
    high = low = np.log(pixels.astype(np.float64) + _FLARE)
    for axis in (0, 1):
        high, low = _reduce_neighbours(high, axis, np.maximum), _reduce_neighbours(low, axis, np.minimum)
    return np.asarray((high - low).max(axis=2))


def _reduce_neighbours(values: Floats, axis: int, choose: np.ufunc) -> NDArray[np.float64]:
    """Reduce each value and its two neighbours along an axis to one."""
    swapped = np.swapaxes(values, 0, axis)
    result = swapped.copy()
    choose(result[1:], swapped[:-1], out=result[1:])
    choose(result[:-1], swapped[1:], out=result[:-1])
    return np.asarray(np.swapaxes(result, 0, axis), dtype=np.float64)


def _cells(values: Floats) -> NDArray[np.float64]:
    """Sums over the cells of the thumbnail."""
    rows, columns = (edges(length, THUMBNAIL_SIZE)[:-1] for length in values.shape[:2])
    return np.asarray(np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1))


def _guided_filter(values: Floats, guide: Floats, weight: Floats) -> NDArray[np.float64]:
    """Guided filter of radius 1 with a gray guide and a weight for each cell."""
    total = _box(weight)
    safe = np.where(total > 0, total, 1)
    centre = _box(weight * guide) / safe
    variance = np.maximum(_box(weight * guide**2) / safe - centre**2, 0)
    around = np.where(_box(total) > 0, _box(total), 1)
    result = np.empty(values.shape)
    for channel in range(values.shape[2]):
        mean = _box(weight * values[..., channel]) / safe
        slope = (_box(weight * guide * values[..., channel]) / safe - centre * mean) / (variance + _EDGE_VARIANCE)
        level = mean - slope * centre
        result[..., channel] = (_box(slope * total) * guide + _box(level * total)) / around
    return result


def _box(values: Floats) -> NDArray[np.float64]:
    """Sums over 3 x 3 cells."""
    padded = np.pad(values, 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:])
