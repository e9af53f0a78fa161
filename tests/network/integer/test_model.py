"""Quantised models: near the networks they were made of, and whole in their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError, UnreadableFile, UsageError
from awbkit.estimators import parse
from awbkit.network.architecture import architecture
from awbkit.network.integer.model import IntegerModel
from awbkit.network.integer.quantization import Bits
from awbkit.network.model import Model
from awbkit.network.models import load, shipped_path
from tests.helpers.command import awbkit
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.integer_models import SHAPES, integer_model, pictures, random_model, round_model


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("bits", "apart"), [(Bits(8, 8), 0.7), (Bits(8, 16), 0.6)])
@pytest.mark.slow
def test_whole_numbers_answer_as_floating_point_does(shape: str, bits: Bits, apart: float) -> None:
    exact, whole = random_model(SHAPES[shape]), integer_model(shape, bits)
    unseen = pictures(20)[12:]
    for known in (True, False):
        seen = unseen if known else [LinearImage(image.pixels, image.valid, replaced()) for image in unseen]
        lights = [(exact.estimate(image), whole.estimate(image)) for image in seen]
        off = [angular_error(one.rgb, other.rgb) for one, other in lights]
        assert np.mean(off) < apart
        errors = np.array([[one.expected_error, other.expected_error] for one, other in lights])
        assert np.abs(np.log(errors[:, 0] / errors[:, 1])).mean() < 0.1


def replaced() -> Any:
    from awbkit.colour.camera import Camera

    return Camera("Unknown", "camera")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["awbnet-nano", "awbnet-s", "awbnet-m", "awbnet-s-open"])
def test_shipped_networks_lose_nothing_worth_telling(name: str) -> None:
    exact = Model.load(shipped_path(name, "raw"))
    seen = pictures(24)
    whole = round_model(exact, seen[:12])
    off = [angular_error(exact.estimate(image).rgb, whole.estimate(image).rgb) for image in seen[12:]]
    assert np.median(off) < 0.6


def test_a_file_holds_the_whole_model(tmp_path: Path) -> None:
    for bits in (Bits(), Bits(4, 8), Bits(8, 16)):
        model = integer_model("odd", bits)
        path = tmp_path / "m.safetensors"
        path.write_bytes(model.to_bytes())
        back = load(path)
        assert isinstance(back, IntegerModel)
        assert back.to_bytes() == model.to_bytes()
        assert back.digest == model.digest
        image = pictures(1)[0]
        assert back.estimate(image) == model.estimate(image)
        assert parse(str(path)).estimate(image) == model.estimate(image)


def test_four_bits_are_kept_to() -> None:
    for layer in integer_model("s", Bits(4, 8)).network.layers.values():
        assert np.abs(layer.weight).max() <= 7
    assert max(np.abs(layer.weight).max() for layer in integer_model("s").network.layers.values()) == 127


def test_the_model_says_what_it_was_made_of() -> None:
    exact = random_model(SHAPES["s"])
    whole = round_model(exact, pictures(2))
    assert whole.training is not None
    assert whole.training["quantised"] == {"from": "random", "sha256": exact.digest}
    assert whole.training["recipe"] == {"seed": 0}


def test_a_float_model_is_no_quantised_one(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(integer_model("nano").to_bytes())
    with pytest.raises(UnreadableFile, match="it is quantised; name the model that it was made of"):
        Model.load(path)
    path.write_bytes(random_model(SHAPES["nano"]).to_bytes())
    with pytest.raises(UnreadableFile, match="is no model of awbkit"):
        IntegerModel.load(path)


def test_what_cannot_be_quantised() -> None:
    with pytest.raises(UsageError, match="whole numbers compute awbnets, not mobilenet-v3"):
        round_model(random_model(architecture("mobilenet-v3")), pictures(1))
    with pytest.raises(UsageError, match="no picture to calibrate on"):
        round_model(random_model(SHAPES["nano"]), [])
    with pytest.raises(UsageError, match="weights have 4 or 8 bits, activations 8 or 16"):
        Bits(3, 8)
    wild = random_model(SHAPES["nano"])
    silent = {**wild.weights, "hidden.0.bias": np.full(16, -1e3, np.float32)}
    with pytest.raises(AwbError, match="needs finer steps than its multiplier has; give weights or activations 8 bits"):
        round_model(Model("silent", wild.architecture, silent, "raw"), pictures(1), Bits(4, 16))
    unsure = Model("unsure", wild.architecture, wild.weights, "raw", (200.0, 1.0))
    with pytest.raises(AwbError, match="unsure does not fit whole numbers: a calibration is two numbers of 16 bits"):
        round_model(unsure, pictures(1))
    weights = {**wild.weights, "hidden.0.bias": np.full(16, 1e30, np.float32)}
    with pytest.raises(AwbError, match="may sum to more than 23 bits and a sign; give activations 16 bits"):
        round_model(Model("wild", wild.architecture, weights, "raw"), pictures(1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"output.multiplier": None}, "the weights output.multiplier are missing"),
        ({"extra": np.zeros(1, np.int8)}, "the weights extra belong to no layer"),
        ({"output.weight": np.zeros((3, 7), np.int8)}, r"the weights output.weight are int8 \(3, 7\)"),
        ({"centre": np.zeros(18, np.int32)}, "the weights centre are int32"),
        ({"hidden.0.multiplier": np.zeros(16, np.int32)}, "a multiplier is not positive"),
        ({"hidden.0.bias": np.full(16, -(2**31), np.int32)}, "hidden.0 may sum to more than 23 bits and a sign"),
        ({"output.weight": np.full((3, 8), -128, np.int8)}, "a weight has more than 8 bits"),
    ],
)
def test_damaged_files(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = tmp_path / "m.safetensors"
    content = integer_model("nano").to_bytes()
    path.write_bytes(content)
    arrays = {name: value for name, value in {**load_file(path), **change}.items() if value is not None}
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])["__metadata__"]
    path.write_bytes(save(arrays, header))
    with pytest.raises(UnreadableFile, match=says):
        load(path)


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    data = write_prepared(tmp_path / "set", ["Nikon D810"] * 40, black=frozenset({2, 3})).path
    output = tmp_path / "s8.safetensors"
    done = awbkit("quantize", "awbnet-s", data, "-o", output)
    assert done.code == 0, done.err
    record = done.record
    # Of the 40 pictures two show nothing; every other one of the rest sets the scales.
    assert record["images"] == 19
    assert record["bytes"] == output.stat().st_size < 12_000
    assert abs(record["integer"]["mean"] - record["float"]["mean"]) < 0.5
    assert awbkit("estimate", "examples/pictures/market_tungsten.dng", "-m", str(output)).code == 0
    for arguments, code, says in (
        (("awbnet-s", str(data), "-o", str(output)), 1, "exists"),
        (("awbnet-s", str(data)), 2, "no output named"),
        (("awbnet-s", str(data), "-o", "x.bin"), 2, "ends in .safetensors"),
        ((str(output), str(data), "-o", str(tmp_path / "y.safetensors")), 2, "is quantised; name"),
        (("awbnet-s", str(data), "-o", str(tmp_path / "y.safetensors"), "--weights", "5"), 2, "4 or 8 bits"),
        (("awbnet-s", str(data), "--domain", "rendered", "-o", str(tmp_path / "y.safetensors")), 2, "0 rendered"),
    ):
        failed = awbkit("quantize", *arguments)
        assert failed.code == code, failed.err
        assert says in failed.err
        assert len(failed.err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s8.safetensors", "set"]
