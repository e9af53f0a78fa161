"""The journal: answers that a second run finds, and journals that it refuses because they are stale or damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from awbkit.datasets.prepared import Prepared
from awbkit.errors import OutputError
from awbkit.evaluation.journal import AnswerJournal
from awbkit.evaluation.run import Run, evaluate_methods
from tests.helpers.evaluation_sets import write_prepared

pytestmark = pytest.mark.slow

MODEL = """
import os
from helper import light

def estimate(image):
    return light

def dies_of_one(image):
    if float(image.pixels[0, 0, 0]) < 0.08:
        os._exit(7)
    return light
"""


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """A prepared set, and in the working directory a model that imports a neighbour; also within a package."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "helper.py").write_text("light = [1, 2, 2]")
    for path in (tmp_path / "mine.py", tmp_path / "package" / "inner.py"):
        path.write_text(MODEL)
    return write_prepared(tmp_path / "set", ["Nikon D810"] * 6)


def evaluate(prepared: Prepared, method: str) -> None:
    evaluate_methods([Prepared.open(prepared.path)], [method], rounds=100, resume=Path("answers.jsonl"))


@pytest.mark.parametrize(
    ("method", "edited"),
    [
        ("mine.py:estimate", "mine.py"),
        ("mine.py:estimate", "helper.py"),
        ("package.inner:estimate", "package/inner.py"),
        ("package.inner:estimate", "helper.py"),
    ],
)
def test_answers_of_an_edited_model_are_refused(prepared: Prepared, method: str, edited: str) -> None:
    evaluate(prepared, method)
    evaluate(prepared, method)
    with Path(edited).open("a") as file:
        file.write("\n# edited")
    with pytest.raises(OutputError, match="is of another evaluation; name another file, or remove it"):
        evaluate(prepared, method)


def test_answers_for_other_pixels_are_refused(prepared: Prepared) -> None:
    evaluate(prepared, "gray-world")
    pixels = np.load("set/thumbnails.npy")
    np.save("set/thumbnails.npy", pixels[::-1])
    with pytest.raises(OutputError, match="is of another evaluation"):
        evaluate(prepared, "gray-world")


@pytest.mark.parametrize("damage", [b"garbage", b"\0" * 20, b"{}", b"[1]", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_a_damaged_file_is_refused(prepared: Prepared, damage: bytes) -> None:
    evaluate(prepared, "gray-world")
    journal = Path("answers.jsonl")
    head, first, *rest = journal.read_bytes().split(b"\n")
    journal.write_bytes(b"\n".join([head, first, damage, *rest]))
    with pytest.raises(OutputError, match="is damaged: line 3 holds no answers; remove it") as caught:
        evaluate(prepared, "gray-world")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("key", "value"), [("rows", 4000), ("rows", -41), ("methods", 1), ("methods", -1)])
def test_answers_to_what_was_not_asked_are_refused(prepared: Prepared, key: str, value: int) -> None:
    evaluate(prepared, "gray-world")
    journal = Path("answers.jsonl")
    head, first, *rest = journal.read_bytes().split(b"\n")
    entry = json.loads(first)
    entry[key][0] = value
    journal.write_bytes(b"\n".join([head, json.dumps(entry).encode(), *rest]))
    with pytest.raises(OutputError, match="it holds answers that this evaluation does not need; remove it"):
        evaluate(prepared, "gray-world")


def test_what_is_left_is_done_and_changes_nothing(prepared: Prepared) -> None:
    """Also where some images crashed the process and were repeated method by method."""
    methods = ["mine.py:dies_of_one", "gray-world"]
    whole = Run([prepared], methods)
    with AnswerJournal(Path("answers.jsonl"), whole.plan) as journal:
        assert sum(step.images for step in whole.steps(1, journal)) == 6
    (own, gray) = whole.results()
    assert list(own.failures) == [4]
    assert not gray.failures
    lines = Path("answers.jsonl").read_bytes().splitlines(keepends=True)
    for kept in (2, len(lines) - 1):
        Path("answers.jsonl").write_bytes(b"".join(lines[:kept]) + b'{"start": 0, "ro')
        resumed = Run([prepared], methods)
        with AnswerJournal(Path("answers.jsonl"), resumed.plan) as journal:
            assert len(journal.entries) == kept - 1
            assert sum(step.images for step in resumed.steps(1, journal)) == 6
        for one, other in zip((own, gray), resumed.results(), strict=True):
            assert np.array_equal(one.estimates, other.estimates, equal_nan=True)
            assert one.failures == other.failures
