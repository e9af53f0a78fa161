"""Fine-tuning after a network is made smaller: its recipe, and the calibration of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from awbkit.errors import UsageError
from awbkit.network.model import Model
from awbkit.training import calibration
from awbkit.training.bank import Bank
from awbkit.training.recipe import Recipe
from awbkit.training.run import Result, Run, error_pairs, errors_of
from awbkit.training.snapshot import Snapshot

USUAL: Mapping[str, Any] = {"steps": 3000, "learning_rate": 2e-3}
"""Differences from the recipe of a new training: small steps, and the original model as a teacher."""

_OF_TRAINING = ("arch", "teachers", "teacher_arch", "calibration")
_NOT_KEPT = (*_OF_TRAINING, *USUAL, "distil", "validation", "seed")


def recipe_for(model: Model) -> Recipe:
    """The default recipe to fine-tune a model: the augmentation of its own training, in smaller steps.

    Raises:
        UsageError: If the model's file states an invalid recipe.
    """
    stated = (model.training or {}).get("recipe")
    stated = stated if isinstance(stated, Mapping) else {}
    known = {field.name for field in fields(Recipe)}.difference(_NOT_KEPT)
    kept = {name: value for name, value in stated.items() if name in known}
    try:
        return Recipe().with_changes({**kept, "domain": model.domain, **USUAL})
    except UsageError as error:
        raise UsageError(f"model {model.name} states a recipe that cannot be: {error}") from None


def check(model: Model, recipe: Recipe, doing: str) -> None:
    """Refuse models of other families, and recipe settings that the model decides.

    Raises:
        UsageError: If so.
    """
    if model.architecture.family != "awbnet":
        raise UsageError(
            f"model {model.name} is of the family {model.architecture.family}; awbkit {doing} takes awbnets"
        )
    for name in _OF_TRAINING:
        if getattr(recipe, name) != getattr(Recipe(), name):
            raise UsageError(f"a recipe to {doing} by has no {name}; leave it out, awbkit {doing} goes by the model")


def facts(recipe: Recipe) -> dict[str, Any]:
    """The recipe settings that apply, as model files state them."""
    return {"recipe": {name: value for name, value in recipe.to_json().items() if name not in _OF_TRAINING}}


def finish(
    run: Run, model: Model, done: str, network: Snapshot, bank: Bank, checks: Bank | None, recipe: Recipe
) -> Result:
    """Write a derived model, with its expected error calibrated from the original's.

    The original's calibration on unseen data sets still holds. Only the stated error and the increase in error are new.
    So the line is fitted to the original's expected error of each picture plus that increase.

    Args:
        run: The run.
        model: The original.
        done: The operation, which becomes the suffix of the model's name.
        network: The derived network.
        bank: Training pictures.
        checks: Validation pictures.
        recipe: Recipe of the fine-tuning.
    """
    pictures = checks if checks is not None else bank.subset(np.arange(len(bank)), 1)
    after = error_pairs(network, pictures)
    before = error_pairs((model.architecture, dict(model.weights)), pictures)
    otherwise = (model.calibration, model.calibration_without_matrix)
    known, unknown = (
        calibration.carry_over(new, old, line) for new, old, line in zip(after, before, otherwise, strict=True)
    )
    validation = None if checks is None else errors_of(after)
    if validation is not None:
        run.note("all", "network", {"step": recipe.steps, "validation": validation})
    name = model.name if model.name.endswith(f"-{done}") else f"{model.name}-{done}"
    unpruned = None if checks is None else errors_of(before)
    return run.finish(name, network, (known, unknown), calibrated=len(pictures), validation=validation, before=unpruned)
