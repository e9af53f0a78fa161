"""What a network can be exported to: the files of each target, and how they are held against the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from awbkit.errors import MissingExtra, UsageError
from awbkit.export.cases import Case, extremes, surfaces
from awbkit.export.check import Answer, Apart, apart, held
from awbkit.network.integer.model import IntegerModel
from awbkit.network.models import AnyModel

_FLOATING_POINT = "{} is of floating point; quantise it first: awbkit quantize MODEL PREPARED -o FILE"

_FLOATING = Apart(0, mean=0.01, greatest=0.1, expected=0.1)
_QUANTISED = Apart(0, mean=0.2, greatest=1.0, expected=0.5)
"""How far an answer may be from the model's. A quantised model's ONNX file measures pictures in floating point, and its
TensorFlow Lite file answers in 8 bits: either is a tenth of a degree."""


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
    from awbkit.export.c.check import check, compiler
    from awbkit.export.c.emit import emit

    if not isinstance(model, IntegerModel):
        raise UsageError(_FLOATING_POINT.format(model.name))
    quantised, sources, cc = model, emit(model), compiler()

    def compared(cases: Sequence[Case]) -> Apart:
        number = check(sources, quantised, [*cases, *extremes()], str(cc))
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
        from awbkit.export.onnx import answering, exported
    except ImportError:
        raise MissingExtra("export to onnx", "onnx") from None
    data = exported(model).SerializeToString(deterministic=True)
    return _of_one_file(model, f"{model.name}.onnx", data, answering)


def tflite(model: AnyModel) -> Exported:
    """One TensorFlow Lite file: the network in 8 bits, without the description of the picture.

    Raises:
        MissingExtra: If ai-edge-litert is not installed.
        UsageError: If the model is of floating point, or has activations of 16 bits.
    """
    try:
        from awbkit.export.tflite import answering, exported
    except ImportError:
        raise MissingExtra("export to tflite", "tflite") from None
    if not isinstance(model, IntegerModel):
        raise UsageError(_FLOATING_POINT.format(model.name))
    quantised = model
    data = exported(quantised, list(surfaces()))
    return _of_one_file(model, f"{model.name}.tflite", data, lambda file: answering(quantised, file))


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
    return _of_one_file(model, f"{model.name}.pte", exported(model), answering)


def _of_one_file(model: AnyModel, name: str, data: bytes, answering: Callable[[bytes], Answer]) -> Exported:
    most = _QUANTISED if isinstance(model, IntegerModel) else _FLOATING
    return Exported({name: data}, lambda cases: held(apart(model, cases, answering(data)), most, name))


TARGETS: dict[str, Callable[[AnyModel], Exported]] = {"c": c, "onnx": onnx, "tflite": tflite, "executorch": executorch}
