"""Networks of floating point as TensorFlow Lite files: from the thumbnail to the light, in builtin operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import flatbuffers
import litert_torch
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from litert_torch import fx_infra
from litert_torch.backend.experimental.torch_tfl import _ops  # noqa: F401 - registers torch.ops.tfl
from numpy.typing import NDArray
from torch import Tensor, nn

from awbkit.export.cases import Case
from awbkit.export.check import Answer
from awbkit.export.quiet import silence
from awbkit.export.traced import INPUTS, OUTPUTS, Estimator, example, inputs
from awbkit.network.model import Model

Run = Callable[[Mapping[str, NDArray[np.float32]]], dict[str, NDArray[np.float32]]]
"""Outputs by name, of inputs by name."""


def convert(model: Model) -> bytes:
    """A file of :meth:`awbkit.export.traced.Estimator.forward`."""
    return convert_module(Estimator(model), example(), INPUTS, OUTPUTS, f"{model.name}, sha256 {model.digest}")


def runner(data: bytes) -> Answer:
    """The function that runs the file."""
    run = interpreter(data)

    def answer(case: Case) -> tuple[NDArray[np.float64], float]:
        found = run(inputs(case))
        return found["light"][0].astype(np.float64), float(found["expected_error"][0, 0])

    return answer


def convert_module(
    module: nn.Module, sample: tuple[Tensor, ...], takes: Sequence[str], gives: Sequence[str], description: str
) -> bytes:
    """A TensorFlow Lite file of a module.

    Args:
        module: Whose sizes do not depend on what it is given.
        sample: Inputs of the right shapes.
        takes: The inputs' names, in order.
        gives: The outputs' names, in order.
        description: What the file says of itself.
    """
    with silence():
        content = bytes(litert_torch.convert(module.eval(), sample).model_content())
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    (signature,) = model.signatureDefs
    (graph,) = model.subgraphs
    # What the converter calls the rest takes as much space as the weights.
    for tensor in graph.tensors:
        tensor.name = ""
    for names, maps in ((takes, signature.inputs), (gives, signature.outputs)):
        # The converter calls inputs args_0, args_1, ..., and numbers outputs in the same way.
        for name, entry in zip(names, sorted(maps, key=lambda entry: _number(entry.name)), strict=True):
            entry.name = name
            graph.tensors[entry.tensorIndex].name = name
    model.description = description
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def interpreter(data: bytes) -> Run:
    """Run a file by LiteRT's own kernels, on one core."""
    # XNNPACK adds up in another order.
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    takes = {entry["name"]: entry["index"] for entry in interpreter.get_input_details()}
    gives = {entry["name"]: entry["index"] for entry in interpreter.get_output_details()}

    def run(given: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        for name, value in given.items():
            interpreter.set_tensor(takes[name], value)
        interpreter.invoke()
        return {name: interpreter.get_tensor(place) for name, place in gives.items()}

    return run


def _greatest(x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """In place of a sort, for which the converter writes an operator that interpreters lack."""
    values, places = torch.ops.tfl.topk_v2(x, k)
    return values, places.to(torch.int64)


fx_infra.decomp.add_pre_convert_decomp(torch.ops.aten.topk.default, _greatest)


def _number(name: bytes | str) -> int:
    text = name.decode() if isinstance(name, bytes) else name
    return int(text.rpartition("_")[2]) if text.rpartition("_")[2].isdigit() else 0
