"""What every run has in common, whether it trains a network, prunes or factorises one: pictures, networks, the model.

A run lives in a folder that it can be taken up from again: descriptions of the pictures, each network that is finished,
a checkpoint of the one that is not, ``metrics.jsonl``, ``run.json`` with what it began with, and at last the model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
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
from awbkit.training.bank import Bank, make, usual
from awbkit.training.calibration import Judged
from awbkit.training.fake_quantization import FakeQuantization
from awbkit.training.fit import Step, fit
from awbkit.training.folder import entered
from awbkit.training.metrics import Metrics
from awbkit.training.provenance import Seen
from awbkit.training.recipe import Recipe
from awbkit.training.snapshot import Snapshot, read_snapshot, write_snapshot
from awbkit.training.split import Picture

MODEL = f"model{SUFFIX}"


@dataclass(frozen=True)
class Told:
    """How far a run is.

    Attributes:
        phase: What is being done, for people.
        done: Units of work done, of all phases.
        total: Units of work in all.
        step: What the optimiser reports; None while pictures are described.
        validation: Mean error in degrees on the validation pictures of the last network that was finished.
    """

    phase: str
    done: int
    total: int
    step: Step | None
    validation: float | None


@dataclass(frozen=True)
class Execution:
    """How a run is carried out, whatever it makes.

    Attributes:
        device: "cpu" or "cuda".
        jobs: Processes that describe pictures.
        resume: Whether to go on with the run that the folder holds.
        told: Called as it goes.
    """

    device: str = "cpu"
    jobs: int = 1
    resume: bool = False
    told: Callable[[Told], None] = lambda told: None


USUALLY = Execution()


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        model: What was made.
        path: The file that holds it.
        images: How many pictures it was trained on.
        calibrated: How many pictures the expected error was fitted to.
        validation: Mean, median, ... of the recovery error in degrees on the validation pictures; None without any.
        known_before: How many of those pictures the model that the run started from may have been trained on.
        before: Mean, median, ... of that model; None without one.
    """

    model: Model
    path: Path
    images: int
    calibrated: int
    validation: Mapping[str, float] | None
    known_before: int = 0
    before: Mapping[str, float] | None = None


class Run:
    """A run that is going on.

    Args:
        output: Its folder.
        recipe: How networks are trained.
        seen: What they are trained on.
        facts: What the run began with, for the model.
        steps: Of the optimiser in all.
        execution: How it is carried out.
    """

    def __init__(
        self,
        output: Path,
        recipe: Recipe,
        seen: Seen,
        facts: Mapping[str, Any],
        steps: int,
        execution: Execution,
    ) -> None:
        self.device = execution.device
        self._jobs = execution.jobs
        self._output = output
        self._recipe = recipe
        self._seen = seen
        self._facts = facts
        self._told = execution.told
        self._metrics = Metrics(output / "metrics.jsonl")
        self._described = 0
        self._stepped = 0
        # To describe a hundred pictures takes about as long as a step.
        self._total = steps + (len(seen.trained) + len(seen.watched)) * recipe.variants // 100
        self._validation: float | None = None

    def banks(self) -> tuple[Bank, Bank | None]:
        """What to train on, and what to watch the training by, if anything."""
        # Processes that do not write wait for the descriptions and then find them all.
        if processes.is_first():
            found = self._banks(self._jobs)
            processes.wait()
        else:
            processes.wait()
            found = self._banks(1)
        return found

    def _banks(self, jobs: int) -> tuple[Bank, Bank | None]:
        bank = self._bank(self._seen.trained, "training", self._recipe.variants, jobs)
        watched = self._seen.watched
        return bank, self._bank(watched, "validation", 1, jobs) if watched else None

    def _bank(self, pictures: Sequence[Picture], name: str, versions: int, jobs: int) -> Bank:
        recipe = self._recipe
        return make(
            [picture.member for picture in pictures],
            [picture.cell for picture in pictures],
            self._output / "pictures" / name,
            versions=versions,
            seed=recipe.seed,
            domain=recipe.domain,
            cameras=recipe.cameras,
            chances=replace(usual(recipe.domain), one_colour=recipe.one_colour),
            jobs=jobs,
            progress=self._describing,
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
        """Train a network, or find the one that was finished before.

        Args:
            phase: Of what it is one: "all", or a phase of the calibration.
            name: Its own.
            start: Gives its architecture and the weights that it starts from, None for random ones; called only where
                it is not finished, and the same every time.
            bank: What to train on.
            recipe: How.
            seed: Of all chance.
            teachers: Networks to learn from.
            checks: Pictures to watch the training by.
            quantization: How it is rounded when it is trained for whole numbers.

        Raises:
            UnreadableFile: If a file of the run is damaged.
            AwbError: If the training diverges.
        """
        folder = self._output / "networks" / phase.replace(os.sep, "-")
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
                device=self.device,
                saved=saved,
                watched=checks,
                told=partial(self._stepping, phase, name),
                quantization=quantization,
            )
            if processes.is_first():
                write_snapshot(path, (built, weights))
                saved.unlink(missing_ok=True)
            processes.wait()
        self._stepped += recipe.steps
        return read_snapshot(path)

    def note(self, phase: str, network: str, values: Mapping[str, Any]) -> None:
        """Write something down about a network that is finished."""
        self._metrics.add_once(phase, network, values)

    def finish(
        self,
        name: str,
        network: Snapshot,
        lines: tuple[calibration.Line, calibration.Line],
        *,
        calibrated: int,
        validation: Mapping[str, float] | None,
        before: Mapping[str, float] | None,
    ) -> Result:
        """Write the model.

        Args:
            name: Its name.
            network: It.
            lines: Calibration of its expected error, with a camera's matrix and without.
            calibrated: How many pictures they were fitted to.
            validation: Its errors on the validation pictures.
            before: The same of the model that the run started from.
        """
        training = {**self._facts, "versions": _versions()}
        model = Model(name, network[0], network[1], self._recipe.domain, *lines, training)
        if processes.is_first():
            write_whole(self._output / MODEL, IfExists.REPLACE, model.to_bytes())
        processes.wait()
        trained, known_before = len(self._seen.trained), sum(self._seen.known_before)
        return Result(model, self._output / MODEL, trained, calibrated, validation, known_before, before)

    def _describing(self, count: int) -> None:
        self._described += count
        self._told(Told("describing pictures", self._described // 100, self._total, None, None))

    def _stepping(self, phase: str, name: str, step: Step) -> None:
        if step.validation is not None:
            self._validation = step.validation
        self._metrics.add(phase, name, {key: value for key, value in asdict(step).items() if value is not None})
        done = self._described // 100 + self._stepped + step.number
        label = name if phase == "all" else f"{name}, {phase}"
        self._told(Told(label, done, self._total, step, self._validation))


@contextmanager
def running(
    output: Path,
    recipe: Recipe,
    seen: Seen,
    facts: Mapping[str, Any],
    *,
    steps: int,
    execution: Execution,
) -> Iterator[Run]:
    """A run in its folder, by one process or several.

    Args:
        output: The run's folder.
        recipe: How networks are trained.
        seen: What they are trained on.
        facts: What decides what the run makes, the pictures apart.
        steps: Of the optimiser in all.
        execution: How it is carried out.

    Raises:
        UsageError: If the folder is in use, holds another run, or the processes do not fit the recipe.
        UnreadableFile: If a file of the run is damaged.
    """
    facts = {**facts, **seen.facts}
    with ExitStack() as stack:
        stack.enter_context(processes.joined(execution.device, recipe.shards))
        if processes.is_first():
            stack.enter_context(entered(output, facts, execution.resume))
        processes.wait()
        yield Run(output, recipe, seen, facts, steps, execution)


def judged(network: Snapshot, bank: Bank) -> tuple[Judged, Judged]:
    """What a network makes of pictures with the cameras' matrices, and without."""
    with_them = calibration.judge(*network, bank, matrices=True)
    return with_them, calibration.judge(*network, bank, matrices=False)


def errors_of(found: tuple[Judged, Judged]) -> Mapping[str, float]:
    """Mean, median, ... of the recovery error in degrees where cameras have their matrices."""
    return statistics(found[0].missed)


def _versions() -> dict[str, str]:
    from awbkit.version import VERSION

    return {"awbkit": VERSION, "torch": torch.__version__, "numpy": np.__version__}
