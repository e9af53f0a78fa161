"""Pictures that an export is checked on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.prepared import Prepared
from awbkit.network.integer.description import thumbnail
from awbkit.network.model import white_of

_WHITE = np.array([0.45, 1.0, 0.65], np.float32)


@dataclass(frozen=True, eq=False)
class Case:
    """A picture to answer for.

    Attributes:
        pixels: uint16 (64, 64, 3), as :func:`awbkit.network.integer.description.thumbnail` makes them.
        white: float (3,), the camera's RGB of D65; None where it is not known.
    """

    pixels: NDArray[np.uint16]
    white: NDArray[np.float32] | None


def surfaces() -> Iterator[Case]:
    """Surfaces under coloured lights, with and without clipped parts, with and without a known white."""
    for seed in range(32):
        rng = np.random.default_rng(seed)
        pixels = np.ones((64, 64, 3))
        for size in (32, 8, 4):
            side = 64 // size
            patches = np.exp(rng.normal(size=(side, side, 3)) * 0.3 + rng.normal(size=(side, side, 1)) * 0.6)
            pixels *= np.kron(patches, np.ones((size, size, 1)))
        pixels *= np.exp(rng.normal(size=(64, 64, 3)) * 0.05) * np.exp(rng.normal(size=3) * 0.5)
        whole = np.minimum(pixels / np.quantile(pixels, 0.97) * 60_000, 65_535).astype(np.uint16)
        whole[(whole >= 65_535).any(axis=2)] = 0
        yield Case(whole, _WHITE if seed % 4 else None)


def extremes() -> Iterator[Case]:
    """What no camera sees: noise, single pixels, the smallest and largest numbers, and nothing at all."""
    for seed, most in enumerate((2, 16, 300, 65_536)):
        yield Case(np.random.default_rng(seed).integers(0, most, (64, 64, 3)).astype(np.uint16), _WHITE)
    for value in (0, 1, 65_535):
        yield Case(np.full((64, 64, 3), value, np.uint16), _WHITE)
    for colour in ((1, 65_535, 1), (65_535, 1, 3), (40, 50, 60)):
        single = np.zeros((64, 64, 3), np.uint16)
        single[5, 63] = colour
        yield Case(single, None)


def prepared_cases(folder: Path, count: int = 200) -> Iterator[Case]:
    """Pictures of a prepared data set, at even distances in its order.

    Raises:
        UnreadableFile: If the folder is no prepared data set.
    """
    prepared = Prepared.open(folder)
    for place in range(0, len(prepared.rows), max(1, len(prepared.rows) // count)):
        image = prepared.image(place)
        yield Case(thumbnail(image), white_of(image.camera))
