"""How a network is built: the dimensions that travel in its file, and what they come to in weights and operations.

``awbnet`` is awbkit's own: statistics of the whole picture and, from a small convolutional branch with spatial
attention, where in the picture to look. ``mobilenet-v3`` (A. Howard et al., Searching for MobileNetV3, ICCV 2019, DOI
10.1109/ICCV.2019.00140) and ``efficientnet`` (M. Tan and Q. Le, EfficientNet: Rethinking model scaling for
convolutional neural networks, ICML 2019) are stacks of inverted residuals with squeeze and excitation that read the
same grid; they are here to be compared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from math import prod
from typing import Any

from awbkit.errors import UsageError
from awbkit.network.features import GRID_CHANNELS, GRID_SIDE
from awbkit.network.sizes import SIZES
from awbkit.network.statistics import TABLE
from awbkit.spelling import suggestion

OUTPUTS = 3
"""Residual of ln r/g and of ln b/g, and the logarithm of the expected error."""

POSITION = 3
"""The anchor's two numbers, and whether the camera's white is known."""

SQUEEZE = 4
"""Squeeze and excitation divides the number of channels by this."""

ALL_STATISTICS = tuple(range(TABLE.count))

_FEW_STATISTICS = tuple(
    place
    for name in ("norms", "edges", "surface", "mean", "spread", "valid")
    for place in TABLE.places[name]
    if place not in TABLE.groups["high_norms"]
)

_STATISTICS = {"all": ALL_STATISTICS, "few": _FEW_STATISTICS, "none": ()}

_LARGEST = 1024
_MOST_BLOCKS = 32


@dataclass(frozen=True)
class Architecture:
    """The dimensions of one network.

    Attributes:
        family: "awbnet", "mobilenet-v3" or "efficientnet".
        channels: Outputs of the stem of the convolutional branch, then of each of its blocks: depthwise-separable
            convolutions (awbnet) or inverted residuals (the others, all of one width). Empty leaves the branch out
            (awbnet only).
        block_ranks: Of each block's pointwise convolution, where it is the product of two; 0 where it is one
            (everywhere but in awbnet).
        maps: Attention maps over the grid (awbnet only, 0 elsewhere).
        hidden: Widths of the head's hidden layers.
        hidden_ranks: Of each hidden layer, where it is the product of two; 0 where it is one.
        expansion: By how much an inverted residual widens its channels; 0 for awbnet.
        statistics: Which of the statistics of the picture it reads, ascending.
    """

    family: str
    channels: tuple[int, ...]
    block_ranks: tuple[int, ...]
    maps: int
    hidden: tuple[int, ...]
    hidden_ranks: tuple[int, ...]
    expansion: int = 0
    statistics: tuple[int, ...] = ALL_STATISTICS

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"there is no family {self.family!r} of networks")
        several = (self.channels, self.block_ranks, self.hidden, self.hidden_ranks, self.statistics)
        if not all(isinstance(sizes, tuple) for sizes in several):
            raise ValueError("dimensions that a network has several of are in tuples")
        sizes = (self.maps, self.expansion, *(size for part in several for size in part))
        if not all(type(size) is int and 0 <= size <= _LARGEST for size in sizes):
            raise ValueError(f"dimensions are whole numbers from 0 to {_LARGEST}")
        if not self.hidden or min(self.hidden) == 0 or len(self.hidden) > _MOST_BLOCKS or self.blocks > _MOST_BLOCKS:
            raise ValueError(f"a network has 1 to {_MOST_BLOCKS} hidden layers and at most as many blocks")
        if len(self.hidden_ranks) != len(self.hidden) or len(self.block_ranks) != self.blocks:
            raise ValueError("every block and every hidden layer has a rank, which is 0 where it is not factorised")
        if list(self.statistics) != sorted({*self.statistics}) or max(self.statistics, default=0) >= TABLE.count:
            raise ValueError(f"statistics are numbers from 0 to {TABLE.count - 1}, ascending")
        if 0 in self.channels:
            raise ValueError("every part of the convolutional branch has channels")
        own = self.family == "awbnet"
        if own and (self.expansion or bool(self.channels) != bool(self.maps)):
            raise ValueError("an awbnet has both channels and attention maps, or no convolutional branch")
        if not own and (self.maps or not self.blocks or not self.expansion or len({*self.channels}) != 1):
            raise ValueError("inverted residuals have blocks of one width, an expansion, and no attention maps")
        if not own and any(self.block_ranks):
            raise ValueError("inverted residuals are not factorised")

    @property
    def blocks(self) -> int:
        """How many blocks follow the stem."""
        return max(len(self.channels) - 1, 0)

    @property
    def head_inputs(self) -> int:
        """How many numbers the head reads."""
        local = 2 * self.maps if self.family == "awbnet" else self.channels[-1]
        return len(self.statistics) + POSITION + local

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every weight by name, in the order of computation.

        Convolutions are (out, in, rows, columns), linear layers (out, in); where a layer is the product of two, the
        first is (rank, in) and called ``.rank`` of the second, (out, rank). ``mean`` and ``std`` normalise the
        statistics that are read and are fitted, not trained.
        """
        found: dict[str, tuple[int, ...]] = {}
        if self.statistics:
            found |= {"mean": (len(self.statistics),), "std": (len(self.statistics),)}
        if self.channels:
            found |= _convolution("stem", GRID_CHANNELS, self.channels[0])
        for number, (inputs, outputs) in enumerate(pairwise(self.channels)):
            name = f"blocks.{number}"
            if self.family == "awbnet":
                found |= _depthwise(f"{name}.depthwise", inputs)
                found |= _convolution(f"{name}.pointwise", inputs, outputs, self.block_ranks[number])
            else:
                wide, few = inputs * self.expansion, max(1, inputs // SQUEEZE)
                found |= _convolution(f"{name}.expand", inputs, wide)
                found |= _depthwise(f"{name}.depthwise", wide)
                found |= _convolution(f"{name}.squeeze", wide, few)
                found |= _convolution(f"{name}.excite", few, wide)
                found |= _convolution(f"{name}.project", wide, outputs)
        if self.maps:
            # Without a bias, which adds the same to every cell and so does nothing to the attention.
            found["attention.weight"] = (self.maps, self.channels[-1], 1, 1)
        widths = (self.head_inputs, *self.hidden)
        for number, (inputs, outputs) in enumerate(pairwise(widths)):
            found |= _linear(f"hidden.{number}", inputs, outputs, self.hidden_ranks[number])
        return found | _linear("output", widths[-1], OUTPUTS)

    @property
    def trained_weights(self) -> tuple[str, ...]:
        """The names of the weights that are trained, in the order of computation."""
        return tuple(name for name in self.shapes() if name not in ("mean", "std"))

    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in the order of computation: of weights, less their endings."""
        return tuple(name.removesuffix(".weight") for name in self.shapes() if name.endswith(".weight"))

    def head_layers(self) -> tuple[str, ...]:
        """The names of the layers of the head, which reads the whole picture."""
        return tuple(name for name in self.layers() if name.startswith(("hidden", "output")))

    @property
    def parameters(self) -> int:
        """How many numbers are trained; the fitted mean and deviation of the statistics fold into the first layer."""
        shapes = self.shapes()
        return sum(prod(shapes[name]) for name in self.trained_weights)

    @property
    def bytes(self) -> int:
        """Size in int8: a byte for each weight, four for each bias, four for each statistic that is read.

        A statistic's mean and the inverse of its deviation are 16-bit numbers. Scales of layers and code come on top.
        """
        counted = {name: prod(shape) for name, shape in self.shapes().items()}
        each = {"mean": 2, "std": 2, "bias": 4, "weight": 1}
        return sum(each[name.rpartition(".")[2]] * count for name, count in counted.items())

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one estimate, the statistics themselves apart."""
        cells = GRID_SIDE**2
        total = self.maps * 2 * cells
        for name, shape in self.shapes().items():
            if name.endswith("weight"):
                once = len(shape) == 2 or any(part in name for part in (".squeeze", ".excite"))
                total += prod(shape) * (1 if once else cells)
        return total

    def to_json(self) -> dict[str, Any]:
        """As model files state it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Architecture:
        """The architecture that :meth:`to_json` wrote.

        Raises:
            ValueError: If the entry is no architecture.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(entry, Mapping) or set(entry) != known:
            raise ValueError(f"an architecture states {', '.join(sorted(known))}")
        stated: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
        }
        return cls(**stated)


FAMILIES = ("awbnet", "mobilenet-v3", "efficientnet")


def architecture(name: str) -> Architecture:
    """The architecture of this name.

    Raises:
        UsageError: If no architecture has this name; the message names the nearest.
    """
    if name not in SIZES:
        raise UsageError(f"unknown architecture {name!r}{suggestion(name, SIZES)}; architectures: {', '.join(SIZES)}")
    size = SIZES[name]
    return Architecture(
        size.family,
        size.channels,
        (0,) * len(size.channels[1:]),
        size.maps,
        size.hidden,
        (size.rank, *(0 for _ in size.hidden[1:])),
        size.expansion,
        _STATISTICS[size.statistics],
    )


def _convolution(name: str, inputs: int, outputs: int, rank: int = 0) -> dict[str, tuple[int, ...]]:
    """Pointwise."""
    flat = _linear(name, inputs, outputs, rank)
    return {key: (*shape, 1, 1) if key.endswith("weight") else shape for key, shape in flat.items()}


def _linear(name: str, inputs: int, outputs: int, rank: int = 0) -> dict[str, tuple[int, ...]]:
    first = {f"{name}.rank.weight": (rank, inputs)} if rank else {}
    return {**first, f"{name}.weight": (outputs, rank or inputs), f"{name}.bias": (outputs,)}


def _depthwise(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (channels, 1, 3, 3), f"{name}.bias": (channels,)}
