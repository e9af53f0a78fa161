"""The command line as tests run it, and a few pictures to run it on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from typer.testing import CliRunner

from awbkit.cli.main import app
from tests.helpers.pictures import TUNGSTEN, encode
from tests.helpers.raw_files import MATRIX, RGGB, mosaic, write_dng

CARD = "48,32,32,32"
"""The gray card of the ``scene`` fixture."""

DAYLIGHT = np.array([0.45, 1.0, 0.7])
"""Camera RGB of the raw pictures' light."""


@dataclass(frozen=True)
class Ran:
    """What a run left."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def record(self) -> dict[str, Any]:
        (record,) = self.records
        return record

    @property
    def complaint(self) -> str:
        """The only line on standard error."""
        (line,) = self.err.splitlines()
        return line


def awbkit(*arguments: object, stdin: bytes = b"") -> Ran:
    """Run the command in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, prog_name="awbkit")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout_bytes.decode(errors="surrogateescape"), result.stderr)


def process(*arguments: object, stdin: bytes = b"", cwd: Path | None = None, **environment: str) -> Ran:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "awbkit", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    return Ran(done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode())


def write_jpeg(path: Path, scene: np.ndarray, light: np.ndarray = TUNGSTEN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        Image.fromarray(encode(scene * light)).save(file, "JPEG", quality=95, subsampling=0)
    return path


def write_tiff(path: Path, scene: np.ndarray, light: np.ndarray = TUNGSTEN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, encode(scene * light, np.uint16), photometric="rgb")
    return path


def write_raw(
    path: Path, scene: np.ndarray, light: np.ndarray = DAYLIGHT, *, model: str = "One", matrix: bool = True
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = mosaic(scene * light, RGGB)
    return write_dng(path, samples, matrix=MATRIX if matrix else None, model=model)


def angle(first: Any, second: Any) -> float:
    a, b = (np.asarray(v, float) / np.linalg.norm(v) for v in (first, second))
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))
