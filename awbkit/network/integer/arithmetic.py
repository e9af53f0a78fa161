"""Logarithms, exponentials and ratios of whole numbers, to the bit as embedded code computes them.

Logarithms are to base 2, in units of 1/2048 octave. All functions give int64 arrays; what a target needs is in
most places 32 bits, and their docstrings say where it is not. A shift to the right rounds down, also below zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Int = NDArray[np.int64]

OCTAVE = 2048
"""One octave of the logarithms."""

NATURAL = float(np.log(2)) / OCTAVE
"""One unit of the logarithms in natural ones."""

STEPS = 32
"""Entries of the tables in one octave."""

LOG2_TABLE: Int = np.rint(2.0**15 * np.log2(1 + np.arange(STEPS + 1) / STEPS)).astype(np.int64)
"""(33,), 2**15 log2 of 1 to 2."""

EXP2_TABLE: Int = np.rint(2.0**15 * (2.0 ** (np.arange(STEPS + 1) / STEPS) - 1)).astype(np.int64)
"""(33,), 2**15 (2**x - 1) for x from 0 to 1."""

QUICK_TABLE: Int = (8 * LOG2_TABLE[:-1, None] + np.diff(LOG2_TABLE)[:, None] * [1, 3, 5, 7] + 64 >> 7).reshape(-1)
"""(128,), log2 of the middles of the quarters of those steps, from the ends of the steps."""


def log2(x: ArrayLike) -> Int:
    """The logarithm of numbers from 1 to 2**63 - 1, off by less than a unit; smaller numbers count as 1."""
    whole, mantissa = _normal(x)
    place = mantissa >> 26 & 31
    low, high = LOG2_TABLE[place], LOG2_TABLE[place + 1]
    part = low + ((high - low) * (mantissa >> 10 & 0xFFFF) + 0x8000 >> 16)
    return np.asarray((whole << 11) + (part + 8 >> 4))


def quick_log2(x: ArrayLike) -> Int:
    """The logarithm of numbers of 32 bits in half the instructions: off by 12 units at most."""
    whole, mantissa = _normal(x)
    return np.asarray((whole << 11) + QUICK_TABLE[mantissa >> 24 & 127])


def exp2(x: ArrayLike, bits: int) -> Int:
    """2**bits times 2**(x / 2048), rounded; 0 where that is far below 1."""
    x = np.asarray(x, np.int64)
    place, rest = x >> 6 & 31, x & 63
    low, high = EXP2_TABLE[place], EXP2_TABLE[place + 1]
    value = (1 << 15) + low + ((high - low) * rest + 32 >> 6)
    shift = (x >> 11) + (bits - 15)
    down = np.clip(-shift, 1, 20)
    return np.asarray(np.where(shift >= 0, value << np.maximum(shift, 0), value + (np.int64(1) << down - 1) >> down))


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Int:
    """The nearest whole number, halves away from zero; 0 where the denominator is 0.

    Numerators may have 63 bits. Those of more than 31 are shifted, with their denominator, until they have 31, so that
    the division itself is one of 32 bits.
    """
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, np.int64), np.asarray(denominator, np.int64))
    size = np.abs(numerator)
    high = size >> 31
    shift = np.where(high > 0, _bits(high), 0)
    size, by = size >> shift, denominator >> shift
    found = (size + (by >> 1)) // np.maximum(by, 1)
    return np.asarray(np.where(by > 0, np.sign(numerator) * found, 0))


def _normal(x: ArrayLike) -> tuple[Int, Int]:
    """The place of the leading one, and the number shifted so that this is bit 31."""
    x = np.maximum(np.asarray(x, np.int64), 1)
    high = x >> 32
    large = high > 0
    whole = np.where(large, 32, 0) + _bits(np.where(large, high, x)) - 1
    return whole, np.where(whole > 31, x >> np.maximum(whole - 31, 0), x << np.maximum(31 - whole, 0))


def _bits(x: Int) -> Int:
    """The number of bits of numbers under 2**53, which a double holds exactly."""
    return np.asarray(np.frexp(x.astype(np.float64))[1], np.int64)
