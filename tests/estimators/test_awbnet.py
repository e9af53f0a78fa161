"""The shipped networks, and a fallback where one of them expects to err."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

import awbkit as package
from awbkit.colour.camera import LINEAR_SRGB
from awbkit.colour.illuminant import angular_error
from awbkit.colour.temperature import cct_duv_to_xy
from awbkit.errors import AwbError, UnreadableFile, UsageError
from awbkit.estimators import DEFAULT, parse
from awbkit.network.model import Model
from awbkit.network.models import find_model, shipped_path
from tests.helpers.command import DAYLIGHT, awbkit, write_jpeg, write_raw
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.network_pictures import picture
from tests.network.test_model import D810, random_model, seen_by, write

NAMES = ("awbnet-nano", "awbnet-s", "awbnet-m", "awbnet-s-open")
LIMITS = {"awbnet-nano": 1_000, "awbnet-s": 5_000, "awbnet-m": 20_000, "awbnet-s-open": 5_000}


@pytest.mark.parametrize("domain", ["raw", "rendered"])
@pytest.mark.parametrize("name", NAMES)
def test_every_model_is_there_and_as_small_as_it_says(name: str, domain: str) -> None:
    model = Model.load(shipped_path(name, domain))
    assert model.domain == domain
    assert model.architecture.parameters <= LIMITS[name]
    assert model.architecture.macs <= 1_000_000
    assert model.training is not None
    for dataset in model.training["datasets"]:
        assert dataset["hash"].startswith("sha256:")
        assert dataset["licence"] is not None
    assert shipped_path(name, domain).stat().st_size < 120_000


def test_the_default_is_the_small_network() -> None:
    assert DEFAULT == "awbnet"
    for camera in (D810, LINEAR_SRGB):
        image = seen_by(camera, picture(1))
        assert parse("awbnet").estimate(image) == Model.load(
            shipped_path("awbnet-s", "raw" if camera is D810 else "rendered")
        ).estimate(image)


@pytest.mark.parametrize("name", ["awbnet", "awbnet-nano", "awbnet-m", "awbnet-s-open"])
@pytest.mark.parametrize("camera", [D810, LINEAR_SRGB])
def test_grey_surfaces_under_a_common_light_are_found(name: str, camera: package.Camera) -> None:
    rng = np.random.default_rng(0)
    grey = np.kron(rng.uniform(0.05, 0.8, (16, 16, 1)), np.ones((4, 4, 1)))
    light = np.array(camera.white_d65) * (1.15, 1.0, 0.85)
    image = package.LinearImage((grey * light / light.max()).astype(np.float32), np.ones((64, 64), bool), camera)
    found = parse(name).estimate(image)
    assert angular_error(found.rgb, light.tolist()) < 3
    assert found.expected_error is not None
    assert 0.1 <= found.expected_error < 10


@pytest.mark.parametrize("temperature", [2900, 4500, 6500, 10_000])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_wall_that_fills_the_frame_is_grey(temperature: float, noise: float) -> None:
    x, y = cct_duv_to_xy(temperature, 0.0)
    light = np.array(D810.matrices[0][1]) @ [x / y, 1.0, (1 - x - y) / y]
    even = np.random.default_rng(0).normal(1, noise, (64, 64, 3)) * light / light.max() * 0.4
    image = package.LinearImage(even.astype(np.float32), np.ones((64, 64), bool), D810)
    assert angular_error(parse("awbnet").estimate(image).rgb, light.tolist()) < 2


def test_estimating_imports_no_torch() -> None:
    code = """
import sys, numpy as np, awbkit
awbkit.estimate(np.random.default_rng(0).uniform(0.1, 0.9, (64, 64, 3)))
heavy = {"torch", "scipy", "matplotlib", "colour"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_estimates_state_their_expected_error(tmp_path: Path, scene: np.ndarray) -> None:
    jpeg, raw = write_jpeg(tmp_path / "a.jpg", scene), write_raw(tmp_path / "b.dng", scene)
    records = awbkit("estimate", jpeg, raw).records
    assert [record["method"] for record in records] == ["awbnet", "awbnet"]
    assert all(0 < record["expected_error"] < 60 for record in records)
    assert all(record["fallback_for"] is None for record in records)
    table = awbkit("estimate", jpeg, "--format", "table").out
    assert "± deg" in table.splitlines()[1]
    unknown = write_raw(tmp_path / "c.dng", scene, matrix=False, model="Nobody")
    assert awbkit("estimate", unknown).record["status"] == "ok"


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "falls_back"), [("0.05", True), ("60", False)])
def test_a_fallback_answers_where_the_network_is_unsure(
    tmp_path: Path, scene: np.ndarray, limit: str, falls_back: bool
) -> None:
    jpeg = write_jpeg(tmp_path / "a.jpg", scene)
    options = ("--fallback", "gray-world", "--max-expected-error", limit)
    record = awbkit("estimate", jpeg, *options).record
    plain = awbkit("estimate", jpeg, "-m", "gray-world" if falls_back else "awbnet").record
    assert record["illuminant"] == plain["illuminant"]
    assert (record["method"], record["fallback_for"]) == (("gray-world", "awbnet") if falls_back else ("awbnet", None))
    corrected = awbkit("correct", jpeg, "-o", tmp_path / "out.jpg", *options).record
    assert (corrected["method"], corrected["fallback_for"]) == (record["method"], record["fallback_for"])
    assert corrected["illuminant"] == record["illuminant"]
    light = package.estimate(jpeg, fallback="gray-world", max_expected_error=float(limit))
    np.testing.assert_allclose(light.rgb, record["illuminant"], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fallback", "pca"], "go together"),
        (["--max-expected-error", "3"], "go together"),
        (["--fallback", "pcaa", "--max-expected-error", "3"], "unknown method 'pcaa'"),
        (["--fallback", "pca", "--max-expected-error", "0"], "positive number of degrees"),
        (["--fallback", "pca", "--max-expected-error", "nan"], "positive number of degrees"),
        (["--fallback", "awbnet", "--max-expected-error", "3"], "method awbnet cannot be its own fallback; name"),
        (["--fallback", "awbnet-s", "--max-expected-error", "3"], "method awbnet cannot be its own fallback"),
        (["-m", "awbnet-m", "--fallback", "awbnet-m", "--max-expected-error", "3"], "awbnet-m cannot be its own fall"),
        (["-m", "gray-edge", "--fallback", "pca", "--max-expected-error", "3"], "states no expected error"),
        (["--region", "0,0,4,4", "--fallback", "pca", "--max-expected-error", "3"], "leave"),
    ],
)
@pytest.mark.parametrize("command", ["estimate", "correct"])
def test_fallbacks_that_make_no_sense(
    tmp_path: Path, scene: np.ndarray, command: str, options: list[str], says: str
) -> None:
    ran = awbkit(command, write_jpeg(tmp_path / "a.jpg", scene), *options)
    assert ran.code == 2
    assert says in ran.complaint


@pytest.mark.parametrize("name", ["awbnet", *NAMES])
@pytest.mark.parametrize("domain", ["raw", "rendered"])
def test_a_shipped_name_means_the_shipped_model_whatever_lies_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, domain: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    own = random_model(3, domain=domain)
    write(tmp_path / name / "model.safetensors", own)
    shipped_as = "awbnet-s" if name == "awbnet" else name
    found = find_model(name, domain)
    assert found.name == shipped_as
    assert found.to_bytes() == replace(Model.load(shipped_path(shipped_as, domain)), name=shipped_as).to_bytes()
    assert find_model(f"./{name}", domain).to_bytes() == own.to_bytes()
    camera = D810 if domain == "raw" else LINEAR_SRGB
    image = seen_by(camera, picture(1))
    assert parse(name).estimate(image) == find_model(name, domain).estimate(image)
    assert parse(f"./{name}").estimate(image) == own.estimate(image)


@pytest.mark.parametrize("name", ["awbnet-x", "AWBNET", "awbnet-s-rendered", ""])
def test_no_other_name_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableFile, match="no such file"):
        find_model(name, "raw")


def test_records_call_the_default_network_by_one_name(tmp_path: Path, scene: np.ndarray) -> None:
    jpeg = write_jpeg(tmp_path / "a.jpg", scene)
    record = awbkit("estimate", jpeg, "-m", "awbnet-s", "-m", "awbnet").record
    assert record["method"] == "awbnet"
    assert awbkit("correct", jpeg, "-m", "awbnet-s", "-d", tmp_path / "out").record["method"] == "awbnet"
    assert package.estimate(jpeg, "awbnet-s") == package.estimate(jpeg, "awbnet")
    expected = {name: package.estimate(jpeg, name).expected_error or 0 for name in ("awbnet-s", "awbnet-nano")}
    surer, other = sorted(expected, key=lambda name: expected[name])
    record = awbkit("estimate", jpeg, "-m", other, "--fallback", surer, "--max-expected-error", "0.05").record
    called = {"awbnet-s": "awbnet", "awbnet-nano": "awbnet-nano"}
    assert (record["method"], record["fallback_for"]) == (called[surer], called[other])


def test_of_two_networks_that_are_unsure_the_surer_answers() -> None:
    image = seen_by(D810, picture(2, share_valid=0.9))
    one, other = (parse(name).estimate(image) for name in ("awbnet", "awbnet-nano"))
    assert one.expected_error != other.expected_error
    surer = min(one, other, key=lambda light: light.expected_error or 0)
    for first, second in (("awbnet", "awbnet-nano"), ("awbnet-nano", "awbnet")):
        assert package.estimate(image, first, fallback=second, max_expected_error=0.01) == surer


def test_where_the_fallback_cannot_answer_the_network_does(tmp_path: Path, scene: np.ndarray) -> None:
    """This raw file does not say which white the camera chose."""
    raw = write_raw(tmp_path / "a.dng", scene)
    assert awbkit("estimate", raw, "-m", "as-shot").code == 1
    alone = awbkit("estimate", raw)
    ran = awbkit("estimate", raw, "--fallback", "as-shot", "--max-expected-error", "0.05")
    assert ran.code == 0, ran.err
    assert (ran.record["method"], ran.record["fallback_for"]) == ("awbnet", None)
    assert ran.record["illuminant"] == alone.record["illuminant"]


@pytest.mark.parametrize(("domain", "refused"), [("raw", "a.jpg"), ("rendered", "b.dng")])
@pytest.mark.slow
def test_a_fallback_answers_where_the_network_is_for_other_pictures(
    tmp_path: Path, scene: np.ndarray, domain: str, refused: str
) -> None:
    pictures = [write_jpeg(tmp_path / "a.jpg", scene), write_raw(tmp_path / "b.dng", scene)]
    mine = write(tmp_path / "mine.safetensors", random_model(1, domain=domain))
    options = ("-m", mine, "--fallback", "gray-world", "--max-expected-error", "60")
    for command, output in (("estimate", ()), ("correct", ("-d", tmp_path / "out"))):
        ran = awbkit(command, *pictures, *options, *output)
        assert ran.code == 0
        for picture_path, record in zip(pictures, ran.records, strict=True):
            fell_back = picture_path.name == refused
            found = (record["method"], record["fallback_for"], record["status"])
            assert found == (("gray-world", str(mine), "ok") if fell_back else (str(mine), None, "ok"))
            alone = awbkit("estimate", picture_path, "-m", record["method"]).record
            assert record["illuminant"] == alone["illuminant"]
    shared = awbkit("correct", *pictures, *options, "--shared", "-d", tmp_path / "shared")
    assert [record["status"] for record in shared.records] == ["ok", "ok"]
    light = package.estimate(tmp_path / refused, str(mine), fallback="gray-world", max_expected_error=60)
    assert light == package.estimate(tmp_path / refused, "gray-world")


def test_networks_for_raw_and_for_rendered_pictures_stand_in_for_each_other(tmp_path: Path, scene: np.ndarray) -> None:
    pictures = [write_jpeg(tmp_path / "a.jpg", scene), write_raw(tmp_path / "b.dng", scene)]
    raw = write(tmp_path / "raw.safetensors", random_model(1))
    rendered = write(tmp_path / "rendered.safetensors", random_model(2, domain="rendered"))
    ran = awbkit("estimate", *pictures, "-m", raw, "--fallback", rendered, "--max-expected-error", "60")
    assert ran.code == 0
    assert [record["method"] for record in ran.records] == [str(rendered), str(raw)]


def test_what_a_fallback_does_not_mend_is_told_of_as_ever(tmp_path: Path, scene: np.ndarray) -> None:
    jpeg = write_jpeg(tmp_path / "a.jpg", scene)
    mine, other = (write(tmp_path / f"{seed}.safetensors", random_model(seed)) for seed in (1, 2))
    # Without a fallback, and with one that is for raw pictures as well.
    for options in ([], ["--fallback", other, "--max-expected-error", "60"]):
        ran = awbkit("estimate", jpeg, "-m", mine, *options)
        assert ran.code == 1
        assert "is for raw pictures, and this one is rendered" in ran.record["error"]
    black = package.LinearImage(np.zeros((64, 64, 3), np.float32), np.zeros((64, 64), bool), D810)
    with pytest.raises(AwbError, match="no valid pixel"):
        package.estimate(black, str(mine), fallback="gray-world", max_expected_error=60)


def test_no_network_falls_back_on_itself_by_whatever_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    write(tmp_path / "run" / "model.safetensors", random_model(1))
    write(tmp_path / "other.safetensors", random_model(1))
    image = seen_by(D810, picture(0))
    spellings = ["run", "./run", "run/model.safetensors", str(tmp_path / "run")]
    for first in spellings:
        for second in spellings:
            with pytest.raises(UsageError, match="cannot be its own fallback"):
                package.estimate(image, first, fallback=second, max_expected_error=3)
        for other in ("awbnet", "other.safetensors", "gray-world"):
            assert package.estimate(image, first, fallback=other, max_expected_error=0.05)
    for name in ("awbnet", "awbnet-s"):
        with pytest.raises(UsageError, match="method awbnet cannot be its own fallback"):
            package.estimate(image, fallback=name, max_expected_error=3)
    assert package.estimate(image, "awbnet", fallback="awbnet-m", max_expected_error=0.05)


def test_a_fallback_in_python_needs_its_limit() -> None:
    with pytest.raises(UsageError, match="go together"):
        package.estimate(picture(0), fallback="pca")


@pytest.mark.slow
def test_a_model_of_ones_own(tmp_path: Path, scene: np.ndarray) -> None:
    raw, jpeg = write_raw(tmp_path / "b.dng", scene, DAYLIGHT), write_jpeg(tmp_path / "a.jpg", scene)
    path = write(tmp_path / "mine.safetensors", random_model(1))
    ran = awbkit("estimate", raw, jpeg, "-m", path, "-j", "2")
    assert ran.code == 1
    first, second = ran.records
    assert (first["status"], first["method"]) == ("ok", str(path))
    assert (second["status"], second["method"]) == ("error", str(path))
    assert "is for raw pictures, and this one is rendered" in second["error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "option"),
    [("estimate", "-m"), ("correct", "-m"), ("evaluate", "-m"), ("estimate", "--fallback"), ("correct", "--fallback")],
)
@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("nothere.safetensors", 2, "method nothere.safetensors: no such file; name a model that awbkit train wrote"),
        ("no/such/m.safetensors", 2, "method no/such/m.safetensors: no such file; name a model"),
        ("broken.safetensors/m.safetensors", 2, "method broken.safetensors/m.safetensors: no such file"),
        ("broken.safetensors", 1, "broken.safetensors: is no sound safetensors file"),
        ("run", 1, "run/model.safetensors: is no sound safetensors file"),
        ("empty.safetensors", 1, "empty.safetensors/model.safetensors: no such file"),
        ("foreign.safetensors", 1, "foreign.safetensors: holds weights, but no model of awbkit"),
    ],
)
def test_a_model_that_cannot_be_had_is_told_of_once(
    tmp_path: Path,
    scene: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    option: str,
    name: str,
    code: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("run", "empty.safetensors"):
        (tmp_path / folder).mkdir()
    for broken in ("broken.safetensors", "run/model.safetensors"):
        (tmp_path / broken).write_bytes(b"nonsense")
    (tmp_path / "foreign.safetensors").write_bytes(save({"a": np.zeros(3, np.float32)}))
    if command == "evaluate":
        write_prepared(tmp_path / "set", ["Nikon D810"] * 3)
        pictures: list[object] = ["set"]
    else:
        pictures = [write_raw(tmp_path / f"{number}.dng", scene) for number in range(3)]
    options = [option, name, *(["--max-expected-error", "3"] if option == "--fallback" else [])]
    ran = awbkit(command, *pictures, *options, *(["-d", "out"] if command == "correct" else []))
    assert (ran.code, ran.out) == (code, "")
    assert ran.complaint.startswith(f"awbkit: {says}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["estimate", "correct"])
def test_a_damaged_model_counts_before_any_picture(tmp_path: Path, command: str) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nonsense")
    ran = awbkit(command, tmp_path / "missing.dng", "-m", broken)
    assert ran.code == 1
    assert "is no sound safetensors file" in ran.complaint


def test_a_model_that_cannot_be_had_in_python(tmp_path: Path) -> None:
    missing, broken = tmp_path / "missing.safetensors", tmp_path / "broken.safetensors"
    broken.write_bytes(b"nonsense")
    write_prepared(tmp_path / "set", ["Nikon D810"] * 3)
    with pytest.raises(UsageError, match="no such file"):
        package.estimate(picture(0), str(missing))
    with pytest.raises(UnreadableFile, match="no sound"):
        package.estimate(picture(0), str(broken))
    with pytest.raises(UsageError, match="no such file"):
        package.evaluate(tmp_path / "set", str(missing))
    with pytest.raises(UnreadableFile, match="no sound"):
        package.evaluate(tmp_path / "set", str(broken))


@pytest.mark.skipif(importlib.util.find_spec("build") is None, reason="the package 'build' is not here")
@pytest.mark.slow
def test_models_schemas_and_c_travel_in_the_wheel(tmp_path: Path) -> None:
    root = Path(package.__file__).resolve().parents[1]
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path), str(root)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"awbkit-{package.__version__}-")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"awbkit/models/{name}{tail}.safetensors" for name in NAMES for tail in ("", "-rendered")} <= names
    assert {f"awbkit/export/c/{name}" for name in ("awb.h", "arithmetic.c", "driver.c")} <= names
    assert {f"awbkit/schemas/{name}.json" for name in ("record", "prepared", "evaluation", "model")} <= names
