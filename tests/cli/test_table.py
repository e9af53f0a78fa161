"""The table: rows that can be told apart, what all rows share said once, and marks for what a number does not say."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len

from awbkit.cli.marks import Marks
from awbkit.cli.names import Names
from awbkit.cli.outline import Outline, outline_of
from awbkit.cli.output import CORRECT_KEYS, ESTIMATE_KEYS
from awbkit.cli.table import TableWriter
from awbkit.errors import UnreadableFile
from awbkit.estimators.registry import parse

OK: dict[str, Any] = {
    "status": "ok",
    "method": "awbnet",
    "illuminant": [0.5, 0.6, 0.4],
    "gains": [1.2, 1, 1.5],
    "cct": 4321,
    "duv": 0.001,
    "expected_error": 2.5,
    "space": "linear-srgb",
    "ms": 7.77,
}


def table(outline: Outline, *records: dict[str, Any], columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = io.StringIO()
    writer = TableWriter(CORRECT_KEYS if outline.outputs else ESTIMATE_KEYS, stream, outline)
    for record in records:
        writer.write({**OK, **record})
    writer.close()
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("names", "folder", "shown"),
    [
        (["a/b/1.jpg", "a/b/c/2.jpg"], "a/b", ["1.jpg", "c/2.jpg"]),
        (["/a/1.jpg", "/a/2.jpg"], "/a", ["1.jpg", "2.jpg"]),
        (["/1.jpg", "/b/2.jpg"], "", ["/1.jpg", "/b/2.jpg"]),
        (["a/1.jpg", "/a/2.jpg"], "", ["a/1.jpg", "/a/2.jpg"]),
        (["1.jpg", "2.jpg"], "", ["1.jpg", "2.jpg"]),
        (["a/1.jpg"], "", ["a/1.jpg"]),
        (["a/1.jpg", "-"], "", ["a/1.jpg", "-"]),
        (["a/\x1b[2J", "a/2"], "a", ["\\x1b[2J", "2"]),
        ([], "", []),
    ],
)
def test_the_common_folder_is_left_out(names: list[str], folder: str, shown: list[str]) -> None:
    column = Names(names)
    column.fit(40)
    assert column.folder == folder
    assert [column.text(name, 40) for name in names] == shown


BODY = "evening_by_the_lake_with_all_our_friends"


@pytest.mark.parametrize(
    "pattern",
    ["{n}" + BODY + "_edited.jpg", BODY + BODY + "_{n}.jpg", BODY + "_{n}_" + BODY + ".jpg", "{n:日<6}" + "本" * 60],
    ids=["at the start", "at the end", "in the middle", "wide characters"],
)
@pytest.mark.parametrize("width", [16, 30])
def test_names_that_are_cut_can_still_be_told_apart(pattern: str, width: int) -> None:
    names = [pattern.format(n=number) for number in range(100, 140)]
    column = Names(names)
    column.fit(width)
    shown = [column.text(name, width) for name in names]
    assert len(set(shown)) == len(names)
    assert all("…" in name and cell_len(name) <= width for name in shown)


def test_neighbours_among_very_many_names_can_be_told_apart() -> None:
    names = [f"a/{number:05}{BODY}.jpg" for number in range(3000)]
    column = Names(names)
    column.fit(20)
    assert len({column.text(name, 20) for name in names}) == len(names)


def test_what_all_rows_share_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ["shoot/1.jpg", "shoot/2.jpg"]
    outline = outline_of([UnreadableFile(path, "") for path in paths], [parse("gray-world")])
    lines = table(
        outline,
        {"path": paths[0], "expected_error": None},
        {"path": paths[1], "status": "error"},
        columns=80,
        monkeypatch=monkeypatch,
    )
    assert lines[0] == "in shoot, method gray-world"
    assert lines[1].split() == ["file", "R", "gain", "B", "gain", "CCT", "Duv", "ms"]
    assert lines[2].split() == ["1.jpg", "1.200", "1.500", "4321", "+0.0010", "7.8"]
    assert lines[3].split() == ["2.jpg", "failed"]
    assert len(lines) == 4


def test_methods_that_differ_keep_their_column(monkeypatch: pytest.MonkeyPatch) -> None:
    for methods in ([parse("awbnet"), parse("pca")], [parse("awbnet").with_fallback(parse("pca"), 4)]):
        outline = outline_of([UnreadableFile("1.jpg", "")], methods)
        head, row, _ = table(outline, {"path": "1.jpg"}, columns=80, monkeypatch=monkeypatch)
        assert head.split()[:2] == ["file", "method"]
        assert row.split()[:2] == ["1.jpg", "awbnet"]
        assert head.endswith("ms")


@pytest.mark.parametrize(("columns", "fits"), [(160, True), (80, False)])
def test_an_output_that_follows_from_its_input_needs_no_column(
    columns: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"in/IMG_2024_{number}_evening.jpg" for number in range(2)]
    outputs = [f"out/IMG_2024_{number}_evening_awb.jpg" for number in range(2)]
    lines = table(
        Outline(paths, outputs, ["awbnet"]),
        {"path": paths[0], "output": outputs[0]},
        {"path": paths[1], "output": outputs[1], "status": "skipped"},
        columns=columns,
        monkeypatch=monkeypatch,
    )
    assert lines[0] == f"in in, to out{'' if fits else ', as *_awb'}, method awbnet"
    assert ("output" in lines[1]) == fits
    assert ("IMG_2024_0_evening_awb.jpg" in lines[2]) == fits
    assert " skipped" in lines[3]


@pytest.mark.parametrize(
    ("paths", "outputs", "pattern"),
    [
        (["a.jpg", "b.dng"], ["o/a_awb.jpg", "o/b_awb.tif"], "*_awb"),
        (["a.jpg", "b.jpg"], ["a_x.jpg", "b_y.jpg"], None),
        (["a.jpg"], ["out.jpg"], None),
        (["a.jpg", "gone.jpg"], ["a_awb.jpg"], None),
        ([], [], None),
    ],
)
def test_the_rule_of_output_names(paths: list[str], outputs: list[str], pattern: str | None) -> None:
    assert Outline(paths, outputs).name_pattern == pattern


@pytest.mark.parametrize(
    ("record", "cell", "legend"),
    [
        ({"cct": 4321, "duv": 0.02}, "4321", ""),
        ({"cct": 25000, "duv": 0}, "25000", ""),
        ({"cct": 44495, "duv": 0}, ">25000", "colder than any daylight"),
        ({"cct": 4321, "duv": -0.021}, "~4321", "green or magenta"),
        ({"cct": None, "illuminant": [1, 1, 1]}, "-", "no CCT"),
        ({"cct": None}, "", ""),
    ],
)
def test_no_absurd_temperature_without_a_word(record: dict[str, Any], cell: str, legend: str) -> None:
    marks = Marks()
    assert marks.temperature(record) == cell
    assert legend in marks.legend()
    assert bool(legend) == bool(marks.legend())


@pytest.mark.parametrize(("expected", "cell"), [(None, ""), (0.1, "0.1"), (14.9, "14.9"), (15.0, ">= 15")])
def test_an_expected_error_at_its_ceiling_is_marked(expected: float | None, cell: str) -> None:
    marks = Marks()
    assert marks.expected_error({"expected_error": expected}) == cell
    assert (">=: that or more" in marks.legend()) == (cell == ">= 15")
