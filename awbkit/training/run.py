"""What training, pruning and factorising runs have in common: pictures, networks, and the finished model.

A run can be resumed from its folder, which holds the features of the pictures, each finished network, a checkpoint of
the unfinished one, ``metrics.jsonl``, ``run.json`` with the run's arguments, and at last the model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from awbkit.colour.error_statistics import statistics
from awbkit.network.architecture import Architecture
from awbkit.network.model import Model
from awbkit.network.weights import SUFFIX
from awbkit.store.outputs import IfExists, write_whole
from awbkit.training import calibration, processes
from awbkit.training.bank import Bank, make_bank
from awbkit.training.calibration import Errors
from awbkit.training.fake_quantization import FakeQuantization
from awbkit.training.fit import Step, fit
from awbkit.training.folder import run_folder
from awbkit.training.metrics import Metrics
from awbkit.training.provenance import Pictures
from awbkit.training.recipe import Recipe
from awbkit.training.snapshot import Snapshot, read_snapshot, write_snapshot
from awbkit.training.split import Picture

MODEL = f"model{SUFFIX}"


@dataclass(frozen=True)
class Status:
    """The progress of a run.

    Attributes:
        phase: Description of the current phase.
        done: Completed units of work, over all phases.
        total: All units of work.
        step: The optimiser's report; None while features are computed.
        validation: Mean error in degrees of the last finished network on the validation pictures.
    """

    phase: str
    done: int
    total: int
    step: Step | None
    validation: float | None


@dataclass(frozen=True)
class Execution:
    """The settings of a run that do not change its result.

    Attributes:
        device: "cpu" or "cuda".
        jobs: Processes that compute features.
        resume: Whether to continue the run in the folder.
        on_progress: Called with the progress.
    """

    device: str = "cpu"
    jobs: int = 1
    resume: bool = False
    on_progress: Callable[[Status], None] = lambda progress: None


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        model: The model.
        path: The model's file.
        images: Number of training pictures.
        calibration_pictures: Number of pictures that the expected error was fitted to.
        validation: Mean, median, ... of the recovery error in degrees on the validation pictures; None without any.
        overlap: Number of validation pictures that the initial model may have been trained on.
        before: Mean, median, ... of the initial model; None without one.
    """

    model: Model
    path: Path
    images: int
    calibration_pictures: int
    validation: Mapping[str, float] | None
    overlap: int = 0
    before: Mapping[str, float] | None = None


@dataclass(eq=False)
class Run:
    """A run in progress.

    Attributes:
        output: The run's folder.
        recipe: Recipe of the networks.
        pictures: Training and validation pictures.
        facts: The run's arguments, for the model.
        steps: All steps of the optimiser.
        execution: Device, processes, resuming and progress.
    """

    output: Path
    recipe: Recipe
    pictures: Pictures
    facts: Mapping[str, Any]
    steps: int
    execution: Execution

    def __post_init__(self) -> None:
        self._metrics = Metrics(self.output / "metrics.jsonl")
        self._feature_count = 0
        self._step_count = 0
        # The features of a hundred pictures take about as long as a step.
        count = len(self.pictures.training) + len(self.pictures.validation)
        self._total = self.steps + count * self.recipe.variants // 100
        self._validation: float | None = None

    def banks(self) -> tuple[Bank, Bank | None]:
        """The banks of training and validation pictures; None without validation."""
        # The other processes wait for the features and then read them.
        if processes.is_first():
            found = self._banks(self.execution.jobs)
            processes.wait()
        else:
            processes.wait()
            found = self._banks(1)
        return found

    def _banks(self, jobs: int) -> tuple[Bank, Bank | None]:
        bank = self._bank(self.pictures.training, "training", self.recipe.variants, jobs)
        watched = self.pictures.validation
        return bank, self._bank(watched, "validation", 1, jobs) if watched else None

    def _bank(self, pictures: Sequence[Picture], name: str, versions: int, jobs: int) -> Bank:
        return make_bank(
            [picture.member for picture in pictures],
            [picture.cell for picture in pictures],
            self.output / "pictures" / name,
            self.recipe,
            versions=versions,
            jobs=jobs,
            progress=self._on_features,
        )

    def network(
        self,
        phase: str,
        name: str,
        start: Callable[[], tuple[Architecture, Mapping[str, Any] | None]],
        bank: Bank,
        recipe: Recipe,
        *,
        seed: int,
        teachers: Sequence[torch.nn.Module] = (),
        checks: Bank | None = None,
        quantization: FakeQuantization | None = None,
    ) -> Snapshot:
        """Train a network, or load it if it was finished before.

        Args:
            phase: "all", or a phase of the calibration.
            name: The network's name within the phase.
            start: Returns the architecture and the initial weights, None for random ones; called only for an
                unfinished network, and must be deterministic.
            bank: Training pictures.
            recipe: Recipe of the training.
            seed: Of all random choices.
            teachers: Networks to distil.
            checks: Validation pictures.
            quantization: Simulated quantisation, for quantisation-aware training.

        Raises:
            UnreadableFile: If a file of the run is damaged.
            AwbError: If the training diverges.
        """
        folder = self.output / "networks" / phase.replace(os.sep, "-")
        path, saved = folder / f"{name}{SUFFIX}", folder / f"{name}.checkpoint{SUFFIX}"
        if not path.exists():
            built, initial = start()
            self._metrics.begin(phase, name, saved)
            weights = fit(
                bank,
                built,
                recipe,
                seed=seed,
                teachers=teachers,
                initial=initial,
                device=self.execution.device,
                saved=saved,
                watched=checks,
                on_step=partial(self._on_step, phase, name),
                quantization=quantization,
            )
            if processes.is_first():
                write_snapshot(path, (built, weights))
                saved.unlink(missing_ok=True)
            processes.wait()
        self._step_count += recipe.steps
        return read_snapshot(path)

    def note(self, phase: str, network: str, values: Mapping[str, Any]) -> None:
        """Append facts about a finished network to the metrics."""
        self._metrics.add(phase, network, values, once=True)

    def finish(
        self,
        name: str,
        network: Snapshot,
        lines: tuple[calibration.Line, calibration.Line],
        *,
        calibration_pictures: int,
        validation: Mapping[str, float] | None,
        before: Mapping[str, float] | None,
    ) -> Result:
        """Write the model.

        Args:
            name: The model's name.
            network: The network.
            lines: Calibration of the expected error, with a camera's matrix and without.
            calibration_pictures: Number of pictures that the lines were fitted to.
            validation: Errors of the network on the validation pictures.
            before: Errors of the initial model on the same pictures.
        """
        training = {**self.facts, "versions": _versions()}
        model = Model(name, network[0], network[1], self.recipe.domain, *lines, training)
        if processes.is_first():
            write_whole(self.output / MODEL, IfExists.REPLACE, model.to_bytes())
        processes.wait()
        trained, overlap = len(self.pictures.training), sum(self.pictures.overlap)
        return Result(model, self.output / MODEL, trained, calibration_pictures, validation, overlap, before)

    def _on_features(self, count: int) -> None:
        self._feature_count += count
        self.execution.on_progress(Status("describing pictures", self._feature_count // 100, self._total, None, None))

    def _on_step(self, phase: str, name: str, step: Step) -> None:
        if step.validation is not None:
            self._validation = step.validation
        self._metrics.add(phase, name, {key: value for key, value in asdict(step).items() if value is not None})
        done = self._feature_count // 100 + self._step_count + step.number
        label = name if phase == "all" else f"{name}, {phase}"
        self.execution.on_progress(Status(label, done, self._total, step, self._validation))


@contextmanager
def open_run(
    output: Path,
    recipe: Recipe,
    pictures: Pictures,
    facts: Mapping[str, Any],
    *,
    steps: int,
    execution: Execution,
) -> Iterator[Run]:
    """Open a run in its folder, in one process or several.

    Args:
        output: The run's folder.
        recipe: Recipe of the networks.
        pictures: Training and validation pictures.
        facts: Everything but the pictures that decides the result of the run.
        steps: All steps of the optimiser.
        execution: Device, processes, resuming and progress.

    Raises:
        UsageError: If the folder is in use, holds another run, or the processes do not fit the recipe.
        UnreadableFile: If a file of the run is damaged.
    """
    facts = {**facts, **pictures.facts}
    with ExitStack() as stack:
        stack.enter_context(processes.process_group(execution.device, recipe.shards))
        if processes.is_first():
            stack.enter_context(run_folder(output, facts, execution.resume))
        processes.wait()
        yield Run(output, recipe, pictures, facts, steps, execution)


def error_pairs(network: Snapshot, bank: Bank) -> tuple[Errors, Errors]:
    """Stated and actual errors of a network with the cameras' matrices, and without."""
    with_them = calibration.measure_errors(*network, bank, matrices=True)
    return with_them, calibration.measure_errors(*network, bank, matrices=False)


def errors_of(found: tuple[Errors, Errors]) -> Mapping[str, float]:
    """Mean, median, ... of the recovery error in degrees, with the cameras' matrices."""
    return statistics(found[0].actual)


def _versions() -> dict[str, str]:
    from awbkit.version import VERSION

    return {"awbkit": VERSION, "torch": torch.__version__, "numpy": np.__version__}
