"""What the network reads of a picture, measured in whole numbers.

The same statistics in the same order as `awbkit.network.features` measures in floating point. Colours are
differences of logarithms, and a channel's gain is an offset of them. Order statistics come from histograms with bins of
1/16 octave (1/32 for log-chroma): a pixel in the bin where a share of the pixels ends counts in part, and a quantile
lies between the ends of its bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError
from awbkit.network.features import GRID_CHANNELS, GRID_SIDE, neighbours
from awbkit.network.integer.arithmetic import OCTAVE, Int, exp2, log2, quick_log2, ratio
from awbkit.network.statistics import BRIGHTEST, DARKEST, GREYEST, TABLE, WHITEST

LINEAR_BITS = 12
"""Of fractions of linear values; the mean brightness is 1."""

BINS = 256
WHOLE = 128
"""The weight of a pixel that counts in full."""

_OFFSETS = {"brightness": 11 * OCTAVE, "whiteness": 12 * OCTAVE, "greyness": 10 * OCTAVE, "chroma": 4 * OCTAVE}
"""Added to a quantity before its histogram, whose first bin then is 0."""

_WIDTHS = {"brightness": 7, "whiteness": 7, "greyness": 7, "chroma": 6}
"""The width of a bin, as a power of two."""

_CHROMA_LIMIT = 4 * OCTAVE - 1
_COLOURED = 196_427
"""The square of 0.15 in natural logarithms, in squared units."""

_WINDOWS = (35492, 5679)
"""Octaves that Gaussian windows, 0.1 and 0.25 wide in natural logarithms, lose per squared octave, times 1024."""

_TWELFTHS = np.array([0, 12, 6, 4, 3])
"""A twelfth's parts of a mean of so many neighbours."""

_FAINT_COLOUR, _FAINT_CONTRAST = 36, 1064
_EVEN = 3
"""Added to what may be 0 before its logarithm is taken; a thousandth of a natural logarithm."""

_NATURAL_LOG = 23611
"""How many octaves, in 1/2048, a natural logarithm has of units."""

_ROUNDS = 8

_LN2 = float(np.log(2))


GRID_UNITS = np.array([_LN2 / 64, _LN2 / 64, _LN2 / 16, _LN2 / 32, 1 / 16])
"""What one unit of each of the grid's channels is in the float description."""


@dataclass(frozen=True, eq=False)
class Description:
    """What the network reads of one picture; see :class:`awbkit.network.features.Features`.

    Attributes:
        anchor: (2,), log2 of r/g and b/g of the first guess of the light, in the thumbnail's own RGB.
        statistics: (S,), each within 16 bits, in the order and the units of :data:`awbkit.network.statistics.TABLE`.
        grid: (GRID_CHANNELS, GRID_SIDE, GRID_SIDE), each within 8 bits, in :data:`GRID_UNITS`.
    """

    anchor: Int
    statistics: Int
    grid: Int


def thumbnail(image: LinearImage) -> NDArray[np.uint16]:
    """(64, 64, 3) whole numbers as a sensor's; 0 in all channels where a pixel is not valid.

    The largest valid value comes to lie between 2**15 and 2**16, by a power of two: exposure means nothing here.

    Args:
        image: (64, 64) pixels.
    """
    valid = image.valid & (image.pixels > 0).all(axis=2)
    if not valid.any():
        return np.zeros(image.pixels.shape, np.uint16)
    pixels = np.where(valid[..., None], image.pixels, 0).astype(np.float64)
    largest = np.frexp(pixels.max())[1]
    scaled = np.minimum(np.rint(np.ldexp(pixels, 16 - largest)), 65535)
    return np.where((scaled >= 1).all(axis=2)[..., None], scaled, 0).astype(np.uint16)


def describe(pixels: NDArray[np.uint16]) -> Description:
    """Measure a thumbnail.

    Args:
        pixels: (64, 64, 3), RGB on any linear scale without an offset; a pixel with a 0 in any channel is not valid.

    Raises:
        AwbError: If no pixel is valid.
    """
    planes = np.moveaxis(pixels.astype(np.int64), 2, 0)
    seen = np.asarray((planes > 0).all(axis=0))
    if not seen.any():
        raise AwbError("no valid pixel: every pixel is clipped, black or masked")
    picture = _Picture(planes * seen, seen)
    return Description(picture.anchor[0::2], picture.statistics(), picture.grid())


class _Picture:
    """A picture under its anchor. Planes are (..., 64, 64), the other arrays (..., n) of the pixels seen."""

    def __init__(self, planes: Int, seen: NDArray[np.bool_]) -> None:
        self.seen = seen
        self.places = np.flatnonzero(seen)
        self.count = len(self.places)
        tops = planes.max(axis=(1, 2))
        shares = planes * ((1 << 31) // tops)[:, None, None] >> 16
        self.norms, edges = _channel_norms(shares, self._kept(shares), seen, log2(tops))
        surface = _local_surface_reflectance(shares) + log2(tops)
        logs = quick_log2(planes)
        y = self._kept(logs)
        first = self.norms[2]
        under = y - first[:, None]
        anchor = first + _anchor_of(under)
        self.anchor = anchor - anchor[1]
        u, v = under[0::2] - under[1]
        apart = (first - self.anchor)[0::2] - first[1]
        self.mean = np.stack([ratio(one.sum(), self.count) for one in (u, v)]) + apart
        self.spread = _moments(u, v, np.ones(self.count, np.int64))
        self.surface = _logs_less_green(surface - self.anchor)
        # The mean brightness, of all channels together, is 1.
        means = self.norms[0] - self.anchor
        level = int(log2(exp2(means - means.max(), 14).sum())) + int(means.max()) - 14 * OCTAVE
        self.edges = edges - self.anchor
        self.norms = self.norms - self.anchor
        self.y = y - self.anchor[:, None] - level
        self.linear_plane = _linear(planes, self.anchor + level)
        self.linear = self._kept(self.linear_plane)
        self.brightness = self.linear.sum(axis=0)
        self.chroma = np.clip(self.y[0::2] - self.y[1], -_CHROMA_LIMIT, _CHROMA_LIMIT)
        self.whiteness = _whiteness(self.y)
        self.contrast_plane, colour = _local_contrast(logs, seen)
        self.contrast, self.colour_contrast = self._kept(self.contrast_plane[None])[0], self._kept(colour[None])[0]

    def _kept(self, planes: Int) -> Int:
        """(C, n) pixels seen of (C, 64, 64)."""
        return planes.reshape(len(planes), -1)[:, self.places]

    def statistics(self) -> Int:
        """As :class:`Description` has them."""
        found = self._formulas()
        flat = np.concatenate([np.asarray(part, np.int64).reshape(-1) for part in found.values()])
        return np.asarray(np.clip(TABLE.arranged(found, flat), -(1 << 15), (1 << 15) - 1))

    def _formulas(self) -> dict[str, ArrayLike]:
        """The statistics by name."""
        u, v = self.chroma
        count = np.int64(self.count)
        greyness = quick_log2(self.colour_contrast + _FAINT_COLOUR) - quick_log2(self.contrast + _FAINT_CONTRAST)
        bright = _Histogram("brightness", quick_log2(self.brightness) - LINEAR_BITS * OCTAVE)
        white = _Histogram("whiteness", self.whiteness)
        grey = _Histogram("greyness", greyness + 3246)
        weights = np.stack(
            [
                *(bright.top(share) for share in BRIGHTEST),
                *(bright.bottom(share) for share in DARKEST),
                *(white.top(share) for share in WHITEST),
                *(grey.bottom(share) for share in GREYEST),
            ]
        )
        shares = self.linear @ weights.T
        masked = _logs_less_green(log2(shares.T))
        apart = u * u + v * v
        near, far = (exp2(-((apart >> 11) * slope >> 10), 14) for slope in _WINDOWS)
        rough = self.contrast >> 6
        soft = np.stack([near, far, near * self.brightness >> 14, rough * self.brightness >> 14, self.brightness])
        lit = _logs_less_green(log2((self.linear * soft[3]).sum(axis=1))[None])
        mass = soft.sum(axis=1)
        means = [
            np.stack([ratio((channel * one).sum(axis=1), one.sum(axis=1)) for channel in (u, v)], axis=1)
            for one in (weights, soft)
        ]
        blocks = self.linear_plane.reshape(3, 8, 8, 8, 8).sum(axis=(2, 4))
        chosen = weights[1] + weights[4]
        quarters = (count * np.array([1, 5, 10, 15, 19])) // 20
        chromas = [_Histogram("chroma", channel) for channel in (u, v)]
        halves = (u > 0) + 2 * (v > 0) + 4 * (np.abs(u) > np.abs(v))
        sector = np.where(apart > _COLOURED, halves, 8)
        number = np.bincount(sector, minlength=9)[:8]
        shine = np.array([self.brightness[sector == one].sum() for one in range(8)])
        return {
            "norms": _logs_less_green(self.norms),
            "masks": masked,
            "edges": _logs_less_green(self.edges),
            "surface": self.surface,
            "principal": _principal(self.linear, chosen),
            "means": np.concatenate(means),
            "rough": lit,
            "mean": self.mean,
            "blocks": _block_quantiles(blocks),
            "percentiles": np.stack([one.quantiles(quarters) for one in chromas], axis=1),
            "strips": _logs_less_green(log2(blocks.reshape(3, 4, -1).sum(axis=2)).T),
            "spread": self.spread,
            "bright_spread": _moments(u, v, weights[3]),
            "valid": count >> 1,
            "contrast": np.append(
                _half_log(self.contrast.sum() + _EVEN * 36 * count, count * 36),
                _half_log(self.colour_contrast.sum() + _EVEN * 12 * count, count * 12),
            ),
            "tones": np.concatenate(
                [
                    bright.quantiles(self._ranks((100, 500, 900, 990, 1000))),
                    white.quantiles(self._ranks((500, 900, 1000))),
                    grey.quantiles(self._ranks((10, 100))),
                ]
            ),
            "windows": ratio(mass[:3], count * np.array([8, 8, 2])),
            "sectors": np.append(ratio(number << 11, count), ratio(shine, count * 2)),
        }

    def _ranks(self, thousandths: Sequence[int]) -> Int:
        return np.array([min(self.count - 1, self.count * part // 1000) for part in thousandths])

    def grid(self) -> Int:
        """As :class:`Description` has it."""
        shape = (GRID_SIDE, 4, GRID_SIDE, 4)
        sums = self.linear_plane.reshape(3, *shape).sum(axis=(2, 4))
        number = self.seen.reshape(shape).sum(axis=(1, 3))
        logs = log2(sums) - log2(number) - LINEAR_BITS * OCTAVE
        grid = np.zeros((GRID_CHANNELS, GRID_SIDE, GRID_SIDE), np.int64)
        grid[:2] = np.clip(logs[0::2] - logs[1] + 16 >> 5, -127, 127)
        grid[2] = np.clip(ratio(logs.sum(axis=0), np.int64(3 * 128)), -93, 69)
        grid[:3] *= number > 0
        grid[3] = np.minimum(self.contrast_plane.reshape(shape).max(axis=(1, 3)) * 57 >> 17, 92)
        grid[4] = number
        return grid


class _Histogram:
    """Order statistics of a quantity (n,) by bins."""

    def __init__(self, name: str, values: Int) -> None:
        self.offset, self.width = _OFFSETS[name], _WIDTHS[name]
        self.bins = np.clip(values + self.offset >> self.width, 0, BINS - 1)
        self.counts = np.bincount(self.bins, minlength=BINS)
        self.total = len(values)

    def bottom(self, thousandths: int) -> Int:
        """(n,) the weights of pixels in the lowest share, WHOLE for those that count in full."""
        wanted = -(-self.total * thousandths // 1000)
        below = np.cumsum(self.counts) - self.counts
        last = int(np.flatnonzero(below + self.counts >= wanted)[0])
        part = ((wanted - below[last]) * WHOLE + (self.counts[last] >> 1)) // self.counts[last]
        return np.where(self.bins < last, WHOLE, np.where(self.bins == last, part, 0))

    def top(self, thousandths: int) -> Int:
        """The same of the highest share."""
        wanted = -(-self.total * thousandths // 1000)
        above = self.total - np.cumsum(self.counts)
        first = int(np.flatnonzero(above + self.counts >= wanted)[-1])
        part = ((wanted - above[first]) * WHOLE + (self.counts[first] >> 1)) // self.counts[first]
        return np.where(self.bins > first, WHOLE, np.where(self.bins == first, part, 0))

    def quantiles(self, ranks: Int) -> Int:
        """The values at these ranks, 0 for the least."""
        above = np.cumsum(self.counts)
        places = np.searchsorted(above, ranks, side="right")
        within = ranks - (above - self.counts)[places]
        number = self.counts[places]
        return (places << self.width) - self.offset + ((2 * within + 1 << self.width) // (2 * number))


def _anchor_of(y: Int) -> Int:
    """(3,), the logarithms of the light's channels, of pixels (3, n) under a first guess of it."""
    chosen = _Histogram("whiteness", _whiteness(y)).top(30)
    linear = exp2(y - y.max(axis=0), 15)
    parts = (linear << 15) // linear.sum(axis=0)
    return log2(parts @ chosen)


def _channel_norms(planes: Int, kept: Int, seen: NDArray[np.bool_], tops: Int) -> tuple[Int, Int]:
    """(5, 3) Minkowski norms and (2, 3) norms of edges, in logarithms, each channel's in its own units.

    Args:
        planes: (3, 64, 64), shares of each channel's maximum, of 2**15.
        kept: (3, n), those of the pixels seen.
        seen: (64, 64).
        tops: (3,), logarithms of the maxima.
    """
    second = (kept >> 3) ** 2
    fourth = (second >> 12) ** 2
    eighth = (fourth >> 12) ** 2
    mean = log2(np.int64(kept.shape[1]))
    norms = [
        (log2(power.sum(axis=1)) - mean - bits * OCTAVE >> halvings) + tops
        for power, bits, halvings in ((kept, 15, 0), (second, 24, 1), (fourth, 24, 2), (eighth, 24, 3))
    ]
    across = np.abs(planes[:, :, 1:] - planes[:, :, :-1]) * (seen[:, 1:] & seen[:, :-1])
    down = np.abs(planes[:, 1:] - planes[:, :-1]) * (seen[1:] & seen[:-1])
    apart = np.concatenate([across.reshape(3, -1), down.reshape(3, -1)], axis=1)
    steep = (apart * apart >> 6) ** 2
    return np.stack([*norms, tops]), np.stack([log2(apart.sum(axis=1)), log2(steep.sum(axis=1)) >> 2]) + tops


def _local_surface_reflectance(shares: Int) -> Int:
    """(3,), logarithms, from 4 x 4 patches of (3, 64, 64)."""
    patches = shares.reshape(3, 4, 16, 4, 16)
    totals, greatest = patches.sum(axis=(2, 4)), patches.max(axis=(2, 4))
    filled = np.where(greatest > 0, exp2(log2(totals) - log2(greatest), 8), 0)
    return log2(totals.sum(axis=(1, 2))) - log2(filled.sum(axis=(1, 2)))


def _linear(planes: Int, logs: Int) -> Int:
    """Channels divided by 2**logs, of 2**LINEAR_BITS, by gains of 15 bits and one shift for all."""
    exponents = LINEAR_BITS * OCTAVE - logs
    shift = max(14 - int(exponents.max() >> 11), 1)
    gains = np.minimum(exp2(np.minimum(exponents, (15 - shift) * OCTAVE), shift), (1 << 15) - 1)
    return planes * gains[:, None, None] + (1 << shift - 1) >> shift


def _local_contrast(logs: Int, seen: NDArray[np.bool_]) -> tuple[Int, Int]:
    """(64, 64) how far a pixel's logarithms are from its neighbours', in 1/36 units, and of colours in 1/12."""
    around, number = neighbours(logs * seen), neighbours(seen.astype(np.int64)[None])[0]
    apart = (12 * logs - _TWELFTHS[number] * around) * (seen & (number > 0))
    return np.abs(apart).sum(axis=0), np.abs(apart[0] - apart[1]) + np.abs(apart[2] - apart[1])


def _whiteness(y: Int) -> Int:
    return np.asarray(2 * y.min(axis=0) - y.max(axis=0))


def _logs_less_green(logs: Int) -> Int:
    """(..., 2) of (..., 3)."""
    return np.asarray(logs[..., 0::2] - logs[..., 1:2])


def _moments(u: Int, v: Int, weights: Int) -> Int:
    """(3,): half the logarithms of the standard deviations of weighted pixels, and their correlation in 1/2048."""
    number = weights.sum()
    sums = [(weights * one).sum() for one in (u, v)]
    products = [(weights * one * other).sum() for one, other in ((u, u), (v, v), (u, v))]
    # In squared units times the square of the number.
    floor = _EVEN * _EVEN * number * number
    variances = np.array([number * products[0] - sums[0] ** 2, number * products[1] - sums[1] ** 2]) + floor
    covariance = number * products[2] - sums[0] * sums[1]
    logs = log2(variances)
    deviations = (logs - 2 * log2(number) - 2 * _NATURAL_LOG) >> 2
    size = exp2(log2(np.abs(covariance)) - (logs.sum() >> 1), 11) * (covariance != 0)
    return np.append(deviations, np.sign(covariance) * np.minimum(size, OCTAVE))


def _half_log(numerator: ArrayLike, denominator: ArrayLike) -> Int:
    """Half the logarithm of a ratio of units of logarithms, in natural ones."""
    return np.asarray(log2(numerator) - log2(denominator) - _NATURAL_LOG >> 1)


def _principal(linear: Int, weights: Int) -> Int:
    """(2,), log-chroma of the first principal direction through the origin of weighted pixels (3, n)."""
    moment = (linear * weights) @ linear.T
    size = max(int(moment.max()).bit_length() - 15, 0)
    moment = moment >> size
    axis = np.full(3, 10923, np.int64)
    for _ in range(_ROUNDS):
        found = moment @ axis
        axis = found // np.maximum((found >> 2).sum() >> 13, 1)
    return _logs_less_green(log2(axis)[None])


def _block_quantiles(blocks: Int) -> Int:
    """(3, 2), the 10th, 50th and 90th percentile of the log-chroma of the blocks that are seen."""
    flat = blocks.reshape(3, -1)
    logs = log2(flat[:, flat.sum(axis=0) > 0])
    ordered = np.sort(logs[0::2] - logs[1], axis=1)
    number = ordered.shape[1]
    return ordered[:, [number // 10, number // 2, 9 * number // 10]].T
