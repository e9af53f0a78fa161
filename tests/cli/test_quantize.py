"""`awbkit quantize --train` as a user calls it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from awbkit.network.integer.model import IntegerModel
from awbkit.network.model import Model
from tests.helpers.command import awbkit
from tests.helpers.training_runs import write_set

pytest.importorskip("torch")

pytestmark = pytest.mark.slow

RECIPE = "variants = 2\nbatch_size = 16\nvalidation = 0.2\n"
TRAIN = ("--weights", "4", "--train", "run", "--config", "recipe.toml", "--steps", "10", "--device", "cpu", "-j", "1")


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("recipe.toml").write_text(RECIPE)
    return write_set(tmp_path / "set", 24).path


def test_training_for_four_bits_gives_another_network_of_the_same_scales(prepared: Path) -> None:
    after = awbkit("quantize", "awbnet-nano", prepared, "-o", "after.safetensors", *TRAIN)
    before = awbkit("quantize", "awbnet-nano", prepared, "-o", "before.safetensors", "--weights", "4")
    assert (after.code, before.code) == (0, 0), after.err
    assert after.record["weight_bits"] == 4
    trained, rounded = IntegerModel.load("after.safetensors"), IntegerModel.load("before.safetensors")
    assert trained.name == "awbnet-nano-qat"
    layers = [(trained.network.layers[name], rounded.network.layers[name]) for name in rounded.network.layers]
    assert any((one.weight != other.weight).any() for one, other in layers)
    np.testing.assert_array_equal(trained.network.gain, rounded.network.gain)
    # The run holds what was rounded, in floating point.
    assert Model.load("run").architecture == trained.architecture
    assert awbkit("quantize", "awbnet-nano", prepared, "-o", "again.safetensors", *TRAIN, "--resume").code == 0
    assert Path("again.safetensors").read_bytes() == Path("after.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (TRAIN, 2, "is not empty; go on with --resume"),
        ((*TRAIN, "--resume", "--seed", "3"), 2, "holds another run"),
        ((*TRAIN, "--resume", "--activations", "16"), 2, "holds another run"),
        (("--steps", "10"), 2, "name its run with --train"),
        (("--resume",), 2, "name its run with --train"),
        (("--train", "other", "--config", "gone.toml"), 1, "gone.toml"),
    ],
)
def test_refusals(prepared: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    Path("run").mkdir()
    Path("run/run.json").write_text("{}")
    ran = awbkit("quantize", "awbnet-nano", prepared, "-o", "m.safetensors", *arguments)
    assert (ran.code, len(ran.err.splitlines())) == (code, 1), ran.err
    assert says in ran.err
    assert not Path("m.safetensors").exists()
