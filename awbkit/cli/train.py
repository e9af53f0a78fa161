"""`awbkit train`: train a network on prepared data sets."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from awbkit.choices import Calibration, Domain
from awbkit.cli import options, training
from awbkit.errors import UsageError
from awbkit.network.sizes import DEFAULT, SIZES

_what_option = options.panel("What to train")


@options.expand
def train(
    prepared: training.Prepared,
    output: training.Output = None,
    config: Annotated[Path | None, _what_option(metavar="FILE.toml", help="A recipe; flags override it.")] = None,
    arch: Annotated[
        str | None,
        _what_option(
            metavar="NAME",
            help=f"{', '.join(SIZES)}; default {DEFAULT}. Those not called awbnet are for comparison.",
        ),
    ] = None,
    domain: Annotated[Domain | None, _what_option(help="Raw pictures, or photographs simulated from them.")] = None,
    init: Annotated[
        str | None,
        _what_option(
            metavar="MODEL",
            help="Start from this file, run or shipped model, in small steps, to adapt it to your own camera.",
        ),
    ] = None,
    *,
    common: training.Options,
    teachers: Annotated[
        int | None, training.how_option(metavar="N", help="Larger networks to train first, as teachers.")
    ] = None,
    calibration: Annotated[
        Calibration | None, training.how_option(help="What the expected error is fitted to.")
    ] = None,
) -> None:
    """Train an illuminant estimator on labelled pictures: awbkit's own network, or others to compare it with."""
    folder, execution = training.set_up(output, common.device, common.jobs, common.resume)
    from awbkit.network.architecture import architecture
    from awbkit.network.models import find_float_model
    from awbkit.training.recipe import Recipe
    from awbkit.training.train import ADAPTATION
    from awbkit.training.train import train as run

    usual = Recipe() if init is None else Recipe().with_changes(ADAPTATION)
    recipe = common.recipe(usual, config, arch=arch, domain=domain, teachers=teachers, calibration=calibration)
    start = None if init is None else find_float_model(init, recipe.domain)
    if start is not None and arch is not None and architecture(arch) != start.architecture:
        raise UsageError(f"--init {init} keeps its architecture; leave out --arch {arch}")
    work = partial(run, prepared, folder, recipe, initial=start)
    training.carry_out(work, common, execution, folder)
