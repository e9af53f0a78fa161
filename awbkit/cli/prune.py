"""`awbkit prune`: a smaller network of one that is trained."""

from __future__ import annotations

from typing import Annotated

import typer

from awbkit.choices import Processor
from awbkit.cli import options, training
from awbkit.errors import UsageError

_WHAT = "What it may cost (one of these)"


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
            help="In int8: 1 for a weight, 4 for a bias, 4 for a statistic that is read.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    latency: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Instructions of the network on the --target, by a table; measuring the picture comes on top.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    target: Annotated[
        Processor, typer.Option(help="Whose instructions --latency counts.", rich_help_panel=_WHAT)
    ] = "cortex-m4",
    config: training.Config = None,
    domain: options.ModelDomain = "raw",
    validation: training.Validation = None,
    leave_out_dataset: training.LeaveOutDataset = None,
    leave_out_camera: training.LeaveOutCamera = None,
    fold: training.Fold = None,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", help="In how many rounds units go.", rich_help_panel=training.HOW)
    ] = None,
    round_steps: Annotated[
        int | None, typer.Option(metavar="N", help="Steps after each round but the last.", rich_help_panel=training.HOW)
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Steps after the last round.", rich_help_panel=training.HOW)
    ] = None,
    batch_size: training.BatchSize = None,
    learning_rate: training.LearningRate = None,
    weight_decay: training.WeightDecay = None,
    variants: training.Variants = None,
    seed: training.Seed = None,
    device: training.OnDevice = "auto",
    jobs: options.Jobs = 0,
    resume: training.Resume = False,
    format: training.AsFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Prune a network to a budget: channels, attention maps, hidden units and statistics that it can do without go."""
    folder, execution = training.ready(output, device, jobs, resume)
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
    stated = {
        "validation": validation,
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "variants": variants,
        "seed": seed,
    }
    recipe = training.recipe(recipe_for(start), config, stated)
    given = {"rounds": rounds, "round_steps": round_steps}
    plan = Rounds(budgets[0], **{name: value for name, value in given.items() if value is not None})
    training.carried_out(
        lambda execution: run(
            start,
            prepared,
            folder,
            recipe,
            plan,
            left_out=training.left_out(leave_out_dataset, leave_out_camera, fold),
            execution=execution,
        ),
        execution,
        folder,
        start=start.architecture,
        target=None if latency is None else target,
        format=format,
        quiet=quiet,
    )
