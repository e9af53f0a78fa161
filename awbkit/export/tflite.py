"""Quantised networks as TensorFlow Lite files, for TensorFlow Lite Micro and for accelerators that take its operators.

Inputs and outputs have 8 bits, and so has every layer but the attention, which has 16. The file does not describe
pictures, since these runtimes have no order statistics in whole numbers. ``awb_describe``, in the C that
``awbkit export --to c`` writes, makes the two inputs as :class:`awbkit.network.integer.network.IntegerNetwork` defines
them, and adds the anchor to the output.

Linear layers are convolutions of one pixel, which have a scale for each output everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from awbkit.errors import UsageError
from awbkit.export.cases import Case
from awbkit.export.check import Answer
from awbkit.network.features import GRID_CHANNELS, GRID_SIDE
from awbkit.network.integer.arithmetic import NATURAL
from awbkit.network.integer.description import describe
from awbkit.network.integer.model import DEGREE, IntegerModel, white_logs
from awbkit.network.integer.network import ATTENTION_SCALE, LOGIT_UNIT, MULTIPLIER_BITS, IntegerNetwork, Layer
from awbkit.network.model import GREATEST_ERROR, LEAST_ERROR

GRID, READ, LIGHT, ERROR = "grid", "read", "light", "error"

_CELLS = GRID_SIDE**2
_READ_UNIT = ATTENTION_SCALE[1] / ATTENTION_SCALE[0]
"""The unit of the head's inputs, in units of the grid's log-chroma. With it the attended inputs need no scaling."""

_UNITS = {LIGHT: 1 / 100, ERROR: 1 / 30}
"""One step of an output in natural logarithms: lights reach 3.6 times off the anchor, errors 69 degrees."""

_MASK_DEPTH = 11.0
"""Natural logarithms below the least attention; the shares of masked cells are then below 15 bits."""


def convert(model: IntegerModel) -> bytes:
    """The file.

    Inputs: ``grid``, int8 (1, 16, 16, 5), the description's grid with the channels last, and ``read``, int8 (1, 1, 1,
    S + 3), the head's inputs less those of the attention. Outputs: ``light``, int8 (1, 1, 1, 2), hundredths of what is
    added to the anchor's ln(r/g) and ln(b/g), and ``error``, int8 (1, 1, 1, 1), thirtieths of the natural logarithm of
    the expected error as the network states it.

    Args:
        model: With activations of 8 bits.

    Raises:
        UsageError: If the model has activations of 16 bits.
    """
    network = model.network
    if network.activation_bits != 8:
        raise UsageError(f"{model.name} has activations of 16 bits; tflite takes 8: quantise it with --activations 8")
    graph = _Graph()
    local = bool(network.architecture.channels)
    count = len(network.architecture.statistics) + 3
    inputs = [graph.tensor(READ, (1, 1, 1, count), np.int8, _READ_UNIT)]
    x = inputs[0]
    if local:
        inputs.insert(0, graph.tensor(GRID, (1, GRID_SIDE, GRID_SIDE, GRID_CHANNELS), np.int8, 1.0))
        attended = _add_attention(graph, network, inputs[0], model.greatest_logit)
        shape = (1, 1, 1, count + 2 * network.architecture.maps)
        options = schema.ConcatenationOptionsT()
        options.axis = 3
        x = graph.add("CONCATENATION", [x, attended], "inputs", shape, np.int8, _READ_UNIT, options)
    unit = _READ_UNIT
    for number, rank in enumerate(network.architecture.hidden_ranks):
        if rank:
            x = graph.convolution(f"hidden.{number}.rank", network, x, unit)
            unit = 1.0
        x = graph.convolution(f"hidden.{number}", network, x, unit, rectified=True)
        unit = 1.0
    outputs = [
        graph.output(name, network.layers["output"], rows, x, unit)
        for name, rows in ((LIGHT, slice(2)), (ERROR, slice(2, 3)))
    ]
    return graph.to_bytes(inputs, outputs, f"{model.name}, {model.domain}, sha256 {model.digest}")


def runner(model: IntegerModel, data: bytes) -> Answer:
    """The function that runs the file, by TensorFlow Lite's reference kernels, after the model's own description."""
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    places = {entry["name"]: entry["index"] for entry in interpreter.get_input_details()}
    outputs = {entry["name"]: (entry["index"], entry["quantization"][0]) for entry in interpreter.get_output_details()}

    def answer(case: Case) -> tuple[NDArray[np.float64], float]:
        described, white = describe(case.pixels), white_logs(case.white)
        read = model.network.inputs_of_picture(described, white)
        interpreter.set_tensor(places[READ], read.astype(np.int8).reshape(1, 1, 1, -1))
        if GRID in places:
            interpreter.set_tensor(places[GRID], np.moveaxis(described.grid, 0, 2).astype(np.int8)[None])
        interpreter.invoke()
        found = {name: interpreter.get_tensor(place).reshape(-1) * unit for name, (place, unit) in outputs.items()}
        chroma = np.exp(described.anchor * NATURAL + found[LIGHT])
        offset, slope = model.calibration_without_matrix if white is None else model.calibration
        degrees = (offset + slope * float(np.exp(found[ERROR][0]))) / DEGREE
        return np.insert(chroma, 1, 1), min(max(degrees, LEAST_ERROR), GREATEST_ERROR)

    return answer


def _add_attention(graph: _Graph, network: IntegerNetwork, grid: int, greatest: float) -> int:
    """(1, 1, 1, 2 maps), what the attention maps see, in the head's units."""
    x = graph.convolution("stem", network, grid, 1.0, rectified=True)
    for number, rank in enumerate(network.architecture.block_ranks):
        name = f"blocks.{number}"
        x = graph.depthwise(f"{name}.depthwise", network, x)
        if rank:
            x = graph.convolution(f"{name}.pointwise.rank", network, x, 1.0)
        x = graph.convolution(f"{name}.pointwise", network, x, 1.0, rectified=True)
    maps = network.architecture.maps
    layer = network.layers["attention"]
    logits = graph.layer("attention", layer, x, 1.0, greatest / 127, out_unit=LOGIT_UNIT)
    # A cell with a valid pixel has so much more attention that none of the others counts.
    more = 2 * greatest + _MASK_DEPTH
    unit = (greatest + more) / 32767
    mask = graph.add_mask(grid, more, unit)
    wide = graph.add("QUANTIZE", [logits], "attention.wide", (1, GRID_SIDE, GRID_SIDE, maps), np.int16, unit)
    sums = schema.AddOptionsT()
    sums.potScaleInt16 = False
    shape = (1, GRID_SIDE, GRID_SIDE, maps)
    masked = graph.add("ADD", [wide, mask], "attention.seen", shape, np.int16, unit, sums)
    rows = graph.reshape(masked, "attention.rows", (1, _CELLS, maps), np.int16, unit)
    columns = graph.transpose(rows, "attention.columns", (0, 2, 1), (1, maps, _CELLS), np.int16, unit)
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    attention = graph.add("SOFTMAX", [columns], "attention.shares", (1, maps, _CELLS), np.int16, 1 / 32768, softmax)
    chroma = graph.slice_channels(grid, "chroma", (0, 2))
    chroma = graph.reshape(chroma, "chroma.rows", (1, _CELLS, 2), np.int8, 1.0)
    chroma = graph.add("QUANTIZE", [chroma], "chroma.wide", (1, _CELLS, 2), np.int16, 1 / 256)
    product = schema.BatchMatMulOptionsT()
    pooled = graph.add("BATCH_MATMUL", [attention, chroma], "attended.wide", (1, maps, 2), np.int16, 1 / 256, product)
    narrow = graph.add("QUANTIZE", [pooled], "attended.narrow", (1, maps, 2), np.int8, _READ_UNIT)
    return graph.reshape(narrow, "attended", (1, 1, 1, 2 * maps), np.int8, _READ_UNIT)


_VERSIONS = {"ADD": 3, "BATCH_MATMUL": 4, "CONCATENATION": 2, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "MINIMUM": 2}
_VERSIONS |= {"MUL": 2, "QUANTIZE": 2, "SLICE": 2, "SOFTMAX": 3, "TRANSPOSE": 2}
"""Of operators, where types of few bits came with a later version than the first."""


class _Graph:
    """Tensors, operators and constants of a file, as they are added."""

    def __init__(self) -> None:
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[str] = []

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        kind: type[np.generic],
        unit: float | NDArray[np.float64] | None = None,
        data: NDArray[Any] | None = None,
        axis: int = 0,
    ) -> int:
        """A new tensor's number; ``unit`` has one value for each place along ``axis``, or one for all."""
        made = schema.TensorT()
        made.name, made.shape, made.type = name, list(shape), getattr(schema.TensorType, kind.__name__.upper())
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, kind).tobytes(), np.uint8)
            made.buffer = len(self._buffers)
            self._buffers.append(buffer)
        if unit is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = np.atleast_1d(unit).astype(np.float32)
            made.quantization.zeroPoint = np.zeros(np.size(unit), np.int64)
            made.quantization.quantizedDimension = axis
        self._tensors.append(made)
        return len(self._tensors) - 1

    def add(
        self,
        operator: str,
        inputs: Sequence[int],
        name: str,
        shape: Sequence[int],
        kind: type[np.generic],
        unit: float,
        options: Any = None,
    ) -> int:
        """Add an operator; returns the number of the tensor that it writes."""
        if operator not in self._codes:
            self._codes.append(operator)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs = self._codes.index(operator), list(inputs)
        made.outputs = [self.tensor(name, shape, kind, unit)]
        if options is not None:
            union = type(options).__name__.removesuffix("T")
            made.builtinOptionsType, made.builtinOptions = getattr(schema.BuiltinOptions, union), options
        self._operators.append(made)
        return int(made.outputs[0])

    def convolution(self, name: str, network: IntegerNetwork, x: int, unit: float, *, rectified: bool = False) -> int:
        """A pointwise convolution or linear layer, in 8 bits of one unit."""
        return self.layer(name, network.layers[name], x, unit, 1.0, rectified=rectified)

    def layer(
        self,
        name: str,
        layer: Layer,
        x: int,
        unit: float,
        out: float,
        *,
        out_unit: float = 1.0,
        rectified: bool = False,
    ) -> int:
        """The same in units of ``out``, where one of the integer layer's outputs is ``out_unit``."""
        outputs, inputs = layer.weight.shape
        options = schema.Conv2DOptionsT()
        options.strideH = options.strideW = 1
        options.padding = schema.Padding.VALID
        if rectified:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        scale = layer.multiplier / 2.0**MULTIPLIER_BITS * out_unit
        weight = self.tensor(f"{name}.weight", (outputs, 1, 1, inputs), np.int8, scale / unit, layer.weight)
        bias = self.tensor(f"{name}.bias", (outputs,), np.int32, scale, layer.bias)
        shape = (*self._tensors[x].shape[:3], outputs)
        return self.add("CONV_2D", [x, weight, bias], name, shape, np.int8, out, options)

    def output(self, name: str, layer: Layer, rows: slice, x: int, unit: float) -> int:
        """Some of the network's outputs, in parts of natural logarithms."""
        part = Layer(layer.weight[rows], layer.bias[rows], layer.multiplier[rows])
        return self.layer(name, part, x, unit, _UNITS[name], out_unit=NATURAL)

    def depthwise(self, name: str, network: IntegerNetwork, x: int) -> int:
        layer = network.layers[name]
        channels = len(layer.weight)
        options = schema.DepthwiseConv2DOptionsT()
        options.strideH = options.strideW = options.depthMultiplier = 1
        options.padding = schema.Padding.SAME
        scale = layer.multiplier / 2.0**MULTIPLIER_BITS
        kernel = layer.weight.T.reshape(1, 3, 3, channels)
        weight = self.tensor(f"{name}.weight", kernel.shape, np.int8, scale, kernel, axis=3)
        bias = self.tensor(f"{name}.bias", (channels,), np.int32, scale, layer.bias)
        shape = (1, GRID_SIDE, GRID_SIDE, channels)
        return self.add("DEPTHWISE_CONV_2D", [x, weight, bias], name, shape, np.int8, 1.0, options)

    def add_mask(self, grid: int, more: float, unit: float) -> int:
        """(1, 16, 16, 1) in this unit, ``more`` in cells with a valid pixel and 0 in the others."""
        shape = (1, GRID_SIDE, GRID_SIDE, 1)
        share = self.slice_channels(grid, "share", (4, 5))
        one = self.tensor("one", (1, 1, 1, 1), np.int8, 1.0, np.ones(1))
        some = self.add("MINIMUM", [share, one], "seen", shape, np.int8, 1.0)
        amount = self.tensor("more", (1, 1, 1, 1), np.int8, more / 64, np.full(1, 64))
        found = self.add("MUL", [some, amount], "seen.more", shape, np.int8, more / 64, schema.MulOptionsT())
        return self.add("QUANTIZE", [found], "seen.wide", shape, np.int16, unit)

    def slice_channels(self, x: int, name: str, channels: tuple[int, int]) -> int:
        start, end = channels
        begin = self.tensor(f"{name}.begin", (4,), np.int32, data=np.array([0, 0, 0, start]))
        size = self.tensor(f"{name}.size", (4,), np.int32, data=np.array([1, GRID_SIDE, GRID_SIDE, end - start]))
        return self.add("SLICE", [x, begin, size], name, (1, GRID_SIDE, GRID_SIDE, end - start), np.int8, 1.0)

    def reshape(self, x: int, name: str, shape: Sequence[int], kind: type[np.generic], unit: float) -> int:
        sizes = self.tensor(f"{name}.shape", (len(shape),), np.int32, data=np.array(shape))
        return self.add("RESHAPE", [x, sizes], name, shape, kind, unit)

    def transpose(
        self, x: int, name: str, order: Sequence[int], shape: Sequence[int], kind: type[np.generic], unit: float
    ) -> int:
        places = self.tensor(f"{name}.order", (len(order),), np.int32, data=np.array(order))
        return self.add("TRANSPOSE", [x, places], name, shape, kind, unit)

    def to_bytes(self, inputs: Sequence[int], outputs: Sequence[int], description: str) -> bytes:
        graph = schema.SubGraphT()
        graph.name, graph.inputs, graph.outputs = "awbkit", list(inputs), list(outputs)
        graph.tensors, graph.operators = self._tensors, self._operators
        model = schema.ModelT()
        model.version, model.description = 3, description
        model.subgraphs, model.buffers = [graph], self._buffers
        model.operatorCodes = [_code(name) for name in self._codes]
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _code(name: str) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = _VERSIONS.get(name, 1)
    return code
