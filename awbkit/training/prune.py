"""Pruning: make a smaller model that is nearly as accurate.

Each round measures the worth of each unit, removes the units with the least worth for their cost, keeps their means in
biases, and fine-tunes the rest for a while. The rounds' budgets are a geometric series, so that each removes the same
share. The last round trains for longer. All training follows the original model as well as the truth.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from awbkit.errors import UsageError
from awbkit.network.architecture import Architecture
from awbkit.network.torch.network import network_of
from awbkit.training.bank import Bank
from awbkit.training.budget import KINDS, Budget, choose_units
from awbkit.training.draws import Draws
from awbkit.training.factors import merge
from awbkit.training.importance import importance
from awbkit.training.recipe import Recipe
from awbkit.training.run import Result
from awbkit.training.snapshot import Snapshot
from awbkit.training.structure import dimensions, fold_means, keep_units
from awbkit.training.tuning import LAST, Fit, Tuning


@dataclass(frozen=True)
class Rounds:
    """How a network is pruned.

    Attributes:
        budget: Greatest cost of the result.
        rounds: Number of rounds.
        round_steps: Steps of training after each round but the last; the recipe's steps follow that.
    """

    budget: Budget
    rounds: int = 16
    round_steps: int = 150

    def __post_init__(self) -> None:
        for name, least, most in (("rounds", 1, 1000), ("round_steps", 1, 10_000_000)):
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{name} is from {least} to {most}, not {getattr(self, name)}")

    def check(self, architecture: Architecture, name: str) -> None:
        """Refuse a model that meets the budget already, or that cannot meet it.

        Raises:
            UsageError: If so.
        """
        cost = self.budget.cost(architecture)
        if cost <= self.budget.limit:
            raise UsageError(f"model {name} has {cost} {KINDS[self.budget.kind]} already; give a smaller budget")
        choose_units(architecture, {key: np.ones(size) for key, size in dimensions(architecture).items()}, self.budget)

    def steps(self, recipe: Recipe) -> int:
        """Steps of the optimiser in all rounds."""
        return (self.rounds - 1) * self.round_steps + recipe.steps

    def budgets(self, cost: int) -> list[Budget]:
        """The budget of each round, for a network of this cost."""
        shares = [(number + 1) / self.rounds for number in range(self.rounds)]
        return [replace(self.budget, limit=round(cost ** (1 - share) * self.budget.limit**share)) for share in shares]


def prune(tuning: Tuning, plan: Rounds) -> Result:
    """Prune a network.

    Args:
        tuning: The model, and its fine-tuning.
        plan: Budget and rounds.

    Raises:
        UsageError: If the folder is in use or holds another run, or the arguments conflict.
        UnreadableFile: If a data set has changed since it was prepared, or a file of the run is damaged.
    """
    tuning.check("prune")
    model, recipe, device = tuning.model, tuning.recipe, tuning.execution.device
    plan.check(model.architecture, model.name)
    start: Snapshot = (model.architecture, dict(model.weights))
    return tuning.run(
        "pruned",
        {"pruning": asdict(plan)},
        plan.steps(recipe),
        lambda bank, fit: prune_in_rounds(start, plan, recipe, bank, fit, device),
    )


def prune_in_rounds(
    network: Snapshot,
    plan: Rounds,
    recipe: Recipe,
    bank: Bank,
    fit: Fit,
    device: str = "cpu",
) -> Snapshot:
    """Prune a network, round by round.

    Args:
        network: The network to prune.
        plan: Budget and rounds.
        recipe: Recipe of the last round.
        bank: The training pictures.
        fit: Trains one round's network, called ``LAST`` in the last round.
        device: "cpu" or "cuda", for the measurement of worth.
    """
    for number, budget in enumerate(plan.budgets(plan.budget.cost(network[0])), 1):
        last = number == plan.rounds
        seed = recipe.seed * 1000 + number
        begin = partial(_prune_once, network, bank, recipe, budget, seed, device)
        how = recipe if last else replace(recipe, steps=plan.round_steps)
        network = fit(LAST if last else f"round {number}", begin, how, seed=seed)
    return network


def _prune_once(network: Snapshot, bank: Bank, recipe: Recipe, budget: Budget, seed: int, device: str) -> Snapshot:
    """Remove the units with the least worth for their cost."""
    built, weights = network
    drawn = list(Draws(bank, recipe, seed, device).sample())
    worth = importance(network_of(built, weights).to(device), drawn)
    kept = choose_units(built, {name: found.change for name, found in worth.items()}, budget)
    weights = fold_means(built, weights, kept, {name: found.mean for name, found in worth.items()})
    return merge(*keep_units(built, weights, kept))
