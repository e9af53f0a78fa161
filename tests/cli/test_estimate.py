"""`awbkit estimate`: records, several methods, gray cards, inputs of every kind, failures."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from awbkit.estimators.registry import method_names
from tests.helpers.command import CARD, DAYLIGHT, Ran, angle, awbkit, write_jpeg, write_raw, write_tiff
from tests.helpers.pictures import TUNGSTEN

KEYS = [
    *("schema", "path", "status", "method", "illuminant", "gains", "chromaticity", "cct", "duv", "expected_error"),
    *("spread", "space", "camera", "width", "height", "ms", "fallback_for", "error", "warning"),
]


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_jpeg(tmp_path / "img2.jpg", scene)
    write_tiff(tmp_path / "img10.tif", scene)
    write_raw(tmp_path / "raw.dng", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_time(ran: Ran) -> list[dict[str, object]]:
    return [{**record, "ms": None} for record in ran.records]


def test_each_picture_has_a_record_in_natural_order(folder: Path) -> None:
    ran = awbkit("estimate", ".")
    assert (ran.code, ran.complaint[:24]) == (0, "awbkit: 3 files, 3 done,")
    assert [record["path"] for record in ran.records] == ["img2.jpg", "img10.tif", "raw.dng"]
    for record in ran.records:
        assert list(record) == KEYS
        assert (record["schema"], record["status"], record["error"]) == (1, "ok", None)
        assert np.linalg.norm(record["illuminant"]) == pytest.approx(1, abs=2e-6)
        assert record["gains"][1] == 1
        assert angle(1 / np.array(record["gains"]), record["illuminant"]) < 1e-3
        r, g = record["chromaticity"]
        assert angle((r, g, 1 - r - g), record["illuminant"]) < 1e-3
        assert (record["width"], record["height"]) == (128, 96)
        assert 1000 < record["cct"] < 20000
        assert abs(record["duv"]) < 0.05
        assert record["ms"] > 0


def test_what_is_not_known_is_null(folder: Path, scene: np.ndarray) -> None:
    write_raw(folder / "plain.dng", scene, matrix=False)
    rendered, raw, plain = awbkit("estimate", "img2.jpg", "raw.dng", "plain.dng").records
    assert (rendered["space"], rendered["camera"]) == ("linear-srgb", None)
    assert (raw["space"], raw["camera"]) == ("camera", "Acme One")
    assert plain["space"] == "camera"
    assert (plain["cct"], plain["duv"], plain["spread"], plain["fallback_for"]) == (None,) * 4
    (classical,) = awbkit("estimate", "img2.jpg", "-m", "gray-world").records
    assert classical["expected_error"] is None


@pytest.mark.parametrize(("name", "light"), [("img2.jpg", TUNGSTEN), ("img10.tif", TUNGSTEN), ("raw.dng", DAYLIGHT)])
def test_gray_card_gives_the_light_and_its_spread(folder: Path, name: str, light: np.ndarray) -> None:
    record = awbkit("estimate", name, "--region", CARD).record
    assert record["method"] == "region"
    assert angle(record["illuminant"], light) < 0.3
    assert 0 <= record["spread"] < 1


def test_a_card_over_an_edge_shows_in_the_spread(folder: Path) -> None:
    assert awbkit("estimate", "img2.jpg", "--region", "40,24,48,48").record["spread"] > 1


def test_several_methods_in_one_pass_each_once(folder: Path) -> None:
    ran = awbkit("estimate", "img2.jpg", "raw.dng", "-m", "pca", "-m", "shades-of-gray:p=2", "--method", "pca")
    assert [(record["path"], record["method"]) for record in ran.records] == [
        (path, method) for path in ("img2.jpg", "raw.dng") for method in ("pca", "shades-of-gray:p=2")
    ]
    assert ran.complaint.startswith("awbkit: 2 files, 2 done,")


def test_all_methods_in_one_pass(folder: Path) -> None:
    ran = awbkit("estimate", "img2.jpg", "-m", "all", "-m", "pca")
    assert [record["method"] for record in ran.records] == list(method_names())
    assert (ran.code, {record["status"] for record in ran.records}) == (0, {"ok"})


def test_all_methods_leave_out_a_white_that_a_raw_does_not_state(folder: Path) -> None:
    ran = awbkit("estimate", "raw.dng", "-m", "all")
    assert [record["method"] for record in ran.records] == [name for name in method_names() if name != "as-shot"]
    assert (ran.code, ran.err) == (0, "")
    assert awbkit("estimate", "raw.dng", "-m", "all", "-m", "as-shot").code == 1


def test_parameters_count(folder: Path) -> None:
    norms = [awbkit("estimate", "img2.jpg", "-m", f"shades-of-gray:p={p}").record["gains"] for p in (1, 12)]
    gray_world = awbkit("estimate", "img2.jpg", "-m", "gray-world").record["gains"]
    assert norms[0] == pytest.approx(gray_world, rel=1e-4)
    assert norms[0] != norms[1]


def test_one_method_may_fail_beside_another(folder: Path) -> None:
    ran = awbkit("estimate", "raw.dng", "-m", "as-shot", "-m", "gray-world", "--failed-list", "failed")
    failed, fine = ran.records
    assert ran.code == 1
    assert (failed["status"], failed["method"], fine["status"]) == ("error", "as-shot", "ok")
    assert failed["error"] in ran.complaint
    assert Path("failed").read_text() == "raw.dng\n"


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_formats_hold_the_same(folder: Path, form: str) -> None:
    expected = without_time(awbkit("estimate", "img2.jpg", "nowhere.jpg"))
    out = awbkit("estimate", "img2.jpg", "nowhere.jpg", "--format", form).out
    if form == "csv":
        first, second = csv.DictReader(io.StringIO(out))
        assert first["path"] == "img2.jpg"
        assert [float(first[f"gains_{c}"]) for c in "rgb"] == expected[0]["gains"]
        assert (second["status"], second["cct"], second["error"]) == ("error", "", expected[1]["error"])
    else:
        records = json.loads(out) if form == "json" else [json.loads(line) for line in out.splitlines()]
        assert [{**record, "ms": None} for record in records] == expected


def test_a_table_names_files_and_methods(folder: Path) -> None:
    facts, head, *rows, legend = awbkit("estimate", ".", "--format", "table").out.splitlines()
    assert facts == "method awbnet"
    assert head.split() == ["file", "R", "gain", "B", "gain", "CCT", "Duv", "±", "deg", "ms"]
    assert [line.split()[0] for line in rows] == ["img2.jpg", "img10.tif", "raw.dng"]
    assert legend.startswith("± deg: the error that the method expects")


HOSTILE = ["a b.jpg", "é日.jpg", "[x]{stem}.jpg", "new\nline.jpg", "-dash.jpg", "$(x)'\";&.jpg", "%s.jpg", "x\\y.jpg"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*HOSTILE, "bad\udcff.jpg", "bad\udcff.tif", "bad\udcff.dng"])
def test_any_name_will_do(folder: Path, name: str) -> None:
    origin = {"jpg": "img2.jpg", "tif": "img10.tif", "dng": "raw.dng"}[name[-3:]]
    try:
        Path(name).write_bytes(Path(origin).read_bytes())
    except OSError:
        pytest.skip("this file system refuses the name")
    ran = awbkit("estimate", "--", name)
    assert (ran.code, ran.err, ran.record["path"]) == (0, "", name)
    assert ran.record["gains"] == awbkit("estimate", origin).record["gains"]


def test_folders_are_searched_as_deep_as_asked(folder: Path, scene: np.ndarray) -> None:
    write_jpeg(folder / "sub" / "deep.jpg", scene)
    assert len(awbkit("estimate", ".").records) == 3
    assert awbkit("estimate", "-r", ".").records[-1]["path"] == "sub/deep.jpg"


@pytest.mark.slow
def test_standard_input_may_be_one_of_several_pictures(folder: Path) -> None:
    ran = awbkit("estimate", "img10.tif", "-", "raw.dng", "-j", 2, stdin=Path("img2.jpg").read_bytes())
    assert [record["path"] for record in ran.records] == ["img10.tif", "-", "raw.dng"]
    assert ran.records[1]["gains"] == awbkit("estimate", "img2.jpg").record["gains"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listing", "options"),
    [(b"raw.dng\r\n\nimg2.jpg", []), (b"raw.dng\0img2.jpg\0", ["-0"]), (b"", []), (b"\0", ["-0"])],
)
def test_lists_of_paths(folder: Path, listing: bytes, options: list[str]) -> None:
    Path("list").write_bytes(listing)
    expected = ["raw.dng", "img2.jpg"] if len(listing) > 1 else []
    for source, stdin in (("list", b""), ("-", listing)):
        ran = awbkit("estimate", "--files-from", source, *options, stdin=stdin)
        assert (ran.code, [record["path"] for record in ran.records]) == (0, expected)


def test_names_on_the_command_line_come_before_the_list(folder: Path) -> None:
    ran = awbkit("estimate", "img10.tif", "--files-from", "-", stdin=b"img2.jpg\nimg10.tif\n")
    assert [record["path"] for record in ran.records] == ["img10.tif", "img2.jpg"]


@pytest.mark.slow
def test_workers_change_neither_order_nor_numbers(folder: Path, scene: np.ndarray) -> None:
    for index in range(6):
        write_jpeg(folder / f"more{index}.jpg", scene * (0.4 + 0.1 * index))
    one, two = (awbkit("estimate", ".", "nowhere", "-j", jobs) for jobs in (1, 2))
    assert without_time(one) == without_time(two)
    assert (one.code, two.code) == (1, 1)


def test_quiet_leaves_the_failures(folder: Path) -> None:
    assert awbkit("estimate", ".", "-q").err == ""
    assert awbkit("estimate", ".", "nowhere", "-q").complaint.startswith("awbkit: nowhere: no such file")


def test_a_failed_list_is_what_the_next_run_reads(folder: Path) -> None:
    awbkit("estimate", "img2.jpg", "gone", "lost", "--failed-list", "failed")
    assert Path("failed").read_text() == "gone\nlost\n"
    Path("gone").write_bytes(Path("img2.jpg").read_bytes())
    again = awbkit("estimate", "--files-from", "failed", "--failed-list", "failed")
    assert [record["status"] for record in again.records] == ["ok", "error"]
    assert Path("failed").read_text() == "lost\n"
    Path("lost").write_bytes(Path("img2.jpg").read_bytes())
    assert awbkit("estimate", "--files-from", "failed", "--failed-list", "failed").code == 0
    assert Path("failed").read_bytes() == b""


def test_a_failed_list_may_be_nul_separated(folder: Path) -> None:
    ran = awbkit("estimate", "a\nb", "-0", "--failed-list", "failed")
    assert ran.code == 1
    assert Path("failed").read_bytes() == b"a\nb\0"
    assert "-0 lists such names" in awbkit("estimate", "a\nb", "--failed-list", "failed").err


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_fail_fast_stops_at_the_first_failure(folder: Path, jobs: int) -> None:
    ran = awbkit("estimate", "img2.jpg", "nowhere", "img10.tif", "raw.dng", "--fail-fast", "-j", jobs)
    assert ran.code == 1
    assert [record["status"] for record in ran.records][:2] == ["ok", "error"]
    assert len(ran.records) == 2 or jobs == 2


def _empty(folder: Path) -> str:
    (folder / "empty.jpg").touch()
    return "empty.jpg"


def _text(folder: Path) -> str:
    (folder / "text.jpg").write_text("hello")
    return "text.jpg"


def _cut(folder: Path) -> str:
    data = (folder / "img2.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    return "cut.jpg"


def _bare(folder: Path) -> str:
    (folder / "bare").mkdir()
    return "bare"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_empty, "is empty; copy it again from its source"),
        (_text, "is not an image; awbkit reads JPEG"),
        (_cut, "was not copied in full"),
        (_bare, "no image found in this folder; -r descends into its subfolders"),
        (lambda _: "nowhere.jpg", "no such file or folder; check the spelling"),
        (lambda _: "", "the path is empty; look for an unset variable"),
        (lambda _: "img2.jpg/x", "no such file or folder"),
    ],
)
def test_a_bad_file_is_told_on_one_line_and_the_others_are_done(
    folder: Path, make: Callable[[Path], str], message: str
) -> None:
    name = make(folder)
    ran = awbkit("estimate", name, "img2.jpg", "-q")
    assert ran.code == 1
    assert ran.complaint.startswith(f"awbkit: {name}: ")
    assert message in ran.complaint
    failed, fine = ran.records
    assert list(failed) == KEYS
    assert (failed["path"], failed["status"], fine["status"]) == (name, "error", "ok")
    assert message in failed["error"]


def test_a_region_outside_one_picture_is_that_pictures_failure(folder: Path, scene: np.ndarray) -> None:
    write_jpeg(folder / "small.jpg", scene[:48, :64])
    ran = awbkit("estimate", "small.jpg", "img2.jpg", "--region", CARD, "-q")
    assert (ran.code, [record["status"] for record in ran.records]) == (1, ["error", "ok"])
    assert "outside the picture, which is 64 x 48 pixels" in ran.complaint


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file_is_told(folder: Path) -> None:
    Path("img2.jpg").chmod(0)
    assert "permission denied" in awbkit("estimate", "img2.jpg").complaint


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no picture named; give files, folders, or --files-from FILE"),
        ([".", "-0"], "-0 says how lists separate paths; give --files-from or --failed-list too"),
        (["-", "--files-from", "-"], "standard input cannot be both"),
        (["--files-from", "nowhere"], "--files-from nowhere: no such file"),
        (["--files-from", "."], "--files-from .: is a directory"),
        ([".", "-m", "gray"], "unknown method 'gray', did you mean 'gray-edge'?; methods: gray-world"),
        ([".", "-m", ""], "unknown method ''"),
        ([".", "-m", "shades-of-gray:p=x"], "p must be at least 1, not 'x'"),
        ([".", "-m", "shades-of-gray:q=1"], "no parameter 'q'; parameters: p"),
        ([".", "--region", "1,2,3"], "four whole numbers x,y,w,h"),
        ([".", "--region", ""], "four whole numbers x,y,w,h"),
        ([".", "--region", "1,2,0,4"], "at least 1 pixel"),
        ([".", "--region", CARD, "-m", "pca"], "--region takes the place of a method"),
        ([".", "--failed-list", "nowhere/list"], "--failed-list nowhere/list: cannot be written"),
        ([".", "--failed-list", "."], "--failed-list .: cannot be written"),
        ([".", "--nope"], "no such option: --nope; awbkit estimate --help"),
        ([".", "--jobs", "x"], "invalid value for '--jobs' / '-j': 'x'"),
        ([".", "-j", "-1"], "-1 is not in the range"),
        ([".", "--format", "xml"], "'xml' is not one of 'table', 'jsonl', 'csv', 'json'"),
        ([".", "--encoding", "rec709"], "'rec709' is not one of 'auto', 'linear', 'camera', 'srgb', 'icc'"),
        ([".", "--method"], "'--method' requires an argument"),
    ],
)
def test_usage(folder: Path, arguments: list[str], message: str) -> None:
    ran = awbkit("estimate", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.complaint.startswith("awbkit: ")
    assert message in ran.complaint
