"""`awbkit evaluate` as a user calls it."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from awbkit.datasets.prepared import Prepared
from tests.helpers.command import awbkit
from tests.helpers.evaluation_sets import write_prepared

pytestmark = pytest.mark.slow

CAMERAS = ["Canon EOS 550D", "Nikon D810"] * 12

ORACLE = """
import awbkit

def half_sure(image):
    return awbkit.estimate(image, "pca").rgb, 1.5

def broken(image):
    raise RuntimeError("the user's own mistake")

def picky(image):
    if image.camera.name == "Nikon D810":
        raise RuntimeError("the user's own mistake")
    return awbkit.estimate(image, "pca")
"""

SLOW = """
import time

def slow(image):
    with open("calls", "ab") as calls:
        calls.write(b".")
    time.sleep(0.01)
    return image.pixels.mean(axis=(0, 1))
"""


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    monkeypatch.chdir(tmp_path)
    return write_prepared(tmp_path / "set", CAMERAS)


def evaluate(*arguments: object) -> dict[str, object]:
    ran = awbkit("evaluate", *arguments, "--rounds", "100", "-j", "1", "--format", "json")
    assert ran.code == 0, ran.err
    document: dict[str, object] = json.loads(ran.out)
    return document


def means(document: dict[str, object], group: str = "pooled") -> dict[str, float]:
    rows = document["summaries"]
    assert isinstance(rows, list)
    return {r["method"]: r["values"]["mean"] for r in rows if r["group"] == group and r["metric"] == "recovery"}


class TestMethods:
    def test_the_default_method(self, prepared: Prepared) -> None:
        assert list(means(evaluate("set"))) == ["awbnet"]

    def test_the_default_by_the_name_of_its_card(self, prepared: Prepared) -> None:
        assert evaluate("set", "-m", "awbnet-s")["summaries"] == evaluate("set", "-m", "awbnet")["summaries"]

    def test_several_in_the_order_given(self, prepared: Prepared) -> None:
        names = ["pca:percent=5", "gray-world", "constant"]
        found = means(evaluate("set", *(part for name in names for part in ("-m", name))))
        assert list(found) == names
        assert all(value > 0 for value in found.values())

    def test_all_each_once(self, prepared: Prepared) -> None:
        listed = [row["name"] for row in json.loads(awbkit("methods").out) if row["name"] != "as-shot"]
        assert list(means(evaluate("set", "-m", "all", "-m", "awbnet-s"))) == listed

    def test_one_of_the_users_own(self, prepared: Prepared, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text(ORACLE)
        document = evaluate("set", "--model", "mine.py:half_sure", "-m", "pca")
        found = means(document)
        assert found["mine.py:half_sure"] == found["pca"]
        (calibration,) = document["calibrations"]
        assert calibration["method"] == "mine.py:half_sure"

    def test_failures_are_told_of_and_never_pay(self, prepared: Prepared, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text(ORACLE)
        ran = awbkit("evaluate", "set", "--model", "mine.py:picky", "--format", "json", "--rounds", "100", "-j", "1")
        assert ran.code == 1
        assert "mine.py:picky has no estimate for 12 of 24 images" in ran.complaint
        assert "the user's own mistake" in ran.complaint
        rows = [row for row in json.loads(ran.out)["summaries"] if row["metric"] == "recovery"]
        worst = {row["group"]: row["values"] for row in rows}
        assert worst["set / Nikon D810"]["best25"] == 90
        assert worst["set / Canon EOS 550D"]["max"] < 90

    def test_one_that_never_answers_is_not_judged(self, prepared: Prepared, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text(ORACLE)
        ran = awbkit("evaluate", "set", "--model", "mine.py:broken", "--rounds", "100", "-j", "1")
        assert ran.code == 2
        assert ran.out == ""
        assert "no estimate for any image" in ran.complaint
        assert "the user's own mistake" in ran.complaint


class TestPredictions:
    def test_awbkits_own_estimates_and_anyones_csv(self, prepared: Prepared, tmp_path: Path) -> None:
        with (tmp_path / "truth.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [("image", "r", "g", "b"), *((row.image, *row.illuminant) for row in prepared.rows)]
            )
        with (tmp_path / "theirs.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [("image", "r", "g", "b"), *((f"some/{row.image}.png", *row.illuminant) for row in prepared.rows)]
            )
        record = {"status": "ok", "method": "grey", "illuminant": [1, 1, 1], "expected_error": 9.5}
        lines = [json.dumps({"path": f"{row.image}.tif", **record}) for row in prepared.rows]
        (tmp_path / "ours.jsonl").write_text("\n".join(lines))
        document = evaluate("--truth", "truth.csv", "--predictions", "theirs.csv", "--predictions", "ours.jsonl")
        found = means(document)
        assert found["theirs"] == pytest.approx(0, abs=1e-3)
        assert found["grey"] > 5
        assert [entry["method"] for entry in document["calibrations"]] == ["grey"]
        # The same against the prepared set, whose cameras are known.
        again = evaluate("set", "--predictions", "ours.jsonl")
        assert means(again)["grey"] == found["grey"]
        assert "set / Nikon D810" in {row["group"] for row in again["summaries"]}

    def test_what_is_missing_counts_and_what_is_unknown_is_said(self, prepared: Prepared, tmp_path: Path) -> None:
        (tmp_path / "few.csv").write_text("image,r,g,b\ni0,1,1,1\nelsewhere,1,1,1\n")
        ran = awbkit("evaluate", "set", "--predictions", "few.csv", "--format", "table", "--rounds", "100")
        assert ran.code == 1
        unknown, missing = ran.err.splitlines()
        assert unknown == "awbkit: 1 estimate ignored, as no labelled image has such a name (elsewhere)"
        assert "few has no estimate for 23 of 24 images" in missing


class TestOutput:
    def test_csv(self, prepared: Prepared) -> None:
        ran = awbkit("evaluate", "set", "-m", "gray-world", "--format", "csv", "--rounds", "100", "-j", "1")
        rows = list(csv.DictReader(io.StringIO(ran.out)))
        assert {row["metric"] for row in rows} == {"recovery", "reproduction"}
        assert {"method", "group", "images", "scenes", "mean", "median", "worst25"} <= set(rows[0])

    def test_markdown(self, prepared: Prepared) -> None:
        out = awbkit("evaluate", "set", "-m", "gray-world", "--format", "markdown", "--rounds", "100", "-j", "1").out
        assert any(line.startswith("| gray-world") or line.startswith("| `gray-world") for line in out.splitlines())

    def test_a_table_fits_eighty_columns(self, prepared: Prepared) -> None:
        names = [part for name in ("gray-world", "pca:percent=3.5", "constant") for part in ("-m", name)]
        out = awbkit("evaluate", "set", *names, "--format", "table", "--rounds", "100", "-j", "1").out
        assert "geometric mean" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_a_page(self, prepared: Prepared, tmp_path: Path) -> None:
        evaluate("set", "--html", "page.html")
        text = (tmp_path / "page.html").read_text()
        assert "awbnet" in text
        assert "http://" not in text.replace("http://www.w3.org", "")
        refused = awbkit("evaluate", "set", "--html", "page.html")
        assert refused.code == 2
        assert "--if-exists" in refused.complaint
        assert (tmp_path / "page.html").read_text() == text

    def test_per_image(self, prepared: Prepared) -> None:
        document = evaluate("set", "--per-image")
        assert "i7" in json.dumps(document)
        assert '"i7"' not in json.dumps(evaluate("set"))

    def test_the_same_again(self, prepared: Prepared) -> None:
        assert evaluate("set", "-m", "pca", "-m", "constant") == evaluate("set", "-m", "pca", "-m", "constant")


class TestChecks:
    def test_passed(self, prepared: Prepared) -> None:
        assert awbkit("evaluate", "set", "--max-mean", "90", "--max-p95", "90", "--rounds", "100").code == 0

    def test_failed(self, prepared: Prepared) -> None:
        ran = awbkit("evaluate", "set", "-m", "gray-world", "--max-mean", "0.01", "--rounds", "100")
        assert ran.code == 3
        assert "gray-world: mean" in ran.complaint
        assert "0.01 allowed" in ran.complaint
        assert json.loads(ran.out)["summaries"]

    def test_over_cameras(self, prepared: Prepared) -> None:
        ran = awbkit("evaluate", "set", "--max-median", "0.01", "--over", "cameras", "--rounds", "100")
        assert ran.code == 3
        assert "geometric mean" in ran.complaint


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "no prepared data set named"),
        (["nowhere"], 1, "no prepared data set"),
        (["."], 1, "make one with awbkit dataset prepare LAYOUT DOWNLOAD -o FOLDER"),
        (["set", "-m", "nosuch"], 2, "unknown method 'nosuch'"),
        (["set", "-m", "awbnet-s:p=1"], 2, "method awbnet has no parameter 'p'; it takes none"),
        (["set", "-m", "constant", "--protocol", "none"], 2, "has to be fitted"),
        (["set", "-m", "constant", "--protocol", "folds"], 2, "fold"),
        (["set", "-m", "constant", "--protocol", "leave-one-dataset-out"], 2, "data set"),
        (["set", "--model", "nowhere.py:f"], 2, "nowhere.py"),
        (["set", "set"], 2, "two data sets are called 'set'"),
        (["set", "-m", "pca", "-m", "pca:percent=3.5"], 2, "twice"),
        (["set", "--truth", "set/index.csv"], 2, "--predictions"),
        (["set", "--predictions", "nowhere.csv"], 2, "no such file"),
        (["--predictions", "set/index.csv"], 2, "--truth"),
        (["set", "--predictions", "set/index.csv", "--truth", "set/index.csv"], 2, "give one of them"),
        (["--truth", "set/index.csv", "--predictions", "set/index.csv", "-m", "pca"], 2, "has no pictures for methods"),
        (["set", "--camera", "Nikon"], 2, "no image has camera=Nikon; values of camera: "),
        (["set", "--where", "lens=50"], 2, "where: no column 'lens'; keys: image, dataset, camera, scene, fold"),
        (["set", "--where", "fold"], 2, "where: 'fold' is not of the form KEY=VALUE or KEY!=VALUE"),
        (["set", "--where", "camera!=*"], 2, "no image has camera!=*; leave out a condition"),
        (["set", "--rounds", "5"], 2, "rounds"),
        (["set", "--max-mean", "nan"], 2, "number of degrees"),
        (["set", "--max-p95", "-1"], 2, "number of degrees"),
        (["set", "--html", "no/such/folder/page.html", "--resume", "set"], 1, "set"),
    ],
)
def test_what_is_refused(prepared: Prepared, arguments: list[str], code: int, message: str) -> None:
    ran = awbkit("evaluate", *arguments)
    assert ran.code == code
    assert message in ran.complaint


def test_a_killed_evaluation_goes_on(prepared: Prepared, tmp_path: Path) -> None:
    write_prepared(tmp_path / "big", ["Nikon D810"] * 120)
    (tmp_path / "mine.py").write_text(SLOW)
    command = ["evaluate", "big", "--model", "mine.py:slow", "--resume", "answers.jsonl", "--rounds", "100", "-j", "1"]
    process = subprocess.Popen([sys.executable, "-m", "awbkit", *command, "--format", "json"], stdout=subprocess.PIPE)
    journal = tmp_path / "answers.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 4):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with journal.open("ab") as file:
        file.write(b'{"start": 0, "rows": [')
    length = journal.stat().st_size
    resumed = evaluate("big", "--model", "mine.py:slow", "--resume", "answers.jsonl")
    assert journal.stat().st_size > length
    calls = (tmp_path / "calls").stat().st_size
    assert calls < 2 * 120
    assert evaluate("big", "--model", "mine.py:slow", "--resume", "answers.jsonl") == resumed
    assert (tmp_path / "calls").stat().st_size == calls
    other = awbkit("evaluate", "big", "-m", "pca", "--resume", "answers.jsonl")
    assert other.code == 1
    assert "another evaluation" in other.complaint
    (tmp_path / "mine.py").write_text(SLOW.replace("mean", "max"))
    assert awbkit("evaluate", "big", "--model", "mine.py:slow", "--resume", "answers.jsonl").code == 1
