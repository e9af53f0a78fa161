"""The scales of a chart: places of numbers, and round numbers on the axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """One axis.

    Attributes:
        low: The number at ``start``.
        high: The number at ``end``; above ``low``.
        start: A place, in the chart's units.
        end: A place on either side of ``start``.
        log: Whether the scale is logarithmic; ``low`` is then positive.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, values: ArrayLike) -> NDArray[np.float64]:
        """Places of an array of numbers. Numbers outside the axis go to its nearer end; NaN stays NaN."""
        inside = np.clip(np.asarray(values, dtype=np.float64), self.low, self.high)
        if self.log:
            share = np.log(inside / self.low) / math.log(self.high / self.low)
        else:
            share = (inside - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def at(self, value: float) -> float:
        """The place of one number."""
        return float(self(value))

    def ticks(self, count: int = 6) -> list[float]:
        """Round numbers on the axis: about ``count``, or on a log axis 1, 2 and 5 of every decade."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [step * 10.0**decade for decade in decades for step in _STEPS[:3]]
            return [value for value in found if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
        step = round_up((self.high - self.low) / count)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def round_up(value: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not under ``value``, which is positive."""
    power = math.pow(10, math.floor(math.log10(value)))
    return min(step * power for step in _STEPS if step * power >= value * (1 - 1e-9))


def round_down(value: float) -> float:
    """The greatest of 1, 2, 5 times a power of ten that is not above ``value``, which is positive."""
    power = math.pow(10, math.floor(math.log10(value) + 1e-12))
    return max(step * power for step in _STEPS if step * power <= value * (1 + 1e-9))


def error_range(errors: NDArray[np.float64]) -> tuple[float, float]:
    """Ends of a log axis for angular errors: 1, 2 or 5 times a power of ten around all but the least 1 %.

    Args:
        errors: Degrees, of any shape, not empty; they may be 0, which a log axis cannot show.

    Returns:
        At least 0.01 degrees, and at least ten times as much.
    """
    finite = errors[np.isfinite(errors)]
    if finite.size == 0:
        return 0.1, 10.0
    low = round_down(min(max(float(np.percentile(finite, 1)), 0.01), 5.0))
    return low, max(round_up(max(float(finite.max()), low)), 10 * low)


def pad_range(values: ArrayLike, padding: float = 0.06) -> tuple[float, float]:
    """Ends of a linear axis that contains all finite values with a margin on both sides; its length is positive."""
    array = np.asarray(values, dtype=np.float64)
    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = max((high - low) * padding, 1e-3 * max(abs(low), abs(high), 1.0))
    return low - margin, high + margin
