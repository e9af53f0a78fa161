"""Common parts of the subcommands that train: options, progress, and the final report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from awbkit.cli import options
from awbkit.cli.output import print_result
from awbkit.cli.terminal import Progress, clock, say
from awbkit.errors import MissingExtra, UsageError
from awbkit.spelling import count_text

if TYPE_CHECKING:
    from awbkit.network.architecture import Architecture
    from awbkit.training.recipe import Recipe
    from awbkit.training.run import Execution, Result, Status
    from awbkit.training.split import Holdout

_data_option = options.panel("Data")
how_option = options.panel("How (see --config for the rest)")

Prepared = Annotated[
    list[Path], typer.Argument(metavar="PREPARED...", help="Folders that `dataset prepare` made.", show_default=False)
]
Start = Annotated[str, typer.Argument(metavar="MODEL", help="A model file, run or shipped model.", show_default=False)]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="RUN", help="The run's folder; model.safetensors will be in it."),
]
Config = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="A recipe; flags override it.")]
Device: TypeAlias = Literal["auto", "cpu", "cuda"]

_OF_RECIPE = ("validation", "steps", "batch_size", "learning_rate", "weight_decay", "variants", "seed")


@dataclass(frozen=True)
class Options:
    """The options of every command that trains; see :func:`awbkit.cli.options.expand`."""

    validation: Annotated[float | None, _data_option(metavar="SHARE", help="Share of the scenes to hold out.")] = None
    leave_out_dataset: Annotated[
        list[str] | None, _data_option(metavar="NAME", help="Leave out a data set, to test on; repeatable.")
    ] = None
    leave_out_camera: Annotated[
        list[str] | None, _data_option(metavar="NAME", help="Leave out a camera and its scenes; repeatable.")
    ] = None
    fold: Annotated[str | None, _data_option(metavar="NAME", help="Leave out a published fold.")] = None
    steps: Annotated[int | None, how_option(metavar="N", help="Steps of the training, or of its last part.")] = None
    batch_size: Annotated[int | None, how_option(metavar="N")] = None
    learning_rate: Annotated[float | None, how_option(metavar="RATE")] = None
    weight_decay: Annotated[float | None, how_option(metavar="RATE")] = None
    variants: Annotated[int | None, how_option(metavar="N", help="Versions of each picture.")] = None
    seed: Annotated[int | None, how_option(metavar="N")] = None
    device: Annotated[Device, options.run_option(help="auto: CUDA if available.")] = "auto"
    jobs: options.Jobs = 0
    resume: Annotated[bool, options.run_option("--resume", help="Continue the run in RUN.")] = False
    format: options.RunFormat = None
    quiet: options.Quiet = False

    def recipe(self, usual: Recipe, config: Path | None, **own: Any) -> Recipe:
        """The usual recipe with the changes of a file, then of these options and of the command's own."""
        return recipe(usual, config, {name: getattr(self, name) for name in _OF_RECIPE} | own)

    @property
    def holdout(self) -> Holdout:
        """The data sets, cameras and fold that the training leaves out."""
        from awbkit.training.split import Holdout

        return Holdout(tuple(self.leave_out_dataset or ()), tuple(self.leave_out_camera or ()), self.fold)


def set_up(output: Path | None, device: str, jobs: int, resume: bool) -> tuple[Path, Execution]:
    """The run's folder and its execution, after a check of torch and the device.

    Raises:
        UsageError: If no folder is named, or the device is missing.
        MissingExtra: If torch is not installed.
    """
    if output is None:
        raise UsageError("no run named; give a folder with -o")
    try:
        import torch
    except ImportError:
        raise MissingExtra("training", "train") from None
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no CUDA device here; leave it out")
    from awbkit.training.run import Execution
    from awbkit.work.batch import default_jobs

    chosen = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    return output, Execution(chosen, jobs or default_jobs(), resume)


def recipe(usual: Recipe, config: Path | None, stated: Mapping[str, Any]) -> Recipe:
    """The default recipe with the changes of a file, and then of the flags.

    Raises:
        UsageError: If a value is not allowed.
        UnreadableFile: If the file cannot be read.
    """
    from awbkit.training.recipe import read_recipe

    found = usual if config is None else read_recipe(config, usual)
    return found.with_changes({name: value for name, value in stated.items() if value is not None})


def carry_out(
    work: Callable[..., Result],
    common: Options,
    execution: Execution,
    output: Path,
    *,
    start: Architecture | None = None,
    target: str | None = None,
) -> None:
    """Carry out a run with its line of progress, and report the result.

    Args:
        work: The run itself, called with ``holdout`` and ``execution``.
        common: The options on the command line.
        execution: The device and the processes; the display of progress is added here.
        output: The run's folder.
        start: The architecture before the run, where the run makes a network smaller.
        target: The processor whose instructions the report counts, one of `awbkit.network.latency`.
    """
    result, seconds = watch(partial(work, holdout=common.holdout), execution, quiet=common.quiet)
    if not _is_first():
        return
    _report(result, output, start, target, common.format)
    if common.quiet:
        return
    from awbkit.training.calibration import FEWEST

    if result.calibration_pictures < FEWEST:
        say(
            f"the expected error was fitted to only {count_text(result.calibration_pictures, 'picture')}; "
            "a larger --validation, or more pictures, would make it reliable"
        )
    if result.overlap:
        say(
            f"the initial model may have been trained on {result.overlap} of the validation pictures; new ones have "
            "larger errors, and the expected error of these follows the initial model's"
        )
    say(f"{result.path}: trained on {count_text(result.images, 'picture')}, {clock(seconds)}")


def watch(work: Callable[..., Result], execution: Execution, *, quiet: bool) -> tuple[Result, float]:
    """Carry out a run with its line of progress; the result, and the seconds that it took."""
    line = Progress(sys.stderr, enabled=_is_first() and not quiet, unit="steps")
    try:
        result = work(execution=replace(execution, on_progress=partial(_show, line)))
    finally:
        line.erase()
    return result, line.seconds


def _is_first() -> bool:
    """Whether this is the first of several processes, or the only one."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


def _show(line: Progress, status: Status) -> None:
    parts = [status.phase]
    if status.step is not None:
        parts.append(f"loss {status.step.loss:.3f}, {status.step.error:.2f}°")
    if status.validation is not None:
        parts.append(f"validation {status.validation:.2f}°")
    line.expect(status.total)
    line.reach(status.done, ", ".join(parts))


def _report(result: Result, output: Path, start: Architecture | None, target: str | None, format: str | None) -> None:
    built = result.model.architecture
    record: dict[str, Any] = {
        "schema": 1,
        "run": str(output),
        "model": str(result.path),
        "arch": result.model.name,
        "domain": result.model.domain,
        **_costs(built, target),
        "images": result.images,
        "validation": _round_figures(result.validation),
        "calibrated_on": result.calibration_pictures,
        "calibration": [round(value, 4) for value in result.model.calibration],
    }
    if start is not None or result.before is not None:
        record["before"] = {
            **({} if start is None else _costs(start, target)),
            "validation": _round_figures(result.before),
            "trained_on_validation": result.overlap,
        }
    rows = {
        "model": record["model"],
        "network": f"{result.model.name}, {_in_words(built, target)}",
        "before": "" if start is None else _in_words(start, target),
        "trained on": count_text(result.images, f"{result.model.domain} picture"),
        "validation": "" if result.validation is None else errors_in_words(result.validation),
        "before that": "" if result.before is None else errors_in_words(result.before),
    }
    print_result(record, rows, format)


def _costs(built: Architecture, target: str | None) -> dict[str, int]:
    from awbkit.network.latency import instructions

    found = {"parameters": built.parameters, "macs": built.macs, "bytes": built.bytes}
    return found if target is None else {**found, "instructions": instructions(built, target)}


def _in_words(built: Architecture, target: str | None) -> str:
    costs = _costs(built, target)
    words = "{parameters:,} weights, {macs:,} multiply-accumulates, {bytes:,} bytes in int8".format_map(costs)
    return words if target is None else f"{words}, {costs['instructions']:,} instructions on a {target.title()}"


def _round_figures(found: Any) -> dict[str, float] | None:
    return None if found is None else {name: round(value, 4) for name, value in found.items()}


def errors_in_words(found: Any) -> str:
    """The mean, the median and the worst quarter of errors in degrees."""
    return f"mean {found['mean']:.2f}°, median {found['median']:.2f}°, worst quarter {found['worst25']:.2f}°"
