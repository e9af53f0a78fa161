"""Fine-tuning after a network is made smaller: its recipe, its run, and the calibration of the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from awbkit.errors import UsageError
from awbkit.network.model import Model
from awbkit.network.torch.network import network_of
from awbkit.training import calibration
from awbkit.training.bank import Bank
from awbkit.training.provenance import gather_pictures
from awbkit.training.recipe import Recipe
from awbkit.training.run import Execution, Result, Run, error_pairs, errors_of, open_run
from awbkit.training.snapshot import Snapshot
from awbkit.training.split import Holdout

DEFAULTS: Mapping[str, Any] = {"steps": 3000, "learning_rate": 2e-3}
"""Differences from the recipe of a new training: small steps, and the original model as a teacher."""

LAST = "network"
"""The name of a run's last network, which becomes the model."""

Fit = Callable[..., Snapshot]
"""Trains a network of a run: its name, a function that returns its start, a recipe, ``seed``, and any other keywords of
:meth:`awbkit.training.run.Run.network`."""

_TRAINING_SETTINGS = ("arch", "teachers", "teacher_arch", "calibration")
_RESET_SETTINGS = (*_TRAINING_SETTINGS, *DEFAULTS, "distil", "validation", "seed")


def recipe_for(model: Model) -> Recipe:
    """The default recipe to fine-tune a model: the augmentation of its own training, in smaller steps.

    Raises:
        UsageError: If the model's file states an invalid recipe.
    """
    stated = (model.training or {}).get("recipe")
    stated = stated if isinstance(stated, Mapping) else {}
    known = {field.name for field in fields(Recipe)}.difference(_RESET_SETTINGS)
    kept = {name: value for name, value in stated.items() if name in known}
    try:
        return Recipe().with_changes({**kept, "domain": model.domain, **DEFAULTS})
    except UsageError as error:
        raise UsageError(f"model {model.name} states a recipe that cannot be: {error}") from None


@dataclass(frozen=True)
class Tuning:
    """A run that derives a smaller model from a model, and fine-tunes it.

    Attributes:
        model: The original, of the family awbnet. It is the teacher of all networks of the run.
        folders: Prepared data sets to train on.
        output: The run's folder.
        recipe: Recipe of the fine-tuning; :func:`recipe_for` gives the default.
        holdout: Pictures to keep out of the training.
        execution: Device, processes, resuming and progress.
    """

    model: Model
    folders: Sequence[Path]
    output: Path
    recipe: Recipe
    holdout: Holdout = field(default_factory=Holdout)
    execution: Execution = field(default_factory=Execution)

    def check(self, command: str) -> None:
        """Refuse models of other families, and recipe settings that the model decides.

        Raises:
            UsageError: If so.
        """
        name, family = self.model.name, self.model.architecture.family
        if family != "awbnet":
            raise UsageError(f"model {name} is of the family {family}; awbkit {command} takes awbnets")
        for name in _TRAINING_SETTINGS:
            if getattr(self.recipe, name) != getattr(Recipe(), name):
                raise UsageError(f"awbkit {command} takes {name} from the model; leave it out of the recipe")

    def run(self, suffix: str, facts: Mapping[str, Any], steps: int, derive: Callable[[Bank, Fit], Snapshot]) -> Result:
        """Carry out the run.

        Args:
            suffix: The suffix of the new model's name.
            facts: Everything beside the recipe that decides the result.
            steps: All steps of the optimiser.
            derive: Returns the new network, from the bank of the training pictures and a function that trains.

        Raises:
            UsageError: If the folder is in use or holds another run, or the arguments conflict.
            UnreadableFile: If a data set has changed since it was prepared, or a file of the run is damaged.
        """
        pictures = gather_pictures(self.folders, self.holdout, self.recipe, self.model)
        stated = {name: value for name, value in self.recipe.to_json().items() if name not in _TRAINING_SETTINGS}
        facts = {"recipe": stated, **facts}
        with open_run(self.output, self.recipe, pictures, facts, steps=steps, execution=self.execution) as run:
            bank, checks = run.banks()
            teachers = [network_of(self.model.architecture, self.model.weights)]

            def fit(name: str, start: Callable[[], Snapshot], recipe: Recipe, **how: Any) -> Snapshot:
                watched = checks if name == LAST else None
                return run.network("all", name, start, bank, recipe, teachers=teachers, checks=watched, **how)

            return _finish(run, self, suffix, derive(bank, fit), bank, checks)


def _finish(run: Run, tuning: Tuning, suffix: str, network: Snapshot, bank: Bank, checks: Bank | None) -> Result:
    """Write a derived model, with its expected error calibrated from the original's.

    The original's calibration on unseen data sets still holds. Only the stated error and the increase in error are new.
    So the line is fitted to the original's expected error of each picture plus that increase.
    """
    model = tuning.model
    pictures = checks if checks is not None else bank.subset(np.arange(len(bank)), 1)
    after = error_pairs(network, pictures)
    before = error_pairs((model.architecture, dict(model.weights)), pictures)
    otherwise = (model.calibration, model.calibration_without_matrix)
    known, unknown = (
        calibration.carry_over(new, old, line) for new, old, line in zip(after, before, otherwise, strict=True)
    )
    validation = None if checks is None else errors_of(after)
    if validation is not None:
        run.note("all", "network", {"step": tuning.recipe.steps, "validation": validation})
    name = model.name if model.name.endswith(f"-{suffix}") else f"{model.name}-{suffix}"
    unpruned = None if checks is None else errors_of(before)
    return run.finish(
        name, network, (known, unknown), calibration_pictures=len(pictures), validation=validation, before=unpruned
    )
