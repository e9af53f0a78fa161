"""What a network can be exported to: the files of each target, and how they are held against the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from awbkit.errors import MissingExtra, UsageError
from awbkit.escaping import file_stem
from awbkit.export import check
from awbkit.export.cases import Case, extremes
from awbkit.export.check import Answer, Apart, apart, held
from awbkit.export.quiet import quiet
from awbkit.network.integer.model import IntegerModel
from awbkit.network.model import Model
from awbkit.network.models import AnyModel

_FLOATING_POINT = "{} is of floating point; quantise it first: awbkit quantize MODEL PREPARED -o FILE"

_FLOATING = Apart(0, mean=0.01, greatest=0.1, expected=0.1)
"""How far an answer may be from the model's."""

_QUANTISED = Apart(0, mean=0.15, greatest=0.7, expected=0.5)
"""The same of quantised models. One step of TensorFlow Lite's 8-bit outputs, up in one and down in the other, is half a
degree, and what lies halfway between two steps falls to either side in every layer."""

_DESCRIBED = Apart(0, mean=0.3, greatest=3, expected=2)
"""The same where the picture is measured in floating point, without the histograms of whole numbers."""


@dataclass(frozen=True, eq=False)
class Exported:
    """What was made of a model.

    Attributes:
        files: By name.
        check: Holds them against the model on pictures with valid pixels and says how far apart they are, or raises
            CheckFailed; None where this machine has nothing to run them with.
    """

    files: dict[str, bytes]
    check: Callable[[Sequence[Case]], Apart] | None


def c(model: AnyModel) -> Exported:
    """One C99 header and one source.

    Raises:
        UsageError: If the model is of floating point.
    """
    from awbkit.export.c.check import check as same
    from awbkit.export.c.check import compiler
    from awbkit.export.c.emit import emit

    if not isinstance(model, IntegerModel):
        raise UsageError(_FLOATING_POINT.format(model.name))
    quantised, sources, cc = model, emit(model), compiler()

    def compared(cases: Sequence[Case]) -> Apart:
        number = same(sources, quantised, [*cases, *extremes()], str(cc))
        return Apart(number, 0.0, 0.0, 0.0)

    files = {name: text.encode("ascii") for name, text in sources.items()}
    return Exported(files, None if cc is None else compared)


def onnx(model: AnyModel) -> Exported:
    """One ONNX file: of floating point, or with QuantizeLinear and DequantizeLinear around 8 bits.

    Raises:
        MissingExtra: If onnx, onnxruntime or torch is not installed.
        UsageError: If the model has activations of 16 bits.
    """
    try:
        from awbkit.export.onnx import answering, described_alike, exported
    except ImportError:
        raise MissingExtra("export to onnx", "onnx") from None
    data = exported(model).SerializeToString(deterministic=True)
    alike = described_alike(model) if isinstance(model, IntegerModel) else None
    return _of_one_file(model, f"{file_stem(model.name)}.onnx", data, answering, alike)


def tflite(model: AnyModel) -> Exported:
    """One TensorFlow Lite file: in 8 bits the network without the picture's description; in floating point both.

    Raises:
        MissingExtra: If ai-edge-litert, or for floating point litert-torch, is not installed.
        UsageError: If the model has activations of 16 bits.
    """
    if not isinstance(model, IntegerModel):
        return _litert(model)
    try:
        from awbkit.export.tflite import answering, exported
    except ImportError:
        raise MissingExtra("export to tflite", "tflite") from None
    quantised = model
    data = exported(quantised)
    return _of_one_file(model, f"{file_stem(model.name)}.tflite", data, lambda file: answering(quantised, file))


def _litert(model: Model) -> Exported:
    try:
        with quiet():
            from awbkit.export.litert import answering, exported
    except ImportError:
        raise MissingExtra("export to tflite in floating point", "litert") from None
    return _of_one_file(model, f"{file_stem(model.name)}.tflite", exported(model), answering)


def libcamera(model: AnyModel, tuning: Path, installed: Path) -> Exported:
    """One TensorFlow Lite file, and the sensor's tuning file with it.

    Args:
        model: Of floating point.
        tuning: The sensor's tuning file.
        installed: The folder where the TensorFlow Lite file will lie.

    Raises:
        MissingExtra: If litert-torch is not installed.
        UnreadableFile: If the tuning file is none.
        UsageError: If the model is quantised, or reads photographs.
    """
    try:
        with quiet():
            from awbkit.export.libcamera import GIVES, TAKES, Sensor, Temperature, compared, floating, sample

            sensor, exact = Sensor.read(tuning), floating(model)
            from awbkit.export.litert import converted, running
    except ImportError:
        raise MissingExtra("export to libcamera", "litert") from None
    name = f"{file_stem(f'{model.name}-{sensor.name}')}.tflite"
    about = f"{model.name} for {sensor.name}, sha256 {model.digest}"
    data = converted(Temperature(exact, sensor), sample(sensor), TAKES, GIVES, about)
    files = {name: data, f"{file_stem(sensor.name)}.json": sensor.tuned(installed / name)}
    # Zones repeat as pixels, and where many contrasts are equal, which are the least is decided by the last bit.
    most = Apart(0, mean=0.03, greatest=0.3, expected=0.0)
    return Exported(files, lambda cases: held(compared(exact, sensor, running(data), cases), most, name))


def executorch(model: AnyModel) -> Exported:
    """One ExecuTorch program.

    Raises:
        MissingExtra: If executorch or torch is not installed.
        UsageError: If the model is quantised.
    """
    try:
        from awbkit.export.executorch import answering, exported
    except ImportError:
        raise MissingExtra("export to executorch", "executorch") from None
    return _of_one_file(model, f"{file_stem(model.name)}.pte", exported(model), answering)


def _of_one_file(
    model: AnyModel, name: str, data: bytes, answering: Callable[[bytes], Answer], alike: Answer | None = None
) -> Exported:
    """A file that is held against what computes alike, if not the model itself, and compared with the model."""
    most = _QUANTISED if isinstance(model, IntegerModel) else _FLOATING

    def compared(cases: Sequence[Case]) -> Apart:
        answer = answering(data)
        if alike is not None:
            held(apart(alike, cases, answer), most, name)
        return held(apart(check.answering(model), cases, answer), most if alike is None else _DESCRIBED, name)

    return Exported({name: data}, compared)


EXPORTERS: dict[str, Callable[[AnyModel], Exported]] = {
    "c": c,
    "onnx": onnx,
    "tflite": tflite,
    "executorch": executorch,
}
