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
from math import prod
from typing import Any

from awbkit.errors import UsageError
from awbkit.network.features import GRID_CHANNELS, GRID_SIDE, STATISTICS
from awbkit.spelling import suggestion

OUTPUTS = 3
"""Residual of ln r/g and of ln b/g, and the logarithm of the expected error."""

POSITION = 3
"""Anchor, two numbers, and whether they mean anything."""

SQUEEZE = 4
"""Squeeze and excitation reduces channels to one in so many."""

_LARGEST = 1024
_MOST_BLOCKS = 32


@dataclass(frozen=True)
class Architecture:
    """The dimensions of one network.

    Attributes:
        family: "awbnet", "mobilenet-v3" or "efficientnet".
        channels: Of the convolutional branch; 0 leaves the branch out (awbnet only).
        blocks: Depthwise-separable convolutions (awbnet) or inverted residuals (the others).
        maps: Attention maps over the grid (awbnet only, 0 elsewhere).
        rank: Of the factorised first layer of the head; 0 where there is none.
        hidden: Widths of the head's hidden layers.
        expansion: By how much an inverted residual widens its channels; 0 for awbnet.
        statistics: How many statistics of the picture it reads; 0 for none.
    """

    family: str
    channels: int
    blocks: int
    maps: int
    rank: int
    hidden: tuple[int, ...]
    expansion: int = 0
    statistics: int = STATISTICS

    def __post_init__(self) -> None:
        own = self.family == "awbnet"
        if self.family not in FAMILIES:
            raise ValueError(f"there is no family {self.family!r} of networks")
        sizes = (self.channels, self.blocks, self.maps, self.rank, self.expansion, self.statistics, *self.hidden)
        if not all(isinstance(size, int) and 0 <= size <= _LARGEST for size in sizes):
            raise ValueError(f"dimensions are whole numbers from 0 to {_LARGEST}")
        if not self.hidden or min(self.hidden) == 0 or len(self.hidden) > _MOST_BLOCKS or self.blocks > _MOST_BLOCKS:
            raise ValueError(f"a network has 1 to {_MOST_BLOCKS} hidden layers and at most as many blocks")
        if self.statistics not in (0, STATISTICS):
            raise ValueError(f"reads {self.statistics} statistics; this awbkit measures {STATISTICS}")
        branch = (self.channels > 0, self.maps > 0)
        if own and (self.expansion or branch[0] != branch[1] or (self.blocks and not self.channels)):
            raise ValueError("an awbnet has both channels and attention maps, or no convolutional branch")
        if not own and (self.maps or not self.channels or not self.blocks or not self.expansion):
            raise ValueError("inverted residuals have channels, blocks and an expansion, and no attention maps")

    @property
    def head_inputs(self) -> int:
        """How many numbers the head reads."""
        local = 2 * self.maps if self.family == "awbnet" else self.channels
        return self.statistics + POSITION + local

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every weight by name, in the order of computation.

        Convolutions are (out, in, rows, columns), linear layers (out, in); ``mean`` and ``std`` normalise the
        statistics and are fitted, not trained.
        """
        found: dict[str, tuple[int, ...]] = {}
        if self.statistics:
            found |= {"mean": (self.statistics,), "std": (self.statistics,)}
        if self.channels:
            found |= _convolution("stem", GRID_CHANNELS, self.channels)
        for number in range(self.blocks):
            name = f"blocks.{number}"
            if self.family == "awbnet":
                found |= _depthwise(f"{name}.depthwise", self.channels)
                found |= _convolution(f"{name}.pointwise", self.channels, self.channels)
            else:
                wide = self.channels * self.expansion
                found |= _convolution(f"{name}.expand", self.channels, wide)
                found |= _depthwise(f"{name}.depthwise", wide)
                found |= _convolution(f"{name}.squeeze", wide, max(1, self.channels // SQUEEZE))
                found |= _convolution(f"{name}.excite", max(1, self.channels // SQUEEZE), wide)
                found |= _convolution(f"{name}.project", wide, self.channels)
        if self.maps:
            # Without a bias, which adds the same to every cell and so does nothing to the attention.
            found["attention.weight"] = (self.maps, self.channels, 1, 1)
        width = self.head_inputs
        if self.rank:
            found["rank.weight"] = (self.rank, width)
            width = self.rank
        for number, size in enumerate(self.hidden):
            found |= {f"hidden.{number}.weight": (size, width), f"hidden.{number}.bias": (size,)}
            width = size
        return found | {"output.weight": (OUTPUTS, width), "output.bias": (OUTPUTS,)}

    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in the order of computation: of weights, less their endings."""
        return tuple(name.removesuffix(".weight") for name in self.shapes() if name.endswith(".weight"))

    def head_layers(self) -> tuple[str, ...]:
        """Those of them that see the picture as a whole."""
        return tuple(name for name in self.layers() if name.startswith(("rank", "hidden", "output")))

    @property
    def parameters(self) -> int:
        """How many numbers are trained; the fitted mean and deviation of the statistics fold into the first layer."""
        return sum(prod(shape) for name, shape in self.shapes().items() if name not in ("mean", "std"))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one estimate, the statistics themselves apart."""
        cells = GRID_SIDE**2
        once = (".squeeze", ".excite", "rank", "hidden", "output")
        total = self.maps * 2 * cells
        for name, shape in self.shapes().items():
            if name.endswith("weight"):
                total += prod(shape) * (1 if any(part in name for part in once) else cells)
        return total

    def to_json(self) -> dict[str, Any]:
        """As model files state it."""
        return {**asdict(self), "hidden": list(self.hidden)}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Architecture:
        """The architecture that :meth:`to_json` wrote.

        Raises:
            ValueError: If it is none.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(entry, Mapping) or set(entry) != known or not isinstance(entry["hidden"], list):
            raise ValueError(f"an architecture states {', '.join(sorted(known))}")
        return cls(**{**entry, "hidden": tuple(entry["hidden"])})


FAMILIES = ("awbnet", "mobilenet-v3", "efficientnet")

_ARCHITECTURES = {
    "awbnet-nano": Architecture("awbnet", channels=0, blocks=0, maps=0, rank=5, hidden=(12, 8)),
    "awbnet-s": Architecture("awbnet", channels=8, blocks=2, maps=4, rank=16, hidden=(48, 24)),
    "awbnet-m": Architecture("awbnet", channels=16, blocks=3, maps=8, rank=48, hidden=(96, 48)),
    "awbnet-teacher": Architecture("awbnet", channels=0, blocks=0, maps=0, rank=24, hidden=(64, 32)),
    "mobilenet-v3": Architecture("mobilenet-v3", 10, 3, 0, 0, (16,), expansion=4, statistics=0),
    "mobilenet-v3-large": Architecture("mobilenet-v3", 40, 6, 0, 0, (64,), expansion=4, statistics=0),
    "efficientnet": Architecture("efficientnet", 8, 3, 0, 0, (16,), expansion=6, statistics=0),
    "efficientnet-large": Architecture("efficientnet", 32, 6, 0, 0, (64,), expansion=6, statistics=0),
}

DEFAULT = "awbnet-s"


def names() -> tuple[str, ...]:
    """The names of the architectures."""
    return tuple(_ARCHITECTURES)


def architecture(name: str) -> Architecture:
    """The architecture of this name.

    Raises:
        UsageError: If there is none; the message names the nearest.
    """
    if name not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise UsageError(f"unknown architecture {name!r}{suggestion(name, _ARCHITECTURES)}; architectures: {known}")
    return _ARCHITECTURES[name]


def _convolution(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs, 1, 1), f"{name}.bias": (outputs,)}


def _depthwise(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (channels, 1, 3, 3), f"{name}.bias": (channels,)}
