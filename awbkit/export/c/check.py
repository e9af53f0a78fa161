"""Whether exported C answers as the integer reference does, to the bit."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

import numpy as np

from awbkit.errors import CheckFailed
from awbkit.export.c.limited import output_of, put
from awbkit.export.cases import Case
from awbkit.network.integer.arithmetic import OCTAVE, exp2
from awbkit.network.integer.model import IntegerModel, white_logs, whole_white
from awbkit.spelling import count_text
from awbkit.store.parts import scratch

_FLAGS = ("-std=c99", "-O2")
_BITS = 12
_MOST = 19 * OCTAVE
_NO_PIXEL = -1


def compiler() -> str | None:
    """A C compiler of this machine; None where it has none."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def check(sources: Mapping[str, str], model: IntegerModel, cases: Iterable[Case], cc: str) -> int:
    """Compile the C for this machine, and compare its answers.

    Args:
        sources: The files by their names.
        model: What they were made of.
        cases: Pictures.
        cc: The compiler.

    Returns:
        The number of pictures compared, all with equal answers.

    Raises:
        CheckFailed: If it does not compile or run in time, or answers otherwise.
    """
    pictures = list(cases)
    with scratch() as place:
        put(place, {**sources, "driver.c": files(__package__).joinpath("driver.c").read_text("ascii")})
        output_of([cc, *_FLAGS, "awb.c", "driver.c", "-o", "driver"], place)
        output = output_of([str(place / "driver")], place, b"".join(map(record, pictures)))
    lines = [[int(word) for word in line.split()] for line in output.decode("ascii", "replace").splitlines()]
    compare(model, pictures, lines)
    return len(pictures)


def record(case: Case) -> bytes:
    """A case as the driver reads it."""
    white = [0, 0, 0] if case.white is None else whole_white(case.white).tolist()
    camera = np.array([0, 0, 0, 65535, *white], "<u2")
    return camera.tobytes() + np.ascontiguousarray(case.pixels, "<u2").tobytes()


def compare(model: IntegerModel, cases: Sequence[Case], lines: Sequence[Sequence[int]]) -> None:
    """Hold the driver's lines against the reference.

    Raises:
        CheckFailed: If one differs.
    """
    if len(lines) != len(cases):
        raise CheckFailed(
            f"the C answered for {len(lines)} of {count_text(len(cases), 'picture')}; report this with the model"
        )
    for number, (case, line) in enumerate(zip(cases, lines, strict=True)):
        expected = answer(model, case)
        found = list(line) if line[0] == 0 else [line[0]]
        if found != expected:
            raise CheckFailed(f"the C answers {found} for picture {number}, not {expected}; report this with the model")


def answer(model: IntegerModel, case: Case) -> list[int]:
    """What the C should answer: status, light, error and gains; the status alone where no pixel is valid."""
    if not (case.pixels > 0).all(axis=2).any():
        return [_NO_PIXEL]
    light, error = model.answer(case.pixels, white_logs(case.white))
    red, blue = exp2(np.clip(-light, -_MOST, _MOST), _BITS).tolist()
    words = np.clip(light, -(1 << 15), (1 << 15) - 1).tolist()
    return [0, *words, error, red, 1 << _BITS, blue]
