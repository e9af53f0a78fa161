"""`awbkit train`: train a network on prepared data sets."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from awbkit.choices import Calibration, Domain
from awbkit.cli import options, training
from awbkit.errors import UsageError

_WHAT = "What to train"


@options.expand
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
        Domain | None, typer.Option(help="Raw pictures, or photographs simulated from them.", rich_help_panel=_WHAT)
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Start from this file, run or shipped model, in small steps, to adapt it to your own camera.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    *,
    common: training.Options,
    teachers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Larger networks to train first, as teachers.", rich_help_panel=training.HOW),
    ] = None,
    calibration: Annotated[
        Calibration | None, typer.Option(help="What the expected error is fitted to.", rich_help_panel=training.HOW)
    ] = None,
) -> None:
    """Train an illuminant estimator on labelled pictures: awbkit's own network, or others to compare it with."""
    folder, execution = training.ready(output, common.device, common.jobs, common.resume)
    from awbkit.network.architecture import architecture
    from awbkit.network.models import named_float
    from awbkit.training.recipe import Recipe
    from awbkit.training.train import ADAPTING
    from awbkit.training.train import train as run

    usual = Recipe() if init is None else Recipe().with_changes(ADAPTING)
    recipe = common.recipe(usual, config, arch=arch, domain=domain, teachers=teachers, calibration=calibration)
    start = None if init is None else named_float(init, recipe.domain)
    if start is not None and arch is not None and architecture(arch) != start.architecture:
        raise UsageError(f"--init {init} keeps its architecture; leave out --arch {arch}")
    work = partial(run, prepared, folder, recipe, initial=start)
    training.carry_out(work, common, execution, folder)
