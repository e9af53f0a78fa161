"""`awbkit prune`: make a trained network smaller."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from awbkit.choices import Processor
from awbkit.cli import options, training
from awbkit.errors import UsageError

_WHAT = "Budget (one of these)"


@options.expand
def prune(
    model: training.Start,
    prepared: training.Prepared,
    output: training.Output = None,
    params: Annotated[int | None, typer.Option(metavar="N", help="Weights and biases.", rich_help_panel=_WHAT)] = None,
    macs: Annotated[
        int | None, typer.Option(metavar="N", help="Multiply-accumulates of an estimate.", rich_help_panel=_WHAT)
    ] = None,
    bytes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Bytes in int8: 1 for a weight, 4 for a bias, 4 for an input statistic.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    latency: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Instructions of the network on the --target, by a table, without those of the statistics.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    target: Annotated[Processor, typer.Option(help="Processor of --latency.", rich_help_panel=_WHAT)] = "cortex-m4",
    config: training.Config = None,
    domain: options.ModelDomain = "raw",
    *,
    common: training.Options,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", help="Rounds of pruning.", rich_help_panel=training.HOW)
    ] = None,
    round_steps: Annotated[
        int | None, typer.Option(metavar="N", help="Steps after each round but the last.", rich_help_panel=training.HOW)
    ] = None,
) -> None:
    """Prune a network to a budget: remove the channels, attention maps, hidden units and statistics of least worth."""
    folder, execution = training.ready(output, common.device, common.jobs, common.resume)
    from awbkit.network.models import named_float
    from awbkit.training.budget import Budget
    from awbkit.training.prune import Rounds
    from awbkit.training.prune import prune as run
    from awbkit.training.tuning import recipe_for

    limits = {"params": params, "macs": macs, "bytes": bytes, target: latency}
    budgets = [Budget(kind, limit) for kind, limit in limits.items() if limit is not None]
    if len(budgets) != 1:
        raise UsageError("a network is pruned to one budget; give one of --params, --macs, --bytes and --latency")
    if target != "cortex-m4" and latency is None:
        raise UsageError("--target says whose instructions --latency counts; give --latency, or leave it out")
    start = named_float(model, domain)
    recipe = common.recipe(recipe_for(start), config)
    given = {"rounds": rounds, "round_steps": round_steps}
    plan = Rounds(budgets[0], **{name: value for name, value in given.items() if value is not None})
    work = partial(run, start, prepared, folder, recipe, plan)
    training.carry_out(
        work,
        common,
        execution,
        folder,
        start=start.architecture,
        target=None if latency is None else target,
    )
