"""What a training refuses, on one line, and leaves as it was."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from awbkit.datasets.prepared import Prepared, content_hash
from awbkit.errors import AwbError, OutputError, UnreadableFile, UsageError
from awbkit.network.model import Model
from tests.helpers.training_runs import SMALL, write_set

torch = pytest.importorskip("torch")

from awbkit.training import fit  # noqa: E402
from awbkit.training.bank import make_bank  # noqa: E402
from awbkit.training.recipe import Recipe  # noqa: E402
from awbkit.training.run import Execution  # noqa: E402
from awbkit.training.split import Holdout, split  # noqa: E402
from awbkit.training.train import train  # noqa: E402

pytestmark = pytest.mark.slow

QUICK = replace(SMALL, steps=10, teachers=0)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return write_set(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="module")
def finished(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train([prepared.path], tmp_path_factory.mktemp("run") / "run", QUICK).path.parent


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run that may be harmed."""
    return shutil.copytree(finished, tmp_path / "run")


def rendered_set(folder: Path) -> Prepared:
    """As a folder of labelled JPEGs is prepared: linear sRGB."""
    found = write_set(folder)
    info = found.info
    for entry in info["cameras"].values():
        entry["space"] = "linear-srgb"
    info["hash"] = f"sha256:{content_hash(folder, info)}"
    (folder / "dataset.json").write_text(json.dumps(info))
    return Prepared.open(folder)


def test_photographs_are_no_raw_pictures(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds rendered pictures, in linear sRGB; train with --domain rendered"):
        train([rendered_set(tmp_path / "jpegs").path], tmp_path / "run", QUICK)
    assert not (tmp_path / "run").exists()


def test_photographs_are_taken_as_they_are(tmp_path: Path) -> None:
    data = rendered_set(tmp_path / "jpegs")
    result = train([data.path], tmp_path / "run", replace(QUICK, domain="rendered"))
    assert result.model.estimate(data.image(0)).expected_error
    pictures, _ = split([data], Holdout(), 0.0)
    banks = [
        make_bank(
            [p.member for p in pictures], [0] * len(pictures), tmp_path / domain, Recipe(domain=domain), versions=1
        )
        for domain in ("raw", "rendered")
    ]
    np.testing.assert_array_equal(banks[0].statistics, banks[1].statistics)


def test_a_start_keeps_its_architecture_and_its_history(prepared: Prepared, finished: Path, tmp_path: Path) -> None:
    first = Model.load(finished)
    with pytest.raises(UsageError, match="keeps its architecture; leave out arch awbnet-m"):
        train([prepared.path], tmp_path / "run", replace(QUICK, arch="awbnet-m"), initial=first)
    other = write_set(tmp_path / "other", 30)
    tuned = train([other.path], tmp_path / "tuned", replace(QUICK, validation=0.0), initial=first).model
    assert (tuned.name, tuned.training["recipe"]["arch"]) == ("awbnet-nano", "awbnet-nano")  # type: ignore[index]
    origin = (tuned.training or {})["initial"]
    assert (origin["sha256"], origin["datasets"][0]["licence"]) == (first.digest, "none")
    # Nothing was held out, so what was known of its errors before is the best that is known.
    assert tuned.calibration == first.calibration


def test_what_the_start_has_seen_cannot_be_left_out(prepared: Prepared, finished: Path, tmp_path: Path) -> None:
    first = Model.load(finished)
    other = write_set(tmp_path / "other", 30)
    for holdout in (Holdout(datasets=("set",)), Holdout(cameras=("Nikon D810",)), Holdout(fold="test")):
        with pytest.raises(UsageError, match="was trained on pictures of set that this training leaves out"):
            train([prepared.path, other.path], tmp_path / "run", QUICK, holdout=holdout, initial=first)


def test_what_the_start_has_seen_does_not_tell_how_sure_it_is(
    prepared: Prepared, finished: Path, tmp_path: Path
) -> None:
    first = Model.load(finished)
    other = write_set(tmp_path / "other", 30)
    for calibration in ("leave-one-dataset-out", "leave-one-camera-out"):
        again = replace(QUICK, calibration=calibration)
        with pytest.raises(
            UsageError, match=f"trained on set, so calibration {calibration} would test it on pictures of its own"
        ):
            train([other.path, prepared.path], tmp_path / "run", again, initial=first)


def test_a_run_goes_on_from_what_it_started_from(prepared: Prepared, finished: Path, tmp_path: Path) -> None:
    one = Model.load(finished)
    two = replace(one, calibration=(0.1, 1.0))
    train([prepared.path], tmp_path / "run", QUICK, initial=one)
    with pytest.raises(UsageError, match="holds another run: its initial sha256"):
        train([prepared.path], tmp_path / "run", QUICK, initial=two, execution=Execution(resume=True))


def test_a_refusal_leaves_no_folder_behind(prepared: Prepared, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs several"):
        train([prepared.path], tmp_path / "run", replace(QUICK, calibration="leave-one-dataset-out"))
    assert not (tmp_path / "run").exists()


def test_two_trainings_in_one_folder(prepared: Prepared, run: Path) -> None:
    with (run / "lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another process is training in it"):
            train([prepared.path], run, QUICK, execution=Execution(resume=True))
    train([prepared.path], run, QUICK, execution=Execution(resume=True))


def test_data_that_moved_is_the_same_data(tmp_path: Path) -> None:
    prepared, run = write_set(tmp_path / "set"), tmp_path / "run"
    before = train([prepared.path], run, QUICK).path.read_bytes()
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.move(prepared.path, tmp_path / "elsewhere" / "set")
    shutil.rmtree(run / "networks")
    (run / "pictures" / "training" / "001.npz").unlink()
    assert train([Path(moved)], run, QUICK, execution=Execution(resume=True)).path.read_bytes() == before


def test_a_finished_run_reports_nothing_twice(prepared: Prepared, run: Path) -> None:
    before = (run / "metrics.jsonl").read_bytes()
    train([prepared.path], run, QUICK, execution=Execution(resume=True))
    assert (run / "metrics.jsonl").read_bytes() == before


def test_validation_is_watched_as_it_goes(prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "_SAVE_INTERVAL", 50)
    seen = []
    train(
        [prepared.path],
        tmp_path / "run",
        replace(QUICK, steps=100),
        execution=Execution(on_progress=lambda progress: seen.append(progress.validation)),
    )
    assert seen[0] is None
    assert seen[-1] is not None
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["number"] for line in lines if isinstance(line.get("validation"), float)] == [50, 100]


def test_one_step_counts(prepared: Prepared, tmp_path: Path) -> None:
    result = train([prepared.path], tmp_path / "run", replace(QUICK, steps=1))
    assert np.abs(result.model.weights["output.weight"]).max() > 0


def test_a_training_that_diverges_says_so_whenever_it_is_taken_up(prepared: Prepared, tmp_path: Path) -> None:
    wild = replace(QUICK, steps=100, learning_rate=999.0, weight_decay=999.0)
    for resume in (False, True):
        with pytest.raises(AwbError, match=r"has diverged.*give a lower learning_rate than 999"):
            train([prepared.path], tmp_path / "run", wild, execution=Execution(resume=resume))
    assert not (tmp_path / "run" / "model.safetensors").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def garbled(path: Path) -> None:
    path.write_bytes(b"\xff\xfe" + path.read_bytes())


def narrowed(path: Path) -> None:
    with safe_open(path, framework="numpy") as file:
        arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    arrays["output.weight"] = np.ascontiguousarray(arrays["output.weight"][:, :3])
    path.write_bytes(save(arrays, metadata))


@pytest.mark.parametrize(
    ("file", "damage", "says"),
    [
        ("pictures/training/001.npz", cut, "is damaged .*; remove it, and it is made again"),
        ("pictures/training/plan.json", garbled, "is damaged; remove"),
        ("networks/all/network.safetensors", cut, "is damaged .*; remove it, and it is trained again"),
        ("networks/all/network.safetensors", narrowed, "is damaged .*output.weight are .*; remove it"),
        ("run.json", garbled, "is missing or damaged"),
    ],
)
def test_damaged_files_of_a_run(
    prepared: Prepared, run: Path, file: str, damage: Callable[[Path], None], says: str
) -> None:
    damage(run / file)
    with pytest.raises(UnreadableFile, match=says):
        train([prepared.path], run, QUICK, execution=Execution(resume=True))


def test_a_torn_line_of_metrics_is_dropped(prepared: Prepared, run: Path) -> None:
    before = (run / "model.safetensors").read_bytes()
    whole = (run / "metrics.jsonl").read_text()
    (run / "metrics.jsonl").write_text(whole + '{"phase": "all", "net}')
    (run / "networks" / "all" / "network.safetensors").unlink()
    assert train([prepared.path], run, QUICK, execution=Execution(resume=True)).path.read_bytes() == before
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["number"] for line in lines if "number" in line] == [10]


def test_a_little_validation_is_one_scene(prepared: Prepared, tmp_path: Path) -> None:
    result = train([prepared.path], tmp_path / "run", replace(QUICK, validation=1e-6))
    assert result.validation is not None
    assert result.images < len(prepared)
    assert Model.load(tmp_path / "run").calibration != (0.0, 1.0)
