"""The budget of a network, and the choice of the units to remove to meet it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import UsageError
from awbkit.network.architecture import Architecture
from awbkit.network.latency import TABLES, instructions
from awbkit.training.structure import dimensions, minimum_units, with_sizes

KINDS = {
    "params": "parameters",
    "macs": "multiply-accumulates",
    "bytes": "bytes in int8",
    **{target: f"instructions on a {target.title()}" for target in TABLES},
}
"""The costs that can be limited, with their names."""


@dataclass(frozen=True)
class Budget:
    """An upper limit on a network's cost.

    Attributes:
        kind: "params", "macs" or "bytes", as :class:`awbkit.network.architecture.Architecture` counts them, or a target
            of :mod:`awbkit.network.latency`.
        limit: At least 1.
    """

    kind: str
    limit: int

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise UsageError(f"a budget is at least 1, not {self.limit} {KINDS[self.kind]}")

    def cost(self, architecture: Architecture) -> int:
        """The cost of a network."""
        if self.kind in TABLES:
            return instructions(architecture, self.kind)
        attribute = {"params": "parameters"}.get(self.kind, self.kind)
        return int(getattr(architecture, attribute))


def choose_units(
    architecture: Architecture, worth: Mapping[str, NDArray[np.float64]], budget: Budget
) -> dict[str, NDArray[np.intp]]:
    """Choose the units that stay: the unit with the least worth for its cost goes first, one at a time.

    Args:
        architecture: Of an awbnet.
        worth: The worth of every unit, by dimension.
        budget: The limit to meet.

    Raises:
        UsageError: If no network of this family meets the budget.
    """
    full = dimensions(architecture)
    sizes = dict(full)
    order = {name: np.argsort(worth[name], kind="stable") for name in sizes}
    cost = budget.cost(architecture)
    while cost > budget.limit:
        best, smallest = np.inf, None
        for name, size in sizes.items():
            if size <= minimum_units(name):
                continue
            built = with_sizes(architecture, {**sizes, name: size - 1})
            saved = cost - budget.cost(built)
            price = worth[name][order[name][full[name] - size]] / saved if saved > 0 else np.inf
            if price < best:
                best, smallest = price, name
        if smallest is None:
            raise UsageError(f"no network of this kind has as few as {budget.limit} {KINDS[budget.kind]}; allow {cost}")
        sizes[smallest] -= 1
        if smallest == "maps" and not sizes["maps"]:
            sizes = {name: size for name, size in sizes.items() if not name.startswith(("maps", "channels", "block_"))}
            sizes["maps"] = 0
        cost = budget.cost(with_sizes(architecture, sizes))
    # The last unit removed may have left room for a smaller one.
    while room := [name for name in sizes if _fits(architecture, sizes, name, full[name], budget)]:
        back = max(room, key=lambda name: worth[name][order[name][full[name] - sizes[name] - 1]])
        sizes[back] += 1
    return {name: np.sort(order[name][full[name] - size :]) for name, size in sizes.items()}


def _fits(architecture: Architecture, sizes: Mapping[str, int], name: str, most: int, budget: Budget) -> bool:
    """Whether one more unit of a dimension fits the budget; a removed branch does not come back."""
    if not 0 < sizes[name] < most:
        return False
    return budget.cost(with_sizes(architecture, {**sizes, name: sizes[name] + 1})) <= budget.limit
