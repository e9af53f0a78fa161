"""Quantisation-aware training of a model: fine-tune it with the rounding of the integer network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from awbkit.network.integer.quantization import Bits
from awbkit.network.model import Model
from awbkit.network.torch.network import network_of
from awbkit.training import tuning
from awbkit.training.fake_quantization import FakeQuantization
from awbkit.training.provenance import gather_pictures
from awbkit.training.recipe import Recipe
from awbkit.training.run import USUALLY, Execution, Result, open_run
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
    """Fine-tune a network for whole numbers, with the original model as a teacher.

    Args:
        model: Of the family awbnet.
        folders: Prepared data sets to train on.
        output: The run's folder.
        recipe: Recipe of the fine-tuning; :func:`awbkit.training.tuning.recipe_for` gives the default.
        scales: Value of one unit of each layer's outputs.
        bits: Bits of each number.
        left_out: Pictures to keep out of the training.
        execution: Device, processes, resuming and progress.

    Returns:
        A floating-point model, to be quantised with the same scales and bits.

    Raises:
        UsageError: If the folder is in use or holds another run, or the arguments conflict.
        UnreadableFile: If a data set has changed since it was prepared, or a file of the run is damaged.
    """
    tuning.check(model, recipe, "quantize")
    pictures = gather_pictures(folders, left_out, recipe, model)
    facts = {**tuning.facts(recipe), "quantization": {**asdict(bits), "scales": dict(scales)}}
    with open_run(output, recipe, pictures, facts, steps=recipe.steps, execution=execution) as run:
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
