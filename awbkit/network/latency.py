"""How many instructions a network takes on a Cortex-M, by tables of what its parts cost in the C that is exported.

The tables were fitted to twelve networks from 0.2 to 400 thousand multiply-accumulates in QEMU, by ``-O2`` of GCC 12
(`awbkit bench` measures); they foretell those to within 10 %, smaller ones to within a third. Measuring the picture
comes on top; it costs all networks the same but for those that read none of some group of statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from awbkit.network.architecture import OUTPUTS, Architecture
from awbkit.network.features import GRID_CHANNELS, GRID_SIDE

_CELLS = GRID_SIDE**2
_SMALL_INPUTS = 8
"""Inputs whose weights stay in registers, where two multiplications are one instruction."""


@dataclass(frozen=True)
class Table:
    """Instructions on one processor.

    Attributes:
        small_output: For one output of a pointwise convolution in one cell, with up to eight inputs; None where the
            general case holds for these too.
        output: For one output of a pointwise convolution in one cell, the inputs apart.
        input: For each input of such an output, with their number rounded up to a multiple of four.
        depthwise: For one output of a depthwise convolution in one cell.
        attention: For one attention map in one cell, beside its convolution.
        linear: For each weight of a linear layer.
        statistic: To read one.
        always: Whatever the network.
    """

    small_output: float | None
    output: float
    input: float
    depthwise: float
    attention: float
    linear: float
    statistic: float
    always: float


TABLES = {
    "cortex-m4": Table(
        small_output=30.9, output=25.6, input=4.3, depthwise=25.9, attention=55.6, linear=3.2, statistic=29, always=600
    ),
    "cortex-m3": Table(
        small_output=None, output=0.0, input=5.8, depthwise=61.4, attention=89.3, linear=5.2, statistic=30, always=700
    ),
    "cortex-m0": Table(
        small_output=None,
        output=24.4,
        input=9.4,
        depthwise=140.4,
        attention=168.6,
        linear=9.6,
        statistic=60,
        always=1500,
    ),
}


def instructions(architecture: Architecture, target: str) -> int:
    """The instructions for one answer, without the description of the picture.

    Args:
        architecture: Of the family "awbnet".
        target: One of :data:`TABLES`.
    """
    table, built = TABLES[target], architecture
    total = table.always + table.statistic * len(built.statistics)
    if built.channels:
        branch, convolutions = 0.0, [(GRID_CHANNELS, built.channels[0])]
        for (inputs, outputs), rank in zip(pairwise(built.channels), built.block_ranks, strict=True):
            branch += table.depthwise * inputs
            convolutions += [(inputs, rank), (rank, outputs)] if rank else [(inputs, outputs)]
        convolutions.append((built.channels[-1], built.maps))
        branch += table.attention * built.maps
        branch += sum(outputs * _of_output(table, inputs) for inputs, outputs in convolutions)
        total += _CELLS * branch
    widths = (built.head_inputs, *built.hidden)
    for (inputs, outputs), rank in zip(pairwise(widths), built.hidden_ranks, strict=True):
        layers = [(inputs, rank), (rank, outputs)] if rank else [(inputs, outputs)]
        total += table.linear * sum(wide * high for wide, high in layers)
    return round(total + table.linear * OUTPUTS * widths[-1])


def _of_output(table: Table, inputs: int) -> float:
    wide = -(-inputs // 4) * 4
    if table.small_output is not None and wide <= _SMALL_INPUTS:
        return table.small_output
    return table.output + table.input * wide
