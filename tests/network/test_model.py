"""Model files: what is written is read back, and whatever is wrong with one is said in a line."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from awbkit.colour.camera import Camera
from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError, UnreadableFile
from awbkit.estimators import parse
from awbkit.network.architecture import architecture
from awbkit.network.model import Model
from awbkit.network.models import load_once
from tests.helpers.network_pictures import picture, under

MATRIX = ((0.9369, -0.3195, -0.0791), (-0.4488, 1.2430, 0.2301), (-0.0893, 0.1796, 0.6872))
D810 = Camera("Nikon D810", "camera", ((6504.0, MATRIX),))


def random_model(
    seed: int = 0,
    name: str = "awbnet-s",
    domain: str = "raw",
    calibration: tuple[float, float] = (0.5, 1.0),
    without_matrix: tuple[float, float] = (1.5, 1.0),
) -> Model:
    """A model of small random weights, which answers near the anchor."""
    rng = np.random.default_rng(seed)
    built = architecture(name)
    weights = {
        key: (rng.normal(size=shape) * 0.2 if key not in ("std",) else rng.uniform(0.5, 1.5, shape)).astype(np.float32)
        for key, shape in built.shapes().items()
    }
    return Model(name, built, weights, domain, calibration, without_matrix, {"recipe": {"seed": seed}})


def write(path: Path, model: Model) -> Path:
    path.write_bytes(model.to_bytes())
    return path


def seen_by(camera: Camera, image: LinearImage) -> LinearImage:
    return LinearImage(image.pixels, image.valid, camera)


def test_a_file_holds_the_whole_model(tmp_path: Path) -> None:
    model = random_model(3)
    back = Model.load(write(tmp_path / "m.safetensors", model))
    kept = ("name", "architecture", "domain", "calibration", "calibration_without_matrix", "training")
    for name in kept:
        assert getattr(back, name) == getattr(model, name), name
    assert back.to_bytes() == model.to_bytes()
    image = seen_by(D810, picture(1))
    assert back.estimate(image) == model.estimate(image)


def test_weights_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        random_model().weights["output.bias"][0] = 1


def test_a_run_folder_is_its_model(tmp_path: Path) -> None:
    write(tmp_path / "model.safetensors", random_model(4))
    assert Model.load(tmp_path).training == {"recipe": {"seed": 4}}


def test_a_camera_is_seen_in_canonical_rgb() -> None:
    # The same scene, seen by cameras that differ in nothing but their white, has the same light in canonical RGB.
    gains = np.array([0.7, 1.0, 1.6])
    other = Camera("Other", "camera", ((6504.0, tuple(map(tuple, (np.array(MATRIX) * gains[:, None]).tolist()))),))
    model, image = random_model(5), picture(2, share_valid=0.9)
    one = model.estimate(seen_by(D810, image))
    two = model.estimate(seen_by(other, under(image, gains)))
    assert angular_error((np.array(one.rgb) * gains).tolist(), two.rgb) < 0.01
    assert one.expected_error == pytest.approx(two.expected_error, abs=1e-3)


def test_without_a_matrix_it_goes_by_the_picture_alone() -> None:
    model, image, unknown = random_model(6), picture(3), Camera("Unknown")
    plain = model.estimate(seen_by(unknown, image))
    gains = np.array([3.0, 1.0, 0.2])
    lit = model.estimate(seen_by(unknown, under(image, gains)))
    assert angular_error((np.array(plain.rgb) * gains).tolist(), lit.rgb) < 0.01
    assert model.estimate(seen_by(D810, image)).rgb != plain.rgb


def test_any_size_will_do() -> None:
    model = random_model(7)
    large = np.kron(picture(4).pixels, np.ones((3, 5, 1), np.float32))
    image = LinearImage(large, np.ones(large.shape[:2], bool), D810)
    small = model.estimate(seen_by(D810, picture(4)))
    assert angular_error(model.estimate(image).rgb, small.rgb) < 0.01


@pytest.mark.parametrize("log_error", [-1e30, -5.0, 0.0, 3.0, 1e30])
@pytest.mark.parametrize("calibration", [(0.0, 1.0), (-3.0, 0.5), (2.0, 0.0)])
def test_expected_errors_are_degrees(log_error: float, calibration: tuple[float, float]) -> None:
    model = random_model(calibration=calibration, without_matrix=(calibration[0] + 1, calibration[1]))
    assert 0.1 <= model.expected_error(log_error) <= model.expected_error(log_error, matrix=False) <= 15


def test_a_camera_without_a_matrix_has_an_expected_error_of_its_own() -> None:
    image = picture(0)
    sure, unsure = (
        random_model(without_matrix=line).estimate(seen_by(Camera("x"), image)) for line in ((1, 0), (7, 0))
    )
    assert (sure.expected_error, unsure.expected_error) == (1, 7)
    assert random_model(without_matrix=(7, 0)).estimate(seen_by(D810, image)).expected_error != 7


@pytest.mark.parametrize("domain", ["raw", "rendered"])
def test_a_model_of_the_other_domain_says_so(domain: str) -> None:
    camera = Camera("", "linear-srgb") if domain == "raw" else D810
    with pytest.raises(AwbError, match=f"is for {domain} pictures"):
        random_model(domain=domain).estimate(seen_by(camera, picture(0)))


def test_a_model_that_is_trained_again_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("m.safetensors"), random_model(0))
    assert load_once("m.safetensors") is load_once("m.safetensors")
    write(Path("m.safetensors"), random_model(1))
    os.utime("m.safetensors", ns=(1, 1))
    assert load_once("m.safetensors").to_bytes() == random_model(1).to_bytes()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    with pytest.raises(UnreadableFile, match="no such file"):
        load_once("m.safetensors")


def deep(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = {"a": found}
    return found


def model_file(weights: Mapping[str, Any], change: Mapping[str, Any]) -> bytes:
    entry = {
        "schema": 3,
        "name": "x",
        "architecture": random_model().architecture.to_json(),
        "domain": "raw",
        "calibration": [0, 1],
        "calibration_without_matrix": [0, 1],
        "training": {},
        **change,
    }
    return bytes(save(dict(weights), {"awbkit": json.dumps(entry)}))


def header(change: dict[str, Any]) -> bytes:
    return model_file(random_model().weights, change)


def with_weights(change: Callable[[dict[str, Any]], Any]) -> bytes:
    weights = {name: array.copy() for name, array in random_model().weights.items()}
    change(weights)
    return model_file(weights, {})


BROKEN: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "no sound safetensors"),
    ("text", b"not a model at all", "no sound safetensors"),
    ("cut short", random_model().to_bytes()[:-100], "no sound safetensors"),
    ("a huge header", b"\xff" * 8 + b"{}", "no sound safetensors"),
    ("pickled", pickle.dumps({"weights": [1.0]}), "no sound safetensors"),
    ("foreign weights", bytes(save({"a": np.zeros(3, np.float32)})), "holds weights, but no model of awbkit"),
    ("a later schema", header({"schema": 4}), "is of schema 4, this awbkit reads 3; update awbkit"),
    ("a schema that is no number", header({"schema": "3"}), "is no model of awbkit .its schema is '3'"),
    ("an earlier schema", header({"schema": 2}), "is of schema 2, this awbkit reads 3; make it again"),
    ("another domain", header({"domain": "video"}), "no domain 'video'"),
    ("no numbers", header({"calibration": ["a", "b"]}), "is no model of awbkit"),
    ("a number beyond all numbers", header({"calibration": [10**400, 1]}), "is no model of awbkit"),
    ("a name that is no text", header({"name": "\ud800"}), "is no model of awbkit"),
    ("a falling line", header({"calibration": [0, -1]}), "calibration"),
    ("an infinite line", header({"calibration": [0, float("inf")]}), "holds Infinity"),
    ("no name", header({"name": ""}), "a name is a text of 1 to 200 characters"),
    ("a name without end", header({"name": "x" * 201}), "a name is a text of 1 to 200 characters"),
    ("a deep header", header({"training": deep(200)}), "nests more than 100 levels"),
    ("half a line", header({"calibration_without_matrix": [1]}), "is no model of awbkit"),
    ("half an architecture", header({"architecture": {"family": "awbnet"}}), "an architecture states"),
    ("no architecture", header({"architecture": None}), "an architecture states"),
    ("a list", bytes(save({}, {"awbkit": "[]"})), "is no model of awbkit"),
    ("other dimensions", header({"architecture": architecture("awbnet-m").to_json()}), "is no model of awbkit"),
    ("missing weights", with_weights(lambda w: w.pop("stem.bias")), "stem.bias are missing"),
    ("surplus weights", with_weights(lambda w: w.update(extra=np.zeros(2, np.float32))), "extra belong to no layer"),
    ("NaN", with_weights(lambda w: w["output.bias"].fill(np.nan)), "output.bias are not finite"),
    ("infinity", with_weights(lambda w: w["hidden.0.rank.weight"].fill(np.inf)), "rank.weight are not finite"),
    ("no deviation", with_weights(lambda w: w["std"].fill(0)), "deviation is not positive"),
    ("doubles", with_weights(lambda w: w.update(mean=np.zeros(w["mean"].shape))), "mean are float64"),
]


@pytest.mark.parametrize(("data", "says"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_is_no_model(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(data)
    with pytest.raises(UnreadableFile, match=says) as found:
        Model.load(path)
    assert str(found.value).startswith(str(path))
    assert "\n" not in str(found.value)


def test_files_that_are_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        Model.load(tmp_path / "missing.safetensors")
    with pytest.raises(UnreadableFile, match="no such file"):
        Model.load(tmp_path)
    path = tmp_path / "large.safetensors"
    with path.open("wb") as stream:
        stream.truncate(20 << 20)
    with pytest.raises(UnreadableFile, match="has 20 MB"):
        Model.load(path)


def test_a_path_is_a_method(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.safetensors", random_model(8))
    method = pickle.loads(pickle.dumps(parse(str(path))))
    assert str(method) == str(path)
    image = seen_by(D810, picture(5))
    assert method.estimate(image) == random_model(8).estimate(image)
    write(tmp_path / "model.safetensors", random_model(9))
    assert parse(str(tmp_path)).estimate(image) == random_model(9).estimate(image)


def test_another_weight_is_another_model(tmp_path: Path) -> None:
    one = parse(str(write(tmp_path / "one.safetensors", random_model(1))))
    two = parse(str(write(tmp_path / "two.safetensors", random_model(2))))
    assert len(one.digest) == len(two.digest) == 64
    assert one.digest != two.digest
    assert parse("awbnet").digest == parse("pca").digest == ""
