"""Formulas of the statistics of a picture, on planes of pixels or on lists of them, in whole numbers.

Order statistics come from histograms with bins of 1/16 octave (1/32 for log-chroma): a pixel in the bin where a share
of the pixels ends counts in part, and a quantile lies between the ends of its bin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.network.formulas import ROUNDS, neighbours
from awbkit.network.integer.arithmetic import OCTAVE, Int, exp2, log2

LINEAR_BITS = 12
"""Of fractions of linear values; the mean brightness is 1."""

BINS = 256
FULL_WEIGHT = 128
"""The weight of a pixel that counts in full."""

_OFFSETS = {"brightness": 11 * OCTAVE, "whiteness": 12 * OCTAVE, "greyness": 10 * OCTAVE, "chroma": 4 * OCTAVE}
"""Added to a quantity before its histogram, whose first bin then is 0."""

_WIDTHS = {"brightness": 7, "whiteness": 7, "greyness": 7, "chroma": 6}
"""The width of a bin, as a power of two."""

_TWELFTHS = np.array([0, 12, 6, 4, 3])
"""Twelve divided by the number of neighbours, from 0 to 4."""

LOG_FLOOR = 3
"""Added to what may be 0 before its logarithm is taken; a thousandth of a natural logarithm."""

_NATURAL_LOG = 23611
"""How many octaves, in 1/2048, a natural logarithm has of units."""


class Histogram:
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
        part = ((wanted - below[last]) * FULL_WEIGHT + (self.counts[last] >> 1)) // self.counts[last]
        return np.where(self.bins < last, FULL_WEIGHT, np.where(self.bins == last, part, 0))

    def top(self, thousandths: int) -> Int:
        """The same of the highest share."""
        wanted = -(-self.total * thousandths // 1000)
        above = self.total - np.cumsum(self.counts)
        first = int(np.flatnonzero(above + self.counts >= wanted)[-1])
        part = ((wanted - above[first]) * FULL_WEIGHT + (self.counts[first] >> 1)) // self.counts[first]
        return np.where(self.bins > first, FULL_WEIGHT, np.where(self.bins == first, part, 0))

    def quantiles(self, ranks: Int) -> Int:
        """The values at these ranks, 0 for the least."""
        above = np.cumsum(self.counts)
        places = np.searchsorted(above, ranks, side="right")
        within = ranks - (above - self.counts)[places]
        number = self.counts[places]
        return (places << self.width) - self.offset + ((2 * within + 1 << self.width) // (2 * number))


def anchor(y: Int) -> Int:
    """(3,), the logarithms of the light's channels, of pixels (3, n) under a first guess of it."""
    chosen = Histogram("whiteness", whiteness(y)).top(30)
    linear = exp2(y - y.max(axis=0), 15)
    parts = (linear << 15) // linear.sum(axis=0)
    return log2(parts @ chosen)


def channel_norms(planes: Int, kept: Int, mask: NDArray[np.bool_], tops: Int) -> tuple[Int, Int]:
    """(5, 3) Minkowski norms and (2, 3) norms of edges, in logarithms, each channel's in its own units.

    Args:
        planes: (3, 64, 64), shares of each channel's maximum, of 2**15.
        kept: (3, n), those of the pixels of the mask.
        mask: (64, 64).
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
    across = np.abs(planes[:, :, 1:] - planes[:, :, :-1]) * (mask[:, 1:] & mask[:, :-1])
    down = np.abs(planes[:, 1:] - planes[:, :-1]) * (mask[1:] & mask[:-1])
    apart = np.concatenate([across.reshape(3, -1), down.reshape(3, -1)], axis=1)
    steep = (apart * apart >> 6) ** 2
    return np.stack([*norms, tops]), np.stack([log2(apart.sum(axis=1)), log2(steep.sum(axis=1)) >> 2]) + tops


def local_surface_reflectance(shares: Int) -> Int:
    """(3,), logarithms, from 4 x 4 patches of (3, 64, 64)."""
    patches = shares.reshape(3, 4, 16, 4, 16)
    totals, greatest = patches.sum(axis=(2, 4)), patches.max(axis=(2, 4))
    filled = np.where(greatest > 0, exp2(log2(totals) - log2(greatest), 8), 0)
    return log2(totals.sum(axis=(1, 2))) - log2(filled.sum(axis=(1, 2)))


def linear(planes: Int, logs: Int) -> Int:
    """Channels divided by 2**logs, of 2**LINEAR_BITS, by gains of 15 bits and one shift for all."""
    exponents = LINEAR_BITS * OCTAVE - logs
    shift = max(14 - int(exponents.max() >> 11), 1)
    gains = np.minimum(exp2(np.minimum(exponents, (15 - shift) * OCTAVE), shift), (1 << 15) - 1)
    return planes * gains[:, None, None] + (1 << shift - 1) >> shift


def local_contrast(logs: Int, mask: NDArray[np.bool_]) -> tuple[Int, Int]:
    """(64, 64) how far a pixel's logarithms are from its neighbours', in 1/36 units, and of colours in 1/12."""
    around, number = neighbours(logs * mask), neighbours(mask.astype(np.int64)[None])[0]
    apart = (12 * logs - _TWELFTHS[number] * around) * (mask & (number > 0))
    return np.abs(apart).sum(axis=0), np.abs(apart[0] - apart[1]) + np.abs(apart[2] - apart[1])


def whiteness(y: Int) -> Int:
    """(n,), logarithms: large for bright pixels (3, n) of little colour."""
    return np.asarray(2 * y.min(axis=0) - y.max(axis=0))


def chroma_of_logs(logs: Int) -> Int:
    """(..., 2), log2 of r/g and b/g, of the logarithms of channels (..., 3)."""
    return np.asarray(logs[..., 0::2] - logs[..., 1:2])


def moments(u: Int, v: Int, weights: Int) -> Int:
    """(3,): half the logarithms of the standard deviations of weighted pixels, and their correlation in 1/2048."""
    number = weights.sum()
    sums = [(weights * one).sum() for one in (u, v)]
    products = [(weights * one * other).sum() for one, other in ((u, u), (v, v), (u, v))]
    # In squared units times the square of the number.
    floor = LOG_FLOOR * LOG_FLOOR * number * number
    variances = np.array([number * products[0] - sums[0] ** 2, number * products[1] - sums[1] ** 2]) + floor
    covariance = number * products[2] - sums[0] * sums[1]
    logs = log2(variances)
    deviations = (logs - 2 * log2(number) - 2 * _NATURAL_LOG) >> 2
    size = exp2(log2(np.abs(covariance)) - (logs.sum() >> 1), 11) * (covariance != 0)
    return np.append(deviations, np.sign(covariance) * np.minimum(size, OCTAVE))


def half_log(numerator: ArrayLike, denominator: ArrayLike) -> Int:
    """Half the logarithm of a ratio of units of logarithms, in natural ones."""
    return np.asarray(log2(numerator) - log2(denominator) - _NATURAL_LOG >> 1)


def principal(linear: Int, weights: Int) -> Int:
    """(2,), log-chroma of the first principal direction through the origin of weighted pixels (3, n)."""
    moment = (linear * weights) @ linear.T
    size = max(int(moment.max()).bit_length() - 15, 0)
    moment = moment >> size
    axis = np.full(3, 10923, np.int64)
    for _ in range(ROUNDS):
        found = moment @ axis
        axis = found // np.maximum((found >> 2).sum() >> 13, 1)
    return chroma_of_logs(log2(axis)[None])


def block_quantiles(blocks: Int) -> Int:
    """(3, 2), the 10th, 50th and 90th percentile of the log-chroma of the blocks that are seen."""
    flat = blocks.reshape(3, -1)
    logs = log2(flat[:, flat.sum(axis=0) > 0])
    ordered = np.sort(logs[0::2] - logs[1], axis=1)
    number = ordered.shape[1]
    return ordered[:, [number // 10, number // 2, 9 * number // 10]].T
