"""What the network reads of a picture, measured in whole numbers.

The same statistics as `awbkit.network.features` measures in floating point. Colours are differences of logarithms, and
a channel's gain is an offset of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError
from awbkit.network.features import GRID_CHANNELS, GRID_SIDE
from awbkit.network.integer import formulas
from awbkit.network.integer.arithmetic import OCTAVE, Int, exp2, log2, quick_log2, ratio
from awbkit.network.statistics import BRIGHTEST, DARKEST, GREYEST, TABLE, WHITEST

_CHROMA_LIMIT = 4 * OCTAVE - 1
_COLOUR_THRESHOLD = 196_427
"""The square of 0.15 in natural logarithms, in squared units."""

_WINDOWS = (35492, 5679)
"""Octaves that Gaussian windows, 0.1 and 0.25 wide in natural logarithms, lose per squared octave, times 1024."""

_FAINT_COLOUR, _FAINT_CONTRAST = 36, 1064
_LN2 = float(np.log(2))


GRID_UNITS = np.array([_LN2 / 64, _LN2 / 64, _LN2 / 16, _LN2 / 32, 1 / 16])
"""The unit of each of the grid's channels, in units of the float description."""


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
    mask = np.asarray((planes > 0).all(axis=0))
    if not mask.any():
        raise AwbError("no valid pixel: every pixel is clipped, black or masked")
    picture = _Picture(planes * mask, mask)
    return Description(picture.anchor[0::2], picture.statistics(), picture.grid())


class _Picture:
    """A picture under its anchor. Planes are (..., 64, 64), the other arrays (..., n) of the pixels seen."""

    def __init__(self, planes: Int, mask: NDArray[np.bool_]) -> None:
        self.mask = mask
        self.places = np.flatnonzero(mask)
        self.count = len(self.places)
        tops = planes.max(axis=(1, 2))
        shares = planes * ((1 << 31) // tops)[:, None, None] >> 16
        self.norms, edges = formulas.channel_norms(shares, self._valid_pixels(shares), mask, log2(tops))
        surface = formulas.local_surface_reflectance(shares) + log2(tops)
        logs = quick_log2(planes)
        y = self._valid_pixels(logs)
        first = self.norms[2]
        under = y - first[:, None]
        anchor = first + formulas.anchor(under)
        self.anchor = anchor - anchor[1]
        u, v = under[0::2] - under[1]
        apart = (first - self.anchor)[0::2] - first[1]
        self.mean = np.stack([ratio(one.sum(), self.count) for one in (u, v)]) + apart
        self.spread = formulas.moments(u, v, np.ones(self.count, np.int64))
        self.surface = formulas.chroma_of_logs(surface - self.anchor)
        # The mean brightness, of all channels together, is 1.
        means = self.norms[0] - self.anchor
        level = int(log2(exp2(means - means.max(), 14).sum())) + int(means.max()) - 14 * OCTAVE
        self.edges = edges - self.anchor
        self.norms = self.norms - self.anchor
        self.y = y - self.anchor[:, None] - level
        self.linear_plane = formulas.linear(planes, self.anchor + level)
        self.linear = self._valid_pixels(self.linear_plane)
        self.brightness = self.linear.sum(axis=0)
        self.chroma = np.clip(self.y[0::2] - self.y[1], -_CHROMA_LIMIT, _CHROMA_LIMIT)
        self.whiteness = formulas.whiteness(self.y)
        self.contrast_plane, colour = formulas.local_contrast(logs, mask)
        self.contrast, self.colour_contrast = (
            self._valid_pixels(self.contrast_plane[None])[0],
            self._valid_pixels(colour[None])[0],
        )

    def _valid_pixels(self, planes: Int) -> Int:
        """(C, n) pixels seen of (C, 64, 64)."""
        return planes.reshape(len(planes), -1)[:, self.places]

    def statistics(self) -> Int:
        """As :class:`Description` has them."""
        found = self._formulas()
        flat = np.concatenate([np.asarray(part, np.int64).reshape(-1) for part in found.values()])
        return np.asarray(np.clip(TABLE.arrange(found, flat), -(1 << 15), (1 << 15) - 1))

    def _formulas(self) -> dict[str, ArrayLike]:
        """The statistics by name."""
        u, v = self.chroma
        count = np.int64(self.count)
        greyness = quick_log2(self.colour_contrast + _FAINT_COLOUR) - quick_log2(self.contrast + _FAINT_CONTRAST)
        bright = formulas.Histogram("brightness", quick_log2(self.brightness) - formulas.LINEAR_BITS * OCTAVE)
        white = formulas.Histogram("whiteness", self.whiteness)
        grey = formulas.Histogram("greyness", greyness + 3246)
        weights = np.stack(
            [
                *(bright.top(share) for share in BRIGHTEST),
                *(bright.bottom(share) for share in DARKEST),
                *(white.top(share) for share in WHITEST),
                *(grey.bottom(share) for share in GREYEST),
            ]
        )
        shares = self.linear @ weights.T
        masked = formulas.chroma_of_logs(log2(shares.T))
        apart = u * u + v * v
        near, far = (exp2(-((apart >> 11) * slope >> 10), 14) for slope in _WINDOWS)
        rough = self.contrast >> 6
        soft = np.stack([near, far, near * self.brightness >> 14, rough * self.brightness >> 14, self.brightness])
        lit = formulas.chroma_of_logs(log2((self.linear * soft[3]).sum(axis=1))[None])
        mass = soft.sum(axis=1)
        means = [
            np.stack([ratio((channel * one).sum(axis=1), one.sum(axis=1)) for channel in (u, v)], axis=1)
            for one in (weights, soft)
        ]
        blocks = self.linear_plane.reshape(3, 8, 8, 8, 8).sum(axis=(2, 4))
        chosen = weights[1] + weights[4]
        quarters = (count * np.array([1, 5, 10, 15, 19])) // 20
        chromas = [formulas.Histogram("chroma", channel) for channel in (u, v)]
        halves = (u > 0) + 2 * (v > 0) + 4 * (np.abs(u) > np.abs(v))
        sector = np.where(apart > _COLOUR_THRESHOLD, halves, 8)
        number = np.bincount(sector, minlength=9)[:8]
        shine = np.array([self.brightness[sector == one].sum() for one in range(8)])
        return {
            "norms": formulas.chroma_of_logs(self.norms),
            "masks": masked,
            "edges": formulas.chroma_of_logs(self.edges),
            "surface": self.surface,
            "principal": formulas.principal(self.linear, chosen),
            "means": np.concatenate(means),
            "rough": lit,
            "mean": self.mean,
            "blocks": formulas.block_quantiles(blocks),
            "percentiles": np.stack([one.quantiles(quarters) for one in chromas], axis=1),
            "strips": formulas.chroma_of_logs(log2(blocks.reshape(3, 4, -1).sum(axis=2)).T),
            "spread": self.spread,
            "bright_spread": formulas.moments(u, v, weights[3]),
            "valid": count >> 1,
            "contrast": np.append(
                formulas.half_log(self.contrast.sum() + formulas.LOG_FLOOR * 36 * count, count * 36),
                formulas.half_log(self.colour_contrast.sum() + formulas.LOG_FLOOR * 12 * count, count * 12),
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
        number = self.mask.reshape(shape).sum(axis=(1, 3))
        logs = log2(sums) - log2(number) - formulas.LINEAR_BITS * OCTAVE
        grid = np.zeros((GRID_CHANNELS, GRID_SIDE, GRID_SIDE), np.int64)
        grid[:2] = np.clip(logs[0::2] - logs[1] + 16 >> 5, -127, 127)
        grid[2] = np.clip(ratio(logs.sum(axis=0), np.int64(3 * 128)), -93, 69)
        grid[:3] *= number > 0
        grid[3] = np.minimum(self.contrast_plane.reshape(shape).max(axis=(1, 3)) * 57 >> 17, 92)
        grid[4] = number
        return grid
