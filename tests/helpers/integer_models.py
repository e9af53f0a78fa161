"""Quantised models for tests, of random weights and many shapes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.network.architecture import Architecture, architecture
from awbkit.network.integer.model import IntegerModel
from awbkit.network.integer.quantization import Bits, measure_scales, quantize_model
from awbkit.network.model import Model
from tests.helpers.network_pictures import picture
from tests.network.test_model import D810

BITS = Bits()

SHAPES = {
    "nano": architecture("awbnet-nano"),
    "s": architecture("awbnet-s"),
    "no rank": Architecture("awbnet", (4, 4), (0,), 1, (7,), (0,)),
    "odd": Architecture("awbnet", (6,), (), 3, (9, 5, 3), (5, 0, 0)),
    "no statistics": Architecture("awbnet", (8, 8, 8, 8), (0, 0, 0), 2, (16,), (0,), statistics=()),
    "pruned": Architecture(
        "awbnet", (7, 3, 9), (2, 0), 2, (11, 6), (4, 2), statistics=(0, 3, 10, 29, 47, 76, 100, 121, 137)
    ),
}


def random_model(built: Architecture, seed: int = 0) -> Model:
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in built.shapes().items():
        fan = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        value = rng.uniform(0.5, 1.5, shape) if name == "std" else rng.normal(size=shape) * (2 / fan) ** 0.5
        value = value * 0.3 if name.startswith("output") else value
        weights[name] = value.astype(np.float32)
    return Model("random", built, weights, "raw", (0.5, 1.0), (1.5, 1.1), {"recipe": {"seed": seed}})


@cache
def pictures(count: int = 12) -> Sequence[LinearImage]:
    """With a sensor's noise in each channel, as all that a camera sees."""
    found = []
    for seed in range(count):
        image = picture(seed, share_valid=0.9 if seed % 3 == 2 else 1.0, colour=0.2)
        noise = np.exp(np.random.default_rng(seed).normal(size=image.pixels.shape) * 0.05).astype(np.float32)
        found.append(LinearImage(image.pixels * noise, image.valid, D810))
    return found


def round_model(model: Model, seen: Sequence[LinearImage], bits: Bits = BITS) -> IntegerModel:
    return quantize_model(model, measure_scales(model, seen, bits), bits)


@cache
def integer_model(shape: str = "s", bits: Bits = BITS, seed: int = 0) -> IntegerModel:
    return round_model(random_model(SHAPES[shape], seed), pictures(), bits)
