"""Failures on standard error: alike ones on one line with their number, the others one by one; --verbose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from awbkit.cli.failures import Failures
from tests.helpers.command import awbkit, write_jpeg


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    for number in range(3):
        write_jpeg(tmp_path / f"photos/img{number}.jpg", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outputs_that_exist_are_one_line_and_a_record_each(folder: Path) -> None:
    assert awbkit("correct", "photos", "-d", "out", "-q").code == 0
    again = awbkit("correct", "photos", "-d", "out", "--failed-list", "failed")
    assert (again.code, [record["status"] for record in again.records]) == (1, ["error"] * 3)
    kind, summary = again.err.splitlines()
    assert kind == (
        "awbkit: 3 files, such as out/img0_awb.jpg: the output exists already; --if-exists replace or skip settles it"
    )
    assert summary.startswith("awbkit: 3 files, 0 done, 3 failed")
    assert Path("failed").read_text().splitlines() == [f"photos/img{number}.jpg" for number in range(3)]


def lines(failures: Failures, capsys: pytest.CaptureFixture[str], most: int | None = None) -> list[str]:
    failures.flush(most)
    return [line.removeprefix("awbkit: ") for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ({"a.jpg": "is empty"}, ["a.jpg: is empty"]),
        ({"-": "is empty"}, ["standard input: is empty"]),
        ({"a.jpg": "is empty", "b.jpg": "is empty"}, ["2 files, such as a.jpg: is empty"]),
        ({"a": "has 12 of 90 bytes", "b": "has 8.5 of 7 bytes"}, ["2 files, such as a: has 12 of 90 bytes"]),
        ({"a.jpg": "a.jpg is odd", "b.jpg": "b.jpg is odd"}, ["2 files, such as a.jpg: a.jpg is odd"]),
        (
            {"a": "is empty", "b": "is no picture", "c": "is empty"},
            ["2 files, such as a: is empty", "b: is no picture"],
        ),
        ({"\x1b[2J": "is \x1b[31mred"}, ["\\x1b[2J: is \\x1b[31mred"]),
    ],
)
def test_kinds(reasons: dict[str, str], expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    failures = Failures()
    for path, reason in reasons.items():
        failures.add({"path": path}, reason)
    assert lines(failures, capsys) == expected
    assert lines(failures, capsys) == []


def test_warnings_are_other_kinds_than_failures(capsys: pytest.CaptureFixture[str]) -> None:
    failures = Failures(noun="images")
    for path in ("a", "b"):
        failures.add({"path": path}, "is odd")
        failures.add({"path": path}, "is odd", "warning: ")
    assert lines(failures, capsys) == ["2 images, such as a: is odd", "warning: 2 images, such as a: is odd"]


def test_a_file_that_fails_under_two_methods_is_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    failures = Failures()
    for _ in range(2):
        failures.add({"path": "a"}, "is dark")
    assert lines(failures, capsys) == ["a: is dark"]


def test_no_more_kinds_than_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    failures = Failures()
    for path in "abc":
        failures.add({"path": path}, f"is {path * 2}")
    assert lines(failures, capsys, 2) == ["a: is aa", "b: is bb"]


def test_verbose_says_what_was_read_and_what_answered(folder: Path) -> None:
    ran = awbkit("estimate", "photos/img0.jpg", "gone1", "gone2", "-m", "gray-world", "-v")
    first, *failed, _ = ran.err.splitlines()
    assert first.startswith("awbkit: photos/img0.jpg: 128 x 96 pixels, sRGB primaries, light by gray-world, ")
    assert [line.split(":")[1] for line in failed] == [" gone1", " gone2"]
    corrected = awbkit("correct", "photos/img0.jpg", "-d", "out", "--verbose", "--cct", "4000")
    assert "light by given, written to out/img0_awb.jpg, " in corrected.complaint
    assert awbkit("estimate", "photos", "-v", "-q").complaint == (
        "awbkit: --quiet and --verbose exclude each other; give one of them"
    )
