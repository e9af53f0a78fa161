"""Folders of which the fuzzer damages one file at a time; each is made once, for the workers too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

PLACE = "AWBKIT_FUZZ_TREES"
"""The variable of the environment that names the folder in which the trees lie."""


def made(name: str, write: Callable[[Path], object]) -> Callable[[], Path]:
    """A function that gives the folder, made when it is first asked for."""

    @cache
    def tree() -> Path:
        folder = Path(os.environ[PLACE]) / name
        if not folder.exists():
            begun = folder.with_name(f"{name}.begun")
            shutil.rmtree(begun, ignore_errors=True)
            begun.parent.mkdir(parents=True, exist_ok=True)
            write(begun)
            begun.rename(folder)
        return folder

    return tree
