"""The targets of an export: the files of each, and their check against the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from awbkit.errors import MissingExtra, UsageError
from awbkit.escaping import file_stem
from awbkit.export import check
from awbkit.export.cases import Case, extremes
from awbkit.export.check import Answer, Difference, measure_difference, verify
from awbkit.export.quiet import silence
from awbkit.network.integer.model import IntegerModel
from awbkit.network.model import Model
from awbkit.network.models import AnyModel

_REFUSAL = "{} is of floating point; quantise it first: awbkit quantize MODEL PREPARED -o FILE"

_FLOAT_TOLERANCE = Difference(0, mean=0.01, maximum=0.1, expected_error=0.1)
"""How far an answer may be from the model's."""

_INTEGER_TOLERANCE = Difference(0, mean=0.15, maximum=0.7, expected_error=0.5)
"""The same for quantised models. One step of TensorFlow Lite's 8-bit outputs, up in one and down in the other, is half
a degree, and every layer may round a value halfway between two steps up or down."""

_DESCRIPTION_TOLERANCE = Difference(0, mean=0.3, maximum=3, expected_error=2)
"""The same where the picture is measured in floating point, without the histograms of whole numbers."""


@dataclass(frozen=True, eq=False)
class Export:
    """The files of an exported model.

    Attributes:
        files: By name.
        check: Compares them with the model on pictures with valid pixels and returns the differences, or raises
            CheckFailed; None where this machine has nothing to run them with.
    """

    files: dict[str, bytes]
    check: Callable[[Sequence[Case]], Difference] | None


def c(model: AnyModel) -> Export:
    """One C99 header and one source.

    Raises:
        UsageError: If the model is of floating point.
    """
    from awbkit.export.c.check import check as same
    from awbkit.export.c.check import compiler
    from awbkit.export.c.emit import emit

    if not isinstance(model, IntegerModel):
        raise UsageError(_REFUSAL.format(model.name))
    quantised, sources, cc = model, emit(model), compiler()

    def compare(cases: Sequence[Case]) -> Difference:
        number = same(sources, quantised, [*cases, *extremes()], str(cc))
        return Difference(number, 0.0, 0.0, 0.0)

    files = {name: text.encode("ascii") for name, text in sources.items()}
    return Export(files, None if cc is None else compare)


def onnx(model: AnyModel) -> Export:
    """One ONNX file: of floating point, or with QuantizeLinear and DequantizeLinear around 8 bits.

    Raises:
        MissingExtra: If onnx, onnxruntime or torch is not installed.
        UsageError: If the model has activations of 16 bits.
    """
    with _extra("onnx", "export to onnx"):
        from awbkit.export.onnx import convert, equivalent, runner
    data = convert(model).SerializeToString(deterministic=True)
    reference = equivalent(model) if isinstance(model, IntegerModel) else None
    return _of_one_file(model, f"{file_stem(model.name)}.onnx", data, runner, reference)


def tflite(model: AnyModel) -> Export:
    """One TensorFlow Lite file: in 8 bits the network without the picture's description; in floating point both.

    Raises:
        MissingExtra: If ai-edge-litert, or for floating point litert-torch, is not installed.
        UsageError: If the model has activations of 16 bits.
    """
    if not isinstance(model, IntegerModel):
        return _litert(model)
    with _extra("tflite", "export to tflite"):
        from awbkit.export.tflite import convert, runner
    return _of_one_file(model, f"{file_stem(model.name)}.tflite", convert(model), partial(runner, model))


def _litert(model: Model) -> Export:
    with _extra("litert", "export to tflite in floating point"), silence():
        from awbkit.export.litert import convert, runner
    return _of_one_file(model, f"{file_stem(model.name)}.tflite", convert(model), runner)


def libcamera(model: AnyModel, tuning: Path, destination: Path) -> Export:
    """One TensorFlow Lite file, and the sensor's tuning file with it.

    Args:
        model: Of floating point.
        tuning: The sensor's tuning file.
        destination: The folder where the TensorFlow Lite file will lie.

    Raises:
        MissingExtra: If litert-torch is not installed.
        UnreadableFile: If the tuning file is no tuning file of libcamera.
        UsageError: If the model is quantised, or reads photographs.
    """
    with _extra("litert", "export to libcamera"), silence():
        from awbkit.export.libcamera import GIVES, TAKES, Sensor, Temperature, compare, require_float, sample

        sensor, exact = Sensor.read(tuning), require_float(model)
        from awbkit.export.litert import convert_module, interpreter
    name = f"{file_stem(f'{model.name}-{sensor.name}')}.tflite"
    about = f"{model.name} for {sensor.name}, sha256 {model.digest}"
    data = convert_module(Temperature(exact, sensor), sample(sensor), TAKES, GIVES, about)
    files = {name: data, f"{file_stem(sensor.name)}.json": sensor.with_network(destination / name)}
    # Zones repeat as pixels, and where many contrasts are equal, which are the least is decided by the last bit.
    most = Difference(0, mean=0.03, maximum=0.3, expected_error=0.0)
    return Export(files, lambda cases: verify(compare(exact, sensor, interpreter(data), cases), most, name))


def executorch(model: AnyModel) -> Export:
    """One ExecuTorch program.

    Raises:
        MissingExtra: If executorch or torch is not installed.
        UsageError: If the model is quantised.
    """
    with _extra("executorch", "export to executorch"):
        from awbkit.export.executorch import convert, runner
    return _of_one_file(model, f"{file_stem(model.name)}.pte", convert(model), runner)


@contextmanager
def _extra(extra: str, work: str) -> Iterator[None]:
    """Say which extra to install where an import fails."""
    try:
        yield
    except ImportError:
        raise MissingExtra(work, extra) from None


def _of_one_file(
    model: AnyModel, name: str, data: bytes, runner: Callable[[bytes], Answer], reference: Answer | None = None
) -> Export:
    """Export one file; check it against its exact equivalent, if any, and against the model."""
    most = _INTEGER_TOLERANCE if isinstance(model, IntegerModel) else _FLOAT_TOLERANCE

    def compare(cases: Sequence[Case]) -> Difference:
        answer = runner(data)
        if reference is not None:
            verify(measure_difference(reference, cases, answer), most, name)
        return verify(
            measure_difference(check.runner(model), cases, answer),
            most if reference is None else _DESCRIPTION_TOLERANCE,
            name,
        )

    return Export({name: data}, compare)


EXPORTERS: dict[str, Callable[[AnyModel], Export]] = {
    "c": c,
    "onnx": onnx,
    "tflite": tflite,
    "executorch": executorch,
}
