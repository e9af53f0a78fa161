"""The units of a network: sets of weights that pruning removes together.

A *unit* is one input statistic, one channel of a stage of the branch, one attention map, one hidden unit, or one term
of a factorised layer. Units of a kind make a *dimension*. Its name is that of the architecture's field that counts
them, with an index where the field has several: "statistics", "channels.1", "block_ranks.0", "maps", "hidden.0",
"hidden_ranks.0".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.network.architecture import POSITION, Architecture

Float = NDArray[np.float32]
Weights = dict[str, Float]
Units = Mapping[str, NDArray[np.intp]]
"""The remaining units, ascending, by dimension; a missing dimension keeps all units."""

_HEAD = "head"
"""Names of the head's inputs: statistics, the position, two numbers of each map."""


def dimensions(architecture: Architecture) -> dict[str, int]:
    """The number of units of each dimension of an awbnet; a layer that is not factorised has no terms."""
    found = {"statistics": len(architecture.statistics), "maps": architecture.maps}
    for field in ("channels", "block_ranks", "hidden", "hidden_ranks"):
        found |= {f"{field}.{place}": size for place, size in enumerate(getattr(architecture, field))}
    return {name: size for name, size in found.items() if size}


def minimum_units(name: str) -> int:
    """The least number of units of a dimension. Removing the last map removes the whole branch."""
    return 0 if name in ("statistics", "maps") else 1


def with_sizes(architecture: Architecture, sizes: Mapping[str, int]) -> Architecture:
    """The architecture with these numbers of units; statistics are kept from the start of the list."""
    values: dict[str, Any] = {}
    for name, size in sizes.items():
        field, _, place = name.partition(".")
        if field == "statistics":
            values[field] = architecture.statistics[:size]
        elif place:
            values.setdefault(field, list(getattr(architecture, field)))[int(place)] = size
        else:
            values[field] = size
    if values.get("maps", architecture.maps) == 0:
        values |= {"maps": 0, "channels": (), "block_ranks": ()}
    changes: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return replace(architecture, **changes)


def readers(architecture: Architecture) -> dict[str, tuple[str, NDArray[np.intp]]]:
    """The readers of each dimension: the weights' names, and (units, columns) the columns that read each unit.

    A unit acts on the network through these columns only, so removing them removes the unit.
    """
    found: dict[str, tuple[str, NDArray[np.intp]]] = {}
    for name, axes in _axes(architecture).items():
        if name in ("mean", "std") or len(axes) < 2 or not axes[1]:
            continue
        if axes[1] == _HEAD:
            count = len(architecture.statistics)
            found["statistics"] = name, np.arange(count)[:, None]
            maps = count + POSITION + np.arange(2 * architecture.maps).reshape(-1, 2)
            found["maps"] = name, maps
        else:
            size = dimensions(architecture)[axes[1]]
            found[axes[1]] = name, np.arange(size)[:, None]
    return {name: found[name] for name in dimensions(architecture)}


def fold_means(
    architecture: Architecture, weights: Mapping[str, Float], kept: Units, means: Mapping[str, NDArray[np.float64]]
) -> Weights:
    """Move the means of removed units into the biases of their readers.

    Args:
        architecture: Of an awbnet.
        weights: The network's weights.
        kept: The remaining units.
        means: (units, columns), by dimension, a unit's mean value in each column that reads it.
    """
    found, axes = dict(weights), _axes(architecture)
    for dimension, (name, columns) in readers(architecture).items():
        gone = np.delete(np.arange(len(columns)), kept.get(dimension, np.arange(len(columns))))
        layer = name.removesuffix(".weight").removesuffix(".rank")
        # The attention needs no bias: a constant over all cells does not change it.
        if not len(gone) or f"{layer}.bias" not in found:
            continue
        matrix = weights[name].reshape(weights[name].shape[:2]).astype(np.float64)
        given = matrix[:, columns[gone].reshape(-1)] @ means[dimension][gone].reshape(-1)
        if name.endswith(".rank.weight"):
            # The means of removed terms include this one.
            second, terms = weights[f"{layer}.weight"], kept.get(axes[f"{layer}.weight"][1], np.arange(len(given)))
            given = second.reshape(second.shape[:2])[:, terms] @ given[terms]
        found[f"{layer}.bias"] = (found[f"{layer}.bias"] + given).astype(np.float32)
    return found


def keep_units(architecture: Architecture, weights: Mapping[str, Float], kept: Units) -> tuple[Architecture, Weights]:
    """Remove all other units from a network.

    Args:
        architecture: Of an awbnet.
        weights: The network's weights.
        kept: The remaining units.
    """
    chosen = {name: kept.get(name, np.arange(size)) for name, size in dimensions(architecture).items()}
    built = with_sizes(architecture, {name: len(units) for name, units in chosen.items()})
    if "statistics" in chosen:
        built = replace(built, statistics=tuple(architecture.statistics[place] for place in chosen["statistics"]))
    count = len(architecture.statistics)
    chosen[_HEAD] = np.concatenate(
        [
            chosen.get("statistics", np.arange(0)),
            count + np.arange(POSITION),
            (count + POSITION + 2 * chosen.get("maps", np.arange(0))[:, None] + np.arange(2)).reshape(-1),
        ]
    ).astype(np.intp)
    axes, shapes = _axes(architecture), built.shapes()
    found: Weights = {}
    for name in shapes:
        array = weights[name]
        for axis, dimension in enumerate(axes[name]):
            if dimension:
                array = array.take(chosen[dimension], axis=axis)
        found[name] = np.ascontiguousarray(array)
    return built, found


def _axes(architecture: Architecture) -> dict[str, tuple[str, ...]]:
    """The dimension along each leading axis of every weight; empty for an axis without one."""
    found: dict[str, tuple[str, ...]] = {"mean": ("statistics",), "std": ("statistics",)}
    if architecture.channels:
        found |= {"stem.weight": ("channels.0",), "stem.bias": ("channels.0",)}
    for number, rank in enumerate(architecture.block_ranks):
        before, name = f"channels.{number}", f"blocks.{number}"
        found |= {f"{name}.depthwise.weight": (before,), f"{name}.depthwise.bias": (before,)}
        found |= _layer(f"{name}.pointwise", before, f"channels.{number + 1}", f"block_ranks.{number}" if rank else "")
    if architecture.maps:
        found["attention.weight"] = ("maps", f"channels.{architecture.blocks}")
    before = _HEAD
    for number, rank in enumerate(architecture.hidden_ranks):
        found |= _layer(f"hidden.{number}", before, f"hidden.{number}", f"hidden_ranks.{number}" if rank else "")
        before = f"hidden.{number}"
    return found | _layer("output", before, "", "")


def _layer(name: str, inputs: str, outputs: str, rank: str) -> dict[str, tuple[str, ...]]:
    first = {f"{name}.rank.weight": (rank, inputs)} if rank else {}
    return {**first, f"{name}.weight": (outputs, rank or inputs), f"{name}.bias": (outputs,)}
