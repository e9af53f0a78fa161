"""`awbkit train` as a user calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from awbkit.network.model import Model
from tests.helpers.command import awbkit
from tests.helpers.own_processes import run_commands
from tests.helpers.training_runs import write_set

pytest.importorskip("torch")

pytestmark = pytest.mark.slow

QUICK = ("--arch", "awbnet-nano", "--steps", "20", "--variants", "2", "--teachers", "0", "--device", "cpu", "-j", "1")


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_set(tmp_path / "set", 24).path


def test_a_run_is_a_method(prepared: Path) -> None:
    ran = awbkit("train", prepared, "-o", "run", *QUICK)
    assert ran.code == 0, ran.err
    assert ran.record["parameters"] == Model.load("run").architecture.parameters
    assert ran.record["images"] < 24
    assert ran.record["validation"]["mean"] > 0
    assert "trained on" in ran.err
    judged = awbkit(
        "evaluate", "set", "-m", "run", "-m", "gray-world", "--rounds", "100", "--format", "json", "-j", "2"
    )
    assert judged.code == 0, judged.err
    document = json.loads(judged.out)
    assert [method["method"] for method in document["methods"]] == ["run", "gray-world"]
    assert [found["method"] for found in document["calibrations"]] == ["run"]


def test_flags_override_the_recipe(prepared: Path) -> None:
    Path("recipe.toml").write_text('steps = 7\nseed = 5\narch = "awbnet-m"\n')
    ran = awbkit("train", prepared, "-o", "run", "--config", "recipe.toml", *QUICK, "-q")
    assert ran.code == 0, ran.err
    recipe = json.loads(Path("run/run.json").read_text())["recipe"]
    assert (recipe["steps"], recipe["seed"], recipe["arch"]) == (20, 5, "awbnet-nano")
    assert ran.err == ""


def test_what_the_initial_model_was_worth_is_told(prepared: Path) -> None:
    anew = awbkit("train", prepared, "-o", "anew", *QUICK)
    tuned = awbkit("train", prepared, "-o", "tuned", "--init", "anew", "--validation", "0.1", *QUICK)
    assert "before" not in anew.record
    # The same scenes are held out by both.
    assert tuned.record["before"] == {"validation": anew.record["validation"], "trained_on_validation": 0}
    assert "have been trained on" not in tuned.err
    again = awbkit("train", prepared, "-o", "again", "--init", "tuned", "--validation", "0.1", *QUICK)
    assert again.record["before"] == {"validation": tuned.record["validation"], "trained_on_validation": 0}


def test_a_validation_by_what_the_start_was_trained_on_is_told(prepared: Path) -> None:
    anew = awbkit("train", prepared, "-o", "anew", *QUICK, "--validation", "0.1")
    tuned = awbkit("train", prepared, "-o", "tuned", "--init", "anew", *QUICK, "--validation", "0.5", "--steps", "1")
    known = tuned.record["before"]["trained_on_validation"]
    assert 0 < known < tuned.record["calibrated_on"]
    assert f"awbkit: the initial model may have been trained on {known} of the validation pictures" in tuned.err
    # One step changes next to nothing, so what is expected is what was, however well these pictures come out.
    assert tuned.record["calibration"] == pytest.approx(anew.record["calibration"], abs=0.1)


def test_a_start_is_adapted_in_small_steps_unless_told_otherwise(prepared: Path) -> None:
    awbkit("train", prepared, "-o", "anew", *QUICK)
    quick = ("--variants", "2", "--batch-size", "16", "--device", "cpu", "-j", "1")
    assert awbkit("train", prepared, "-o", "tuned", "--init", "anew", "--seed", "3", *quick).code == 0
    recipe = json.loads(Path("tuned/run.json").read_text())["recipe"]
    assert (recipe["steps"], recipe["learning_rate"], recipe["seed"]) == (400, 2e-4, 3)
    before, after = (Model.load(name).weights["output.bias"] for name in ("anew", "tuned"))
    assert 0 < abs(after - before).max() < 0.1


def test_an_expected_error_that_rests_on_nothing_is_told(prepared: Path) -> None:
    ran = awbkit("train", prepared, "-o", "run", *QUICK, "--validation", "0")
    assert "awbkit: the expected error was fitted to only 0 pictures; a larger --validation" in ran.err
    assert (ran.record["calibrated_on"], ran.record["calibration"]) == (0, [0.0, 1.0])
    assert awbkit("train", prepared, "-o", "quiet", *QUICK, "--validation", "0", "-q").err == ""


def test_the_table_says_what_was_made(prepared: Path) -> None:
    ran = awbkit("train", prepared, "-o", "run", *QUICK, "--format", "table", "-q")
    assert ran.out.splitlines()[0].split() == ["model", "run/model.safetensors"]
    assert "weights" in ran.out
    assert "validation" in ran.out


def test_what_is_left_out_is_told_in_the_run(prepared: Path) -> None:
    ran = awbkit("train", prepared, "-o", "run", *QUICK, "--leave-out-camera", "Nikon D810", "--fold", "test", "-q")
    assert ran.code == 0, ran.err
    assert json.loads(Path("run/run.json").read_text())["left_out"] == {
        "datasets": [],
        "cameras": ["Nikon D810"],
        "fold": "test",
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["set"], "no run named; give a folder with -o"),
        (["nowhere", "-o", "run"], "nowhere: is no prepared data set"),
        (["set", "set", "-o", "run"], "two data sets are called 'set'"),
        (["set", "-o", "run", "--arch", "awbnet-xl"], "unknown architecture 'awbnet-xl'"),
        (["set", "-o", "run", "--steps", "0"], "steps is from 1 to 10000000"),
        (["set", "-o", "run", "--config", "missing.toml"], "missing.toml: no such file"),
        (["set", "-o", "run", "--init", "missing.safetensors"], "missing.safetensors: no such file"),
        (["set", "-o", "run", "--leave-out-camera", "Leica"], "no camera 'Leica' to leave out"),
        (["set", "-o", "run", "--calibration", "leave-one-dataset-out"], "needs several"),
        (["set", "-o", "set"], "is not empty; go on with --resume"),
        (["set", "-o", "run", "--domain", "video"], "video"),
    ],
)
def test_what_goes_wrong_is_one_line(prepared: Path, arguments: list[str], says: str) -> None:
    ran = awbkit("train", *arguments)
    assert ran.code in (1, 2)
    assert says in ran.complaint
    assert ran.out == ""


def test_a_rank_without_others_is_the_only_one(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    ran = awbkit("train", prepared, "-o", "run", *QUICK)
    assert ran.code == 0
    assert ran.record["images"] > 0


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({"WORLD_SIZE": "x"}, "WORLD_SIZE is 'x' in the environment"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0' in the environment"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is 2, but the processes cannot meet"),
        (
            {"WORLD_SIZE": "3", "RANK": "0", "LOCAL_RANK": "0"},
            "2 shards of a batch cannot be divided among 3 processes; set shards = 3",
        ),
    ],
    ids=["no number", "none", "no rank", "no divisor"],
)
def test_environments_in_which_processes_cannot_meet(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, stated: dict[str, str], says: str
) -> None:
    for name, value in stated.items():
        monkeypatch.setenv(name, value)
    ran = awbkit("train", prepared, "-o", "run", *QUICK)
    assert ran.code == 2
    assert says in ran.complaint
    assert not Path("run").exists()


def test_ctrl_c_keeps_what_is_done(prepared: Path, tmp_path: Path) -> None:
    checkpoint = Path("run/networks/all/network.checkpoint.safetensors")
    (ran,) = run_commands(
        ["train", prepared, "-o", "run", *QUICK, "--steps", "60"], tmp_path, interrupted_at=(checkpoint.name, 2)
    )
    assert ran.code == 130
    assert "interrupted" in ran.err
    assert checkpoint.exists()
    assert not Path("run/model.safetensors").exists()
    assert awbkit("train", prepared, "-o", "run", *QUICK, "--steps", "60", "--resume", "-q").code == 0


def test_help_imports_no_torch(prepared: Path) -> None:
    code = "import sys; sys.argv = ['awbkit', 'train', '--help']\nfrom awbkit.cli.main import app\n"
    code += "try:\n    app()\nexcept SystemExit:\n    pass\nassert 'torch' not in sys.modules, 'torch'"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
