"""File names that are not UTF-8, which most codecs do not take."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from awbkit.store import parts


@contextlib.contextmanager
def utf8_name(path: Path) -> Iterator[Path]:
    """The path itself, or a link to it with a plain name and the same suffix while the context lasts.

    Args:
        path: A file or folder that exists.
    """
    if _is_utf8(os.fspath(path)):
        yield path
        return
    suffix = path.suffix if _is_utf8(path.suffix) else ""
    with parts.scratch() as folder:
        link = folder / f"link{suffix}"
        link.symlink_to(path.absolute())
        yield link


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
