"""What the network reads of a picture.

A first guess of the light, the *anchor*, divides the pixels, and all that is measured of them is relative to it.
Multiplying the channels of a picture by gains moves the anchor and changes nothing else, so a picture under another
light is the same picture with another anchor; what the colour of the light itself tells (daylight is likelier than
purple) enters through the anchor's two numbers alone.

The anchor is that of `awbkit.estimators.bright_gray` in small: shades of grey with p = 4, then the mean chromaticity of
the 3 % of the pixels that are bright and least coloured under it. The statistics are what simple estimators answer
(each cited in its own module of `awbkit.estimators`), how the colours are spread, and how brightness is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.colour.image import THUMBNAIL_SIZE, LinearImage
from awbkit.errors import AwbError, UsageError
from awbkit.network import formulas
from awbkit.network.formulas import Float
from awbkit.network.statistics import BRIGHTEST, DARKEST, GREYEST, TABLE, WHITEST

GRID_SIDE = 16
GRID_CHANNELS = 5

_SIDE = THUMBNAIL_SIZE
_CELL = _SIDE // GRID_SIDE
_ONE, _HALF = np.float32(1), np.float32(0.5)

NEAR, FAR = np.float32(-1 / (2 * 0.1**2)), np.float32(-1 / (2 * 0.25**2))
"""Of the exponents of two Gaussian windows around the anchor, 0.1 and 0.25 wide in log-chroma."""

COLOUR_THRESHOLD = np.float32(0.15**2)
_STRIPS = 4


def _sum_matrix(size: int) -> Float:
    """(64, 64 / size) matrix that sums ``size`` neighbours: on so few pixels a product is faster than reductions."""
    return np.kron(np.eye(_SIDE // size), np.ones((size, 1))).astype(np.float32)


# The C library of most Linux systems gives freed memory back at once and asks for it again, a third of the time that a
# description takes, until it has seen a block of megabytes come and go.
_large = np.empty(1 << 23, np.uint8)
del _large

_BY_CELL, _BY_BLOCK = _sum_matrix(_CELL), _sum_matrix(8)


@dataclass(frozen=True, eq=False)
class Features:
    """What the network reads of one picture.

    Attributes:
        anchor: float32 (2,), ln(r/g) and ln(b/g) of the first guess of the light.
        statistics: float32 (S,), in the order of :data:`awbkit.network.statistics.TABLE`, relative to the anchor.
        grid: float32 (GRID_CHANNELS, GRID_SIDE, GRID_SIDE): ln(r/g) and ln(b/g) relative to the anchor, logarithm of
            the brightness relative to the picture's mean, greatest local contrast, share of valid pixels; in half
            precision. Cells without a valid pixel are 0.
    """

    anchor: Float
    statistics: Float
    grid: Float


def describe(image: LinearImage) -> Features:
    """Measure a picture.

    Args:
        image: (64, 64) pixels in canonical RGB, that is, divided by the camera's white under D65 where that is known.

    Raises:
        AwbError: If no pixel is valid.
        UsageError: If the image is not 64 x 64.
    """
    if image.valid.shape != (_SIDE, _SIDE):
        raise UsageError(f"the network reads thumbnails of {_SIDE} x {_SIDE} pixels, not {image.valid.shape}")
    places = np.flatnonzero(image.valid)
    if not len(places):
        raise AwbError("no valid pixel: every pixel is clipped, black or masked")
    picture = _Picture(image, places)
    return Features(picture.anchor_chroma, picture.statistics(), picture.grid())


class _Picture:
    """A picture's valid pixels under its anchor.

    Arrays are planar, because reductions over three neighbours in memory are slow; ``plane`` names hold whole pictures
    with zeros at invalid pixels, the others valid pixels in reading order.
    """

    def __init__(self, image: LinearImage, places: NDArray[np.intp]) -> None:
        self.count = len(places)
        self.places = None if self.count == _SIDE**2 else places
        self.valid = image.valid.astype(np.float32)
        planes = np.ascontiguousarray(image.pixels.reshape(-1, 3).T)
        if self.places is not None:
            planes = np.where(image.valid.reshape(-1), planes, np.float32(0))
        planes = np.maximum(planes / planes.max(), formulas.TINY)
        flat = self._valid_pixels(planes)
        anchor = formulas.anchor(flat)
        self.anchor_chroma = formulas.chroma(anchor)
        gains = (_ONE / anchor)[:, None]
        brightness = (flat * gains).sum(axis=0)
        level = _ONE / brightness.mean()
        self.brightness = brightness * level
        # Whole planes are computed alongside, because putting pixels back into them takes several times as long.
        planes = planes * gains * level
        self.y = self._valid_pixels(planes)
        self.whiteness = formulas.whiteness(self.y)
        logs = np.log(np.maximum(planes, formulas.TINY))
        kept = self._valid_pixels(logs)
        self.uv = kept[0::2] - kept[1]
        if self.places is not None:
            mask = self.valid.reshape(-1)
            planes, logs = planes * mask, logs * mask
        self.plane = planes.reshape(3, _SIDE, _SIDE)
        self.contrast_plane, self.contrast, self.colour_contrast = self._local_contrast(logs.reshape(3, _SIDE, _SIDE))

    def _valid_pixels(self, planes: Float) -> Float:
        """(C, n) valid pixels of (C, 4096)."""
        return planes if self.places is None else planes.take(self.places, axis=1)

    def _local_contrast(self, logs: Float) -> tuple[Float, Float, Float]:
        """How far each pixel's logarithms are from its neighbours': (64, 64) mean, and (n,) mean and colour part."""
        around, number = formulas.neighbours(logs), formulas.neighbours(self.valid[None])
        apart = logs - around / np.maximum(number, _ONE)
        mean = np.abs(apart).sum(axis=0) * np.float32(1 / 3) * self.valid
        colour = np.abs(apart[0] - apart[1]) + np.abs(apart[2] - apart[1])
        kept = self._valid_pixels(np.stack([mean, colour]).reshape(2, -1))
        return mean, kept[0], kept[1]

    def grid(self) -> Float:
        """As :class:`Features` has it."""
        sums = _BY_CELL.T @ (self.plane @ _BY_CELL)
        number = _BY_CELL.T @ (self.valid @ _BY_CELL)
        logs = np.log(np.maximum(sums / np.maximum(number, _ONE), formulas.TINY))
        some = number > 0
        grid = np.zeros((GRID_CHANNELS, GRID_SIDE, GRID_SIDE), np.float32)
        np.clip(logs[0::2] - logs[1], -1.5, 1.5, out=grid[:2])
        np.clip(logs.sum(axis=0) * np.float32(1 / 3), -4, 3, out=grid[2])
        grid[:3] *= some
        rows = self.contrast_plane.reshape(GRID_SIDE, _CELL, _SIDE).max(axis=1)
        np.minimum(rows.reshape(GRID_SIDE, GRID_SIDE, _CELL).max(axis=2), 2, out=grid[3])
        grid[4] = number * np.float32(1 / _CELL**2)
        # So that training can keep it in half the memory and both read the same bits.
        return grid.astype(np.float16).astype(np.float32)

    def statistics(self) -> Float:
        """As :class:`Features` has them, none beyond +-4."""
        names, parts = self._formulas()
        flat = np.concatenate([np.asarray(part, np.float32).reshape(-1) for part in parts])
        return np.asarray(np.clip(TABLE.arrange(names, flat), -4, 4))

    def _formulas(self) -> tuple[list[str], list[ArrayLike]]:
        """The names of the statistics, and their numbers in the order of the names."""
        y, uv, count = self.y, self.uv, self.count
        greyness = (self.colour_contrast + np.float32(1e-3)) / (self.contrast + np.float32(1e-2))
        bright, white, grey = np.sort(self.brightness), np.sort(self.whiteness), np.sort(greyness)
        ranks = {share: -(-count * share // 1000) for share in (*BRIGHTEST, *DARKEST, *WHITEST, *GREYEST)}
        weights = np.empty((16, count), np.float32)
        weights[:11] = [
            *(self.brightness >= bright[count - ranks[share]] for share in BRIGHTEST),
            *(self.brightness <= bright[ranks[share] - 1] for share in DARKEST),
            *(self.whiteness >= white[count - ranks[share]] for share in WHITEST),
            *(greyness <= grey[ranks[share] - 1] for share in GREYEST),
        ]
        apart = uv[0] * uv[0] + uv[1] * uv[1]
        np.exp(apart * NEAR, out=weights[11])
        np.exp(apart * FAR, out=weights[12])
        np.multiply(weights[11], self.brightness, out=weights[13])
        np.multiply(self.contrast, self.brightness, out=weights[14])
        weights[15] = self.brightness
        sums = weights @ np.concatenate([y, uv, np.ones((1, count), np.float32)]).T
        mass = sums[:, 5]
        means = sums[:, :5] / np.maximum(mass, formulas.TINY)[:, None]
        blocks = _BY_BLOCK.T @ (self.plane @ _BY_BLOCK)
        mean = uv.mean(axis=1)
        upper = uv.take(np.flatnonzero(weights[3]), axis=1)
        places = np.array([count // 20, count // 4, count // 2, 3 * count // 4, 19 * count // 20])
        colours = {
            "norms": formulas.norms(y),
            "masks": means[:11, :3],
            "edges": self._edges(),
            "surface": self._local_surface_reflectance(blocks)[None],
            "principal": formulas.principal(y.take(np.flatnonzero(weights[1] + weights[4]), axis=1))[None],
        }
        others = {
            "means": means[:, 3:],
            "rough": formulas.chroma(means[14, :3]),
            "mean": mean,
            "blocks": formulas.block_quantiles(blocks),
            "percentiles": np.sort(uv, axis=1)[:, places].T,
            "strips": formulas.chroma(blocks.reshape(3, _STRIPS, -1).sum(axis=2).T),
            "spread": formulas.moments(uv - mean[:, None]),
            "bright_spread": formulas.moments(upper - upper.mean(axis=1)[:, None]),
            "valid": np.float32(self.count / _SIDE**2),
            "contrast": np.log(np.stack([self.contrast.mean(), self.colour_contrast.mean()]) + formulas.FAINT) * _HALF,
            "tones": np.concatenate(
                [
                    formulas.log_quantiles(bright, (100, 500, 900, 990, 1000)),
                    formulas.log_quantiles(white, (500, 900, 1000)),
                    formulas.log_quantiles(grey, (10, 100)),
                ]
            ),
            "windows": mass[11:14] / np.float32(count),
            "sectors": self._sectors(apart),
        }
        # One logarithm of many numbers is faster than many of few.
        return [*colours, *others], [formulas.chroma(np.concatenate([*colours.values()])), *others.values()]

    def _edges(self) -> Float:
        """(2, 3), the Minkowski norms of differences of neighbours, p = 1 and 4."""
        across = np.abs(self.plane[:, :, 1:] - self.plane[:, :, :-1])
        down = np.abs(self.plane[:, 1:] - self.plane[:, :-1])
        if self.places is not None:
            across *= self.valid[:, 1:] * self.valid[:, :-1]
            down *= self.valid[1:] * self.valid[:-1]
        both = np.concatenate([across.reshape(3, -1), down.reshape(3, -1)], axis=1)
        fourth = both * both
        fourth *= fourth
        return np.stack([both.sum(axis=1), np.sqrt(np.sqrt(fourth.sum(axis=1)))])

    def _local_surface_reflectance(self, blocks: Float) -> Float:
        """(3,) of 4 x 4 patches, from the sums (3, 8, 8) over the blocks."""
        rows = self.plane.reshape(3, 4, 16, _SIDE).max(axis=2)
        greatest = rows.reshape(3, 4, 4, 16).max(axis=3)
        totals = blocks.reshape(3, 4, 2, 4, 2).sum(axis=(2, 4))
        mask = greatest[0] > 0
        totals, greatest = totals[:, mask], greatest[:, mask]
        return np.asarray(totals.sum(axis=1) / (totals / greatest).sum(axis=1))

    def _sectors(self, apart: Float) -> NDArray[np.float64]:
        """(16,), the shares of coloured pixels by eight directions of their colour: by number and by brightness."""
        u, v = self.uv
        halves = (u > 0).view(np.uint8), (v > 0).view(np.uint8), (np.abs(u) > np.abs(v)).view(np.uint8)
        coloured = np.flatnonzero(apart > COLOUR_THRESHOLD)
        sector = (halves[0] + 2 * halves[1] + 4 * halves[2]).take(coloured)
        brightness = np.bincount(sector, self.brightness.take(coloured), 8)
        return np.concatenate([np.bincount(sector, minlength=8), brightness]) / self.count
