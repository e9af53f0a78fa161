"""The exception tree: one root, exit codes, one line each, and safe passage between processes."""

from __future__ import annotations

import pickle

import pytest

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


def test_a_missing_extra_names_its_installation() -> None:
    assert str(MissingExtra("reading HEIC", "heif")) == (
        "reading HEIC needs an optional dependency; install it with: pip install 'awbkit[heif]'"
    )


def test_messages_of_libraries_are_put_on_one_line() -> None:
    assert str(UnreadableFile("a.jpg", "bad\n  header", "copy\nit")) == "a.jpg: bad header; copy it"
    assert UnreadableFile("a.jpg", "bad").reason == "bad"


def test_a_wrong_argument_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match="odd"):
        raise UsageError("odd")
