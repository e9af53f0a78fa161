"""`awbkit prune`: make a trained network smaller."""

from __future__ import annotations

from typing import Annotated

from awbkit.choices import Processor
from awbkit.cli import options, training
from awbkit.errors import UsageError

_what_option = options.panel("Budget (one of these)")


@options.expand
def prune(
    model: training.Start,
    prepared: training.Prepared,
    output: training.Output = None,
    params: Annotated[int | None, _what_option(metavar="N", help="Weights and biases.")] = None,
    macs: Annotated[int | None, _what_option(metavar="N", help="Multiply-accumulates of an estimate.")] = None,
    bytes: Annotated[
        int | None,
        _what_option(metavar="N", help="Bytes in int8: 1 for a weight, 4 for a bias, 4 for an input statistic."),
    ] = None,
    latency: Annotated[
        int | None,
        _what_option(
            metavar="N",
            help="Instructions of the network on --target, from a table; without those of the statistics.",
        ),
    ] = None,
    target: Annotated[Processor, _what_option(help="Processor of --latency.")] = "cortex-m4",
    config: training.Config = None,
    domain: options.ModelDomain = "raw",
    *,
    common: training.Options,
    rounds: Annotated[int | None, training.how_option(metavar="N", help="Rounds of pruning.")] = None,
    round_steps: Annotated[
        int | None, training.how_option(metavar="N", help="Steps after each round but the last.")
    ] = None,
) -> None:
    """Prune a network to a budget: remove the channels, attention maps, hidden units and statistics of least worth."""
    folder, execution = training.set_up(output, common.device, common.jobs, common.resume)
    from awbkit.network.models import find_float_model
    from awbkit.training.budget import Budget
    from awbkit.training.prune import Rounds
    from awbkit.training.prune import prune as run
    from awbkit.training.tuning import Tuning, recipe_for

    limits = {"params": params, "macs": macs, "bytes": bytes, target: latency}
    budgets = [Budget(kind, limit) for kind, limit in limits.items() if limit is not None]
    if len(budgets) != 1:
        raise UsageError("a network is pruned to one budget; give one of --params, --macs, --bytes and --latency")
    if target != "cortex-m4" and latency is None:
        raise UsageError(
            "--target names the processor that --latency is for; give --latency too, or leave out --target"
        )
    start = find_float_model(model, domain)
    recipe = common.recipe(recipe_for(start), config)
    given = {"rounds": rounds, "round_steps": round_steps}
    plan = Rounds(budgets[0], **{name: value for name, value in given.items() if value is not None})
    training.carry_out(
        lambda **how: run(Tuning(start, prepared, folder, recipe, **how), plan),
        common,
        execution,
        folder,
        start=start.architecture,
        target=None if latency is None else target,
    )
