"""A network that is trained for whole numbers answers as they do, and learns."""

from __future__ import annotations

import numpy as np
import pytest

from awbkit.network.integer.arithmetic import OCTAVE
from awbkit.network.integer.description import GRID_UNITS, describe, thumbnail
from awbkit.network.integer.model import white_logs
from awbkit.network.integer.quantization import Bits, integer_network, measure_scales
from awbkit.network.model import Model, white_of
from awbkit.network.statistics import TABLE
from tests.helpers.integer_models import SHAPES, pictures, random_model

torch = pytest.importorskip("torch")

from awbkit.network.torch.network import network_of  # noqa: E402
from awbkit.training.fake_quantization import FakeQuantization  # noqa: E402

pytestmark = pytest.mark.slow

LOGARITHM = np.log(2) / OCTAVE


@pytest.mark.parametrize("bits", [Bits(8, 8), Bits(4, 8), Bits(8, 16)], ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_answers_are_those_of_whole_numbers(shape: str, bits: Bits) -> None:
    found = np.array([missed_by(random_model(SHAPES[shape], seed), bits) for seed in range(2)])
    # What is left is where a sum falls on the other side of a half.
    missed, without = found.mean(axis=0)
    assert missed < 0.02
    if bits.weights == 4:
        assert missed < 0.4 * without


def missed_by(model: Model, bits: Bits) -> tuple[float, float]:
    """By how much a network that is rounded in training misses the whole numbers, and by how much one that is not."""
    images = pictures()
    scales = measure_scales(model, images, bits)
    whole = integer_network(model.architecture, model.weights, scales, bits)
    white = white_logs(white_of(images[0].camera))
    assert white is not None
    seen = [describe(thumbnail(image)) for image in images]
    expected = np.stack([whole.forward(description, white) for description in seen]) * LOGARITHM
    batch = {
        "anchor": np.stack([description.anchor - white for description in seen]) * LOGARITHM,
        "known": np.ones((len(seen), 1)),
        "statistics": np.stack([description.statistics for description in seen]) * TABLE.units,
        "grid": np.stack([description.grid for description in seen]) * GRID_UNITS[:, None, None],
    }
    tensors = {name: torch.from_numpy(value.astype(np.float32)) for name, value in batch.items()}
    network = network_of(model.architecture, model.weights)
    rounding = FakeQuantization(model.architecture, scales, bits)
    with torch.no_grad():
        plain, found, again = (
            np.column_stack([part.numpy() for part in answer])
            for answer in (network(tensors), rounding.answer(network, tensors), network(tensors))
        )
    # The hooks are gone, and the weights are what they were.
    np.testing.assert_array_equal(again, plain)
    return float(np.abs(found - expected).mean()), float(np.abs(plain - expected).mean())


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_reach_every_weight(shape: str) -> None:
    model, images = random_model(SHAPES[shape]), pictures(6)
    bits = Bits(4, 8)
    network = network_of(model.architecture, model.weights).train()
    rng = torch.Generator().manual_seed(0)
    batch = {
        "anchor": torch.randn(32, 2, generator=rng) * 0.3,
        "known": torch.ones(32, 1),
        "statistics": torch.randn(32, TABLE.count, generator=rng),
        "grid": torch.rand(32, 5, 16, 16, generator=rng),
    }
    residual, stated = FakeQuantization(model.architecture, measure_scales(model, images, bits), bits).answer(
        network, batch
    )
    gradients = torch.autograd.grad((residual**2).sum() + stated.sum(), network.trained_weights())
    assert all(bool(gradient.isfinite().all()) and float(gradient.abs().max()) > 0 for gradient in gradients)
