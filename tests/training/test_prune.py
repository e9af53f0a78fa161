"""Networks made smaller: to the budget, still right, the same whatever happens on the way, and honest about it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbkit.datasets.prepared import Prepared
from awbkit.errors import UsageError
from awbkit.network.model import Model
from awbkit.network.statistics import TABLE
from tests.helpers.own_processes import run_until_killed
from tests.helpers.training_runs import SMALL, write_set

torch = pytest.importorskip("torch")

from awbkit.training.budget import Budget  # noqa: E402
from awbkit.training.calibration import FEWEST, Errors, carry_over  # noqa: E402
from awbkit.training.factorize import Ranks, factorize  # noqa: E402
from awbkit.training.prune import Rounds, prune  # noqa: E402
from awbkit.training.recipe import Recipe  # noqa: E402
from awbkit.training.run import Execution, Result  # noqa: E402
from awbkit.training.split import Holdout  # noqa: E402
from awbkit.training.train import train  # noqa: E402
from awbkit.training.tuning import Tuning, recipe_for  # noqa: E402

pytestmark = pytest.mark.slow

HALF = Rounds(Budget("params", 2400), rounds=2, round_steps=20)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return write_set(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="module")
def model(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Model:
    torch.set_num_threads(1)
    recipe = replace(SMALL, arch="awbnet-s", steps=150, teachers=0, learning_rate=0.004, statistics_noise=0.3)
    return train([prepared.path], tmp_path_factory.mktemp("run") / "run", recipe).model


QUICK = {"steps": 40, "validation": 0.2, "seed": 7}


@pytest.fixture(scope="module")
def pruned(prepared: Prepared, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Result:
    recipe = recipe_for(model).with_changes(QUICK)
    return prune(Tuning(model, [prepared.path], tmp_path_factory.mktemp("pruned") / "run", recipe), HALF)


def test_half_the_parameters_answer_nearly_as_well(prepared: Prepared, model: Model, tmp_path: Path) -> None:
    recipe = recipe_for(model).with_changes({**QUICK, "steps": 100})
    result = prune(Tuning(model, [prepared.path], tmp_path / "run", recipe), HALF)
    assert 2200 < result.model.architecture.parameters <= 2400
    assert result.validation is not None
    assert result.before is not None
    assert result.validation["mean"] < 1.5 * result.before["mean"]
    assert Model.load(tmp_path / "run").to_bytes() == result.model.to_bytes()
    image = prepared.image(0)
    assert result.model.estimate(image).expected_error


def test_the_model_says_how_it_came_about(prepared: Prepared, model: Model, pruned: Result) -> None:
    made = pruned.model
    training = made.training or {}
    assert made.name == "awbnet-s-pruned"
    assert (training["initial"]["name"], training["initial"]["sha256"]) == (model.name, model.digest)
    assert training["pruning"] == {"budget": {"kind": "params", "limit": 2400}, "rounds": 2, "round_steps": 20}
    assert training["datasets"][0]["hash"] == prepared.info["hash"]
    assert (training["recipe"]["steps"], training["recipe"]["seed"]) == (40, 7)
    assert "arch" not in training["recipe"]
    # Pictures are treated as in the model's own training, which its file states.
    assert training["recipe"]["statistics_noise"] == 0.3
    lines = [json.loads(line) for line in (pruned.path.parent / "metrics.jsonl").read_text().splitlines()]
    assert [line["network"] for line in lines if "number" in line] == ["round 1", "network"]
    assert lines[-1]["validation"]["mean"] > 0


def test_the_normalisation_is_that_of_the_statistics_that_are_left(model: Model, pruned: Result) -> None:
    made = pruned.model
    read = list(made.architecture.statistics)
    assert 0 < len(read) < TABLE.count
    for name in ("mean", "std"):
        np.testing.assert_array_equal(made.weights[name], model.weights[name][read])


def test_what_was_pruned_is_pruned_again(prepared: Prepared, pruned: Result, tmp_path: Path) -> None:
    first = pruned.model
    plan = Rounds(Budget("bytes", 700), rounds=2, round_steps=10)
    second = prune(Tuning(first, [prepared.path], tmp_path / "run", recipe_for(first).with_changes(QUICK)), plan).model
    assert second.architecture.bytes <= 700
    assert set(second.architecture.statistics) < set(first.architecture.statistics)
    assert second.name == "awbnet-s-pruned"
    assert (second.training or {})["initial"]["initial"]["name"] == "awbnet-s"


def prune_to_half(model: Model, folder: Path, run: Path, recipe: Recipe, execution: Execution) -> Result:
    return prune(Tuning(model, [folder], run, recipe, execution=execution), HALF)


def test_a_killed_pruning_goes_on_to_the_same_bytes(
    prepared: Prepared, model: Model, pruned: Result, tmp_path: Path
) -> None:
    recipe, run = recipe_for(model).with_changes(QUICK), tmp_path / "run"
    assert run_until_killed("all/network.safetensors", 1, prune_to_half, model, prepared.path, run, recipe)
    assert (run / "networks" / "all" / "round 1.safetensors").exists()
    assert not (run / "model.safetensors").exists()
    prune_to_half(model, prepared.path, run, recipe, Execution(resume=True))
    assert (run / "model.safetensors").read_bytes() == pruned.path.read_bytes()


def test_factorised_layers_are_smaller_and_answer_nearly_as_well(
    prepared: Prepared, model: Model, tmp_path: Path
) -> None:
    recipe = recipe_for(model).with_changes(QUICK)
    result = factorize(Tuning(model, [prepared.path], tmp_path / "run", recipe), Ranks(rank=3))
    assert result.model.architecture.hidden_ranks == (3, 3)
    assert result.model.architecture.block_ranks == (3, 3)
    assert result.model.architecture.parameters < model.architecture.parameters
    assert result.model.name == "awbnet-s-factorized"
    assert (result.model.training or {})["factorising"] == {"rank": 3, "energy": None}
    assert result.validation is not None
    assert result.before is not None
    assert result.validation["mean"] < 2 * result.before["mean"]


def test_all_of_the_energy_is_the_same_answer(prepared: Prepared, model: Model, tmp_path: Path) -> None:
    tuning = Tuning(model, [prepared.path], tmp_path / "run", recipe_for(model).with_changes(QUICK))
    with pytest.raises(UsageError, match="no layer of model awbnet-s gets smaller by that"):
        factorize(tuning, Ranks(energy=1.0))


def test_the_expected_error_is_carried_over() -> None:
    stated, missed = np.linspace(1, 5, 1000 * FEWEST), np.full(1000 * FEWEST, 2.0)
    before = Errors(stated, missed)
    # It states half as much and errs by half a degree more: on new pictures too, whatever was seen of these.
    after = Errors(stated / 2, missed + 0.5)
    assert carry_over(after, before, (1.0, 0.8)) == pytest.approx((1.5, 1.6), abs=1e-3)
    assert carry_over(before, before, (1.0, 0.8)) == pytest.approx((1.0, 0.8))


@pytest.mark.parametrize(
    ("change", "plan", "says"),
    [
        ({}, Rounds(Budget("params", 4835)), "has 4835 parameters already; give a smaller budget"),
        ({}, Rounds(Budget("params", 3)), "no network of this kind has as few as 3 parameters"),
        ({}, Rounds(Budget("bytes", 3)), "no network of this kind has as few as 3 bytes in int8"),
        ({"teachers": 2}, HALF, "awbkit prune takes teachers from the model; leave it out"),
        ({"calibration": "leave-one-camera-out"}, HALF, "awbkit prune takes calibration from the model; leave it out"),
        ({"domain": "rendered"}, HALF, "is for raw pictures; train with --domain raw"),
    ],
)
def test_what_cannot_be_pruned(
    prepared: Prepared, model: Model, tmp_path: Path, change: dict[str, object], plan: Rounds, says: str
) -> None:
    tuning = Tuning(model, [prepared.path], tmp_path / "run", recipe_for(model).with_changes(change))
    with pytest.raises(UsageError, match=says):
        prune(tuning, plan)
    assert not (tmp_path / "run").exists()


def test_other_families_are_not_pruned(prepared: Prepared, tmp_path: Path) -> None:
    other = train([prepared.path], tmp_path / "other", replace(SMALL, arch="efficientnet", steps=5, teachers=0)).model
    tuning = Tuning(other, [prepared.path], tmp_path / "run", recipe_for(other))
    for work in (lambda: prune(tuning, HALF), lambda: factorize(tuning, Ranks(rank=2))):
        with pytest.raises(UsageError, match="is of the family efficientnet; awbkit"):
            work()


def test_what_the_model_has_seen_cannot_be_left_out(prepared: Prepared, model: Model, tmp_path: Path) -> None:
    recipe = recipe_for(model).with_changes(QUICK)
    with pytest.raises(UsageError, match="was trained on pictures of set that this training leaves out"):
        prune(Tuning(model, [prepared.path], tmp_path / "run", recipe, Holdout(fold="test")), HALF)


def test_what_the_model_left_out_is_left_out_again(tmp_path: Path) -> None:
    folders = [write_set(tmp_path / name, count).path for name, count in (("one", 40), ("two", 20))]
    kept_out = Holdout(datasets=("two",))
    first = train(folders, tmp_path / "first", replace(SMALL, steps=10, teachers=0), holdout=kept_out).model
    recipe, plan = recipe_for(first).with_changes({**QUICK, "steps": 5}), Rounds(Budget("params", 500), 1)
    made = prune(Tuning(first, folders, tmp_path / "run", recipe, kept_out), plan).model
    assert (made.training or {})["left_out"]["datasets"] == ["two"]


def test_a_file_from_anywhere_may_state_any_recipe(model: Model) -> None:
    odd = replace(model, training={"recipe": {"batch_size": "many"}})
    with pytest.raises(UsageError, match="model awbnet-s states a recipe that cannot be: batch_size is a whole number"):
        recipe_for(odd)
    assert recipe_for(replace(model, training={"recipe": {"of": "later"}})).steps == 3000
    assert recipe_for(replace(model, training={"recipe": None})).domain == "raw"


@pytest.mark.parametrize(
    ("rank", "energy", "says"),
    [
        (None, None, "give one of them"),
        (3, 0.9, "give one of them"),
        (0, None, "a rank is at least 1"),
        (None, 0.0, "energy is a share over 0"),
        (None, 1.5, "energy is a share over 0"),
    ],
)
def test_what_is_no_rank(rank: int | None, energy: float | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Ranks(rank, energy)


@pytest.mark.parametrize(("energy", "rank"), [(0.5, 1), (0.9, 2), (0.99, 3), (1.0, 3)])
def test_energy_is_held_by_the_largest(energy: float, rank: int) -> None:
    values = np.sqrt([60, 35, 5])
    assert Ranks(energy=energy).of(values) == rank
