"""The time of an estimate on this machine, on one core."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import TypeVar

import numpy as np

from awbkit.export.c.check import record
from awbkit.export.c.limited import output_of, put
from awbkit.export.cases import Case
from awbkit.store.parts import scratch

Picture = TypeVar("Picture")

_ROUNDS = 5
_FLAGS = ("-std=c99", "-O3")


def microseconds(estimate: Callable[[Picture], object], pictures: Sequence[Picture]) -> float:
    """Time one estimate in Python: the median over the pictures of the least time in several rounds.

    Args:
        estimate: The function to time.
        pictures: At least one; each has a warm-up call.
    """
    for picture in pictures:
        estimate(picture)
    taken = np.empty((_ROUNDS, len(pictures)))
    for row in taken:
        for place, picture in enumerate(pictures):
            start = time.perf_counter_ns()
            estimate(picture)
            row[place] = time.perf_counter_ns() - start
    return float(np.median(taken.min(axis=0))) / 1000


def microseconds_in_c(sources: Mapping[str, str], cases: Sequence[Case], cc: str) -> float:
    """Time one estimate by exported C: the mean over the pictures, in the fastest of several rounds.

    Args:
        sources: Sources by :func:`awbkit.export.c.emit.emit`.
        cases: Pictures.
        cc: The compiler.

    Raises:
        CheckFailed: If it does not compile or run, or takes too long.
    """
    with scratch() as folder:
        put(folder, {**sources, "timing.c": files(__package__).joinpath("timing.c").read_text("ascii")})
        output_of([cc, *_FLAGS, "awb.c", "timing.c", "-o", "timing"], folder)
        return float(output_of([str(folder / "timing")], folder, b"".join(map(record, cases))))
