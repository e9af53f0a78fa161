"""`awbkit train`: a network from prepared data sets."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awbkit.cli import options
from awbkit.cli.options import Domain, ResultFormat
from awbkit.cli.terminal import Progress, clock, printable
from awbkit.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from awbkit.training.run import Result, Told

_WHAT = "What to train"
_DATA = "What it sees"
_HOW = "How (see --config for the rest)"
_RUN = "Run"


class Device(StrEnum):
    """Where the network is computed."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Calibration(StrEnum):
    """What the expected error is fitted to."""

    VALIDATION = "validation"
    LEAVE_ONE_CAMERA_OUT = "leave-one-camera-out"
    LEAVE_ONE_DATASET_OUT = "leave-one-dataset-out"


def train(
    prepared: Annotated[list[Path], typer.Argument(metavar="PREPARED...", help="Folders that `dataset prepare` made.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="RUN", help="The run's folder; model.safetensors will be in it."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="A recipe; flags override it.", rich_help_panel=_WHAT)
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="awbnet-nano, awbnet-s (default), awbnet-m; mobilenet-v3, efficientnet and their -large to compare.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    domain: Annotated[
        Domain | None, typer.Option(help="Raw pictures, or photographs made of them.", rich_help_panel=_WHAT)
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Start from this file, run or shipped model, to adapt it to a camera of your own.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    validation: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of the scenes held out.", rich_help_panel=_DATA)
    ] = None,
    leave_out_dataset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Keep a data set out, to test on; repeatable.", rich_help_panel=_DATA),
    ] = None,
    leave_out_camera: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Keep a camera and its scenes out; repeatable.", rich_help_panel=_DATA),
    ] = None,
    fold: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep a published fold out.", rich_help_panel=_DATA)
    ] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", rich_help_panel=_HOW)] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", rich_help_panel=_HOW)] = None,
    learning_rate: Annotated[float | None, typer.Option(metavar="RATE", rich_help_panel=_HOW)] = None,
    weight_decay: Annotated[float | None, typer.Option(metavar="RATE", rich_help_panel=_HOW)] = None,
    variants: Annotated[
        int | None, typer.Option(metavar="N", help="Versions of each picture.", rich_help_panel=_HOW)
    ] = None,
    teachers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Larger networks to learn from, trained first.", rich_help_panel=_HOW),
    ] = None,
    calibration: Annotated[
        Calibration | None, typer.Option(help="What the expected error is fitted to.", rich_help_panel=_HOW)
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", rich_help_panel=_HOW)] = None,
    device: Annotated[Device, typer.Option(help="auto: CUDA where there is any.", rich_help_panel=_RUN)] = Device.AUTO,
    jobs: options.Jobs = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN.", rich_help_panel=_RUN)] = False,
    format: Annotated[
        ResultFormat | None, typer.Option(help="Default: a table on a terminal, else json.", rich_help_panel=_RUN)
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Train an illuminant estimator on labelled pictures: awbkit's own network, or others to compare it with."""
    if output is None:
        raise UsageError("no run named; give a folder with -o")
    try:
        import torch
    except ImportError:
        raise MissingExtra("training", "train") from None
    from awbkit.batch import default_jobs
    from awbkit.network.architecture import architecture
    from awbkit.network.model import Model
    from awbkit.network.models import named
    from awbkit.training.recipe import Recipe, read_recipe
    from awbkit.training.run import train as run
    from awbkit.training.split import LeftOut

    stated = {
        "arch": arch,
        "domain": domain and domain.value,
        "validation": validation,
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "variants": variants,
        "teachers": teachers,
        "calibration": calibration and calibration.value,
        "seed": seed,
    }
    recipe = Recipe() if config is None else read_recipe(config)
    recipe = recipe.with_changes({name: value for name, value in stated.items() if value is not None})
    if device is Device.CUDA and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no CUDA device here; leave it out")
    chosen = "cuda" if device is Device.CUDA or (device is Device.AUTO and torch.cuda.is_available()) else "cpu"
    start = None if init is None else named(init, recipe.domain)
    if not isinstance(start, Model | None):
        raise UsageError(f"--init {init} is quantised; start from the model that it was made of")
    if start is not None and arch is not None and architecture(arch) != start.architecture:
        raise UsageError(f"--init {init} keeps its architecture; leave out --arch {arch}")
    first = os.environ.get("RANK", "0") == "0"
    line = _Line(enabled=first and not quiet)
    try:
        result = run(
            prepared,
            output,
            recipe,
            left_out=LeftOut(tuple(leave_out_dataset or ()), tuple(leave_out_camera or ()), fold),
            initial=start,
            device=chosen,
            jobs=jobs or default_jobs(),
            resume=resume,
            told=line.show,
        )
    finally:
        line.progress.erase()
    if first:
        _report(result, output, format or (ResultFormat.TABLE if sys.stdout.isatty() else ResultFormat.JSON))
        if not quiet:
            seconds = clock(line.progress.seconds)
            print(f"awbkit: {result.path}: trained on {result.images} pictures, {seconds}", file=sys.stderr)


class _Line:
    """The one line of progress."""

    def __init__(self, *, enabled: bool) -> None:
        self.progress = Progress(sys.stderr, enabled=enabled, unit="steps")

    def show(self, told: Told) -> None:
        parts = [told.phase]
        if told.step is not None:
            parts.append(f"loss {told.step.loss:.3f}, {told.step.error:.2f}°")
        if told.validation is not None:
            parts.append(f"validation {told.validation:.2f}°")
        self.progress.expect(told.total)
        self.progress.reach(told.done, ", ".join(parts))


def _report(result: Result, output: Path, format: ResultFormat) -> None:
    built = result.model.architecture
    record: dict[str, Any] = {
        "schema": 1,
        "run": str(output),
        "model": str(result.path),
        "arch": result.model.name,
        "domain": result.model.domain,
        "parameters": built.parameters,
        "macs": built.macs,
        "images": result.images,
        "validation": None
        if result.validation is None
        else {name: round(value, 4) for name, value in result.validation.items()},
        "calibration": [round(value, 4) for value in result.model.calibration],
    }
    if format is ResultFormat.JSON:
        print(json.dumps(record, ensure_ascii=False))
        return
    rows = {
        "model": record["model"],
        "network": f"{result.model.name}, {built.parameters:,} weights, {built.macs:,} multiply-accumulates",
        "trained on": f"{result.images:,} {result.model.domain} pictures",
    }
    if result.validation is not None:
        found = result.validation
        rows["validation"] = (
            f"mean {found['mean']:.2f}°, median {found['median']:.2f}°, worst quarter {found['worst25']:.2f}°"
        )
    for name, text in rows.items():
        print(f"{name:<12}{printable(text)}")
