"""Factorising: replace a model's layers by products of two smaller ones, then fine-tune."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from awbkit.errors import UsageError
from awbkit.network.model import Model
from awbkit.network.torch.network import Network, network_of
from awbkit.training.bank import Bank
from awbkit.training.draws import Draws
from awbkit.training.factors import Inputs, Matrix, factorise, greatest_rank, layer_matrix, layers, spectrum
from awbkit.training.recipe import Recipe
from awbkit.training.run import Result
from awbkit.training.snapshot import Snapshot
from awbkit.training.tuning import LAST, Tuning


@dataclass(frozen=True)
class Ranks:
    """The rank of the factorised layers, by exactly one of two rules.

    Attributes:
        rank: Greatest rank of every layer.
        energy: Each layer gets the least rank that keeps this share of the energy of its output.
    """

    rank: int | None = None
    energy: float | None = None

    def __post_init__(self) -> None:
        if (self.rank is None) == (self.energy is None):
            raise UsageError("factorising needs either a rank or a share of energy; give one of them")
        if self.rank is not None and self.rank < 1:
            raise UsageError(f"a rank is at least 1, not {self.rank}")
        if self.energy is not None and not 0 < self.energy <= 1:
            raise UsageError(f"energy is a share over 0 and up to 1, not {self.energy:g}")

    def of(self, values: Matrix) -> int:
        """The rank of a layer, from its singular values in descending order."""
        if self.rank is not None:
            return self.rank
        shares = np.cumsum(values**2) / max(float(np.sum(values**2)), 1e-30)
        return int(np.searchsorted(shares, (self.energy or 1.0) - 1e-12)) + 1


def factorize(tuning: Tuning, ranks: Ranks) -> Result:
    """Factorise each layer where that saves weights, including layers that are factorised already.

    Args:
        tuning: The model, and its fine-tuning.
        ranks: The rule for the ranks.

    Raises:
        UsageError: If the folder is in use or holds another run, no layer gets smaller, or the arguments conflict.
        UnreadableFile: If a data set has changed since it was prepared, or a file of the run is damaged.
    """
    tuning.check("factorize")
    model, recipe = tuning.model, tuning.recipe
    if ranks.rank is not None:
        _worthwhile_ranks(model, dict.fromkeys(layers(model.architecture), ranks.rank))
    return tuning.run(
        "factorized",
        {"factorising": asdict(ranks)},
        recipe.steps,
        lambda bank, fit: fit(LAST, partial(_factorise_model, tuning, bank, ranks), recipe, seed=recipe.seed * 1000),
    )


def _factorise_model(tuning: Tuning, bank: Bank, ranks: Ranks) -> Snapshot:
    built, weights = tuning.model.architecture, tuning.model.weights
    device = tuning.execution.device
    inputs = _inputs(network_of(built, weights).to(device), bank, tuning.recipe, device)
    wanted = {name: ranks.of(spectrum(layer_matrix(weights, name), given.covariance)) for name, given in inputs.items()}
    return factorise(built, weights, inputs, _worthwhile_ranks(tuning.model, wanted))


def _worthwhile_ranks(model: Model, ranks: Mapping[str, int]) -> dict[str, int]:
    """Select the ranks that make their layers smaller.

    Raises:
        UsageError: If no layer gets smaller.
    """
    now = layers(model.architecture)
    most = {
        name: now[name] - 1 if now[name] else greatest_rank(*layer_matrix(model.weights, name).shape) for name in now
    }
    found = {name: rank for name, rank in ranks.items() if rank <= most[name]}
    if not found:
        raise UsageError(f"no layer of model {model.name} gets smaller by that; give a smaller --rank or --energy")
    return found


def _inputs(network: Network, bank: Bank, recipe: Recipe, device: str) -> dict[str, Inputs]:
    """Mean and covariance of the layers' inputs, by layer name."""
    sums: dict[str, list[Tensor]] = {name: [] for name in layers(network.architecture)}

    def add(module: nn.Module, given: tuple[Tensor], name: str) -> None:
        rows = given[0].movedim(1, -1).flatten(0, -2).double()
        now = [rows.sum(dim=0).cpu(), (rows.T @ rows).cpu(), torch.tensor(float(len(rows)), dtype=torch.float64)]
        sums[name] = [old + new for old, new in zip(sums[name], now, strict=True)] if sums[name] else now

    handles = [network.get_submodule(name).register_forward_pre_hook(partial(add, name=name)) for name in sums]
    with torch.no_grad():
        for drawn in Draws(bank, recipe, recipe.seed * 1000, device).sample():
            network(drawn.read)
    for handle in handles:
        handle.remove()
    found = {}
    for name, (total, squares, count) in sums.items():
        mean = (total / count).numpy()
        found[name] = Inputs(mean, (squares / count).numpy() - np.outer(mean, mean))
    return found
