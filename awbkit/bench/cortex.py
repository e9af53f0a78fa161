"""Exported C on Cortex-M processors: bytes by Arm's compiler, instructions by QEMU."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from awbkit.export.c.check import compare, record
from awbkit.export.c.limited import output_of, put
from awbkit.export.cases import Case
from awbkit.network.integer.model import IntegerModel
from awbkit.store.parts import scratch

_COMPILER, _SIZE, _EMULATOR = "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"
_BOARDS = {"cortex-m4": "mps2-an386"}
_OTHER_BOARD = "mps2-an385"
"""A board with a Cortex-M3. QEMU has none with a Cortex-M0, whose code a Cortex-M3 runs."""

_LINK_FLAGS = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
_WORDS = re.compile(r"words\[(\d+)\]")


@dataclass(frozen=True)
class Cortex:
    """One estimate on one processor.

    Attributes:
        flash: Bytes of code and weights that one estimate needs, by ``-Os``.
        instructions: Median over the pictures, by ``-O2``.
        describe_instructions: Instructions of ``awb_describe``, which computes the network's inputs and copies them.
            The copy takes several thousand.
    """

    flash: int
    instructions: int
    describe_instructions: int


def missing_tools() -> str:
    """The tools that this machine lacks; empty if it has all."""
    return ", ".join(name for name in (_COMPILER, _SIZE, _EMULATOR) if shutil.which(name) is None)


def workspace(sources: Mapping[str, str]) -> int:
    """Bytes of RAM for an estimate, without the thumbnail and the stack."""
    words = _WORDS.search(sources["awb.h"])
    assert words is not None
    return 8 * int(words[1])


def firmware() -> Path:
    """The folder of the firmware's sources, in the package or in the examples of a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(place for place in (package / "firmware", package.parent / "examples" / "firmware") if place.is_dir())


def measure(sources: Mapping[str, str], model: IntegerModel, cases: Sequence[Case], processor: str) -> Cortex:
    """Compile for a processor, run, compare the answers with the reference, and count instructions.

    Args:
        sources: The model's sources by :func:`awbkit.export.c.emit.emit`.
        model: The reference.
        cases: Pictures; the first one has a valid pixel.
        processor: One of :data:`awbkit.choices.PROCESSORS`.

    Raises:
        CheckFailed: If it does not compile or run, takes too long, or its answers differ.
    """
    place = firmware()
    with scratch() as folder:
        put(folder, {**sources, "thumbnails.bin": b"".join(map(record, cases))})
        processing = [f"-mcpu={processor}", "-mthumb", "-I."]
        linked = [*_LINK_FLAGS, "-T", str(place / "mps2.ld"), "-nostartfiles", "--specs=rdimon.specs"]
        given = ["awb.c", str(place / "main.c"), str(place / "startup.c")]
        output_of([_COMPILER, *processing, "-O2", *linked, *given, "-o", "run.elf"], folder)
        board = _BOARDS.get(processor, _OTHER_BOARD)
        emulated = [_EMULATOR, "-M", board, "-nographic", "-icount", "shift=0"]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        output = output_of([*emulated, *semihosting, "-kernel", "run.elf"], folder)
        lines = [[int(word) for word in line.split()] for line in output.splitlines()]
        compare(model, cases, [line[:7] for line in lines])
        counted = np.median([line[7:9] for line in lines if line[0] == 0], axis=0)
        flash = _flash(folder, processing)
    return Cortex(flash, *(int(value) for value in counted))


def _flash(folder: Path, processing: Sequence[str]) -> int:
    """Bytes of the code and data that ``awb_estimate`` reaches."""
    nothing = ["-nostdlib", "-nostartfiles", "-Wl,-e,awb_estimate", "-Wl,--gc-sections"]
    sections = ["-ffunction-sections", "-fdata-sections"]
    output_of([_COMPILER, *processing, "-Os", *sections, *nothing, "awb.c", "-lc", "-lgcc", "-o", "flash.elf"], folder)
    output = output_of([_SIZE, "flash.elf"], folder).splitlines()[1].split()
    return int(output[0]) + int(output[1])
