"""`awbkit correct FILE -o -`: the bytes of one picture on standard output, and nothing else."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from awbkit.store.signatures import sniff
from tests.helpers.command import awbkit, process, write_jpeg, write_raw, write_tiff


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_jpeg(tmp_path / "a.jpg", scene)
    write_tiff(tmp_path / "b.tif", scene)
    write_raw(tmp_path / "c.dng", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["a.jpg", "b.tif", "c.dng"])
def test_a_stream_has_the_bytes_of_the_file(folder: Path, name: str) -> None:
    record = awbkit("correct", name, "--cct", "4000", "-d", "out").record
    expected = Path(record["output"]).read_bytes()
    for source, stdin in ((name, b""), ("-", Path(name).read_bytes())):
        ran = process("correct", source, "--cct", "4000", "-o", "-", stdin=stdin)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.encode("utf-8", "surrogateescape") == expected
    assert sorted(path.name for path in folder.iterdir()) == ["a.jpg", "b.tif", "c.dng", "out"]


@pytest.mark.parametrize(("to", "kind"), [("png", "png"), ("jpg", "jpeg")])
def test_another_format(folder: Path, to: str, kind: str) -> None:
    ran = process("correct", "-", "-o", "-", "--to", to, "-v", stdin=Path("b.tif").read_bytes())
    assert sniff(ran.out.encode("utf-8", "surrogateescape")[:64]) == kind
    assert ran.complaint.startswith("awbkit: standard input: 128 x 96 pixels, sRGB primaries, light by awbnet, ")


def test_a_sidecar_and_an_earlier_estimate(folder: Path) -> None:
    assert "<x:xmpmeta" in process("correct", "c.dng", "-o", "-", "--sidecar", "xmp").out
    estimate = json.dumps({"path": "a.jpg", "cct": 4000}).encode()
    ran = process("correct", "--from", "-", "-o", "-", stdin=estimate)
    assert (ran.code, sniff(ran.out.encode("utf-8", "surrogateescape")[:64])) == (0, "jpeg")


@pytest.mark.parametrize(
    ("source", "stdin", "message"),
    [
        ("-", b"a letter", "standard input: is not an image"),
        ("-", b"", "standard input: is empty"),
        ("gone.jpg", b"", "gone.jpg: no such file"),
    ],
)
def test_what_cannot_be_corrected_leaves_the_stream_empty(
    folder: Path, source: str, stdin: bytes, message: str
) -> None:
    ran = awbkit("correct", source, "-o", "-", "--failed-list", "failed", stdin=stdin)
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(f"awbkit: {message}")
    assert Path("failed").read_text() == f"{source}\n"


def test_no_picture_on_a_terminal(folder: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "awbkit", "correct", "a.jpg", "-o", "-"]
    done = subprocess.run(command, stdout=follower, stderr=subprocess.PIPE, text=True, check=False)
    os.close(follower)
    os.close(leader)
    told = "awbkit: -o - would print the bytes of a picture on your terminal; add > FILE or | PROGRAM\n"
    assert (done.returncode, done.stderr) == (2, told)
