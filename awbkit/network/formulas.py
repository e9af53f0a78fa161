"""Formulas of the statistics of a picture, on planes of pixels or on lists of them, in floating point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Number = TypeVar("Number", np.float32, np.int64)

TINY = np.float32(1e-6)
"""The least number whose logarithm is taken."""

FAINT = np.float32(1e-3)
"""The same of contrasts and tones."""

GREAT = np.float32(1e4)
"""The greatest channel in a norm."""

ROUNDS = 8
"""Steps of a power iteration."""


def anchor(flat: Float) -> Float:
    """(3,), a first guess of the light of pixels (3, n), green = 1."""
    power = flat * flat
    power *= power
    first = np.sqrt(np.sqrt(power.mean(axis=1)))
    y = flat * (np.float32(1) / first)[:, None]
    white = whiteness(y)
    place = len(white) - -(-len(white) * 3 // 100)
    bright = y.take(np.flatnonzero(white >= np.partition(white, place)[place]), axis=1)
    light = first * (bright / bright.sum(axis=0)).mean(axis=1)
    return np.asarray(light / light[1])


def whiteness(y: Float) -> Float:
    """(n,): the square of the least channel over the greatest, large for bright pixels of little colour."""
    least = y.min(axis=0)
    return np.asarray(least * least / y.max(axis=0))


def chroma(rgb: Float) -> Float:
    """(..., 2), ln(r/g) and ln(b/g), of (..., 3)."""
    logs = np.log(np.maximum(rgb, TINY))
    return np.asarray(logs[..., 0::2] - logs[..., 1:2])


def neighbours(planes: NDArray[Number]) -> NDArray[Number]:
    """The sum of the four neighbours within the picture."""
    around = np.zeros_like(planes)
    around[:, 1:] += planes[:, :-1]
    around[:, :-1] += planes[:, 1:]
    around[:, :, 1:] += planes[:, :, :-1]
    around[:, :, :-1] += planes[:, :, 1:]
    return around


def norms(y: Float) -> Float:
    """(5, 3), the Minkowski norms with p = 1, 2, 4, 8 and infinity."""
    # So far above the mean, one pixel is all of a norm; its eighth power must not overflow.
    y = np.minimum(y, GREAT)
    second = y * y
    fourth = second * second
    eighth = fourth * fourth
    roots = [y.mean(axis=1), np.sqrt(second.mean(axis=1)), np.sqrt(np.sqrt(fourth.mean(axis=1)))]
    return np.stack([*roots, np.sqrt(np.sqrt(np.sqrt(eighth.mean(axis=1)))), y.max(axis=1)])


def principal(chosen: Float) -> Float:
    """(3,), the first principal direction of pixels (3, n) through the origin, by power iteration."""
    moment = chosen @ chosen.T
    axis: Float = np.ones(3, np.float32)
    for _ in range(ROUNDS):
        axis = np.asarray(moment @ axis)
        axis /= axis.sum()
    return axis


def moments(centred: Float) -> Float:
    """(3,): half the logarithms of the standard deviations of (2, n), and their correlation.

    In logarithms, because a wall and a lawn differ by that from each other as far as from a street.
    """
    covariance = centred @ centred.T * (np.float32(1) / np.float32(centred.shape[1]))
    variance = np.diagonal(covariance) + TINY
    deviations = np.log(variance) * (np.float32(0.25))
    return np.concatenate([deviations, covariance[0, 1:] / np.sqrt(variance[0] * variance[1])])


def block_quantiles(sums: Float) -> Float:
    """(3, 2), the 10th, 50th and 90th percentile of the log-chroma of 8 x 8 blocks that are seen."""
    blocks = sums.reshape(3, -1)
    logs = np.log(np.maximum(blocks[:, blocks[0] > 0], TINY))
    ordered = np.sort(logs[0::2] - logs[1], axis=1)
    number = ordered.shape[1]
    return np.asarray(ordered[:, [number // 10, number // 2, 9 * number // 10]].T)


def log_quantiles(ordered: Float, thousandths: Sequence[int]) -> Float:
    """(k,), natural logarithms of the quantiles of an ascending (n,)."""
    last = len(ordered) - 1
    chosen = ordered[[min(last, len(ordered) * part // 1000) for part in thousandths]]
    return np.asarray(np.log(np.maximum(chosen, FAINT)))
