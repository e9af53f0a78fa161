"""Networks as ONNX and ExecuTorch programs, from the thumbnail to the light, against the models they were made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.command import awbkit
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.integer_models import SHAPES, integer_model, random_model, round_model
from tests.helpers.integer_models import pictures as sensed

pytest.importorskip("torch")
pytest.importorskip("onnx", reason="onnx is not installed (pip install 'awbkit[onnx]')")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (pip install 'awbkit[onnx]')")

import onnx
import torch

from awbkit.colour.camera import Camera
from awbkit.colour.image import LinearImage
from awbkit.errors import CheckFailed, MissingExtra, UsageError
from awbkit.export.cases import Case, extremes, surfaces
from awbkit.export.check import Difference, measure_difference, verify
from awbkit.export.check import runner as itself
from awbkit.export.onnx import convert, equivalent, runner
from awbkit.export.targets import EXPORTERS
from awbkit.export.traced import Estimator, inputs
from awbkit.network import features
from awbkit.network.integer.quantization import Bits
from awbkit.network.model import Model
from awbkit.network.models import AnyModel, find_float_model
from awbkit.network.torch.features import describe

pytestmark = pytest.mark.slow


def counting(case: Case) -> bool:
    return bool((case.pixels > 0).all(axis=2).any())


@pytest.fixture(scope="module")
def pictures() -> list[Case]:
    return [case for case in (*surfaces(), *extremes()) if counting(case)]


def test_a_description_is_the_same_in_torch(pictures: Sequence[Case]) -> None:
    for case in pictures:
        pixels, valid = case.pixels.astype(np.float32), (case.pixels > 0).all(axis=2)
        expected = features.describe(LinearImage(pixels, valid, Camera()))
        planes = torch.from_numpy(np.ascontiguousarray(pixels.reshape(-1, 3).T))
        anchor, statistics, grid = describe(planes, torch.from_numpy(valid.reshape(-1).astype(np.float32)))
        np.testing.assert_allclose(anchor, expected.anchor, atol=2e-6)
        # Pixels that are within rounding of an order statistic may count or not.
        np.testing.assert_allclose(statistics, expected.statistics, atol=2e-2)
        assert np.median(np.abs(statistics.numpy() - expected.statistics)) < 1e-5
        # Half precision.
        np.testing.assert_allclose(grid, expected.grid, atol=2e-3)


def test_the_answer_is_the_same_in_torch(pictures: Sequence[Case]) -> None:
    model = find_float_model("awbnet-s", "raw")
    estimator = Estimator(model)

    def answer(case: Case) -> tuple[np.ndarray, float]:
        with torch.no_grad():
            light, degrees = estimator(*map(torch.from_numpy, inputs(case).values()))
        return light.numpy()[0], float(degrees)

    found = measure_difference(itself(model), pictures, answer)
    assert found.pictures == len(pictures)
    assert found.maximum < 0.05
    assert found.expected_error < 0.05


@pytest.fixture(scope="module", params=["floating", "quantised"])
def model(request: pytest.FixtureRequest) -> AnyModel:
    found = find_float_model("awbnet-s", "raw")
    return found if request.param == "floating" else round_model(found, sensed(), Bits())


def test_onnx_answers_as_the_model_does(model: AnyModel, pictures: Sequence[Case]) -> None:
    file = convert(model)
    alike = itself(model) if isinstance(model, Model) else equivalent(model)
    found = measure_difference(alike, surfaces(), runner(file.SerializeToString()))
    limit = 0.05 if isinstance(model, Model) else 0.3
    # What lies halfway between two steps falls to either side in every layer.
    assert found.maximum < (limit if isinstance(model, Model) else 0.5)
    assert found.mean < limit / 3
    assert found.expected_error < 2 * limit
    # An application knows from the file what it is, and nothing of the machine that made it.
    stated = {entry.key: entry.value for entry in file.metadata_props}
    assert stated == {"name": model.name, "domain": "raw", "sha256": model.digest}
    assert b".py" not in file.SerializeToString()
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*file.graph.input, *file.graph.output)
    }
    assert shapes == {
        "thumbnail": [1, 64, 64, 3],
        "valid": [1, 64, 64],
        "white": [1, 3],
        "known": [1, 1],
        "light": [1, 3],
        "expected_error": [1, 1],
    }
    operators = {node.op_type for node in file.graph.node}
    assert ("QuantizeLinear" in operators) == (not isinstance(model, Model))
    kinds = {tensor.name: tensor.data_type for tensor in file.graph.initializer}
    if not isinstance(model, Model):
        weights = [kinds[f"{name}.weight"] for name in model.network.layers]
        assert set(weights) == {onnx.TensorProto.INT8}


def test_what_is_too_far_apart_is_refused() -> None:
    model = find_float_model("awbnet-nano", "raw")
    cases = list(surfaces())[:4]
    most = Difference(0, 0.01, 0.1, 0.1)

    answer = itself(model)
    assert verify(measure_difference(answer, cases, answer), most, "it") == Difference(4, 0.0, 0.0, 0.0)
    for red, more in ((1.01, 0.0), (1.0, 0.2), (np.nan, 0.0), (1.0, np.nan)):

        def wrong(case: Case, red: float = red, more: float = more) -> tuple[np.ndarray, float]:
            light, degrees = answer(case)
            return light * [red, 1, 1], degrees + more

        with pytest.raises(CheckFailed, match=r"nano.onnx answers .* degrees from the reference on average"):
            verify(measure_difference(answer, cases, wrong), most, "nano.onnx")


def test_the_command(tmp_path: Path) -> None:
    data = write_prepared(tmp_path / "set", ["Nikon D810"] * 8)
    model = tmp_path / "nano.safetensors"
    model.write_bytes(integer_model("nano").to_bytes())
    done = awbkit("export", model, "--to", "tflite", "-o", tmp_path / "out", "--check", data.path)
    assert done.code == 0, done.err
    assert done.record["compared"] == len(list(surfaces())) + 8
    assert 0 < done.record["apart_on_average"] <= done.record["apart"] < 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["random.tflite"]
    again = awbkit("export", model, "--to", "tflite", "-o", tmp_path / "out")
    assert (again.code, len(again.err.splitlines())) == (1, 1)


@pytest.mark.parametrize(
    ("target", "bits", "says"),
    [
        ("onnx", Bits(8, 16), "activations of 16 bits; onnx takes 8"),
        ("tflite", Bits(8, 16), "activations of 16 bits; tflite takes 8"),
        ("executorch", Bits(), "takes floating point"),
    ],
)
def test_what_a_target_does_not_take_is_refused(target: str, bits: Bits, says: str) -> None:
    try:
        with pytest.raises(UsageError, match=says):
            EXPORTERS[target](integer_model("nano", bits))
    except MissingExtra as missing:
        pytest.skip(str(missing))


def test_tflite_answers_as_the_model_does(pictures: Sequence[Case]) -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="pip install 'awbkit[tflite]'")
    # Random networks know no bounds, so they are rounded by what they are then asked.
    asked = [
        LinearImage(case.pixels / np.float32(65535), (case.pixels > 0).all(axis=2), Camera()) for case in surfaces()
    ]
    for shape in ("s", "nano", "pruned", "no statistics", "odd"):
        model = round_model(random_model(SHAPES[shape]), asked)
        made = EXPORTERS["tflite"](model)
        assert made.check is not None
        found = made.check(list(surfaces()))
        assert (found.mean < 0.2, found.pictures) == (True, 32), found
        (data,) = made.files.values()
        ran = interpreter.Interpreter(model_content=data)
        numbers = {entry["dtype"] for entry in ran.get_tensor_details()}
        assert numbers <= {np.int8, np.int16, np.int32}
        ends = [entry["dtype"] for entry in (*ran.get_input_details(), *ran.get_output_details())]
        assert set(ends) == {np.int8}


@pytest.mark.parametrize("name", ["awbnet-s", "awbnet-nano", "awbnet-m"])
def test_tensorflow_lite_micro_computes_the_same_bits(name: str) -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="pip install 'awbkit[tflite]'")
    micro = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="it has wheels for x86-64 alone")
    made = EXPORTERS["tflite"](round_model(find_float_model(name, "raw"), sensed(), Bits()))
    assert made.check is not None
    assert made.check(list(surfaces())).mean < 0.15
    (data,) = made.files.values()
    reference = interpreter.OpResolverType.BUILTIN_REF
    one = interpreter.Interpreter(model_content=data, experimental_op_resolver_type=reference)
    one.allocate_tensors()
    other = micro.Interpreter.from_bytes(data)
    rng = np.random.default_rng(0)
    for _ in range(20):
        for place, entry in enumerate(one.get_input_details()):
            values = rng.integers(-127, 128, entry["shape"]).astype(np.int8)
            if entry["name"] == "grid":
                values[..., 4] = rng.integers(0, 17, values.shape[:3])
            one.set_tensor(entry["index"], values)
            other.set_input(values, place)
        one.invoke()
        other.invoke()
        for place, entry in enumerate(one.get_output_details()):
            np.testing.assert_array_equal(other.get_output(place), one.get_tensor(entry["index"]))


def test_executorch_answers_as_the_model_does() -> None:
    pytest.importorskip("executorch", reason="executorch is not installed (pip install 'awbkit[executorch]')")
    model = find_float_model("awbnet-s", "raw")
    made = EXPORTERS["executorch"](model)
    assert list(made.files) == ["awbnet-s.pte"]
    assert made.check is not None
    assert made.check(list(surfaces())).maximum < 0.05
