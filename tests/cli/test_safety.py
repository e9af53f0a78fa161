"""What the command line refuses so that nothing is lost, and what it takes although it was not meant so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.command import CARD, awbkit, write_jpeg, write_raw


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_jpeg(tmp_path / "a.jpg", scene)
    write_jpeg(tmp_path / "b.jpg", scene)
    write_raw(tmp_path / "c.dng", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("estimate", "--failed-list", "a.jpg", "b.jpg"),
        ("estimate", "a.jpg", "b.jpg", "--failed-list", "a.jpg"),
        ("correct", "-d", "out", "--failed-list", "c.dng", "c.dng"),
        ("correct", "-d", "out", "a.jpg", "--failed-list", "new.jpg"),
        ("estimate", "a.jpg", "--failed-list", "renamed"),
    ],
    ids=["glob", "input", "raw", "a picture's suffix", "a picture by its content"],
)
def test_a_failed_list_never_replaces_a_picture(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "renamed").write_bytes((folder / "a.jpg").read_bytes())
    before = {path: path.read_bytes() for path in folder.iterdir()}
    ran = awbkit(*arguments)
    assert ran.code == 2
    assert "is no list that awbkit wrote" in ran.complaint
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_dry_run_writes_no_failed_list_and_says_so(folder: Path) -> None:
    ran = awbkit("correct", "--dry-run", "-d", "out", "a.jpg", "b.jpg", "gone.jpg", "--failed-list", "failed.txt")
    assert ran.code == 1
    assert ran.err.splitlines()[-1].startswith("awbkit: 3 files, 2 would be written, nothing was, 1 failed")
    assert sorted(path.name for path in folder.iterdir()) == ["a.jpg", "b.jpg", "c.dng"]


@pytest.mark.parametrize("indent", [None, 2], ids=["lines", "spread over lines"])
def test_estimates_may_be_spread_over_lines(folder: Path, indent: int | None) -> None:
    records = awbkit("estimate", "a.jpg", "b.jpg").records
    stream = "\n".join(json.dumps(record, indent=indent) for record in records).encode()
    ran = awbkit("correct", "--from", "-", "-d", "out", stdin=stream)
    assert ran.code == 0
    assert [record["path"] for record in ran.records] == ["a.jpg", "b.jpg"]


def test_a_broken_record_spread_over_lines_is_refused(folder: Path) -> None:
    ran = awbkit("correct", "--from", "-", stdin=b'{\n  "path": "a.jpg",\n  "gains": [1, 1\n}\n')
    assert ran.code == 2
    assert "standard input, line 4: is no JSON" in ran.complaint


def test_no_estimates_are_nothing_to_do(folder: Path) -> None:
    ran = awbkit("correct", "--from", "-", "-d", "out")
    assert (ran.code, ran.out) == (0, "")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-m", "pca", "-m", "gray-world"), "give one --method"),
        (("--shared", "--region", CARD), "give its light as --illuminant"),
        (("-m", "pca", "--gains", "1,1,1"), "give one of them"),
    ],
)
def test_what_would_be_ignored_is_refused(folder: Path, options: tuple[str, ...], message: str) -> None:
    ran = awbkit("correct", "a.jpg", "b.jpg", "-d", "out", *options)
    assert ran.code == 2
    assert message in ran.complaint
    assert not (folder / "out").exists()


def test_formats_are_named_in_any_case(folder: Path) -> None:
    assert awbkit("correct", "c.dng", "--to", "PNG", "-q").record["output"] == "c_awb.png"
