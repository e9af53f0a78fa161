"""`awbkit correct --from`: estimates of an earlier run, edited or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.command import angle, awbkit, write_jpeg, write_raw

Record = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_jpeg(tmp_path / "a.jpg", scene)
    write_raw(tmp_path / "sub" / "c.dng", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def estimates(folder: Path) -> list[Record]:
    return awbkit("estimate", "-r", ".").records


def lines(records: list[Record]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def correct(records: list[Record], *options: object) -> list[Record]:
    ran = awbkit("correct", "--from", "-", "--dry-run", "-q", *options, stdin=lines(records))
    assert (ran.code, ran.err) == (0, "")
    return ran.records


def test_unedited_estimates_do_what_the_estimator_would(estimates: list[Record]) -> None:
    for told, expected in zip(correct(estimates), estimates, strict=True):
        assert (told["path"], told["method"]) == (expected["path"], "awbnet")
        assert angle(told["illuminant"], expected["illuminant"]) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_from_a_file_of_either_form(folder: Path, form: str) -> None:
    Path("estimates").write_text(awbkit("estimate", "-r", ".", "--format", form).out)
    ran = awbkit("correct", "--from", "estimates", "-d", "out")
    assert ran.code == 0
    assert [record["output"] for record in ran.records] == ["out/a_awb.jpg", "out/sub/c_awb.tif"]
    assert all(Path(record["output"]).is_file() for record in ran.records)


def test_absolute_paths_are_mirrored_from_their_common_folder(folder: Path, tmp_path: Path) -> None:
    records = awbkit("estimate", "-r", folder).records
    assert [record["output"] for record in correct(records, "-d", "out")] == ["out/a_awb.jpg", "out/sub/c_awb.tif"]


def test_paths_that_lead_upwards_stay_below_the_output_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "sub")
    records = awbkit("estimate", "../a.jpg", "../sub/../a.jpg", "c.dng").records
    assert [record["output"] for record in correct(records, "-d", "out")] == ["out/a_awb.jpg", "out/c_awb.tif"]


EDITS: list[tuple[str, Any, Callable[[Record], bool]]] = [
    ("gains", [2, 1, 1.5], lambda r: r["gains"] == [2, 1, 1.5]),
    ("illuminant", [3, 4, 2], lambda r: angle(r["illuminant"], (3, 4, 2)) < 1e-3),
    ("chromaticity", [0.3, 0.4], lambda r: r["chromaticity"] == [0.3, 0.4]),
    ("cct", 4321, lambda r: r["cct"] == 4321),
    ("duv", 0.0123, lambda r: r["duv"] == 0.0123),
]


@pytest.mark.slow
@pytest.mark.parametrize(("key", "value", "holds"), EDITS)
def test_the_number_that_was_edited_counts(
    estimates: list[Record], key: str, value: object, holds: Callable[[Record], bool]
) -> None:
    for told in correct([{**record, key: value} for record in estimates]):
        assert holds(told)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["gains", "illuminant", "chromaticity"])
def test_small_edits_count(estimates: list[Record], key: str) -> None:
    edited = [{**record, key: [*record[key][:-1], record[key][-1] * 1.002]} for record in estimates]
    for told, before in zip(correct(edited), edited, strict=True):
        assert angle(told[key], before[key]) < 1e-3


def test_temperature_and_duv_edited_together(estimates: list[Record]) -> None:
    told = correct([{**record, "cct": 5000, "duv": -0.004} for record in estimates])
    assert {(record["cct"], record["duv"]) for record in told} == {(5000, -0.004)}


def test_one_number_is_enough(estimates: list[Record]) -> None:
    told = correct([{"path": record["path"], "cct": 3500} for record in estimates])
    assert {(record["cct"], record["duv"], record["method"]) for record in told} == {(3500, 0, "given")}


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["illuminant", "gains", "chromaticity", "cct", "duv"])
def test_null_is_not_an_edit(estimates: list[Record], gone: str) -> None:
    for told, before in zip(correct([{**r, gone: None} for r in estimates]), estimates, strict=True):
        assert angle(told["illuminant"], before["illuminant"]) < 1e-3


PER_FILE: list[tuple[Record, str]] = [
    ({"illuminant": [1, 1, 1], "gains": [2, 1, 1.5]}, "disagree; set those that you do not mean to null"),
    ({"chromaticity": [0.6, 0.6]}, "chromaticity of the record: an illuminant needs three positive numbers"),
    ({"cct": "warm"}, "cct of the record must consist of numbers, not 'warm'"),
    ({"cct": True}, "cct of the record must consist of numbers, not True"),
    ({"cct": float("nan")}, "cct of the record must consist of numbers, not nan"),
    ({"gains": [1, 2, 0]}, "gains of the record: an illuminant needs three positive numbers"),
    ({"duv": "green"}, "duv of the record must consist of numbers, not 'green'"),
    ({"cct": 1e300}, "between 1000 and 100000 K"),
    ({"cct": 1e-300}, "between 1000 and 100000 K"),
    ({"cct": 20}, "between 1000 and 100000 K"),
    ({"cct": 2000, "duv": 0.05}, "is outside the gamut of this file's RGB"),
    ({"space": "camera"}, "the estimate is in camera RGB and the file in linear-srgb RGB"),
    ({"status": "error", "error": "truncated"}, "has no estimate (truncated)"),
    (dict.fromkeys(["illuminant", "gains", "chromaticity", "cct"]), "the record states no light"),
    ({"gains": [1, 1, 1e-300]}, "more than a million apart"),
    ({"path": "gone.jpg"}, "no such file"),
    ({"path": "x" * 300}, "file name too long"),
    ({"path": "sub"}, "is a folder; an estimate is about one picture"),
    ({"path": "a\0b.jpg"}, "holds a NUL character"),
]


@pytest.mark.parametrize(("change", "message"), PER_FILE)
@pytest.mark.slow
def test_a_bad_record_costs_its_file(estimates: list[Record], change: Record, message: str) -> None:
    bad, fine = {**estimates[0], **change}, estimates[1]
    ran = awbkit("correct", "--from", "-", "-d", "out", "-q", stdin=lines([bad, fine]))
    assert (ran.code, [record["status"] for record in ran.records]) == (1, ["error", "ok"])
    assert message in ran.complaint


def test_failed_estimates_are_told_and_the_others_corrected(folder: Path) -> None:
    records = awbkit("estimate", "a.jpg", "gone.jpg", "-q").out.encode()
    ran = awbkit("correct", "--from", "-", "-d", "out", "--failed-list", "failed", "-q", stdin=records)
    assert (ran.code, [record["status"] for record in ran.records]) == (1, ["ok", "error"])
    assert Path("failed").read_text() == "gone.jpg\n"


REFUSED: list[tuple[bytes, str]] = [
    (b"path,note\na.jpg,5000\n", "standard input, line 1: the header names no column r, g, b"),
    (b'{"path": "a.jpg", "cct": 5000}\n{"pa', "standard input, line 2: is no JSON"),
    (b'{"cct": 5000}', 'standard input, line 1: names no picture under "path"'),
    (b'{"path": "a.jpg", "gains": [1, 2]}', "standard input, line 1: gains must be three numbers or null"),
    (b'{"path": "-", "cct": 5000}', "an estimate of standard input names no file"),
    (b'{"path": "a.jpg", "schema": 2, "cct": 5000}', "line 1: a record of schema 2; this awbkit reads schema 1"),
    (b'{"path": "a.jpg", "cct": 5000}\n{"path": "./a.jpg", "cct": 4000}', "two estimates for a.jpg; keep one"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("stream", "message"), REFUSED)
def test_a_stream_that_is_no_estimates_is_refused(folder: Path, stream: bytes, message: str) -> None:
    ran = awbkit("correct", "--from", "-", stdin=stream)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.complaint


def test_several_methods_are_one_light_too_many(folder: Path) -> None:
    records = awbkit("estimate", "a.jpg", "-m", "pca", "-m", "gray-world", "-q").out.encode()
    ran = awbkit("correct", "--from", "-", stdin=records)
    assert (ran.code, "two estimates for a.jpg; keep one, such as with jq 'select(" in ran.complaint) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "--from nowhere: no such file"),
        (["."], "--from .: is a directory"),
        (["-", "a.jpg"], "--from names the pictures itself"),
        (["-", "--files-from", "list"], "--from names the pictures itself"),
        (["-", "-r"], "--from names the pictures itself"),
        (["-", "--shared"], "--shared needs estimators"),
        (["-", "--gains", "1,1,1"], "--gains and --from each say what the light is"),
        (["-", "-o", "x.jpg"], "-o names the output of one input, but there are 2"),
    ],
)
def test_usage(estimates: list[Record], arguments: list[str], message: str) -> None:
    ran = awbkit("correct", "--from", *arguments, stdin=lines(estimates))
    assert (ran.code, message in ran.complaint) == (2, True)
