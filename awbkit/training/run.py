"""A training from prepared data sets to a model, in a folder that it can be taken up from again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from awbkit.datasets.prepared import Prepared
from awbkit.errors import UnreadableFile, UsageError
from awbkit.evaluation.statistics import statistics
from awbkit.files.outputs import IfExists, atomic_write
from awbkit.network.architecture import Architecture, architecture
from awbkit.network.model import SUFFIX, Model
from awbkit.training import processes
from awbkit.training.bank import Bank, make
from awbkit.training.fit import Step, Weights, answers, fit, network_of, true_errors
from awbkit.training.metrics import Metrics
from awbkit.training.recipe import Recipe
from awbkit.training.split import LeftOut, Picture, split

DESCRIPTION = "run.json"
MODEL = f"model{SUFFIX}"

_NOTHING = LeftOut()


@dataclass(frozen=True)
class Told:
    """How far a training is.

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
class Result:
    """A finished training.

    Attributes:
        model: What was made.
        path: The file that holds it.
        images: How many pictures it was trained on.
        validation: Mean, median, ... of the recovery error in degrees on the validation pictures; None without any.
    """

    model: Model
    path: Path
    images: int
    validation: Mapping[str, float] | None


def train(
    folders: Sequence[Path],
    output: Path,
    recipe: Recipe,
    *,
    left_out: LeftOut = _NOTHING,
    initial: Model | None = None,
    device: str = "cpu",
    jobs: int = 1,
    resume: bool = False,
    told: Callable[[Told], None] = lambda told: None,
) -> Result:
    """Train a network.

    Args:
        folders: Prepared data sets.
        output: The run's folder.
        recipe: How.
        left_out: What it must not see.
        initial: A model to start from; it keeps its architecture and its normalisation.
        device: "cpu" or "cuda".
        jobs: Processes that describe pictures.
        resume: Go on with the run that the folder holds.
        told: Called as it goes.

    Raises:
        UsageError: If the folder is in use, holds another run, or what is asked for does not fit together.
        UnreadableFile: If a data set is not what was prepared, or a file of the run is damaged.
    """
    if initial is not None:
        _check_initial(initial, recipe)
    sets = [Prepared.open(folder) for folder in folders]
    trained, watched = split(sets, left_out, recipe.validation)
    facts = {
        "recipe": recipe.to_json(),
        "left_out": {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(left_out).items()
        },
        "initial": None if initial is None else initial.name,
        "datasets": [_facts(prepared) for prepared in sets],
        "images": len(trained),
    }
    with processes.joined(device, recipe.shards):
        if processes.is_first():
            _enter(output, facts, resume)
        processes.wait()
        work = _Work(output, recipe, initial, device, told, len(trained) + len(watched))
        return work.run(trained, watched, facts, jobs)


class _Work:
    """The phases of a training, one after the other."""

    def __init__(
        self,
        output: Path,
        recipe: Recipe,
        initial: Model | None,
        device: str,
        told: Callable[[Told], None],
        pictures: int,
    ) -> None:
        self.output = output
        self.recipe = recipe
        self.initial = initial
        self.device = device
        self.told = told
        self.metrics = Metrics(output / "metrics.jsonl")
        self.architecture = initial.architecture if initial is not None else architecture(recipe.arch)
        self.pictures = pictures
        self.parts = 1
        self.described = 0
        self.trained = 0
        self.validation: float | None = None

    def run(self, trained: Sequence[Picture], watched: Sequence[Picture], facts: dict[str, Any], jobs: int) -> Result:
        parts = _parts(trained, self.recipe.calibration)
        self.parts = len(parts) + 1
        # Processes that do not write wait for the descriptions and then find them all.
        if processes.is_first():
            bank, checks = self._banks(trained, watched, jobs)
            processes.wait()
        else:
            processes.wait()
            bank, checks = self._banks(trained, watched, 1)
        stated: list[NDArray[np.float64]] = []
        missed: list[NDArray[np.float64]] = []
        for name, fit_on, test in parts:
            weights = self._networks(f"without {name}", bank.subset(fit_on), seed_offset=1 + len(stated))
            _judge(self.architecture, weights, bank.subset(test, 1), stated, missed)
        weights = self._networks("all", bank, seed_offset=0)
        found = None
        if checks is not None:
            own: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
            _judge(self.architecture, weights, checks, *own)
            found = statistics(own[1][0])
            self.metrics.add("all", "network", {"step": self.recipe.steps, "validation": found})
            if not parts:
                stated, missed = own
        training = {**facts, "versions": _versions()}
        calibration = _calibrated(stated, missed)
        model = Model(self.recipe.arch, self.architecture, weights, self.recipe.domain, calibration, training)
        path = self.output / MODEL
        if processes.is_first():
            data = model.to_bytes()
            atomic_write(path, IfExists.REPLACE, lambda temporary: _write_bytes(temporary, data))
        processes.wait()
        return Result(model, path, len(trained), found)

    def _banks(self, trained: Sequence[Picture], watched: Sequence[Picture], jobs: int) -> tuple[Bank, Bank | None]:
        recipe = self.recipe
        build = partial(make, seed=recipe.seed, domain=recipe.domain, jobs=jobs, progress=self._describing)
        bank = build(
            [picture.member for picture in trained],
            [picture.cell for picture in trained],
            self.output / "pictures" / "training",
            versions=recipe.variants,
        )
        if not watched:
            return bank, None
        checks = build(
            [picture.member for picture in watched],
            [picture.cell for picture in watched],
            self.output / "pictures" / "validation",
            versions=1,
        )
        return bank, checks

    def _networks(self, phase: str, bank: Bank, seed_offset: int) -> Weights:
        """The network of one phase, after its teachers."""
        recipe = self.recipe
        folder = self.output / "networks" / phase.replace(os.sep, "-")
        seed = recipe.seed * 1000 + seed_offset * 100
        taught = replace(recipe, teachers=0, distil=0.0)
        teachers = []
        if recipe.distil:
            for number in range(recipe.teachers):
                built = architecture(recipe.teacher_arch)
                name = f"teacher {number + 1}"
                weights = self._one(phase, name, folder, bank, built, taught, seed + 1 + number, (), None)
                teachers.append(network_of(built, weights))
        initial = None if self.initial is None else self.initial.weights
        return self._one(phase, "network", folder, bank, self.architecture, recipe, seed, teachers, initial)

    def _one(
        self,
        phase: str,
        name: str,
        folder: Path,
        bank: Bank,
        built: Architecture,
        recipe: Recipe,
        seed: int,
        teachers: Sequence[torch.nn.Module],
        initial: Mapping[str, NDArray[np.float32]] | None,
    ) -> Weights:
        from safetensors.numpy import load_file, save

        path = folder / f"{name}{SUFFIX}"
        if not path.exists():
            saved = folder / f"{name}.checkpoint{SUFFIX}"
            self.metrics.begin(phase, name, saved)
            weights = fit(
                bank,
                built,
                recipe,
                seed=seed,
                teachers=teachers,
                initial=initial,
                device=self.device,
                saved=saved,
                told=partial(self._stepping, phase, name),
            )
            if processes.is_first():
                data = save(weights)
                atomic_write(path, IfExists.REPLACE, lambda temporary: _write_bytes(temporary, data))
                saved.unlink(missing_ok=True)
            processes.wait()
        self.trained += 1
        return load_file(path)

    def _total(self) -> int:
        """In steps; to describe a hundred pictures takes about as long as one."""
        recipe = self.recipe
        each = (1 + (recipe.teachers if recipe.distil else 0)) * recipe.steps
        return self.parts * each + self.pictures * recipe.variants // 100

    def _describing(self, count: int) -> None:
        self.described += count
        self.told(Told("describing pictures", self.described // 100, self._total(), None, None))

    def _stepping(self, phase: str, name: str, step: Step) -> None:
        self.metrics.add(phase, name, asdict(step))
        done = self.described // 100 + self.trained * self.recipe.steps + step.number
        label = name if phase == "all" else f"{name}, {phase}"
        self.told(Told(label, done, self._total(), step, self.validation))


def _parts(trained: Sequence[Picture], calibration: str) -> list[tuple[str, NDArray[np.intp], NDArray[np.intp]]]:
    """What each further network for the calibration is called by, trained on and tested on."""
    if calibration == "validation":
        return []
    by_camera = calibration == "leave-one-camera-out"
    labels = np.array([picture.camera if by_camera else picture.dataset for picture in trained])
    scenes = np.array([f"{picture.dataset}/{picture.scene}" for picture in trained])
    names = sorted(set(labels.tolist()))
    if len(names) < 2:
        raise UsageError(f"calibration {calibration} needs several, and there is only {names[0]!r}; use validation")
    found = []
    for name in names:
        test = labels == name
        fit_on = ~test & ~np.isin(scenes, scenes[test])
        if fit_on.any():
            found.append((name, np.flatnonzero(fit_on), np.flatnonzero(test)))
    return found


def _judge(
    built: Architecture,
    weights: Weights,
    bank: Bank,
    stated: list[NDArray[np.float64]],
    missed: list[NDArray[np.float64]],
) -> None:
    """Add what a network stated of the pictures of a bank, in degrees, and by how much it missed."""
    estimates, log_errors = answers(network_of(built, weights), bank)
    stated.append(np.exp(np.minimum(log_errors.astype(np.float64), 10.0)))
    missed.append(true_errors(estimates, bank).astype(np.float64))


def _calibrated(stated: Sequence[NDArray[np.float64]], missed: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Offset and slope of the line through what was stated and what came, least squares; each part counts alike."""
    if not stated:
        return 0.0, 1.0
    weight = np.concatenate([np.full(len(part), 1 / len(part)) for part in stated])
    x, y = np.concatenate(stated), np.concatenate(missed)
    weight /= weight.sum()
    mean_x, mean_y = float(weight @ x), float(weight @ y)
    variance = float(weight @ (x - mean_x) ** 2)
    slope = max(float(weight @ ((x - mean_x) * (y - mean_y))) / variance, 0.0) if variance > 0 else 0.0
    return mean_y - slope * mean_x, slope


def _enter(output: Path, facts: Mapping[str, Any], resume: bool) -> None:
    """Make the run's folder, or find that it holds this very run."""
    path = output / DESCRIPTION
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file; name a folder for the run")
    if output.is_dir() and any(output.iterdir()):
        if not resume:
            raise UsageError(f"{output} is not empty; go on with --resume, or name another folder")
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise UnreadableFile(path, "is missing or damaged", "start anew in another folder") from None
        if differing := _differences(before, json.loads(json.dumps(facts))):
            raise UsageError(f"{output} holds another run: {differing}; resume with what it began with")
        return
    text = json.dumps(facts, indent=1)
    atomic_write(path, IfExists.REPLACE, lambda temporary: _write_bytes(temporary, text.encode()))


def _differences(before: Any, now: Any, name: str = "") -> str:
    """The first thing that differs, in words; empty where nothing does."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            if found := _differences(before.get(key), now.get(key), f"{name} {key}".strip()):
                return found
        return ""
    return "" if before == now else f"its {name} is {before!r}, not {now!r}"


def _check_initial(initial: Model, recipe: Recipe) -> None:
    if initial.domain != recipe.domain:
        raise UsageError(f"model {initial.name} is for {initial.domain} pictures; train with --domain {initial.domain}")


def _facts(prepared: Prepared) -> dict[str, Any]:
    found = f"sha256:{prepared.content_hash()}"
    if found != prepared.info.get("hash"):
        raise UnreadableFile(prepared.path, "is not what was prepared: its hash differs", "prepare it again")
    return {"name": prepared.name, "hash": found} | {
        key: prepared.info.get(key) for key in ("title", "licence", "citation")
    }


def _versions() -> dict[str, str]:
    from awbkit import __version__

    return {"awbkit": __version__, "torch": torch.__version__, "numpy": np.__version__}


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
