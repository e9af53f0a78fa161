"""Libraries that write about themselves, some of them past Python's own streams."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


@contextmanager
def silence() -> Iterator[None]:
    """Nothing reaches standard output and standard error meanwhile, and no warning is given."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        with open(os.devnull, "w") as nowhere, warnings.catch_warnings():  # noqa: PTH123
            warnings.simplefilter("ignore")
            for number in kept:
                os.dup2(nowhere.fileno(), number)
            with redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
