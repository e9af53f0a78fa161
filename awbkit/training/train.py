"""Training: from prepared data sets to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import UsageError
from awbkit.network.architecture import Architecture, architecture
from awbkit.network.model import Model
from awbkit.network.sizes import DEFAULT, SIZES
from awbkit.network.torch.network import network_of
from awbkit.training import calibration
from awbkit.training.bank import Bank
from awbkit.training.calibration import Errors
from awbkit.training.provenance import gather_pictures
from awbkit.training.recipe import Recipe
from awbkit.training.run import Execution, Result, Run, error_pairs, errors_of, open_run
from awbkit.training.snapshot import Snapshot
from awbkit.training.split import Holdout

ADAPTATION: Mapping[str, Any] = {
    "steps": 400,
    "learning_rate": 2e-4,
    "weight_decay": 0.0,
    "relight": 0.1,
    "validation": 0.2,
}
"""Default differences of a training that starts from a model: few pictures, and small steps."""


_NOTHING, _ON_CPU = Holdout(), Execution()


def train(
    folders: Sequence[Path],
    output: Path,
    recipe: Recipe,
    *,
    holdout: Holdout = _NOTHING,
    initial: Model | None = None,
    execution: Execution = _ON_CPU,
) -> Result:
    """Train a network.

    Args:
        folders: Prepared data sets.
        output: The run's folder.
        recipe: Recipe of the training.
        holdout: Pictures to keep out of the training.
        initial: A model to start from, whose architecture and normalisation are kept.
        execution: Device, processes, resuming and progress.

    Raises:
        UsageError: If the folder is in use or holds another run, or the arguments conflict.
        UnreadableFile: If a data set has changed since it was prepared, or a file of the run is damaged.
    """
    if initial is not None:
        recipe = _with_architecture(initial, recipe)
    pictures = gather_pictures(folders, holdout, recipe, initial)
    others = calibration.parts(pictures.training, recipe.calibration)
    built = architecture(recipe.arch) if initial is None else initial.architecture
    steps = (len(others) + 1) * (1 + (recipe.teachers if recipe.distil else 0)) * recipe.steps
    facts = {"recipe": recipe.to_json()}
    with open_run(output, recipe, pictures, facts, steps=steps, execution=execution) as run:
        bank, checks = run.banks()
        weights = None if initial is None else initial.weights
        lines: list[tuple[Errors, Errors]] = []
        for name, fit_on, test in others:
            found = _train_phase(
                run, f"without {name}", built, weights, bank.subset(fit_on), recipe, 1 + len(lines), None
            )
            lines.append(error_pairs(found, bank.subset(test, 1)))
        network = _train_phase(run, "all", built, weights, bank, recipe, 0, checks)
        validation = before = None
        if checks is not None:
            own = error_pairs(network, checks)
            validation = errors_of(own)
            run.note("all", "network", {"step": recipe.steps, "validation": validation})
            if not others:
                lines = [own]
            if initial is not None:
                before = error_pairs((initial.architecture, dict(initial.weights)), checks)
        seen_before = np.array(pictures.overlap)
        known, unknown = _lines(lines, initial, before if seen_before.any() else None, seen_before)
        name = recipe.arch if initial is None else initial.name
        count = sum(len(pair[0].expected) for pair in lines)
        return run.finish(
            name,
            network,
            (known, unknown),
            calibration_pictures=count,
            validation=validation,
            before=None if before is None else errors_of(before),
        )


def _lines(
    found: Sequence[tuple[Errors, Errors]],
    initial: Model | None,
    before: tuple[Errors, Errors] | None,
    seen_before: NDArray[np.bool_],
) -> tuple[calibration.Line, calibration.Line]:
    """Calibrate the expected error, with a camera's matrix and without.

    Args:
        found: Errors of the networks with the matrices, and without.
        initial: The model that the training started from.
        before: The initial model's errors on the pictures, if it was trained on some of them.
        seen_before: (N,), whether it was trained on each; on these, the increase in error counts, not the error.
    """
    if initial is None:
        return calibration.line([pair[0] for pair in found]), calibration.line([pair[1] for pair in found])
    owns = (initial.calibration, initial.calibration_without_matrix)
    if before is not None:
        (after,) = found
        known, unknown = (calibration.carry_over(*both, seen_before) for both in zip(after, before, owns, strict=True))
    else:
        known, unknown = (calibration.line([pair[place] for pair in found], owns[place]) for place in (0, 1))
    return known, unknown


def _train_phase(
    run: Run,
    phase: str,
    built: Architecture,
    weights: Mapping[str, Any] | None,
    bank: Bank,
    recipe: Recipe,
    seed_offset: int,
    checks: Bank | None,
) -> Snapshot:
    """Train the network of one phase, after its teachers."""
    seed = recipe.seed * 1000 + seed_offset * 100
    alone = replace(recipe, teachers=0, distil=0.0)
    wide = architecture(recipe.teacher_arch)
    teachers = []
    for number in range(recipe.teachers if recipe.distil else 0):
        found = run.network(phase, f"teacher {number + 1}", lambda: (wide, None), bank, alone, seed=seed + 1 + number)
        teachers.append(network_of(*found))
    return run.network(
        phase, "network", lambda: (built, weights), bank, recipe, seed=seed, teachers=teachers, checks=checks
    )


def _with_architecture(initial: Model, recipe: Recipe) -> Recipe:
    """The recipe with the initial model's architecture."""
    if recipe.arch != DEFAULT and architecture(recipe.arch) != initial.architecture:
        raise UsageError(f"a training from {initial.name} keeps its architecture; leave out arch {recipe.arch}")
    return replace(recipe, arch=initial.name) if initial.name in SIZES else recipe
