"""The network in whole numbers: from a description to the light.

Activations are whole numbers on a scale for each layer, weights on one for each of a layer's outputs. What a layer sums
is multiplied by 2**24 times the ratio of the scales and rounded off again, to the nearest, halves up: on a processor
with a rounding 32-bit multiplication that is one instruction. No sum has more than 24 bits, or 32 where activations
have 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.network.architecture import Architecture
from awbkit.network.features import GRID_SIDE
from awbkit.network.inference import SCALES
from awbkit.network.integer.arithmetic import NATURAL, OCTAVE, Int, exp2, ratio
from awbkit.network.integer.description import GRID_UNITS, Description

MULTIPLIER_BITS = 24
"""Fractional bits of a layer's multipliers."""

NORMAL_BITS = 12
"""Fractional bits of the gains that normalise statistics."""

INPUT_UNIT = 1 / 32
"""What one unit of the head's inputs is; with 8 bits they reach to +-4."""

ANCHOR_SHIFT = 5
ATTENTION_SCALE = (11, 8)
"""The anchor becomes an input by a shift, attended log-chroma by a ratio. Neither is quite what the float network does;
:func:`input_corrections` gives the rest, for the weights to absorb."""

_ATTENTION_BITS = 12

LOGIT_SHIFT = 2
"""One unit of attention is 2 to this power units of logarithms: photographs need 30 octaves."""

LOGIT_UNIT = NATURAL * (1 << LOGIT_SHIFT)
"""One unit of attention in natural logarithms."""

INPUT_LIMIT = 127

SUM_BITS = {8: 23, 16: 31}
"""The greatest number of bits of a sum without its sign, by the bits of activations."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Of the network.

    Attributes:
        weight: int8, (out, in) of linear layers and pointwise convolutions, (channels, 9) of depthwise ones.
        bias: int32 (out,), in units of the sums.
        multiplier: int32 (out,), positive.
    """

    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]

    def apply(self, x: Int, low: int, high: int) -> Int:
        """The outputs (out, ...) of inputs (in, ...), from ``low`` to ``high``."""
        total = self.weight.astype(np.int64) @ x
        return self.round_sums(total, low, high)

    def round_sums(self, total: Int, low: int, high: int) -> Int:
        """The outputs (out, ...) of sums: add the bias, multiply, round and clip."""
        shape = (-1,) + (1,) * (total.ndim - 1)
        total = total + self.bias.astype(np.int64).reshape(shape)
        product = total * self.multiplier.astype(np.int64).reshape(shape)
        return np.asarray(np.clip(product + (1 << MULTIPLIER_BITS - 1) >> MULTIPLIER_BITS, low, high))


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """The layers, with the normalisation of the statistics.

    Attributes:
        architecture: Of the family "awbnet".
        layers: By the names that the architecture's weights have, less their endings.
        centre: int16 (S,), subtracted from the statistics that the architecture reads.
        gain: int16 (S,), their factors after that, in 1/2**12.
        activation_bits: 8 or 16, of all that passes between layers; the inputs of the head have 8 in either case.
    """

    architecture: Architecture
    layers: Mapping[str, Layer]
    centre: NDArray[np.int16]
    gain: NDArray[np.int16]
    activation_bits: int = 8

    def forward(self, description: Description, white: Int | None) -> Int:
        """(3,): log2 of the light's r/g and b/g less the anchor's, and of the expected error in degrees, in 1/2048.

        Args:
            description: Of the picture.
            white: (2,), log2 of r/g and b/g of the camera's white under D65; None where that is not known.
        """
        return self.head(self.inputs(description, white))

    def head(self, x: Int) -> Int:
        """As :meth:`forward`, from the inputs of the head."""
        most = (1 << self.activation_bits - 1) - 1
        for number, rank in enumerate(self.architecture.hidden_ranks):
            if rank:
                x = self.layers[f"hidden.{number}.rank"].apply(x, -most, most)
            x = self.layers[f"hidden.{number}"].apply(x, 0, most)
        return self.layers["output"].apply(x, -(1 << 15), (1 << 15) - 1)

    def inputs(self, description: Description, white: Int | None) -> Int:
        """The inputs of the head, each from -127 to 127 in :data:`INPUT_UNIT`."""
        return self.with_attention_means(self.inputs_of_picture(description, white), description.grid)

    def with_attention_means(self, read: Int, grid: Int) -> Int:
        """The head's inputs of the whole picture, followed by the means of the attention over the grid."""
        if "stem" not in self.layers:
            return read
        return np.asarray(np.concatenate([read, np.clip(self._attention_means(grid), -INPUT_LIMIT, INPUT_LIMIT)]))

    def inputs_of_picture(self, description: Description, white: Int | None) -> Int:
        """The head's inputs that need no layer: the statistics, the anchor, and whether the white is known."""
        parts = []
        if len(self.centre):
            apart = np.clip(
                description.statistics.take(self.architecture.statistics) - self.centre, -(1 << 15) + 1, (1 << 15) - 1
            )
            parts.append(apart * self.gain + (1 << NORMAL_BITS - 1) >> NORMAL_BITS)
        if white is None:
            parts.append(np.zeros(3, np.int64))
        else:
            absolute = description.anchor - white
            parts.append(np.append(absolute + (1 << ANCHOR_SHIFT - 1) >> ANCHOR_SHIFT, 32))
        return np.asarray(np.clip(np.concatenate(parts), -INPUT_LIMIT, INPUT_LIMIT))

    def logits(self, grid: Int) -> Int:
        """(maps, cells), log2 of each cell's weight in each attention map, in 1/512."""
        most = (1 << self.activation_bits - 1) - 1
        x = self.layers["stem"].apply(grid.reshape(len(grid), -1), 0, most)
        for number, rank in enumerate(self.architecture.block_ranks):
            x = self._depthwise(self.layers[f"blocks.{number}.depthwise"], x)
            if rank:
                x = self.layers[f"blocks.{number}.pointwise.rank"].apply(x, -most, most)
            x = self.layers[f"blocks.{number}.pointwise"].apply(x, 0, most)
        return self.layers["attention"].apply(x, -(1 << 15), (1 << 15) - 1)

    def _attention_means(self, grid: Int) -> Int:
        """(2 maps,) means of the cells' log-chroma, by attention."""
        cells, logits = grid.reshape(len(grid), -1), self.logits(grid)
        mask = cells[4] > 0
        greatest = np.where(mask, logits, -(1 << 15)).max(axis=1, keepdims=True)
        attention = np.where(mask, exp2(logits - greatest << LOGIT_SHIFT, _ATTENTION_BITS), 0)
        pooled = attention @ cells[:2].T
        return ratio(pooled * ATTENTION_SCALE[0], attention.sum(axis=1, keepdims=True) * ATTENTION_SCALE[1]).reshape(-1)

    def _depthwise(self, layer: Layer, x: Int) -> Int:
        """3 x 3, zeros beyond the border; (channels, cells) to the same, of either sign."""
        most = (1 << self.activation_bits - 1) - 1
        padded = np.pad(x.reshape(-1, GRID_SIDE, GRID_SIDE), ((0, 0), (1, 1), (1, 1)))
        kernel = layer.weight.astype(np.int64)
        total = np.zeros_like(x)
        for place in range(9):
            row, column = divmod(place, 3)
            window = padded[:, row : row + GRID_SIDE, column : column + GRID_SIDE]
            total += kernel[:, place, None] * window.reshape(len(x), -1)
        return layer.round_sums(total, -most, most)


def input_corrections(architecture: Architecture) -> NDArray[np.float64]:
    """(inputs,), factors for the first weights of the float network, so that they fit the integer inputs."""
    ln2 = float(np.log(2))
    anchor = ln2 / OCTAVE * (1 << ANCHOR_SHIFT) * float(SCALES["anchor"]) / INPUT_UNIT
    attended = GRID_UNITS[0] * float(SCALES["attended"]) * ATTENTION_SCALE[1] / ATTENTION_SCALE[0] / INPUT_UNIT
    found = np.ones(architecture.head_inputs)
    start = len(found) - 2 * architecture.maps - 3
    found[start : start + 2] = anchor
    found[start + 3 :] = attended
    return found
