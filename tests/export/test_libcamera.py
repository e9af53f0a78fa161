"""Networks for Raspberry Pi's cameras: what libcamera gives and takes, and the tuning file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from awbkit.errors import UnreadableFile, UsageError
from awbkit.export.cases import surfaces
from awbkit.export.libcamera import Sensor, Temperature, compare, require_float, sample
from awbkit.network.models import find_float_model, find_model
from tests.datasets.test_awb_nn import CURVE, SENSITIVITY, tuning_text
from tests.datasets.test_awb_nn_published import SHARED
from tests.helpers.command import awbkit
from tests.helpers.integer_models import integer_model


def sensor(tmp_path: Path, target: str = "pisp", text: str | None = None) -> Sensor:
    document = json.loads(text or tuning_text())
    path = tmp_path / "imx000.json"
    path.write_text(json.dumps({**document, "target": target}))
    return Sensor.read(path)


def run_in_torch(module: Temperature) -> object:
    def run(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with torch.no_grad():
            return {"kelvin": module(*map(torch.from_numpy, given.values())).numpy()}

    return run


@pytest.mark.parametrize(("target", "zones"), [("pisp", (32, 32)), ("bcm2835", (12, 16))])
@pytest.mark.slow
def test_the_temperature_is_that_of_the_model(tmp_path: Path, target: str, zones: tuple[int, int]) -> None:
    model, camera = find_float_model("awbnet-s", "raw"), sensor(tmp_path, target)
    assert camera.zones == zones
    found = compare(model, camera, run_in_torch(Temperature(model, camera)), list(surfaces()))  # type: ignore[arg-type]
    assert (found.pictures, found.mean < 0.04, found.maximum < 0.3) == (32, True, True), found


def test_a_grey_picture_under_a_light_of_the_curve_gets_its_temperature(tmp_path: Path) -> None:
    """The curve holds for what libcamera has multiplied by the sensitivities."""
    model, camera = find_float_model("awbnet-s", "raw"), sensor(tmp_path)
    module = Temperature(model, camera)
    rng = np.random.default_rng(0)
    for row in np.array(CURVE).reshape(-1, 3):
        white = np.array([row[1], 1, row[2]])
        np.testing.assert_allclose(camera.white(row[0]), white)
        rgb = rng.uniform(0.1, 0.5, (32, 32, 1)) * white
        zones = rgb / camera.white(5000) @ camera.ccm.T
        with torch.no_grad():
            kelvin = module(torch.tensor(zones[None], dtype=torch.float32), torch.ones(1))
        assert tuple(kelvin.shape) == (1,)
        assert abs(1e6 / float(kelvin) - 1e6 / row[0]) < 12


@pytest.mark.parametrize("value", [0.0, 0.99, 1e-9, 5.0, -0.1])
def test_any_picture_gets_an_answer_on_the_curve(tmp_path: Path, value: float) -> None:
    camera = sensor(tmp_path)
    module = Temperature(find_float_model("awbnet-nano", "raw"), camera)
    with torch.no_grad():
        kelvin = float(module(torch.full((1, 32, 32, 3), value), torch.zeros(1)))
    assert CURVE[0] <= kelvin <= CURVE[-3]


def test_the_tuning_file_has_the_network_and_all_else_as_it_was(tmp_path: Path) -> None:
    before = json.loads(tuning_text())
    before["algorithms"][1:1] = [{"disable.rpi.nn.awb": {"model": "old"}}]
    after = json.loads(sensor(tmp_path, text=json.dumps(before)).with_network(Path("/usr/share/a.tflite")))
    assert [list(entry) for entry in after["algorithms"]] == [["rpi.black_level"], ["rpi.nn.awb"], ["rpi.ccm"]]
    awb, was = after["algorithms"][1]["rpi.nn.awb"], before["algorithms"][2]["rpi.awb"]
    assert was.items() <= awb.items()
    assert (awb["sensitivity_r"], awb["model"], awb["enable_nn"]) == (SENSITIVITY[0], "/usr/share/a.tflite", 1)
    assert (awb["min_temp"], awb["max_temp"]) == (CURVE[0], CURVE[-3])
    # libcamera takes a matrix with a zero for one that is missing.
    assert len(awb["ccm"]) == 9
    assert 0 not in awb["ccm"]
    np.testing.assert_allclose(awb["ccm"][:3], [1.9, -0.65, -0.25])
    assert after["algorithms"][0] == before["algorithms"][0]
    again = sensor(tmp_path, text=json.dumps(after))
    assert again.with_network(Path("/usr/share/a.tflite")) == sensor(tmp_path).with_network(Path("/usr/share/a.tflite"))


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="is for 'other', not one of pisp and bcm2835"):
        sensor(tmp_path, "other")
    for changes in (
        {"rpi.black_level": {"black_level": 65535}},
        {"rpi.awb": {"ct_curve": [1.0, 0.5, 0.5, 1e12, 0.4, 0.6]}},
        {"rpi.awb": {"ct_curve": [5000.0, 0.5, 0.5]}},
        {
            "rpi.ccm": {
                "ccms": [
                    {"ct": 4000, "ccm": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
                    {"ct": 6000, "ccm": [-1, 0, 0, 0, -1, 0, 0, 0, -1]},
                ]
            }
        },
    ):
        with pytest.raises(UnreadableFile, match=r"has no usable curve, colour matrix or black level|rise"):
            sensor(tmp_path, text=tuning_text(**changes))
    with pytest.raises(UnreadableFile, match="is for \\['pisp'\\]"):
        sensor(tmp_path, ["pisp"])  # type: ignore[arg-type]
    with pytest.raises(UnreadableFile, match=r"has a rpi\.awb that is no object"):
        sensor(tmp_path, text=tuning_text(**{"rpi.nn.awb": [1]}))
    with pytest.raises(UnreadableFile, match="no such file"):
        Sensor.read(tmp_path / "none.json")
    with pytest.raises(UsageError, match="is quantised; libcamera takes floating point"):
        require_float(integer_model("nano"))
    with pytest.raises(UsageError, match="is for rendered pictures"):
        require_float(find_model("awbnet-s", "rendered"))
    for arguments in (("--to", "libcamera"), ("--to", "c", "--tuning", tmp_path / "imx000.json")):
        failed = awbkit("export", "awbnet-s", *arguments, "-o", tmp_path / "out")
        assert (failed.code, len(failed.err.splitlines())) == (2, 1)
        assert "belong together" in failed.err
    failed = awbkit("export", "awbnet-s", "--to", "c", "--installed", tmp_path, "-o", tmp_path / "out")
    assert (failed.code, "--installed is for --to libcamera" in failed.err) == (2, True)
    failed = awbkit(
        "export", "awbnet-s", "--to", "libcamera", "--tuning", tmp_path / "none.json", "-o", tmp_path / "out"
    )
    assert (failed.code, "no such file" in failed.err) == (1, True)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="Raspberry Pi's tuning files are not here")
@pytest.mark.parametrize(
    "path", sorted(SHARED.glob("tunings/*/*.json")), ids=lambda path: f"{path.parent.name} {path.stem}"
)
def test_the_published_tuning_files(path: Path) -> None:
    found = Sensor.read(path)
    assert found.zones == ((32, 32) if path.parent.name == "pisp" else (12, 16))
    names = [name for entry in json.loads(found.with_network(Path("m.tflite")))["algorithms"] for name in entry]
    assert names == [
        name.replace("rpi.awb", "rpi.nn.awb") for entry in json.loads(path.read_text())["algorithms"] for name in entry
    ]


def test_litert_answers_as_the_model_does(tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="litert-torch is not installed (pip install 'awbkit[litert]')")
    done = awbkit("export", "awbnet-s", "--to", "tflite", "-o", tmp_path / "out")
    assert (done.code, done.record["compared"]) == (0, 32), done.err
    assert done.record["apart"] < 0.05
    path = tmp_path / "imx000.json"
    path.write_text(tuning_text())
    done = awbkit("export", "awbnet-s", "--to", "libcamera", "--tuning", path, "-o", tmp_path / "pi")
    assert (done.code, sorted(done.record["files"])) == (0, ["awbnet-s-imx000.tflite", "imx000.json"]), done.err
    with torch.no_grad():
        assert sample(Sensor.read(path))[0].shape == (1, 32, 32, 3)
