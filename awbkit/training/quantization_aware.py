"""Quantisation-aware training of a model: fine-tune it with the rounding of the integer network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from awbkit.network.integer.quantization import Bits
from awbkit.training.fake_quantization import FakeQuantization
from awbkit.training.run import Result
from awbkit.training.tuning import LAST, Tuning


def train_quantized(tuning: Tuning, scales: Mapping[str, float], bits: Bits) -> Result:
    """Fine-tune a network for whole numbers, with the original model as a teacher.

    Args:
        tuning: The model, and its fine-tuning.
        scales: Value of one unit of each layer's outputs.
        bits: Bits of each number.

    Returns:
        A floating-point model, to be quantised with the same scales and bits.

    Raises:
        UsageError: If the folder is in use or holds another run, or the arguments conflict.
        UnreadableFile: If a data set has changed since it was prepared, or a file of the run is damaged.
    """
    tuning.check("quantize")
    model, recipe = tuning.model, tuning.recipe
    start = (model.architecture, dict(model.weights))
    simulation = FakeQuantization(model.architecture, scales, bits)
    return tuning.run(
        "qat",
        {"quantization": {**asdict(bits), "scales": dict(scales)}},
        recipe.steps,
        lambda bank, fit: fit(LAST, lambda: start, recipe, seed=recipe.seed * 1000, quantization=simulation),
    )
