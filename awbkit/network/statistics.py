"""The statistics of a picture that a network can read: one table, in the order in which model files number them.

Each row has one formula in each language, under the row's name: in numpy (`awbkit.network.features`), in torch for
export (`awbkit.network.torch.features`), in whole numbers (`awbkit.network.integer.description`), and in the C that is
exported, where the numbers of ``edges`` begin at ``AT_EDGES``. A new row goes to the end, so that the numbers in
existing model files keep their meaning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.network.integer.arithmetic import NATURAL, OCTAVE

COSTS: Mapping[str, tuple[str, ...]] = {
    "high_norms": (),
    "masks": ("shares",),
    "edges": (),
    "surface": (),
    "principal": ("shares",),
    "masked_chroma": ("shares",),
    "windows": ("soft",),
    "rough": ("soft", "contrast"),
    "shine": ("soft",),
    "blocks": ("cells",),
    "percentiles": ("histograms",),
    "strips": ("cells",),
    "spread": (),
    "bright_spread": ("shares",),
    "contrast": ("histograms", "contrast"),
    "tones": ("linear",),
    "grey": ("shares", "contrast"),
    "sectors": ("sums",),
}
"""Groups of statistics that take work of their own, and the steps of that work that several of them share.

Exported C leaves out the groups and the steps that a network does not need. ``contrast`` keeps three rows of pixels;
``histograms`` are of all pixels, ``linear`` ones of brightness as well. In a second look at the pixels there are sums:
over ``cells`` of the picture, over ``shares`` of its pixels, with ``soft`` weights, or others (``sums``).
"""

BRIGHTEST = (10, 30, 100, 300)
DARKEST = (20, 100)
WHITEST = (10, 30, 100)
GREYEST = (10, 30)
"""Shares of the pixels in thousandths; each is a mask."""

_LOG, _SHARE = NATURAL, 1 / OCTAVE


@dataclass(frozen=True)
class Statistic:
    """One row of the table.

    Attributes:
        name: The name by which its formulas are found.
        width: How many numbers it has.
        unit: The value of 1 in whole numbers, for all its numbers or for each.
        groups: The groups of :data:`COSTS` that some of its numbers are in, and which numbers, from 0.
    """

    name: str
    width: int
    unit: float | tuple[float, ...]
    groups: Mapping[str, range] = field(default_factory=dict)


@dataclass
class Table:
    """The statistics in order, and what follows from it."""

    rows: tuple[Statistic, ...]

    @property
    def count(self) -> int:
        """How many numbers all statistics have."""
        return sum(row.width for row in self.rows)

    @property
    def places(self) -> dict[str, range]:
        """The places of each statistic's numbers among all."""
        found, start = {}, 0
        for row in self.rows:
            found[row.name] = range(start, start + row.width)
            start += row.width
        return found

    @property
    def units(self) -> NDArray[np.float64]:
        """(count,), the unit of each number in the integer description."""
        return np.concatenate([np.broadcast_to(row.unit, row.width) for row in self.rows])

    @property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """The places of each group's numbers, ascending."""
        places = self.places
        return {
            name: tuple(places[row.name][n] for row in self.rows for n in row.groups.get(name, ())) for name in COSTS
        }

    def groups_of(self, numbers: Collection[int]) -> list[str]:
        """The groups that any of these numbers is in."""
        return [name for name, places in self.groups.items() if not {*numbers}.isdisjoint(places)]

    def arrange(self, names: Iterable[str], numbers: Any) -> Any:
        """The numbers of statistics in the order of the table.

        Args:
            names: Of all statistics, in the order of the numbers.
            numbers: (count,) array or tensor.

        Raises:
            ValueError: If a formula has no row, a row no formula, or all formulas together another number of numbers.
        """
        given, known = [*names], [row.name for row in self.rows]
        if sorted(given) != sorted(known):
            raise ValueError(f"rows and formulas differ: {', '.join(sorted({*given} ^ {*known}))}")
        if len(numbers) != self.count:
            raise ValueError(f"the formulas give {len(numbers)} numbers, the table has {self.count}")
        if given == known:
            return numbers
        places = self.places
        return numbers[np.argsort([place for name in given for place in places[name]]).tolist()]


TABLE = Table(
    (
        Statistic("norms", 10, _LOG, {"high_norms": range(6, 10)}),
        Statistic("masks", 22, _LOG, {"masks": range(18), "grey": range(18, 22)}),
        Statistic("edges", 4, _LOG, {"edges": range(4)}),
        Statistic("surface", 2, _LOG, {"surface": range(2)}),
        Statistic("principal", 2, _LOG, {"principal": range(2)}),
        Statistic(
            "means",
            32,
            _LOG,
            {
                "masked_chroma": range(22),
                "grey": range(18, 22),
                "windows": range(22, 28),
                "rough": range(28, 30),
                "shine": range(30, 32),
            },
        ),
        Statistic("rough", 2, _LOG, {"rough": range(2)}),
        Statistic("mean", 2, _LOG),
        Statistic("blocks", 6, _LOG, {"blocks": range(6)}),
        Statistic("percentiles", 10, _LOG, {"percentiles": range(10)}),
        Statistic("strips", 8, _LOG, {"strips": range(8)}),
        Statistic("spread", 3, (_LOG, _LOG, _SHARE), {"spread": range(3)}),
        Statistic("bright_spread", 3, (_LOG, _LOG, _SHARE), {"bright_spread": range(3)}),
        Statistic("valid", 1, _SHARE),
        Statistic("contrast", 2, _LOG, {"contrast": range(2)}),
        Statistic("tones", 10, _LOG, {"tones": range(8), "grey": range(8, 10)}),
        Statistic("windows", 3, _SHARE, {"windows": range(3)}),
        Statistic("sectors", 16, _SHARE, {"sectors": range(16)}),
    )
)
