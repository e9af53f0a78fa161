"""Networks as ONNX files, from the thumbnail to the light.

Networks of floating point are traced as they are. Of quantised ones the description is traced, in floating point, and
the layers follow between QuantizeLinear and DequantizeLinear, with the integer network's own weights: activations keep
its units, so that one of them is one unit here, and a weight's scale is its layer's multiplier.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
from torch import nn

from awbkit.errors import UsageError
from awbkit.export.cases import Case
from awbkit.export.check import Answer, in_degrees
from awbkit.export.traced import INPUTS, OUTPUTS, Describer, Estimator, example, inputs
from awbkit.network.features import GRID_SIDE
from awbkit.network.inference import UNSEEN_LOGIT
from awbkit.network.integer.arithmetic import NATURAL
from awbkit.network.integer.model import DEGREE, IntegerModel, white_logs
from awbkit.network.integer.network import (
    ATTENTION_SCALE,
    INPUT_LIMIT,
    LOGIT_UNIT,
    MULTIPLIER_BITS,
    IntegerNetwork,
    Layer,
)
from awbkit.network.model import GREATEST_ERROR, LEAST_ERROR, Model
from awbkit.network.models import AnyModel

OPSET = 18

_CELLS = GRID_SIDE**2


def convert(model: AnyModel) -> ModelProto:
    """A model as ONNX; the same bytes for the same model and the same versions of torch and onnx.

    Its inputs and outputs are those of :meth:`awbkit.export.traced.Estimator.forward`, by the same names.

    Raises:
        UsageError: If it is quantised to more than 8 bits.
    """
    if isinstance(model, Model):
        made = _trace(Estimator(model), OUTPUTS)
    else:
        if model.network.activation_bits != 8:
            raise UsageError(f"{model.name} has activations of 16 bits; onnx takes 8: quantise it with --activations 8")
        made = _quantised_graph(model)
    made.producer_name, made.producer_version, made.doc_string = "awbkit", "", ""
    del made.metadata_props[:]
    helper.set_model_props(made, {"name": model.name, "domain": model.domain, "sha256": model.digest})
    onnx.checker.check_model(made, full_check=True)
    return made


def runner(data: bytes) -> Answer:
    """The function that runs the file, by onnxruntime on one core."""
    session = InferenceSession(data, _session_options(), providers=["CPUExecutionProvider"])

    def answer(case: Case) -> tuple[NDArray[np.float64], float]:
        light, degrees = session.run(None, inputs(case))
        return light[0].astype(np.float64), float(degrees[0, 0])

    return answer


def equivalent(model: IntegerModel) -> Answer:
    """The answers of a quantised model to pictures described in floating point, as its file describes them.

    The other description moves inputs by one unit, and answers mostly by less than a tenth of a degree.
    """
    describer = Describer(model.network)

    def answer(case: Case) -> tuple[NDArray[np.float64], float]:
        with torch.no_grad():
            found = describer(*map(torch.from_numpy, inputs(case).values()))
        anchor, read, *grid = (np.rint(part.numpy()[0]) for part in (found[0] / NATURAL, *found[1:]))
        read, *grid = (np.clip(part, -INPUT_LIMIT, INPUT_LIMIT).astype(np.int64) for part in (read, *grid))
        out = model.network.head(model.network.with_attention_means(read, *grid) if grid else read)
        white = white_logs(case.white)
        own = anchor.astype(np.int64) + (0 if white is None else white)
        return in_degrees(*model.answer_of(own, out, known=white is not None))

    return answer


def _session_options() -> SessionOptions:
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # As the file says: fused kernels of some processors add products of 8 bits in 16, and clip them.
    options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


def _trace(module: nn.Module, outputs: Sequence[str]) -> ModelProto:
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Of torch's own making, about torch itself.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module.eval(),
                example(),
                input_names=INPUTS,
                output_names=outputs,
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    assert program is not None
    found: ModelProto = program.model_proto
    # What is left of the tracing names files of this machine.
    for part in (found.graph, *found.graph.node, *found.graph.value_info, *found.graph.input, *found.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    del found.functions[:]
    return found


def _quantised_graph(model: IntegerModel) -> ModelProto:
    network = model.network
    local = bool(network.architecture.channels)
    described = ("anchor", "read", "grid")[: 3 if local else 2]
    made = _trace(Describer(network), described)
    layers = _Layers()
    x = layers.quantise("read", "inputs")
    if local:
        x = layers.add("Concat", x, layers.quantise(_add_attention(layers, network), "attended"), axis=1)
    for number, rank in enumerate(network.architecture.hidden_ranks):
        if rank:
            x = layers.linear(network, f"hidden.{number}.rank", x, rectified=False)
        x = layers.linear(network, f"hidden.{number}", x, rectified=True)
    out = layers.gemm("output", network.layers["output"], x)
    _add_answer(layers, model, out)
    graph = made.graph
    graph.node.extend(layers.nodes)
    graph.initializer.extend(layers.initializers)
    del graph.output[:]
    sizes = zip(OUTPUTS, (3, 1), strict=True)
    graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in sizes)
    return made


class _Layers:
    """Nodes and constants of a graph, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self._unit = self.constant("unit", np.float32(1))
        self._zero = self.constant("zero", np.int8(0))

    def constant(self, name: str, value: Any) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator: str, *inputs: str, to: str | None = None, **attributes: Any) -> str:
        name = to or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], f"node_{name}", **attributes))
        return name

    def quantise(self, x: str, name: str, *, rectified: bool = False) -> str:
        """Quantise to 8 bits and back."""
        if rectified:
            x = self.add("Relu", x, to=f"{name}.rectified")
        whole = self.add("QuantizeLinear", x, self._unit, self._zero, to=f"{name}.quantized")
        return self.add("DequantizeLinear", whole, self._unit, self._zero, to=f"{name}.held")

    def weights(self, name: str, layer: Layer, shape: tuple[int, ...]) -> list[str]:
        scale = self.constant(f"{name}.scale", (layer.multiplier / 2.0**MULTIPLIER_BITS).astype(np.float32))
        parts: dict[str, NDArray[Any]] = {"weight": layer.weight.reshape(shape), "bias": layer.bias}
        zeros = {key: np.zeros(len(layer.bias), value.dtype) for key, value in parts.items()}
        return [
            self.add(
                "DequantizeLinear",
                self.constant(f"{name}.{key}", value),
                scale,
                self.constant(f"{name}.{key}.zero", zeros[key]),
                to=f"{name}.{key}.held",
                axis=0,
            )
            for key, value in parts.items()
        ]

    def gemm(self, name: str, layer: Layer, x: str) -> str:
        return self.add("Gemm", x, *self.weights(name, layer, layer.weight.shape), to=f"{name}.sums", transB=1)

    def linear(self, network: IntegerNetwork, name: str, x: str, *, rectified: bool) -> str:
        return self.quantise(self.gemm(name, network.layers[name], x), name, rectified=rectified)

    def convolution(self, network: IntegerNetwork, name: str, x: str) -> str:
        layer = network.layers[name]
        if name.endswith("depthwise"):
            held = self.weights(name, layer, (-1, 1, 3, 3))
            return self.add("Conv", x, *held, to=f"{name}.sums", group=len(layer.weight), pads=[1, 1, 1, 1])
        return self.add("Conv", x, *self.weights(name, layer, (*layer.weight.shape, 1, 1)), to=f"{name}.sums")


def _add_attention(layers: _Layers, network: IntegerNetwork) -> str:
    """(1, 2 maps), what the attention maps see, in the head's units."""
    grid = layers.quantise("grid", "grid")
    x = layers.quantise(layers.convolution(network, "stem", grid), "stem", rectified=True)
    for number, rank in enumerate(network.architecture.block_ranks):
        name = f"blocks.{number}"
        x = layers.quantise(layers.convolution(network, f"{name}.depthwise", x), f"{name}.depthwise")
        if rank:
            x = layers.quantise(layers.convolution(network, f"{name}.pointwise.rank", x), f"{name}.pointwise.rank")
        x = layers.quantise(layers.convolution(network, f"{name}.pointwise", x), f"{name}.pointwise", rectified=True)
    maps = network.architecture.maps
    octave = layers.constant("octave", np.float32(LOGIT_UNIT))
    # The integer network's logits have 16 bits, and clip what is beyond.
    ends = [layers.constant(f"{end} of logits", np.float32(end)) for end in (-(1 << 15), (1 << 15) - 1)]
    logits = layers.add("Mul", layers.add("Clip", layers.convolution(network, "attention", x), *ends), octave)
    flat = layers.add("Reshape", logits, layers.constant("cells", np.array([1, maps, _CELLS])))
    planes = layers.add("Reshape", grid, layers.constant("planes", np.array([1, -1, _CELLS])))
    starts = (layers.constant(f"start {number}", np.array([number])) for number in (0, 2, 4, 5, 1))
    zero, two, four, five, axis = starts
    chroma = layers.add("Slice", planes, zero, two, axis)
    mask = layers.add("Greater", layers.add("Slice", planes, four, five, axis), layers.constant("none", np.float32(0)))
    masked = layers.add("Where", mask, flat, layers.constant("unseen", np.float32(UNSEEN_LOGIT)))
    attention = layers.add("Softmax", masked, axis=2)
    pooled = layers.add("MatMul", attention, layers.add("Transpose", chroma, perm=[0, 2, 1]))
    scaled = layers.add(
        "Mul", pooled, layers.constant("attended by", np.float32(ATTENTION_SCALE[0] / ATTENTION_SCALE[1]))
    )
    return layers.add("Reshape", scaled, layers.constant("row", np.array([1, -1])))


def _add_answer(layers: _Layers, model: IntegerModel, out: str) -> None:
    """The light and the expected error of the network's three numbers."""
    logs = layers.add("Mul", out, layers.constant("natural", np.float32(NATURAL)))
    zero, two, three, axis = (layers.constant(f"from {number}", np.array([number])) for number in (0, 2, 3, 1))
    chroma = layers.add("Exp", layers.add("Add", "anchor", layers.add("Slice", logs, zero, two, axis)))
    red, blue = layers.add("Split", chroma, to="red", axis=1, num_outputs=2), "blue"
    layers.nodes[-1].output.append(blue)
    one = layers.constant("green", np.ones((1, 1), np.float32))
    light = layers.add("Mul", layers.add("Concat", red, one, blue, axis=1), "white")
    place = layers.constant("place of green", np.array([1]))
    green = layers.add("Gather", light, place, axis=1)
    layers.add("Div", light, green, to=OUTPUTS[0])
    stated = layers.add("Exp", layers.add("Slice", logs, two, three, axis))
    without = np.array(model.calibration_without_matrix, np.float32) / DEGREE
    more = np.array(model.calibration, np.float32) / DEGREE - without
    sums = [
        layers.add(
            "Add",
            layers.constant(f"{name} unknown", without[number]),
            layers.add("Mul", "known", layers.constant(f"{name} known", more[number])),
        )
        for number, name in enumerate(("offset", "slope"))
    ]
    expected = layers.add("Add", sums[0], layers.add("Mul", sums[1], stated))
    least, most = (layers.constant(f"{value} degrees", np.float32(value)) for value in (LEAST_ERROR, GREATEST_ERROR))
    layers.add("Clip", expected, least, most, to=OUTPUTS[1])
