"""The sizes of networks by name. They stand apart from the architecture, so that help lists them without numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Size:
    """The dimensions of a network before any layer is pruned; see :class:`awbkit.network.architecture.Architecture`.

    Attributes:
        family: "awbnet", "mobilenet-v3" or "efficientnet".
        channels: Of the stem and of each block; empty without a convolutional branch.
        hidden: Widths of the head's hidden layers.
        maps: Attention maps.
        rank: Of the first hidden layer, mostly by far the largest; 0 where it is not factorised.
        expansion: By how much an inverted residual widens its channels.
        statistics: How many of the picture's statistics it reads.
    """

    family: str
    channels: tuple[int, ...]
    hidden: tuple[int, ...]
    maps: int = 0
    rank: int = 0
    expansion: int = 0
    statistics: Literal["all", "few", "none"] = "all"


SIZES = {
    "awbnet-nano": Size("awbnet", (), (16, 8), statistics="few"),
    "awbnet-s": Size("awbnet", (8, 8, 8), (48, 24), maps=4, rank=16),
    "awbnet-m": Size("awbnet", (16, 16, 16, 16), (96, 48), maps=8, rank=48),
    "awbnet-teacher": Size("awbnet", (), (64, 32), rank=24),
    "mobilenet-v3": Size("mobilenet-v3", (10,) * 4, (16,), expansion=4, statistics="none"),
    "mobilenet-v3-large": Size("mobilenet-v3", (40,) * 7, (64,), expansion=4, statistics="none"),
    "efficientnet": Size("efficientnet", (8,) * 4, (16,), expansion=6, statistics="none"),
    "efficientnet-large": Size("efficientnet", (32,) * 7, (64,), expansion=6, statistics="none"),
}

DEFAULT = "awbnet-s"
