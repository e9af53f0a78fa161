"""What the user is told of an error that no code below expected."""

from __future__ import annotations

import errno
import os

import pytest

from awbkit.work.outcome import user_error


@pytest.mark.parametrize(
    ("code", "names", "message"),
    [
        (errno.ENOENT, ("in.jpg",), "in.jpg: no such file or directory; check the spelling"),
        (errno.EIO, ("in.jpg", None, "out.jpg"), "in.jpg: cannot be read: input/output error; the disk"),
        (errno.ENOSPC, ("in.jpg", None, "out.jpg"), "out.jpg: cannot be written: no space left on device; free some"),
        (errno.ENOSPC, ("out.jpg",), "out.jpg: cannot be written: no space left on device; free some"),
        (errno.ENOSPC, (), "cannot be written: no space left on device; free some"),
    ],
)
def test_reading_is_told_apart_from_writing(code: int, names: tuple[str | None, ...], message: str) -> None:
    assert str(user_error(OSError(code, os.strerror(code), *names))).startswith(message)
