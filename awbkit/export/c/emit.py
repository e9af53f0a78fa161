"""The text of a quantised model in C99."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from awbkit.escaping import c_comment
from awbkit.network.architecture import POSITION
from awbkit.network.features import GRID_CHANNELS
from awbkit.network.integer.arithmetic import EXP2_TABLE, LOG2_TABLE, QUICK_TABLE
from awbkit.network.integer.model import IntegerModel
from awbkit.network.integer.network import Layer
from awbkit.network.statistics import COSTS, TABLE
from awbkit.version import VERSION

HEADER, SOURCE = "awb.h", "awb.c"

_SOURCES = ("arithmetic", "workspace", "statistics", "channels", "pixels", "sums", "network", "thumbnails")

_MEASURING_BYTES = {True: 5420, False: 4608}
"""Bytes for three rows of pixels and the histograms of all; without local contrast, for the search of the anchor."""

_STATE_BYTES = 688
"""Bytes of the state between two steps, without the grid and the statistics."""

_WIDTH = 116
_FOUR = 4


def emit(model: IntegerModel) -> dict[str, str]:
    """The text of both files, by their names."""
    # Compilers that take warnings for errors refuse a function that nothing calls.
    stem_alone = len(model.architecture.channels) == 1
    values = {
        "VERSION": VERSION,
        "NAME": c_comment(model.name),
        "ACTIVATION_BITS": str(model.network.activation_bits),
        "TABLES": _tables(model),
        "DEPTHWISE": "" if stem_alone else _template("depthwise.c").rstrip(),
        "NETWORK": _network(model),
        "WORDS": str(_workspace_words(model)),
        "READ": str(len(model.architecture.statistics) + POSITION),
    }
    source = "\n".join(_template(f"{name}.c") for name in _SOURCES)
    return {HEADER: _fill(_template(HEADER), values), SOURCE: _fill(source, values)}


def _template(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="ascii")


def _fill(text: str, values: dict[str, str]) -> str:
    # All at once, so that no value is searched for places of others.
    return re.sub("@([A-Z_]+)@", lambda found: values[found[1]], text)


def _pad(count: int) -> int:
    return -(-count // _FOUR) * _FOUR


def _tables(model: IntegerModel) -> str:
    network, bits = model.network, model.weight_bits
    built = model.architecture
    channels, groups, steps = _channels(model), TABLE.groups_of(built.statistics), _steps(model)
    most = (1 << network.activation_bits - 1) - 1
    parts = [
        f"#define WEIGHT_BITS {bits}",
        f"#define ACTIVATION_BITS {network.activation_bits}",
        f"#define MOST {most}",
        f"#define STATISTICS {len(network.centre)}",
        f"#define CHANNELS {channels}",
        f"#define GRID_CHANNELS {GRID_CHANNELS}",
        f"#define WIDEST {_widest(model)}",
        "",
        "/* Which statistics the network reads, and which steps these take; the others are left out. */",
        *(f"#define READS_{name.upper()} {int(name in groups)}" for name in COSTS),
        *(f"#define TAKES_{name.upper()} {int(name in steps)}" for name in sorted({*chain(*COSTS.values())})),
        "",
        "/* Where each statistic begins among all. */",
        f"#define MEASURED {TABLE.count}",
        *(f"#define AT_{name.upper()} {places.start}" for name, places in TABLE.places.items()),
        "",
        f"typedef int{network.activation_bits}_t activation;",
        "typedef int8_t coefficient;" if bits == 8 else "typedef uint8_t coefficient;",
        "",
        "/* Of each output a row of weights, padded to a multiple of four, with 4 bits two in a byte and 8 added. */",
        "typedef struct {",
        "    const coefficient *weight;",
        "    const int32_t *bias, *multiplier;",
        "    int16_t outputs, stride;",
        "} layer;",
        "",
        _array("uint16_t", "log2_table", LOG2_TABLE),
        "#ifndef __OPTIMIZE_SIZE__",
        _array("uint16_t", "quick_table", QUICK_TABLE),
        "#endif",
        _array("uint16_t", "exp2_table", EXP2_TABLE),
        "/* Of pictures whose camera's white is not known, and is known. */",
        _array("int16_t", "error_offset", np.array([model.calibration_without_matrix[0], model.calibration[0]])),
        _array("int16_t", "error_slope", np.array([model.calibration_without_matrix[1], model.calibration[1]])),
    ]
    if len(network.centre):
        parts += [
            "/* Statistics less their centre, times their gain, are the inputs of the network. */",
            *_places(built.statistics),
            _array("int16_t", "statistic_centre", network.centre),
            _array("int16_t", "statistic_gain", network.gain),
        ]
    for name, layer in network.layers.items():
        parts.append(_layer(name, layer, bits))
    if built.channels:
        value = "row[k]" if bits == 8 else "(int32_t)(row[k >> 1] >> 4 * (k & 1) & 15) - 8"
        parts.append(f"static inline int32_t weight_at(const coefficient *row, int k)\n{{\n    return {value};\n}}\n")
    return "\n".join(parts)


def _steps(model: IntegerModel) -> set[str]:
    """The steps of computation that the groups of statistics of the model need, each once."""
    return {step for group in TABLE.groups_of(model.architecture.statistics) for step in COSTS[group]}


def _places(statistics: tuple[int, ...]) -> list[str]:
    """Where the statistics that are read lie among all."""
    if statistics == tuple(range(len(statistics))):
        return ["#define STATISTIC_PLACE(n) (n)"]
    table = _array("uint8_t", "statistic_place", np.array(statistics))
    return [table, "#define STATISTIC_PLACE(n) statistic_place[n]"]


def _layer(name: str, layer: Layer, bits: int) -> str:
    outputs, inputs = layer.weight.shape
    stride = _pad(inputs)
    rows = np.zeros((outputs, stride), np.int64)
    rows[:, :inputs] = layer.weight
    kind = "int8_t"
    if bits == 4:
        rows = (rows[:, 0::2] + 8) | (rows[:, 1::2] + 8) << 4
        kind = "uint8_t"
    symbol = _symbol(name)
    return "\n".join(
        [
            f"/* {name}: {inputs} to {outputs} */",
            _array(kind, f"{symbol}_weight", rows),
            _array("int32_t", f"{symbol}_bias", layer.bias),
            _array("int32_t", f"{symbol}_multiplier", layer.multiplier),
            f"static const layer {symbol} = "
            f"{{{symbol}_weight, {symbol}_bias, {symbol}_multiplier, {outputs}, {stride}}};",
            "",
        ]
    )


def _symbol(name: str) -> str:
    return "layer_" + name.replace(".", "_")


def _network(model: IntegerModel) -> str:
    built = model.architecture
    lines: list[str] = []
    if built.channels:
        one, other = "e->at.network.maps[0]", "e->at.network.maps[1]"
        lines += ["/* stem */", f"pointwise(&layer_stem, e->grid, GRID_CHANNELS, {one}, 0);"]
        for name in (name for name in built.layers() if name.startswith("blocks")):
            what = f"&{_symbol(name)}, {one}"
            if name.endswith("depthwise"):
                lines += [f"/* {name} */", f"depthwise({what}, {other});"]
            else:
                lines += [f"/* {name} */", f"pointwise({what}, CHANNELS, {other}, {_lowest(name)});"]
            one, other = other, one
        lines += ["/* attention */", f"attended(e, &layer_attention, {one}, x);", f"x += {2 * built.maps};"]
    lines += ["while ((x - e->at.network.x[0]) % 4)", "    *x++ = 0;"]
    one, other = "e->at.network.x[0]", "e->at.network.x[1]"
    for name in built.head_layers()[:-1]:
        lines += [f"/* {name} */", f"linear(&{_symbol(name)}, {one}, {other}, {_lowest(name)});"]
        one, other = other, one
    lines += [
        "/* output */",
        "for (n = 0; n < 3; n++)",
        f"    answer[n] = held(rounded(dot(row_of(l, n), {one}, l->stride, l->bias[n]), l->multiplier[n]));",
    ]
    return "\n".join(f"    {line}" for line in lines)


def _lowest(name: str) -> str:
    """The lower bound of a layer's outputs. The first of two factors has outputs of either sign."""
    return "-MOST" if name.endswith(".rank") else "0"


def _channels(model: IntegerModel) -> int:
    """The number of values for each cell in the maps of the convolutional branch."""
    return _pad(max((*model.architecture.channels, *model.architecture.block_ranks), default=0))


def _array(kind: str, name: str, values: NDArray[np.generic]) -> str:
    lines, line = [], "   "
    for value in values.reshape(-1).tolist():
        text = f" {value},"
        if len(line) + len(text) > _WIDTH:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join([f"static const {kind} {name}[{values.size}] = {{", *lines, line, "};"])


def _workspace_words(model: IntegerModel) -> int:
    """The size of the workspace in words of 8 bytes, where pointers have 8 bytes; the C does not compile with less."""
    size = model.network.activation_bits // 8
    local = bool(model.architecture.channels)
    computed = 512 + 2 * (256 * _channels(model) + _widest(model)) * size
    contrast = local or "contrast" in _steps(model)
    grid = (256 * GRID_CHANNELS + 3) * size if local else 4
    return -(-(max(_MEASURING_BYTES[contrast], computed) + grid + _STATE_BYTES + 2 * TABLE.count + 16) // 8)


def _widest(model: IntegerModel) -> int:
    built = model.architecture
    return max(_pad(width) for width in (built.head_inputs, *built.hidden_ranks, *built.hidden, 3))
