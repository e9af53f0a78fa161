"""The exception tree: one root, exit codes, one line each, and safe passage between processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from awbkit import errors
from awbkit.errors import (
    AwbError,
    CheckFailed,
    FileError,
    MissingExtra,
    OutputError,
    UnreadableFile,
    UnsupportedImage,
    UsageError,
)

ERRORS = [
    AwbError("no valid pixel"),
    UsageError("--region takes x,y,w,h"),
    CheckFailed("gray-world: mean 4.7 degrees, 2.5 allowed"),
    MissingExtra("reading HEIC", "heif"),
    FileError("a.jpg", "is odd"),
    UnreadableFile("a.jpg", "is empty", "copy it again"),
    UnsupportedImage("a.gif", "is a GIF", "export it as a JPEG"),
    OutputError("b.jpg", "exists already", "--if-exists replace"),
]


def test_the_table_is_complete() -> None:
    def tree(root: type[AwbError]) -> set[type[AwbError]]:
        return {root}.union(*map(tree, root.__subclasses__()))

    assert {error for error in tree(AwbError) if error.__module__ == "awbkit.errors"} == set(map(type, ERRORS))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_a_worker_raises_arrives_as_it_was(error: AwbError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert (str(arrived), arrived.exit_code) == (str(error), error.exit_code)
    assert "\n" not in str(error)


def test_exit_codes() -> None:
    assert [error.exit_code for error in ERRORS] == [1, 2, 3, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("folder", "is_checkout", "own_pip", "command"),
    [
        ("checkout", True, True, "pip install '.[heif]'"),
        ("elsewhere", True, True, "pip install '{root}[heif]'"),
        ("elsewhere", False, True, "pip install 'awbkit[heif]'"),
        ("checkout", False, True, "pip install 'awbkit[heif]'"),
        ("elsewhere", False, False, "{python} -m pip install 'awbkit[heif]'"),
    ],
)
def test_a_missing_extra_names_the_command_that_installs_it(
    folder: str, is_checkout: bool, own_pip: bool, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "checkout"
    for name in ("checkout/awbkit", "elsewhere", "bin"):
        (tmp_path / name).mkdir(parents=True)
    (root / "awbkit/errors.py").write_text(Path(errors.__file__).read_text("utf-8"), "utf-8")
    (root / "awbkit/pip.py").touch()
    if is_checkout:
        (root / "pyproject.toml").touch()
    python, pip = tmp_path / "bin/python", tmp_path / ("bin/pip" if own_pip else "elsewhere/pip")
    pip.touch(0o755)
    monkeypatch.setenv("PATH", str(pip.parent))
    script = (
        "import sys; sys.executable = sys.argv[1]; import errors; print(errors.MissingExtra('reading HEIC', 'heif'))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, python],
        cwd=tmp_path / folder,
        env={**os.environ, "PYTHONPATH": str(root / "awbkit")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    expected = command.format(root=root, python=python)
    assert told == f"reading HEIC needs an optional dependency; install it with: {expected}\n"


def test_messages_of_libraries_are_put_on_one_line() -> None:
    assert str(UnreadableFile("a.jpg", "bad\n  header", "copy\nit")) == "a.jpg: bad header; copy it"
    assert UnreadableFile("a.jpg", "bad").reason == "bad"


def test_a_wrong_argument_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match="odd"):
        raise UsageError("odd")
