"""A correction on the stored numbers of a rendered picture: decode, 3x3, highlights, encode."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.correction.highlights import KNEE, raise_highlights, ramp, recover
from awbkit.correction.von_kries import Correction
from awbkit.files.decode import Pixels
from awbkit.files.encoding import Encoding

_ROWS = 32
_DIAGONAL_TOLERANCE = 1e-6
_ROUNDING = 1e-12
_Table = NDArray[Any]


@dataclass(frozen=True, eq=False)
class CodeCorrection:
    """Corrects rows of numbers; may be called from several threads at once.

    Attributes:
        gains: (3,) of the correction in linear sRGB; their order says which channels fall behind.
        scale: The number that stands for 1.0.
        decode: (count, 3) float32 linear value of each number, where a full 3x3 is needed; else None.
        matrix: 3x3 in the file's linear RGB.
        encode: With ``decode``, (65536, 3) numbers by the root of the linear value; else (count, 3) by number.
        limit: (count, 3) how far highlights may raise each corrected number; empty with ``decode``.
        ramps: (count, 3) the old number's ramp towards clipping, by corrected number; empty with ``decode``.
        pairs: ``encode`` for two bytes at once, red with green and blue with a fourth byte; for uint8 alone, and
            without ``decode``.
        ties: (count, 3) the least and the greatest number that stand for the same light. A number that would move
            between these two stays. None where each number has a light of its own.
        threshold: (3,) numbers from which highlights may matter, corrected ones or, with ``decode``, old ones; count
            where they never do.
    """

    gains: NDArray[np.floating]
    scale: float
    decode: _Table | None
    matrix: NDArray[np.float32]
    encode: _Table
    limit: _Table
    ramps: _Table
    threshold: NDArray[np.int64]
    pairs: tuple[_Table, _Table] | None = None
    ties: tuple[_Table, _Table] | None = None

    @classmethod
    def of(cls, correction: Correction, encoding: Encoding, scale: float, dtype: np.dtype[Any]) -> CodeCorrection:
        """Prepare the tables for numbers of one type, uint8 or uint16, in one encoding."""
        matrix = np.linalg.solve(encoding.matrix, correction.matrix() @ encoding.matrix)
        gains = np.diag(matrix)
        count = int(np.iinfo(dtype).max) + 1
        codes = np.repeat(np.minimum(np.arange(count) / scale, 1)[:, None], 3, axis=1)
        linear = encoding.decode(codes)

        def encode(values: NDArray[np.floating]) -> _Table:
            numbers = np.clip(encoding.encode(np.clip(values, 0, 1)), 0, 1) * scale
            return np.rint(numbers).astype(dtype)

        back, stored = encode(linear), np.arange(count)[:, None].astype(dtype)
        least, most = np.minimum(back, stored), np.maximum(back, _greatest_codes(linear, dtype))
        diagonal = np.abs(matrix - np.diag(gains)).max() < _DIAGONAL_TOLERANCE
        if not diagonal:
            roots = np.linspace(0, 1, 65536)[:, None] ** 2
            empty = np.empty((0, 3), dtype)
            table = encode(np.repeat(roots, 3, axis=1))
            threshold = np.full(3, int(np.ceil(KNEE * scale)))
            ties = (least, most) if (most - least.astype(np.int64) > 1).any() else None
            decode, on_light = linear.astype(np.float32), matrix.astype(np.float32)
            return cls(correction.gains, scale, decode, on_light, table, empty, empty, threshold, ties=ties)
        moved = encode(linear * gains)
        table = np.where((moved >= least) & (moved <= most), stored, moved)
        # A table that lowers a channel can be read backwards, so the old number need not be kept beside the new one.
        limit = np.repeat(np.arange(count)[:, None], 3, axis=1).astype(dtype)
        ramps = np.zeros((count, 3), dtype)
        threshold = np.full(3, count)
        shares = ramp(codes)
        for channel in np.flatnonzero(gains < 1).tolist():
            new = table[:, channel]
            room = np.maximum(codes[:, channel] * scale - new, 0)
            limit[new, channel] = np.rint(new + shares[:, channel] * room).astype(dtype)
            ramps[new, channel] = np.rint(shares[:, channel] * scale).astype(dtype)
            threshold[channel] = new[int(np.ceil(KNEE * scale))]
        return cls(gains, scale, None, matrix.astype(np.float32), table, limit, ramps, threshold, _pairs(table))

    def __call__(self, codes: Pixels) -> None:
        """Correct numbers (h, W, 3 or more) in place; channels beyond the third stay."""
        correct = self._apply_gains if self.decode is None else self._apply_matrix
        for top in range(0, len(codes), _ROWS):
            correct(codes[top : top + _ROWS])

    def _apply_gains(self, codes: Pixels) -> None:
        if self.pairs is not None and codes.shape[2] == 4:
            # Two bytes at a time halve the look-ups, which take most of the time.
            two = codes.view(np.uint16)
            for half in range(2):
                two[..., half] = self.pairs[half].take(two[..., half])
        else:
            for channel in range(3):
                codes[..., channel] = self.encode[:, channel].take(codes[..., channel])
        lowered = np.flatnonzero(self.threshold < len(self.encode)).tolist()
        bright = [channel for channel in lowered if codes[..., channel].max(initial=0) >= self.threshold[channel]]
        if not bright:
            return
        touched = np.any([codes[..., channel] >= self.threshold[channel] for channel in bright], axis=0)
        after = {channel: codes[..., channel][touched] for channel in range(3)}
        limit = {channel: self.limit[:, channel].take(after[channel]) for channel in lowered}
        ramps = {channel: self.ramps[:, channel].take(after[channel]) for channel in lowered[1:] and lowered}
        for channel, values in raise_highlights(after, limit, ramps, self.gains).items():
            codes[..., channel][touched] = values

    def _apply_matrix(self, codes: Pixels) -> None:
        assert self.decode is not None
        before = np.stack([self.decode[:, c].take(codes[..., c]) for c in range(3)], axis=-1)
        linear = before @ self.matrix.T
        index = np.rint(np.sqrt(np.clip(linear, 0, 1)) * 65535).astype(np.uint16)
        touched = np.any([codes[..., c] >= self.threshold[c] for c in range(3)], axis=0)
        old = codes[..., :3][touched].astype(np.float32) / np.float32(self.scale)
        for channel in range(3):
            new = self.encode[:, channel].take(index[..., channel])
            if self.ties is not None:
                least, most = (bound[:, channel].take(codes[..., channel]) for bound in self.ties)
                new = np.where((new >= least) & (new <= most), codes[..., channel], new)
            codes[..., channel] = new
        if touched.any():
            after = codes[..., :3][touched].astype(np.float32) / np.float32(self.scale)
            codes[..., :3][touched] = np.rint(recover(old, after, self.gains) * np.float32(self.scale))


def _greatest_codes(linear: NDArray[np.floating], dtype: np.dtype[Any]) -> _Table:
    """(count, 3): for each code, the greatest code with the same linear value. Dents in curves count as flat."""
    rising = np.maximum.accumulate(np.clip(linear, 0, 1), axis=0)
    found = [np.searchsorted(light, light * (1 + _ROUNDING), side="right") - 1 for light in rising.T]
    return np.stack(found, axis=1).astype(dtype)


def _pairs(table: _Table) -> tuple[_Table, _Table] | None:
    """Tables for two neighbouring bytes at once, red with green and blue with a fourth that stays."""
    if table.dtype != np.uint8:
        return None
    codes = np.arange(65536, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    first = np.stack([table[codes[:, 0], 0], table[codes[:, 1], 1]], axis=1)
    second = np.stack([table[codes[:, 0], 2], codes[:, 1]], axis=1)
    return first.view(np.uint16)[:, 0], second.view(np.uint16)[:, 0]


def threads() -> int:
    """The number of threads for one picture. Worker processes set it to 1, since each has a core of its own."""
    limit = os.environ.get("VIPS_CONCURRENCY", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(int(limit), cores) if limit.isdigit() and int(limit) else cores


def for_each(work: Callable[[int], Any], items: Iterable[int]) -> list[Any]:
    """Do the work for each item in several threads and return the results in order.

    Threads help because numpy and Pillow release the interpreter's lock.
    """
    if threads() == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(work, items))
