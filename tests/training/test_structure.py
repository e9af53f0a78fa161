"""Which numbers of a network belong together: without a unit that does nothing, the network answers the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from awbkit.errors import UsageError
from awbkit.network.architecture import Architecture, architecture
from awbkit.network.features import describe
from awbkit.network.inference import forward
from awbkit.network.statistics import TABLE
from tests.helpers.network_pictures import picture

torch = pytest.importorskip("torch")

from awbkit.network.torch.network import network_of  # noqa: E402
from awbkit.training.budget import Budget, choose_units  # noqa: E402
from awbkit.training.draws import Batch  # noqa: E402
from awbkit.training.factors import Inputs, factorise, factors, greatest_rank, layer_matrix, layers, merge, spectrum  # noqa: E402
from awbkit.training.importance import importance  # noqa: E402
from awbkit.training.loss import angle  # noqa: E402
from awbkit.training.structure import Weights, dimensions, fold_means, keep_units, readers, with_sizes  # noqa: E402

pytestmark = pytest.mark.slow

FACTORISED = Architecture("awbnet", (6, 4, 5), (3, 0), 3, (12, 7), (6, 4), statistics=tuple(range(0, TABLE.count, 3)))
FEATURES = [describe(picture(seed, share_valid=0.8)) for seed in range(4)]


def random_weights(built: Architecture, seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(size=shape) * 0.4 for name, shape in built.shapes().items()}
    positive = {name: np.abs(value) + 0.5 for name, value in found.items() if name == "std" or name.endswith("bias")}
    return {name: value.astype(np.float32) for name, value in (found | positive).items()}


def answers(built: Architecture, weights: Weights) -> np.ndarray:
    found = [forward(built, weights, features, True) for features in FEATURES]
    return np.array([[*residual, log_error] for residual, log_error in found])


@pytest.mark.parametrize("dimension", dimensions(FACTORISED))
def test_a_unit_that_nothing_reads_can_go(dimension: str) -> None:
    weights = random_weights(FACTORISED)
    name, columns = readers(FACTORISED)[dimension]
    weights[name][:, columns[1]] = 0
    kept = np.delete(np.arange(dimensions(FACTORISED)[dimension]), 1)
    built, fewer = keep_units(FACTORISED, weights, {dimension: kept})
    assert dimensions(built)[dimension] == len(kept)
    assert built.parameters < FACTORISED.parameters
    assert {key: value.shape for key, value in fewer.items()} == built.shapes()
    np.testing.assert_allclose(answers(built, fewer), answers(FACTORISED, weights), atol=1e-5)


@pytest.mark.parametrize("dimension", dimensions(FACTORISED))
def test_a_unit_that_is_read_is_missed(dimension: str) -> None:
    weights = random_weights(FACTORISED)
    found = answers(*keep_units(FACTORISED, weights, {dimension: np.arange(1)}))
    assert np.abs(found - answers(FACTORISED, weights)).max() > 1e-4


def test_statistics_are_known_by_their_numbers() -> None:
    built, _ = keep_units(FACTORISED, random_weights(FACTORISED), {"statistics": np.array([0, 2, 45])})
    assert built.statistics == (0, 6, 135)


def test_with_the_last_map_goes_the_branch() -> None:
    built, weights = keep_units(FACTORISED, random_weights(FACTORISED), {"maps": np.arange(0)})
    assert (built.channels, built.block_ranks, built.maps) == ((), (), 0)
    assert np.isfinite(answers(built, weights)).all()
    assert built == with_sizes(FACTORISED, {"maps": 0})


@pytest.mark.parametrize("name", ["awbnet-nano", "awbnet-s", "awbnet-m"])
@pytest.mark.parametrize(
    ("kind", "share"), [("params", 0.5), ("macs", 0.3), ("bytes", 0.1), ("cortex-m4", 0.5), ("cortex-m0", 0.3)]
)
def test_budgets_are_kept_and_used(name: str, kind: str, share: float) -> None:
    built = architecture(name)
    rng = np.random.default_rng(0)
    limit = int(Budget(kind, 1).cost(built) * share)
    worth = {key: rng.uniform(1, 2, size) for key, size in dimensions(built).items()}
    if "maps" in worth:
        # With the last of them would go the whole branch, and most of what the budget leaves.
        worth["maps"] *= 100
    kept = choose_units(built, worth, Budget(kind, limit))
    smaller = with_sizes(built, {key: len(units) for key, units in kept.items()})
    assert 0.7 * limit < Budget(kind, limit).cost(smaller) <= limit
    for key, units in kept.items():
        gone = np.delete(worth[key], units)
        assert not len(gone) or not len(units) or worth[key][units].min() >= gone.max()


def test_what_is_worth_nothing_goes_first() -> None:
    built = architecture("awbnet-s")
    worth = {key: np.ones(size) for key, size in dimensions(built).items()}
    worth["statistics"][[3, 70]] = 0
    kept = choose_units(built, worth, Budget("params", built.parameters - 20))
    assert sorted({*range(TABLE.count)} - {*kept["statistics"].tolist()}) == [3, 70]
    assert all(len(kept[key]) == size for key, size in dimensions(built).items() if key != "statistics")


@pytest.mark.parametrize(
    ("limit", "says"), [(3, "no network of this kind has as few as 3 parameters"), (0, "at least 1")]
)
def test_budgets_that_nothing_keeps(limit: int, says: str) -> None:
    built = architecture("awbnet-s")
    with pytest.raises(UsageError, match=says):
        choose_units(built, {key: np.ones(size) for key, size in dimensions(built).items()}, Budget("params", limit))


@pytest.mark.parametrize("built", [FACTORISED, architecture("awbnet-s"), architecture("awbnet-nano")])
def test_importance_is_how_the_loss_changes(built: Architecture) -> None:
    weights = random_weights(built)
    rng = torch.Generator().manual_seed(1)
    size = 12
    batch = {
        "anchor": torch.randn(size, 2, generator=rng) * 0.3,
        "known": torch.ones(size, 1),
        "statistics": torch.randn(size, TABLE.count, generator=rng),
        "grid": torch.rand(size, 5, 16, 16, generator=rng),
    }
    light = batch["anchor"] + torch.randn(size, 2, generator=rng) * 0.2
    found = importance(network_of(built, weights), [Batch(batch, batch["anchor"], light, torch.ones(size))])
    assert {name: len(worth.change) for name, worth in found.items()} == dimensions(built)

    # By differences: each picture's loss on the way to weights by which the unit gives its mean. What the network
    # states is judged against its error as it is.
    network, light = network_of(built, weights).double(), light.double()
    batch = {name: value.double() for name, value in batch.items()}
    errors = angle(batch["anchor"] + network(batch)[0].detach(), light)

    def losses(share: float, target: Weights) -> torch.Tensor:
        with torch.no_grad():
            for name, value in network.named_parameters():
                value.copy_(
                    torch.from_numpy(weights[name]).double().lerp(torch.from_numpy(target[name]).double(), share)
                )
            residual, stated = network(batch)
        return angle(batch["anchor"] + residual, light) + 0.1 * (errors * torch.exp(-stated) + stated)

    means = {name: worth.mean for name, worth in found.items()}
    for dimension, (name, columns) in readers(built).items():
        unit = len(columns) // 2
        target = fold_means(built, weights, {dimension: np.delete(np.arange(len(columns)), unit)}, means)
        target[name] = target[name].copy()
        target[name][:, columns[unit]] = 0
        slope = (losses(1e-5, target) - losses(-1e-5, target)) / 2e-5
        change = found[dimension].change[unit]
        assert change == pytest.approx(float(slope.square().mean()), rel=0.01, abs=1e-9), dimension


def test_a_unit_that_always_gives_the_same_is_worth_nothing_and_not_missed() -> None:
    built = architecture("awbnet-s")
    weights = random_weights(built)
    weights["hidden.0.weight"][5] = 0
    statistics = np.stack([features.statistics for features in FEATURES])
    batch = {
        "anchor": torch.from_numpy(np.stack([features.anchor for features in FEATURES])),
        "known": torch.ones(len(FEATURES), 1),
        "statistics": torch.from_numpy(statistics),
        "grid": torch.from_numpy(np.stack([features.grid for features in FEATURES])),
    }
    drawn = Batch(batch, batch["anchor"], batch["anchor"] + 0.1, torch.ones(len(FEATURES)))
    found = importance(network_of(built, weights), [drawn])
    assert found["hidden.0"].change[5] == found["hidden.0"].change.min() < 1e-9
    kept = {"hidden.0": np.delete(np.arange(48), 5)}
    means = {name: worth.mean for name, worth in found.items()}
    smaller = keep_units(built, fold_means(built, weights, kept, means), kept)
    np.testing.assert_allclose(answers(*smaller), answers(built, weights), atol=1e-4)
    assert np.abs(answers(*keep_units(built, weights, kept)) - answers(built, weights)).max() > 1e-3


def test_factors_of_full_rank_are_the_layer() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(5, 9)).astype(np.float32)
    second, first = factors(matrix, np.cov(rng.normal(size=(9, 50))), 5)
    np.testing.assert_allclose(second @ first, matrix, atol=1e-5)


def test_factors_are_best_for_the_inputs_that_come() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(2000, 9)) * np.geomspace(3, 0.01, 9)
    moments = inputs.T @ inputs / len(inputs)
    matrix = (rng.normal(size=(7, 9)) / np.geomspace(3, 0.01, 9)).astype(np.float32)
    missed = {}
    for name, by in (("inputs", moments), ("numbers", np.eye(9))):
        second, first = factors(matrix, by, 3)
        missed[name] = np.mean(np.square(inputs @ (second @ first - matrix).T).sum(axis=1))
    # Eckart and Young: what is missed is the energy of the singular values that were left out.
    assert missed["inputs"] == pytest.approx(float(np.sum(spectrum(matrix, moments)[3:] ** 2)), rel=1e-3)
    assert missed["inputs"] < missed["numbers"]


@pytest.mark.parametrize(("inputs", "outputs", "rank"), [(48, 24, 15), (8, 8, 3), (2, 2, 0), (1, 9, 0), (100, 100, 49)])
def test_the_greatest_rank_that_is_worthwhile(inputs: int, outputs: int, rank: int) -> None:
    assert greatest_rank(inputs, outputs) == rank
    assert rank * (inputs + outputs) < inputs * outputs <= (rank + 1) * (inputs + outputs)


def test_factorised_layers_are_stated_and_merged_again() -> None:
    built = architecture("awbnet-s")
    weights = random_weights(built)
    sizes = {name: layer_matrix(weights, name).shape[1] for name in layers(built)}
    inputs = {name: Inputs(np.ones(size), np.eye(size)) for name, size in sizes.items()}
    smaller, fewer = factorise(built, weights, inputs, {"blocks.1.pointwise": 8, "hidden.1": 24, "hidden.0": 12})
    assert (smaller.block_ranks, smaller.hidden_ranks) == ((0, 8), (12, 24))
    assert {key: value.shape for key, value in fewer.items()} == smaller.shapes()
    again, dense = merge(smaller, fewer)
    assert again == replace(built, hidden_ranks=(12, 0))
    np.testing.assert_allclose(answers(again, dense), answers(smaller, fewer), atol=1e-4)
    for name in ("blocks.1.pointwise", "hidden.1"):
        np.testing.assert_allclose(layer_matrix(dense, name), layer_matrix(weights, name), atol=1e-5)


def test_the_mean_of_the_inputs_is_answered_right_whatever_is_missed() -> None:
    built = architecture("awbnet-s")
    weights = random_weights(built)
    mean = np.random.default_rng(2).uniform(0, 3, 48)
    smaller, fewer = factorise(built, weights, {"hidden.1": Inputs(mean, np.eye(48))}, {"hidden.1": 2})
    assert smaller.hidden_ranks == (16, 2)
    answered = layer_matrix(fewer, "hidden.1") @ mean + fewer["hidden.1.bias"]
    np.testing.assert_allclose(answered, weights["hidden.1.weight"] @ mean + weights["hidden.1.bias"], atol=1e-4)
    assert np.abs(layer_matrix(fewer, "hidden.1") - weights["hidden.1.weight"]).max() > 0.1
