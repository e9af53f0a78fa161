"""Functions of the user's own as methods of `awbkit estimate` and `awbkit correct`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.command import process, write_jpeg

pytestmark = pytest.mark.slow


OWN = """
import os, sys
print("on loading")

def warm(image):
    print("a line of its own")
    os.write(1, b"and of a library")
    return [2, 1, 0.5], 7.5

def plain(image):
    print("a line of its own")
    return [2, 1, 0.5]

def dies(image):
    os._exit(9)
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    pixels = np.full((64, 64, 3), (0.5, 0.4, 0.3))
    return write_jpeg(tmp_path / "a.jpg", pixels)


def test_their_output_stays_out_of_the_records(mine: Path) -> None:
    ran = process("estimate", mine, "-m", "mine.py:warm", "-m", "gray-world", "-q")
    first, second = ran.records
    assert (first["method"], first["gains"], first["expected_error"]) == ("mine.py:warm", [0.5, 1, 2], 7.5)
    assert second["method"] == "gray-world"
    piped = process("estimate", "-", "-m", "mine.py:warm", "-q", stdin=mine.read_bytes())
    assert piped.out.endswith("}\n")
    assert "a line of its own" in piped.err


def test_as_a_fallback_and_with_one(mine: Path) -> None:
    ran = process("estimate", mine, "--fallback", "mine.py:warm", "--max-expected-error", "0.01", "-q")
    assert (ran.record["method"], ran.record["fallback_for"]) == ("mine.py:warm", "awbnet")
    ran = process("estimate", mine, "-m", "mine.py:warm", "--fallback", "gray-world", "--max-expected-error", "5", "-q")
    assert (ran.record["method"], ran.record["fallback_for"]) == ("gray-world", "mine.py:warm")


def test_correct_takes_them(mine: Path) -> None:
    ran = process("correct", mine, "-o", "b.jpg", "-m", "mine.py:warm", "-q")
    assert (ran.record["method"], ran.record["gains"]) == ("mine.py:warm", [0.5, 1, 2])


def test_their_output_stays_out_of_a_picture_on_standard_output(mine: Path) -> None:
    for word, stdin in ((str(mine), b""), ("-", mine.read_bytes())):
        # A picture from standard input stays in the command's own process.
        method = "mine.py:warm" if word != "-" else "mine.py:plain"
        command = [sys.executable, "-m", "awbkit", "correct", word, "-o", "-", "-m", method, "-q"]
        ran = subprocess.run(command, input=stdin, capture_output=True)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.startswith(b"\xff\xd8")
        assert Image.open(io.BytesIO(ran.stdout)).size == (64, 64)
        assert b"a line of its own" in ran.stderr


def test_one_that_ends_its_process_costs_its_pictures(mine: Path) -> None:
    ran = process("estimate", mine, "-m", "mine.py:dies", "-q")
    assert ran.code == 1
    assert "exit code 9" in ran.record["error"]


def test_one_that_cannot_be_loaded_is_said_once(mine: Path) -> None:
    ran = process("estimate", mine, mine, "-m", "mine.py:nothing")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1].startswith("awbkit: mine.py has no function 'nothing'; name an estimator as")


def test_a_record_never_runs_code(mine: Path) -> None:
    record = {"path": "a.jpg", "status": "ok", "method": "mine.py:warm", "illuminant": [1, 1, 1]}
    (mine.parent / "light.jsonl").write_text(json.dumps(record))
    ran = process("correct", "--from", "light.jsonl", "-o", "b.jpg", "-q")
    assert (ran.record["method"], ran.record["gains"]) == ("mine.py:warm", [1, 1, 1])
    assert "on loading" not in ran.err
