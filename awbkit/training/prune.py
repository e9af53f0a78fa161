"""Pruning, from a model to a smaller one that answers nearly as well.

In rounds: what each unit is worth is measured, the units that are worth least for what they cost go, their means left
behind in biases, and what is left is trained on for a while. The rounds' budgets are a geometric series, so that each
takes the same share away. At last the network is trained on for longer. All the time it learns from the model that is
pruned as well as from the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from awbkit.errors import UsageError
from awbkit.network.architecture import Architecture
from awbkit.network.model import Model
from awbkit.network.torch.network import network_of
from awbkit.training import tuning
from awbkit.training.bank import Bank
from awbkit.training.budget import KINDS, Budget, chosen
from awbkit.training.draws import Draws
from awbkit.training.factors import merged
from awbkit.training.importance import importance
from awbkit.training.provenance import seen
from awbkit.training.recipe import Recipe
from awbkit.training.run import USUALLY, Execution, Result, running
from awbkit.training.snapshot import Snapshot
from awbkit.training.split import LeftOut
from awbkit.training.structure import dimensions, reduced, silenced

LAST = "network"
"""The name of what is trained last."""

_NOTHING = LeftOut()
_MEASURED = 8192
"""Pictures that the units' worth is measured on, at most."""


@dataclass(frozen=True)
class Rounds:
    """How a network is pruned.

    Attributes:
        budget: What it may cost at last.
        rounds: In how many rounds.
        round_steps: How many steps what is left is trained after each but the last, which the recipe's steps follow.
    """

    budget: Budget
    rounds: int = 16
    round_steps: int = 150

    def __post_init__(self) -> None:
        for name, least, most in (("rounds", 1, 1000), ("round_steps", 1, 10_000_000)):
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{name} is from {least} to {most}, not {getattr(self, name)}")

    def check(self, architecture: Architecture, name: str) -> None:
        """Refuse what is small enough already, or cannot be made so small.

        Raises:
            UsageError: If so.
        """
        cost = self.budget.cost(architecture)
        if cost <= self.budget.limit:
            raise UsageError(f"model {name} has {cost} {KINDS[self.budget.kind]} already; give a smaller budget")
        chosen(architecture, {key: np.ones(size) for key, size in dimensions(architecture).items()}, self.budget)

    def steps(self, recipe: Recipe) -> int:
        """Of the optimiser in all."""
        return (self.rounds - 1) * self.round_steps + recipe.steps

    def budgets(self, cost: int) -> list[Budget]:
        """Of each round, for a network that costs so much."""
        shares = [(number + 1) / self.rounds for number in range(self.rounds)]
        return [replace(self.budget, limit=round(cost ** (1 - share) * self.budget.limit**share)) for share in shares]


def prune(
    model: Model,
    folders: Sequence[Path],
    output: Path,
    recipe: Recipe,
    plan: Rounds,
    *,
    left_out: LeftOut = _NOTHING,
    execution: Execution = USUALLY,
) -> Result:
    """Prune a network.

    Args:
        model: Of the family awbnet.
        folders: Prepared data sets to train on.
        output: The run's folder.
        recipe: How what is left is trained; :func:`awbkit.training.tuning.recipe_for` has what is usual.
        plan: Down to which budget, and how.
        left_out: What must not be seen.
        execution: How the run is carried out.

    Raises:
        UsageError: If the folder is in use, holds another run, or what is asked for does not fit together.
        UnreadableFile: If a data set is not what was prepared, or a file of the run is damaged.
    """
    tuning.check(model, recipe, "prune")
    start: Snapshot = (model.architecture, dict(model.weights))
    plan.check(model.architecture, model.name)
    pictures = seen(folders, left_out, recipe, model)
    facts = {**tuning.facts(recipe), "pruning": asdict(plan)}
    steps = plan.steps(recipe)
    with running(output, recipe, pictures, facts, steps=steps, execution=execution) as run:
        bank, checks = run.banks()
        teachers = [network_of(*start)]

        def trained(name: str, begin: Callable[[], Snapshot], how: Recipe, seed: int) -> Snapshot:
            watched = checks if name == LAST else None
            return run.network("all", name, begin, bank, how, seed=seed, teachers=teachers, checks=watched)

        network = in_rounds(start, plan, recipe, bank, trained, execution.device)
        return tuning.finish(run, model, "pruned", network, bank, checks, recipe)


def in_rounds(
    network: Snapshot,
    plan: Rounds,
    recipe: Recipe,
    bank: Bank,
    trained: Callable[[str, Callable[[], Snapshot], Recipe, int], Snapshot],
    device: str = "cpu",
) -> Snapshot:
    """Prune a network, round by round.

    Args:
        network: To start from.
        plan: Down to which budget.
        recipe: How what is left is trained at last.
        bank: On what.
        trained: Trains one round's network: called with its name, ``LAST`` at last, with what gives the pruned network,
            with a recipe, and with a seed.
        device: "cpu" or "cuda", to measure on.
    """
    for number, budget in enumerate(plan.budgets(plan.budget.cost(network[0])), 1):
        last = number == plan.rounds
        seed = recipe.seed * 1000 + number
        begin = partial(_pruned, network, bank, recipe, budget, seed, device)
        how = recipe if last else replace(recipe, steps=plan.round_steps)
        network = trained(LAST if last else f"round {number}", begin, how, seed)
    return network


def _pruned(network: Snapshot, bank: Bank, recipe: Recipe, budget: Budget, seed: int, device: str) -> Snapshot:
    """The network without what is worth least for what it costs."""
    built, weights = network
    draws = Draws(bank, recipe, seed, device)
    batches = -(-min(_MEASURED, len(bank) * recipe.variants) // recipe.batch_size)
    drawn = [shard for step in range(batches) for shard in draws.whole(step)]
    worth = importance(network_of(built, weights).to(device), drawn)
    kept = chosen(built, {name: found.change for name, found in worth.items()}, budget)
    weights = silenced(built, weights, kept, {name: found.mean for name, found in worth.items()})
    return merged(*reduced(built, weights, kept))
