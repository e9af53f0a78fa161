"""`awbkit factorize`: replace layers of a trained network by products of two smaller ones."""

from __future__ import annotations

from typing import Annotated

from awbkit.cli import options, training
from awbkit.errors import UsageError

_what_option = options.panel("How far (one of these)")
_ENERGY = 0.99


@options.expand
def factorize(
    model: training.Start,
    prepared: training.Prepared,
    output: training.Output = None,
    rank: Annotated[int | None, _what_option(metavar="N", help="Greatest rank of every layer.")] = None,
    energy: Annotated[
        float | None,
        _what_option(
            metavar="SHARE",
            help=f"Least rank that keeps this share of the output's energy; {_ENERGY:g} if neither is given.",
        ),
    ] = None,
    config: training.Config = None,
    domain: options.ModelDomain = "raw",
    *,
    common: training.Options,
) -> None:
    """Factorise a network: replace layers by products of two smaller ones where that saves weights; fine-tune them."""
    folder, execution = training.set_up(output, common.device, common.jobs, common.resume)
    from awbkit.network.models import find_float_model
    from awbkit.training.factorize import Ranks
    from awbkit.training.factorize import factorize as run
    from awbkit.training.tuning import Tuning, recipe_for

    if rank is not None and energy is not None:
        raise UsageError("layers are factorised by a rank or by a share of energy; give one of --rank and --energy")
    ranks = Ranks(rank, _ENERGY if rank is None and energy is None else energy)
    start = find_float_model(model, domain)
    recipe = common.recipe(recipe_for(start), config)
    training.carry_out(
        lambda **how: run(Tuning(start, prepared, folder, recipe, **how), ranks),
        common,
        execution,
        folder,
        start=start.architecture,
    )
