"""Trainings: the same whatever happens on the way, and nothing seen that was left out."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.prepared import Prepared
from awbkit.errors import UnreadableFile, UsageError
from awbkit.network.architecture import architecture
from awbkit.network.features import describe
from awbkit.network.model import Model, to_canonical
from tests.helpers.own_processes import SAVED_EVERY, meet, run_commands, run_until_killed
from tests.helpers.training_runs import CAMERAS, SMALL, write_set

torch = pytest.importorskip("torch")

from awbkit.network.torch.network import network_of  # noqa: E402
from awbkit.training import fit as fitting  # noqa: E402
from awbkit.training.bank import make_bank  # noqa: E402
from awbkit.training.recipe import Recipe  # noqa: E402
from awbkit.training.run import Execution  # noqa: E402
from awbkit.training.split import Holdout, split  # noqa: E402
from awbkit.training.train import train  # noqa: E402

pytestmark = pytest.mark.slow

UNTAUGHT = replace(SMALL, teachers=0)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return write_set(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="module")
def whole(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    return train([prepared.path], tmp_path_factory.mktemp("run") / "whole", SMALL).path.parent


@pytest.fixture(scope="module")
def untaught(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run without a teacher."""
    return train([prepared.path], tmp_path_factory.mktemp("run") / "untaught", UNTAUGHT).path.parent


@pytest.fixture
def run(untaught: Path, tmp_path: Path) -> Path:
    """The same, and it may be harmed."""
    return shutil.copytree(untaught, tmp_path / "run")


def test_training_reduces_the_error(prepared: Prepared, tmp_path: Path) -> None:
    recipe = replace(UNTAUGHT, steps=300)
    result = train([prepared.path], tmp_path / "run", recipe)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    reports = [line for line in lines if "number" in line]
    assert [line["number"] for line in reports] == list(range(50, 301, 50))
    assert reports[-1]["error"] < 0.8 * reports[0]["error"]
    assert lines[-1]["validation"] == result.validation
    assert result.model.training is not None
    assert result.model.training["datasets"][0]["hash"] == prepared.info["hash"]
    assert Model.load(tmp_path / "run").to_bytes() == result.model.to_bytes()


def test_the_same_recipe_gives_the_same_bytes(prepared: Prepared, whole: Path, untaught: Path, tmp_path: Path) -> None:
    again = train([prepared.path], tmp_path / "again", SMALL, execution=Execution(jobs=2))
    assert again.path.read_bytes() == (whole / "model.safetensors").read_bytes()
    other = train([prepared.path], tmp_path / "other", replace(UNTAUGHT, seed=4))
    weights = Model.load(untaught).weights
    assert not np.array_equal(other.model.weights["output.weight"], weights["output.weight"])


def test_a_training_killed_in_every_phase_goes_on_to_the_same_bytes(
    prepared: Prepared, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "_SAVE_INTERVAL", SAVED_EVERY)
    run = tmp_path / "run"
    assert run_until_killed("training/001.npz", 1, train, [prepared.path], run, SMALL)
    # The first checkpoint is there, the second is about to be.
    for name in ("teacher 1.checkpoint.safetensors", "network.checkpoint.safetensors"):
        assert run_until_killed(name, 2, train, [prepared.path], run, SMALL, resume=True)
        assert len(list(run.rglob(name))) == 1
    assert not (run / "model.safetensors").exists()
    train([prepared.path], run, SMALL, execution=Execution(resume=True))
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    told = [
        [(line["phase"], line["network"], line.get("number")) for line in map(json.loads, lines.splitlines())]
        for lines in ((folder / "metrics.jsonl").read_text() for folder in (run, whole))
    ]
    assert told[0] == told[1]


def test_two_processes_do_what_one_does(prepared: Prepared, tmp_path: Path) -> None:
    recipe = replace(SMALL, arch="awbnet-s", steps=10, batch_size=15, shards=4)
    torch.set_num_threads(2)
    alone = train([prepared.path], tmp_path / "alone", recipe)
    config, two = tmp_path / "recipe.toml", tmp_path / "two"
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in recipe.to_json().items()))
    command = ["train", prepared.path, "-o", two, "-q", "--config", config, "--device", "cpu", "-j", "1"]
    with meet(2) as environments:
        ran = run_commands(command, tmp_path, environments)
    assert [each.code for each in ran] == [0, 0], [each.err for each in ran]
    assert (two / "model.safetensors").read_bytes() == alone.path.read_bytes()
    # One process writes.
    assert [len(each.out.splitlines()) for each in ran] == [1, 0]
    assert len((two / "metrics.jsonl").read_text().splitlines()) == len(
        (tmp_path / "alone" / "metrics.jsonl").read_text().splitlines()
    )


def test_processes_that_cannot_share_a_batch(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="2 shards of a batch cannot be divided among 3 processes; set shards = 3"):
        train([prepared.path], tmp_path / "run", SMALL)
    assert not (tmp_path / "run").exists()


def test_what_is_left_out_is_never_seen(tmp_path: Path) -> None:
    sets = [write_set(tmp_path / "one"), write_set(tmp_path / "two", 20)]
    everything = {(p.dataset, p.member.row) for part in split(sets, Holdout(), 0.2) for p in part}
    assert len(everything) == 60
    for holdout in (
        Holdout(datasets=("two",)),
        Holdout(cameras=(CAMERAS[0],)),
        Holdout(fold="test"),
        Holdout(datasets=("two",), fold="test"),
    ):
        trained, watched = split(sets, holdout, 0.2)
        hidden = {(s.name, row.scene) for s in sets for row in s.rows if holdout.holds(s, row)}
        assert hidden
        seen = {(picture.dataset, picture.scene) for picture in trained}
        assert not seen & {(picture.dataset, picture.scene) for picture in watched}
        assert not hidden & (seen | {(picture.dataset, picture.scene) for picture in watched})


def test_collages_stay_within_data_set_camera_and_training(prepared: Prepared, tmp_path: Path) -> None:
    trained, watched = split([prepared], Holdout(), 0.3)
    assert watched
    by_cell = {picture.cell for picture in trained}
    assert {cell[1] for cell in by_cell} == set(CAMERAS)
    assert {cell[2] for cell in by_cell} == {True, False}
    members, cells = [p.member for p in trained], [p.cell for p in trained]
    bank = make_bank(members, cells, tmp_path / "bank", Recipe(seed=1), versions=2)
    part = [p for p in trained if p.cell == trained[0].cell]
    alone = make_bank([p.member for p in part], [p.cell for p in part], tmp_path / "part", Recipe(seed=1), versions=2)
    places = [place for place, p in enumerate(trained) if p.cell == trained[0].cell]
    np.testing.assert_array_equal(bank.statistics[:, places], alone.statistics)


def test_leave_one_out_calibration_states_what_comes(tmp_path: Path) -> None:
    sets = [write_set(tmp_path / "one"), write_set(tmp_path / "two", 30)]
    recipe = replace(UNTAUGHT, calibration="leave-one-dataset-out", validation=0.0)
    result = train([s.path for s in sets], tmp_path / "run", recipe)
    offset, slope = result.model.calibration
    assert slope >= 0
    assert (offset, slope) != (0.0, 1.0)
    phases = {json.loads(line)["phase"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()}
    assert phases == {"all", "without one", "without two"}


def test_fine_tuning_keeps_the_architecture_and_helps(prepared: Prepared, untaught: Path, tmp_path: Path) -> None:
    first = Model.load(untaught)
    recipe = replace(UNTAUGHT, arch="awbnet-s", steps=20, learning_rate=1e-4)
    tuned = train([prepared.path], tmp_path / "tuned", recipe, initial=first)
    assert tuned.model.architecture == first.architecture
    np.testing.assert_array_equal(tuned.model.weights["mean"], first.weights["mean"])
    moved = np.abs(tuned.model.weights["hidden.0.weight"] - first.weights["hidden.0.weight"]).max()
    assert 0 < moved < 0.05


def test_rendered_photographs_are_another_domain(prepared: Prepared, tmp_path: Path) -> None:
    result = train([prepared.path], tmp_path / "run", replace(UNTAUGHT, domain="rendered", steps=20))
    assert result.model.domain == "rendered"
    with pytest.raises(UsageError, match="is for rendered pictures; train with --domain rendered"):
        train([prepared.path], tmp_path / "raw", SMALL, initial=result.model)


def test_a_network_of_weights_answers_as_the_model_does(prepared: Prepared, untaught: Path, tmp_path: Path) -> None:
    model = Model.load(untaught)
    trained, _ = split([prepared], Holdout(), 0.0)
    bank = make_bank([p.member for p in trained], [p.cell for p in trained], tmp_path / "bank", Recipe(), versions=1)
    network = network_of(architecture("awbnet-nano"), model.weights)
    estimates, log_errors = fitting.answers(network, bank)
    errors = fitting.true_errors(estimates, bank)
    for place, picture in enumerate(trained):
        features = describe(to_canonical(prepared.image(picture.member.row)))
        for name in ("anchor", "statistics", "grid"):
            np.testing.assert_array_equal(getattr(bank, name)[0, place], getattr(features, name))
        light = model.estimate(prepared.image(picture.member.row))
        angle = angular_error(light.rgb, prepared.rows[picture.member.row].illuminant)
        assert angle == pytest.approx(float(errors[place]), abs=0.02)
        assert light.expected_error == pytest.approx(model.expected_error(float(log_errors[place])), rel=1e-5)


def test_pictures_that_tell_no_light_teach_the_error_alone(prepared: Prepared, tmp_path: Path) -> None:
    trained, _ = split([prepared], Holdout(), 0.0)
    bank = make_bank([p.member for p in trained], [p.cell for p in trained], tmp_path / "bank", Recipe(), versions=1)
    nano, recipe = architecture("awbnet-nano"), replace(UNTAUGHT, steps=100)
    mute = replace(bank, telling=np.zeros_like(bank.telling))
    told, untold = fitting.fit(bank, nano, recipe, seed=1), fitting.fit(mute, nano, recipe, seed=1)
    for name in ("output.weight", "output.bias"):
        assert np.abs(told[name][:2]).max() > 0
        assert np.abs(untold[name][:2]).max() == 0
    # The anchor is what such a network answers, and it knows by how much that is off.
    estimates, log_errors = fitting.answers(network_of(nano, untold), bank)
    np.testing.assert_array_equal(estimates, bank.anchor[0])
    errors = fitting.true_errors(estimates, bank)
    assert np.exp(log_errors).mean() == pytest.approx(errors.mean(), rel=0.5)


@pytest.mark.parametrize(
    ("holdout", "says"),
    [
        (Holdout(datasets=("sett",)), "no data set 'sett' to leave out, did you mean 'set'"),
        (Holdout(cameras=("Leica",)), "no camera 'Leica' to leave out"),
        (Holdout(fold="7"), "no fold '7' to leave out; there are: test, train"),
        (Holdout(datasets=("set",)), "0 pictures left to train on"),
    ],
)
def test_what_cannot_be_left_out(prepared: Prepared, tmp_path: Path, holdout: Holdout, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        train([prepared.path], tmp_path / "run", SMALL, holdout=holdout)


def test_folders_that_are_taken(prepared: Prepared, tmp_path: Path) -> None:
    run = tmp_path / "run"
    quick = replace(UNTAUGHT, steps=5)
    train([prepared.path], run, quick)
    with pytest.raises(UsageError, match="is not empty; go on with --resume"):
        train([prepared.path], run, quick)
    with pytest.raises(UsageError, match="holds another run: its recipe steps is 5, not 6"):
        train([prepared.path], run, replace(quick, steps=6), execution=Execution(resume=True))
    other = write_set(tmp_path / "other" / "set", 30)
    with pytest.raises(UsageError, match="holds another run: its datasets"):
        train([other.path], run, quick, execution=Execution(resume=True))
    before = (run / "model.safetensors").read_bytes()
    train([prepared.path], run, quick, execution=Execution(resume=True))
    assert (run / "model.safetensors").read_bytes() == before
    (run / "run.json").write_text("{")
    with pytest.raises(UnreadableFile, match="is missing or damaged"):
        train([prepared.path], run, quick, execution=Execution(resume=True))
    with pytest.raises(UsageError, match="is a file"):
        train([prepared.path], run / "run.json", quick)


def test_damaged_data_is_refused(tmp_path: Path) -> None:
    prepared = write_set(tmp_path / "set")
    thumbnails = np.load(prepared.path / "thumbnails.npy")
    thumbnails[0, 0, 0, 0] ^= 1
    np.save(prepared.path / "thumbnails.npy", thumbnails)
    with pytest.raises(UnreadableFile, match="is not what was prepared"):
        train([prepared.path], tmp_path / "run", SMALL)


@pytest.mark.parametrize(
    ("step", "says"),
    [("-5", "it is of step -5"), ("0", "it is of step 0"), ("99999", "it is of step 99999"), ("x", "'x'"), ("1", None)],
)
def test_a_checkpoint_of_a_step_that_cannot_be_is_told(
    prepared: Prepared, run: Path, step: str, says: str | None
) -> None:
    network = run / "networks" / "all" / "network.safetensors"
    path = network.with_name("network.checkpoint.safetensors")
    weights = load_file(network)
    squares = {name: value**2 for name, value in weights.items()}
    parts = {"network": weights, "average": weights, "exp_avg": weights, "exp_avg_sq": squares}
    save_file({f"{part}.{name}": of[name] for part, of in parts.items() for name in of}, path, {"step": step})
    network.unlink()
    expected = nullcontext() if says is None else pytest.raises(UnreadableFile, match=f"no checkpoint of .*{says}")
    with expected:
        train([prepared.path], run, UNTAUGHT, execution=Execution(resume=True))
    assert network.exists() == (says is None)


def test_descriptions_of_another_kind_are_told(prepared: Prepared, run: Path) -> None:
    path = run / "pictures" / "training" / "000.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, "statistics": arrays["statistics"][:, :-1]})
    with pytest.raises(UnreadableFile, match="holds descriptions of another kind"):
        train([prepared.path], run, UNTAUGHT, execution=Execution(resume=True))


def test_a_damaged_checkpoint_is_told(prepared: Prepared, run: Path) -> None:
    (run / "networks" / "all" / "network.safetensors").unlink()
    (run / "networks" / "all" / "network.checkpoint.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UnreadableFile, match="is no checkpoint of this training"):
        train([prepared.path], run, UNTAUGHT, execution=Execution(resume=True))
    (run / "pictures" / "training" / "000.npz").write_bytes(b"PK nonsense")
    with pytest.raises(UnreadableFile, match="is damaged"):
        train([prepared.path], run, UNTAUGHT, execution=Execution(resume=True))
