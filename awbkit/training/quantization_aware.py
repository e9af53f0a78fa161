"""Quantisation-aware training of a model: it is trained on, rounded as whole numbers will round it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from awbkit.network.integer.quantization import Bits
from awbkit.network.model import Model
from awbkit.network.torch.network import network_of
from awbkit.training import tuning
from awbkit.training.fake_quantization import FakeQuantization
from awbkit.training.provenance import seen
from awbkit.training.recipe import Recipe
from awbkit.training.run import USUALLY, Execution, Result, running
from awbkit.training.split import LeftOut

_NOTHING = LeftOut()


def train_quantized(
    model: Model,
    folders: Sequence[Path],
    output: Path,
    recipe: Recipe,
    scales: Mapping[str, float],
    bits: Bits,
    *,
    left_out: LeftOut = _NOTHING,
    execution: Execution = USUALLY,
) -> Result:
    """Train a network on for whole numbers, while it learns from what it was as well.

    Args:
        model: Of the family awbnet.
        folders: Prepared data sets to train on.
        output: The run's folder.
        recipe: How; :func:`awbkit.training.tuning.recipe_for` has what is usual.
        scales: What one unit of each layer's outputs will be.
        bits: How many bits numbers will have.
        left_out: What must not be seen.
        execution: How the run is carried out.

    Returns:
        A model of floating point, which is to be rounded with the same scales and bits.

    Raises:
        UsageError: If the folder is in use, holds another run, or what is asked for does not fit together.
        UnreadableFile: If a data set is not what was prepared, or a file of the run is damaged.
    """
    tuning.check(model, recipe, "quantize")
    pictures = seen(folders, left_out, recipe, model)
    facts = {**tuning.facts(recipe), "quantization": {**asdict(bits), "scales": dict(scales)}}
    with running(output, recipe, pictures, facts, steps=recipe.steps, execution=execution) as run:
        bank, checks = run.banks()
        start = (model.architecture, dict(model.weights))
        network = run.network(
            "all",
            "network",
            lambda: start,
            bank,
            recipe,
            seed=recipe.seed * 1000,
            teachers=[network_of(*start)],
            checks=checks,
            quantization=FakeQuantization(model.architecture, scales, bits),
        )
        return tuning.finish(run, model, "qat", network, bank, checks, recipe)
