"""Estimators that other packages install, from the metadata that pip leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MODULE = '''
from typing import Annotated
from awbkit.estimators.parameter import Range

CITATION = "A. Author, A Paper, 2020"

def light(image, *, blue: Annotated[float, Range(0.1, 9, "how much blue")] = 1.0):
    """Answer with a fixed light."""
    return [1, 1, blue]

def bare(image):
    return [2, 1, 1], 1.5

value = 3
'''


def install(folder: Path, name: str, *entries: str) -> None:
    """What pip leaves of a package with these entry points."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(MODULE)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[awbkit.estimators]\n" + "\n".join(entries) + "\n")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"import sys; sys.path[:0] = [{str(folder)!r}]; sys.argv[1:] = {list(arguments)!r}"
    code = f"{path}; from awbkit.__main__ import run; run()"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    install(folder, "mine", "my-light = mine:light", "bare = mine:bare", "gray-world = mine:bare", "twice = mine:bare")
    install(folder, "other", "broken = other_missing:f", "number = other:value", "twice = other:light")
    return folder


PICTURE = "examples/pictures/lane_shade.jpg"


def test_they_are_methods_with_parameters(folder: Path) -> None:
    ran = run(folder, "estimate", PICTURE, "-m", "my-light:blue=2", "-m", "bare", "-m", "my-light")
    assert ran.returncode == 0, ran.stderr
    first, second, third = (json.loads(line) for line in ran.stdout.splitlines())
    assert (first["method"], first["gains"][2]) == ("my-light:blue=2", 0.5)
    assert (second["method"], second["gains"][0], second["expected_error"]) == ("bare", 0.5, 1.5)
    assert third["method"] == "my-light"


def test_the_list_of_methods_has_them(folder: Path) -> None:
    ran = run(folder, "methods")
    listed = {row["name"]: row for row in json.loads(ran.stdout)}
    assert listed["my-light"]["citation"] == "A. Author, A Paper, 2020"
    assert listed["my-light"]["summary"] == "Answer with a fixed light"
    assert [p["name"] for p in listed["my-light"]["parameters"]] == ["blue"]
    assert listed["bare"]["summary"] == "of the package mine 1.0"
    # A package cannot replace what is awbkit's, and one that is broken hides no other.
    assert listed["gray-world"]["citation"].startswith("G. Buchsbaum")
    assert "broken" not in listed
    assert ran.stderr.splitlines() == [
        "awbkit: method broken of other 1.0 cannot be loaded: ModuleNotFoundError: No module named 'other_missing'; "
        "update or uninstall that package",
        "awbkit: method number of other 1.0 is no function; update or uninstall that package",
        "awbkit: method twice is installed by mine 1.0 and other 1.0; uninstall one of them",
    ]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("broken", "method broken of other 1.0 cannot be loaded: ModuleNotFoundError"),
        ("number", "method number of other 1.0 is no function"),
        ("twice", "method twice is installed by mine 1.0 and other 1.0; uninstall one of them"),
        ("my-light:blue=99", "method my-light: blue must be from 0.1 to 9, not '99'"),
        ("my-lihgt", "did you mean 'my-light'?"),
    ],
)
def test_what_is_wrong_with_one_is_said(folder: Path, method: str, message: str) -> None:
    ran = run(folder, "estimate", PICTURE, "-m", method)
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert message in line
