"""The network in numpy is the network in torch, and its dimensions are what they are said to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from awbkit.errors import UsageError
from awbkit.network.architecture import Architecture, architecture
from awbkit.network.features import describe
from awbkit.network.inference import forward
from awbkit.network.sizes import SIZES
from tests.helpers.network_pictures import picture

torch = pytest.importorskip("torch")


def trained(built: Architecture, seed: int) -> Any:
    """A torch network of random weights, as far from zero as training makes them."""
    from awbkit.network.torch.network import Network

    torch.manual_seed(seed)
    size = len(built.statistics)
    network = Network(built, torch.randn(size) * 0.3, torch.rand(size) + 0.2).eval()
    for value in network.parameters():
        torch.nn.init.normal_(value, std=0.3 if value.dim() == 1 else 0.8 / value[0].numel() ** 0.5)
    return network


PRUNED = Architecture(
    "awbnet",
    channels=(5, 3, 7),
    block_ranks=(2, 0),
    maps=3,
    hidden=(11, 6),
    hidden_ranks=(4, 3),
    statistics=(0, 1, 5, 40, 77, 137),
)
BUILT = {**{name: architecture(name) for name in SIZES}, "pruned": PRUNED}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", BUILT)
@pytest.mark.slow
def test_numpy_equals_torch(name: str, known: bool) -> None:
    built = BUILT[name]
    network = trained(built, 1)
    weights = {key: value.numpy() for key, value in network.state_dict().items()}
    found = [describe(picture(seed, share_valid=0.2 + 0.08 * seed)) for seed in range(10)]
    with torch.no_grad():
        residual, log_error = network(
            {
                "anchor": torch.from_numpy(np.stack([one.anchor for one in found])),
                "known": torch.full((len(found), 1), float(known)),
                "statistics": torch.from_numpy(np.stack([one.statistics for one in found])),
                "grid": torch.from_numpy(np.stack([one.grid for one in found])),
            }
        )
    for place, features in enumerate(found):
        answer, stated = forward(built, weights, features, known)
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, residual[place].numpy(), atol=1e-5)
        assert stated == pytest.approx(float(log_error[place]), abs=1e-5)
    assert np.ptp(residual.numpy(), axis=0).min() > 1e-4


@pytest.mark.parametrize("name", BUILT)
def test_shapes_are_those_of_the_trained_network(name: str) -> None:
    built = BUILT[name]
    network = trained(built, 0)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert shapes == built.shapes()
    assert sum(value.numel() for value in network.parameters()) == built.parameters


def test_a_cell_without_pixels_gets_no_attention() -> None:
    built = architecture("awbnet-s")
    weights = {key: value.numpy() for key, value in trained(built, 2).state_dict().items()}
    image = picture(1)
    image.valid[:, :32] = False
    features = describe(image)
    features.grid[:2, :, :8] = 0
    answer, _ = forward(built, weights, features, True)
    features.grid[:2, :, :8] = 5
    # Their colours reach the answer through no attention map; the convolutions see them, so those are left out.
    without = replace(built, channels=(8,), block_ranks=())
    flat = {key: value for key, value in weights.items() if not key.startswith("blocks")}
    one, _ = forward(without, flat, features, True)
    features.grid[:2, :, :8] = -5
    other, _ = forward(without, flat, features, True)
    np.testing.assert_array_equal(one, other)
    assert np.isfinite(answer).all()


def test_without_a_white_the_anchor_is_not_read() -> None:
    built = architecture("awbnet-nano")
    weights = {key: value.numpy() for key, value in trained(built, 3).state_dict().items()}
    features = describe(picture(2))
    known, _ = forward(built, weights, features, True)
    unknown, _ = forward(built, weights, features, False)
    features.anchor[:] += 1
    moved, _ = forward(built, weights, features, False)
    np.testing.assert_array_equal(unknown, moved)
    assert np.abs(known - unknown).max() > 1e-4


@pytest.mark.parametrize(("name", "most"), [("awbnet-nano", 1000), ("awbnet-s", 5000), ("awbnet-m", 20_000)])
def test_sizes(name: str, most: int) -> None:
    assert architecture(name).parameters <= most
    assert architecture(name).macs <= 1_000_000


def test_operations_are_counted() -> None:
    # By hand: stem 5 x 8, twice 8 x 9 + 8 x 8, 8 x 4 logits and 4 x 2 means, in 256 cells; then the head, once.
    cells = 5 * 8 + 2 * (8 * 9 + 8 * 8) + 8 * 4 + 4 * 2
    built = architecture("awbnet-s")
    head = built.head_inputs * 16 + 16 * 48 + 48 * 24 + 24 * 3
    assert built.macs == 256 * cells + head


def test_what_was_pruned_and_factorised_is_not_counted() -> None:
    # By hand: stem 5 x 5; 5 x 9, 5 x 2, 2 x 3; 3 x 9, 3 x 7; 7 x 3 logits and 3 x 2 means; the head reads 6 + 3 + 6.
    cells = 5 * 5 + (5 * 9 + 5 * 2 + 2 * 3) + (3 * 9 + 3 * 7) + 7 * 3 + 3 * 2
    head = 15 * 4 + 4 * 11 + 11 * 3 + 3 * 6 + 6 * 3
    assert PRUNED.macs == 256 * cells + head
    biases = 5 + (5 + 3) + (3 + 7) + 11 + 6 + 3
    assert PRUNED.parameters == cells - 3 * 2 + head + biases


@pytest.mark.parametrize("name", BUILT)
def test_dimensions_travel(name: str) -> None:
    built = BUILT[name]
    assert Architecture.from_json(built.to_json()) == built


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"family": "resnet"}, "no family"),
        ({"channels": [8, -1, 8]}, "whole numbers"),
        ({"channels": [8, 8, 5000]}, "whole numbers"),
        ({"channels": [8, 8.0, 8]}, "whole numbers"),
        ({"channels": [8, "8", 8]}, "whole numbers"),
        ({"channels": [8, True, 8]}, "whole numbers"),
        ({"channels": 8}, "in tuples"),
        ({"channels": [8, 0, 8]}, "every part of the convolutional branch has channels"),
        ({"channels": []}, "has a rank"),
        ({"channels": [], "block_ranks": []}, "attention maps"),
        ({"channels": [8] * 100, "block_ranks": [0] * 99}, "blocks"),
        ({"block_ranks": [0]}, "has a rank"),
        ({"hidden": [], "hidden_ranks": []}, "hidden layers"),
        ({"hidden": [48, 0]}, "hidden layers"),
        ({"hidden": 16}, "in tuples"),
        ({"hidden_ranks": [16]}, "has a rank"),
        ({"hidden_ranks": [16, -1]}, "whole numbers"),
        ({"statistics": 12}, "in tuples"),
        ({"statistics": [0, 138]}, "from 0 to 137, ascending"),
        ({"statistics": [3, 2]}, "from 0 to 137, ascending"),
        ({"statistics": [3, 3]}, "from 0 to 137, ascending"),
        ({"statistics": None}, "in tuples"),
        ({"maps": 0}, "attention maps"),
        ({"expansion": 4}, "attention maps"),
        ({"family": "efficientnet"}, "inverted residuals"),
        ({"family": "efficientnet", "maps": 0, "expansion": 4, "channels": [8, 8, 6]}, "blocks of one width"),
        ({"family": "efficientnet", "maps": 0, "expansion": 4, "block_ranks": [2, 0]}, "not factorised"),
        ({"depth": 4}, "an architecture states"),
    ],
)
def test_nonsense_is_no_architecture(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Architecture.from_json({**architecture("awbnet-s").to_json(), **change})


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'awbnet-s'"):
        architecture("awbnet_s")
