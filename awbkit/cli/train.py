"""`awbkit train`: a network from prepared data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from awbkit.choices import Calibration, Domain
from awbkit.cli import options, training
from awbkit.errors import UsageError

_WHAT = "What to train"


def train(
    prepared: training.Prepared,
    output: training.Output = None,
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
            help="Start from this file, run or shipped model, in small steps, to adapt it to a camera of your own.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    validation: training.Validation = None,
    leave_out_dataset: training.LeaveOutDataset = None,
    leave_out_camera: training.LeaveOutCamera = None,
    fold: training.Fold = None,
    steps: training.Steps = None,
    batch_size: training.BatchSize = None,
    learning_rate: training.LearningRate = None,
    weight_decay: training.WeightDecay = None,
    variants: training.Variants = None,
    teachers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Larger networks to learn from, trained first.", rich_help_panel=training.HOW),
    ] = None,
    calibration: Annotated[
        Calibration | None, typer.Option(help="What the expected error is fitted to.", rich_help_panel=training.HOW)
    ] = None,
    seed: training.Seed = None,
    device: training.OnDevice = "auto",
    jobs: options.Jobs = 0,
    resume: training.Resume = False,
    format: training.AsFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Train an illuminant estimator on labelled pictures: awbkit's own network, or others to compare it with."""
    folder, execution = training.ready(output, device, jobs, resume)
    from awbkit.network.architecture import architecture
    from awbkit.network.models import named_float
    from awbkit.training.recipe import Recipe
    from awbkit.training.train import ADAPTING
    from awbkit.training.train import train as run

    stated = {
        "arch": arch,
        "domain": domain,
        "validation": validation,
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "variants": variants,
        "teachers": teachers,
        "calibration": calibration,
        "seed": seed,
    }
    usual = Recipe() if init is None else Recipe().with_changes(ADAPTING)
    recipe = training.recipe(usual, config, stated)
    start = None if init is None else named_float(init, recipe.domain)
    if start is not None and arch is not None and architecture(arch) != start.architecture:
        raise UsageError(f"--init {init} keeps its architecture; leave out --arch {arch}")
    training.carried_out(
        lambda execution: run(
            prepared,
            folder,
            recipe,
            left_out=training.left_out(leave_out_dataset, leave_out_camera, fold),
            initial=start,
            execution=execution,
        ),
        execution,
        folder,
        format=format,
        quiet=quiet,
    )
