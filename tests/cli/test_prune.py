"""`awbkit prune` and `awbkit factorize` as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from awbkit.network.model import Model
from tests.helpers.command import awbkit
from tests.helpers.training_runs import write_set

pytest.importorskip("torch")

pytestmark = pytest.mark.slow

QUICK = ("--steps", "10", "--variants", "2", "--batch-size", "16", "--validation", "0.2", "--device", "cpu", "-j", "1")
PRUNED = ("--rounds", "2", "--round-steps", "5", *QUICK)


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_set(tmp_path / "set", 24).path


def test_a_pruned_run_is_a_method_and_says_what_it_cost(prepared: Path) -> None:
    ran = awbkit("prune", "awbnet-s", prepared, "-o", "run", "--params", "2417", *PRUNED)
    assert ran.code == 0, ran.err
    made = Model.load("run")
    assert ran.record["parameters"] == made.architecture.parameters <= 2417
    assert ran.record["macs"] < ran.record["before"]["macs"]
    assert ran.record["bytes"] < ran.record["before"]["bytes"]
    assert ran.record["before"]["parameters"] == 4835
    assert ran.record["validation"]["mean"] > 0
    assert ran.record["before"]["validation"]["mean"] > 0
    assert ran.record["arch"] == "awbnet-s-pruned"
    assert "trained on" in ran.err
    judged = awbkit("evaluate", "set", "-m", "run", "--rounds", "100", "--format", "json", "-j", "1")
    assert judged.code == 0, judged.err


@pytest.mark.parametrize("flag", ["macs", "bytes"])
def test_other_budgets(prepared: Path, flag: str) -> None:
    ran = awbkit("prune", "awbnet-nano", prepared, "-o", "run", f"--{flag}", "400", *PRUNED, "-q")
    assert ran.code == 0, ran.err
    assert ran.record[flag] <= 400
    assert json.loads(Path("run/run.json").read_text())["pruning"]["budget"] == {"kind": flag, "limit": 400}


def test_a_budget_of_instructions(prepared: Path) -> None:
    ran = awbkit(
        "prune", "awbnet-s", prepared, "-o", "run", "--latency", "200000", "--target", "cortex-m0", *PRUNED, "-q"
    )
    assert ran.code == 0, ran.err
    assert ran.record["instructions"] <= 200_000 < ran.record["before"]["instructions"]
    assert json.loads(Path("run/run.json").read_text())["pruning"]["budget"]["kind"] == "cortex-m0"


def test_factorized_layers(prepared: Path) -> None:
    ran = awbkit("factorize", "awbnet-s", prepared, "-o", "run", "--rank", "8", *QUICK, "-q")
    assert ran.code == 0, ran.err
    assert Model.load("run").architecture.hidden_ranks == (8, 8)
    assert ran.record["parameters"] < ran.record["before"]["parameters"]


def test_photographs_have_models_of_their_own(prepared: Path) -> None:
    ran = awbkit(
        "prune", "awbnet-nano", prepared, "-o", "run", "--params", "500", *PRUNED, "--domain", "rendered", "-q"
    )
    assert ran.code == 0, ran.err
    assert ran.record["domain"] == "rendered"


def test_the_table_says_both(prepared: Path) -> None:
    Path("tune.toml").write_text("steps = 7\nseed = 5\n")
    ran = awbkit(
        "prune", "awbnet-nano", "set", "-o", "run", "--params", "500", *PRUNED, "--config", "tune.toml",
        "--format", "table", "-q",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    rows = [line.split()[0] for line in ran.out.splitlines()]
    assert rows == ["model", "network", "before", "trained", "validation", "before"]
    recipe = json.loads(Path("run/run.json").read_text())["recipe"]
    assert (recipe["steps"], recipe["seed"]) == (10, 5)


def test_a_finished_run_is_taken_up(prepared: Path) -> None:
    command = ("prune", "awbnet-nano", prepared, "-o", "run", "--params", "500", *PRUNED, "-q")
    assert awbkit(*command).code == 0
    before = Path("run/model.safetensors").read_bytes()
    assert "is not empty; go on with --resume" in awbkit(*command).complaint
    assert awbkit(*command, "--resume").code == 0
    assert Path("run/model.safetensors").read_bytes() == before
    other = awbkit(*command, "--rounds", "3", "--resume")
    assert "holds another run: its pruning rounds is 2, not 3" in other.complaint


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["prune", "awbnet-s", "set", "--params", "2000"], "no run named; give a folder with -o"),
        (["prune", "awbnet-s", "set", "-o", "run"], "give one of --params, --macs, --bytes and --latency"),
        (["prune", "awbnet-s", "set", "-o", "run", "--params", "9", "--macs", "9"], "give one of --params"),
        (["prune", "awbnet-s", "set", "-o", "run", "--params", "9", "--target", "cortex-m0"], "give --latency"),
        (["prune", "awbnet-s", "set", "-o", "run", "--params", "0"], "a budget is at least 1"),
        (["prune", "awbnet-s", "set", "-o", "run", "--params", "5000"], "has 4835 parameters already"),
        (["prune", "awbnet-s", "set", "-o", "run", "--params", "5"], "no network of this kind has as few as 5"),
        (["prune", "awbnet-s", "set", "-o", "run", "--params", "99", "--rounds", "0"], "rounds is from 1"),
        (["prune", "missing.safetensors", "set", "-o", "run", "--params", "99"], "missing.safetensors: no such file"),
        (["prune", "awbnet-s", "nowhere", "-o", "run", "--params", "99"], "nowhere: is no prepared data set"),
        (["factorize", "awbnet-s", "set", "-o", "run", "--rank", "3", "--energy", "0.9"], "give one of --rank"),
        (["factorize", "awbnet-s", "set", "-o", "run", "--rank", "0"], "a rank is at least 1"),
        (["factorize", "awbnet-s", "set", "-o", "run", "--rank", "500"], "gets smaller by that"),
    ],
)
def test_what_goes_wrong_is_one_line(prepared: Path, arguments: list[str], says: str) -> None:
    ran = awbkit(*arguments)
    assert ran.code in (1, 2)
    assert says in ran.complaint
    assert ran.out == ""


@pytest.mark.parametrize("command", ["prune", "factorize"])
def test_help_imports_no_torch(command: str) -> None:
    code = f"import sys; sys.argv = ['awbkit', {command!r}, '--help']\nfrom awbkit.cli.main import app\n"
    code += "try:\n    app()\nexcept SystemExit:\n    pass\nassert 'torch' not in sys.modules, 'torch'"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
