"""The facts that it takes to run an evaluation again, and that every format has them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import platform
from pathlib import Path

import numpy as np
import pytest

import awbkit
from awbkit.evaluation.rerun import HashedStream
from tests.helpers import command
from tests.helpers.evaluation_sets import write_prepared

pytestmark = pytest.mark.slow


def always_gray(image: awbkit.LinearImage) -> list[float]:
    return [1, 1, 1]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prepared set, a function, a model and another program's estimates."""
    monkeypatch.chdir(tmp_path)
    prepared = write_prepared(tmp_path / "set", ["Canon EOS 550D", "Nikon D810"] * 6, fold=lambda n: str(n % 3))
    (tmp_path / "mine.py").write_text("def light(image): return [1, 1, 1]\n")
    rows = [f"{row.image},1,2,1\n" for row in prepared.rows]
    (tmp_path / "theirs.csv").write_text("image,r,g,b\n" + "".join(rows))
    return tmp_path


ARGUMENTS = ("set", "-m", "mine.py:light", "-m", "awbnet", "-m", "gray-world", "-m", "constant")


def evaluate(*arguments: str, form: str = "json") -> command.Ran:
    ran = command.process(
        "evaluate", *ARGUMENTS, "--predictions", "theirs.csv", *arguments, "--rounds", "100", "-q", "--format", form
    )
    assert ran.code == 0, ran.err
    return ran


def test_methods_models_functions_and_other_programs_in_one_test(here: Path) -> None:
    document = json.loads(evaluate("-j", "1").out)
    names = ["mine.py:light", "awbnet", "gray-world", "constant", "theirs"]
    assert [method["method"] for method in document["methods"]] == names
    found = [c for c in document["comparisons"] if (c["group"], c["metric"]) == ("pooled", "recovery")]
    pairs = [(c["first"], c["second"]) for c in found]
    assert len(pairs) == 10
    assert ("mine.py:light", "theirs") in pairs
    run = document["facts"]["run"]
    assert run["command"].startswith("awbkit evaluate set -m mine.py:light -m awbnet")
    assert (run["python"], run["numpy"]) == (platform.python_version(), np.__version__)
    assert run["files"] == {"theirs.csv": hashlib.sha256((here / "theirs.csv").read_bytes()).hexdigest()}
    assert len(run["methods"]["mine.py:light"]["code"]) == 64
    assert len(run["methods"]["awbnet"]["weights for raw pictures"]) == 64
    assert "gray-world" not in run["methods"]
    assert document["facts"]["datasets"][0]["hash"].startswith("sha256:")


def test_a_subset_has_the_errors_of_the_whole(here: Path) -> None:
    whole, part = (json.loads(evaluate(*more, "-j", "1").out) for more in ((), ("--camera", "Nikon D810")))
    assert part["title"] == "set, only camera=Nikon D810"
    assert part["images"] == 6
    group = "set / Nikon D810"
    found = {s["method"]: s["values"] for s in whole["summaries"] if (s["group"], s["metric"]) == (group, "recovery")}
    kept = {s["method"]: s["values"] for s in part["summaries"] if (s["group"], s["metric"]) == (group, "recovery")}
    assert kept == found


@pytest.mark.parametrize("form", ["csv", "markdown", "latex", "table"])
def test_every_format_says_how_to_run_it_again(here: Path, form: str) -> None:
    ran = evaluate("--where", "fold!=0", "--html", "page.html", "-j", "1", form=form)
    page = (here / "page.html").read_text()
    digest = hashlib.sha256((here / "theirs.csv").read_bytes()).hexdigest()
    texts = [page.replace("&#x27;", "'"), ran.out]
    if form == "csv":
        facts = [row["facts"] for row in csv.DictReader(io.StringIO(ran.out))]
        assert not any(facts[1:])
        texts[1] = json.loads(facts[0])["run"]["command"] + facts[0]
    for text in texts:
        assert "awbkit evaluate set -m mine.py:light" in text.replace("\\", "")
        assert digest in text
        assert platform.python_version() in text.replace("\\", "")
        assert "fold!=0" in text.replace("\\", "")


def test_from_python(here: Path) -> None:
    evaluation = awbkit.evaluate(
        "set", [always_gray, "gray-world"], predictions="theirs.csv", where="camera=Canon*", rounds=100
    )
    assert [method.method for method in evaluation.methods] == ["always_gray", "gray-world", "theirs"]
    assert evaluation.title == "set, only camera=Canon*"
    run = evaluation.facts["run"]
    assert isinstance(run, dict)
    assert run["command"] == (
        "awbkit.evaluate(['set'], ['always_gray', 'gray-world'], protocol='auto', folds=10, rounds=100, "
        "predictions=['theirs.csv'], where=['camera=Canon*'])"
    )
    assert run["methods"] == {"always_gray": {"code": hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}}
    for method in (lambda image: [1, 1, 1], "mine.py:light"):
        assert awbkit.evaluate("set", method, rounds=100).methods[0].errors["recovery"].shape == (12,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": [lambda image: [1, 1, 1], "gray-world"], "jobs": 2}, "<lambda> cannot be sent to worker process"),
        ({"method": [always_gray, always_gray]}, "method always_gray is given twice"),
        ({"predictions": "nowhere.csv"}, "predictions: nowhere.csv: no such file"),
        ({"predictions": ["theirs.csv", "theirs.csv"]}, "theirs has a second estimate for i0"),
        ({"where": "camera=Sony"}, "no image has camera=Sony"),
    ],
)
def test_what_python_refuses(here: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(awbkit.AwbError, match=message):
        awbkit.evaluate("set", rounds=100, **options)  # type: ignore[arg-type]


def test_a_method_and_a_file_of_one_name_are_told_apart_by_the_user(here: Path) -> None:
    (here / "theirs.csv").rename("gray-world.csv")
    with pytest.raises(awbkit.AwbError, match="two methods are called 'gray-world'; rename one, in a file of"):
        awbkit.evaluate("set", "gray-world", predictions="gray-world.csv", rounds=100)


def test_a_stream_is_hashed_as_it_is_read() -> None:
    stream = HashedStream(io.BytesIO(b"one\ntwo\nthree"))
    assert (stream.readline(), stream.read(2), stream.read()) == (b"one\n", b"tw", b"o\nthree")
    assert stream.digest == hashlib.sha256(b"one\ntwo\nthree").hexdigest()
