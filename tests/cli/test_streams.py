"""Every option that names a file is handed a pipe: read where it can be, else refused in one line, without a hang."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from awbkit.store.streams import open_stream
from tests.helpers.command import awbkit, write_jpeg


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(open_stream, "__defaults__", (0.05,))
    write_jpeg(Path("a.jpg"), scene)
    for name in ("pipe", "pipe.safetensors", "pipe.csv"):
        os.mkfifo(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("estimate", "pipe"), "pipe: is a pipe that no program wrote to within 0.05 seconds; start the program"),
        (("estimate", "--files-from", "pipe"), "pipe: is a pipe that no program wrote to within"),
        (("correct", "--from", "pipe"), "pipe: is a pipe that no program wrote to within"),
        (("evaluate", "--truth", "pipe.csv", "--predictions", "pipe"), "pipe.csv: is a pipe that no program"),
        (("estimate", "a.jpg", "-m", "pipe.safetensors"), "pipe.safetensors: is no file"),
        (("estimate", "a.jpg", "--failed-list", "pipe"), "--failed-list pipe: cannot be written"),
        (("dataset", "prepare", "folder", "pipe.csv", "-o", "out"), "pipe.csv: is a pipe or a device; name a folder"),
    ],
    ids=lambda value: value[0] + value[-1] if isinstance(value, tuple) else "",
)
def test_nobody_writes(arguments: tuple[str, ...], message: str) -> None:
    ran = awbkit(*arguments, *(("-q",) if arguments[0] in ("estimate", "correct") else ()))
    assert ran.code in (1, 2)
    assert ran.complaint.startswith(f"awbkit: {message}")


@pytest.mark.slow
def test_somebody_writes() -> None:
    estimate = f"{sys.executable} -m awbkit estimate -m gray-world a.jpg"
    script = f"{sys.executable} -m awbkit correct --from <({estimate}) -d out --format csv"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert Path("out/a_awb.jpg").exists(), done.stderr
