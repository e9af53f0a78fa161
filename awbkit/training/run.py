"""A training from prepared data sets to a model, in a folder that it can be taken up from again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from awbkit.camera import LINEAR_SRGB
from awbkit.datasets.prepared import Prepared
from awbkit.errors import UnreadableFile, UsageError
from awbkit.evaluation.statistics import statistics
from awbkit.files.lock import locked
from awbkit.files.outputs import IfExists, write_whole
from awbkit.network.architecture import DEFAULT, Architecture, architecture, names
from awbkit.network.model import Model
from awbkit.network.store import SUFFIX
from awbkit.training import calibration, processes
from awbkit.training.bank import Bank, make, usual
from awbkit.training.calibration import Judged
from awbkit.training.fit import Step, Weights, fit, network_of
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
    sets = [Prepared.open(folder) for folder in folders]
    if initial is not None:
        recipe = _of_initial(initial, recipe)
        _check_unseen(initial, sets, left_out)
    _check_domain(sets, recipe)
    trained, watched = split(sets, left_out, recipe.validation)
    others = calibration.parts(trained, recipe.calibration)
    facts = {
        "recipe": recipe.to_json(),
        "left_out": {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(left_out).items()
        },
        "initial": None if initial is None else _origin(initial),
        "datasets": [_facts(prepared) for prepared in sets],
        "images": len(trained),
    }
    with ExitStack() as stack:
        stack.enter_context(processes.joined(device, recipe.shards))
        if processes.is_first():
            stack.enter_context(_entered(output, facts, resume))
        processes.wait()
        work = _Work(output, recipe, initial, device, told, len(trained) + len(watched))
        return work.run(trained, watched, others, facts, jobs)


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

    def run(
        self,
        trained: Sequence[Picture],
        watched: Sequence[Picture],
        others: Sequence[tuple[str, NDArray[np.intp], NDArray[np.intp]]],
        facts: dict[str, Any],
        jobs: int,
    ) -> Result:
        self.parts = len(others) + 1
        # Processes that do not write wait for the descriptions and then find them all.
        if processes.is_first():
            bank, checks = self._banks(trained, watched, jobs)
            processes.wait()
        else:
            processes.wait()
            bank, checks = self._banks(trained, watched, 1)
        judged: list[tuple[Judged, Judged]] = []
        for name, fit_on, test in others:
            weights = self._networks(f"without {name}", bank.subset(fit_on), 1 + len(judged), None)
            judged.append(self._judge(weights, bank.subset(test, 1)))
        weights = self._networks("all", bank, 0, checks)
        found = None
        if checks is not None:
            own = self._judge(weights, checks)
            found = statistics(own[0].missed)
            self.metrics.add_once("all", "network", {"step": self.recipe.steps, "validation": found})
            if not others:
                judged = [own]
        initial = self.initial
        otherwise = ((0.0, 1.0),) * 2 if initial is None else (initial.calibration, initial.calibration_without_matrix)
        known, unknown = (calibration.line([pair[place] for pair in judged], otherwise[place]) for place in (0, 1))
        training = {**facts, "versions": _versions()}
        name = self.recipe.arch if initial is None else initial.name
        model = Model(name, self.architecture, weights, self.recipe.domain, known, unknown, training)
        path = self.output / MODEL
        if processes.is_first():
            data = model.to_bytes()
            write_whole(path, IfExists.REPLACE, data)
        processes.wait()
        return Result(model, path, len(trained), found)

    def _judge(self, weights: Weights, bank: Bank) -> tuple[Judged, Judged]:
        """With the cameras' matrices, and without."""
        with_them = calibration.judge(self.architecture, weights, bank, matrices=True)
        return with_them, calibration.judge(self.architecture, weights, bank, matrices=False)

    def _banks(self, trained: Sequence[Picture], watched: Sequence[Picture], jobs: int) -> tuple[Bank, Bank | None]:
        recipe = self.recipe
        build = partial(
            make,
            seed=recipe.seed,
            domain=recipe.domain,
            cameras=recipe.cameras,
            chances=replace(usual(recipe.domain), one_colour=recipe.one_colour),
            jobs=jobs,
            progress=self._describing,
        )
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

    def _networks(self, phase: str, bank: Bank, seed_offset: int, checks: Bank | None) -> Weights:
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
                weights = self._one(phase, name, folder, bank, built, taught, seed + 1 + number, (), None, None)
                teachers.append(network_of(built, weights))
        initial = None if self.initial is None else self.initial.weights
        return self._one(phase, "network", folder, bank, self.architecture, recipe, seed, teachers, initial, checks)

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
        checks: Bank | None,
    ) -> Weights:
        from safetensors import SafetensorError
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
                watched=checks,
                told=partial(self._stepping, phase, name),
            )
            if processes.is_first():
                data = save(weights)
                write_whole(path, IfExists.REPLACE, data)
                saved.unlink(missing_ok=True)
            processes.wait()
        self.trained += 1
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise UnreadableFile(path, f"is damaged ({error})", "remove it, and it is trained again") from None

    def _total(self) -> int:
        """In steps; to describe a hundred pictures takes about as long as one."""
        recipe = self.recipe
        each = (1 + (recipe.teachers if recipe.distil else 0)) * recipe.steps
        return self.parts * each + self.pictures * recipe.variants // 100

    def _describing(self, count: int) -> None:
        self.described += count
        self.told(Told("describing pictures", self.described // 100, self._total(), None, None))

    def _stepping(self, phase: str, name: str, step: Step) -> None:
        if step.validation is not None:
            self.validation = step.validation
        self.metrics.add(phase, name, {key: value for key, value in asdict(step).items() if value is not None})
        done = self.described // 100 + self.trained * self.recipe.steps + step.number
        label = name if phase == "all" else f"{name}, {phase}"
        self.told(Told(label, done, self._total(), step, self.validation))


@contextmanager
def _entered(output: Path, facts: Mapping[str, Any], resume: bool) -> Iterator[None]:
    """Make the run's folder, or find that it holds this very run, and keep others out of it meanwhile."""
    path = output / DESCRIPTION
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file; name a folder for the run")
    fresh = not output.is_dir() or not any(output.iterdir())
    if not fresh:
        if not resume:
            raise UsageError(f"{output} is not empty; go on with --resume, or name another folder")
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise UnreadableFile(path, "is missing or damaged", "start anew in another folder") from None
        if differing := _differences(before, json.loads(json.dumps(facts))):
            raise UsageError(f"{output} holds another run: {differing}; resume with what it began with")
    text = json.dumps(facts, indent=1)
    if fresh:
        write_whole(path, IfExists.REPLACE, text)
    with closing(locked(output, "training in it")):
        yield


def _differences(before: Any, now: Any, name: str = "") -> str:
    """The first thing that differs, in words; empty where nothing does."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            if found := _differences(before.get(key), now.get(key), f"{name} {key}".strip()):
                return found
        return ""
    return "" if before == now else f"its {name} is {before!r}, not {now!r}"


def _of_initial(initial: Model, recipe: Recipe) -> Recipe:
    """The recipe, with the architecture of the model that the training starts from."""
    if initial.domain != recipe.domain:
        raise UsageError(f"model {initial.name} is for {initial.domain} pictures; train with --domain {initial.domain}")
    if recipe.arch != DEFAULT and architecture(recipe.arch) != initial.architecture:
        raise UsageError(f"a training from {initial.name} keeps its architecture; leave out arch {recipe.arch}")
    return replace(recipe, arch=initial.name) if initial.name in names() else recipe


def _origin(initial: Model) -> dict[str, Any]:
    """What is kept of the model that a training starts from, and of what that was trained on."""
    before = initial.training or {}
    kept = {key: before[key] for key in ("datasets", "left_out", "initial") if key in before}
    return {"name": initial.name, "sha256": initial.digest, **kept}


def _check_unseen(initial: Model, sets: Sequence[Prepared], left_out: LeftOut) -> None:
    """Refuse to keep something out of a training that starts from weights which have seen it."""
    seen = {entry.get(key) for entry in (initial.training or {}).get("datasets", []) for key in ("name", "hash")}
    for prepared in sets:
        known = prepared.name in seen or prepared.info.get("hash") in seen
        if known and any(left_out.holds(prepared, row) for row in prepared.rows):
            raise UsageError(
                f"model {initial.name} was trained on {prepared.name}, of which something is to be left out; start "
                "from one that was not, or leave out nothing"
            )


def _check_domain(sets: Sequence[Prepared], recipe: Recipe) -> None:
    """Photographs that a camera balanced are no raw pictures; the other way round, they are simulated."""
    for prepared in sets:
        if recipe.domain == "raw" and any(camera.space == LINEAR_SRGB.space for camera in prepared.cameras.values()):
            raise UsageError(f"{prepared.path}: holds rendered pictures, in linear sRGB; train with --domain rendered")


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
