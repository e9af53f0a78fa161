"""The files of this machine, and which store a path belongs to."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from awbkit.errors import OutputError
from awbkit.store import parts
from awbkit.store.durable import make_folders, move_new, sync_file, sync_folder
from awbkit.store.names import utf8_name
from awbkit.store.refusals import WRITING_ONLY, reading_error
from awbkit.store.store import Entry, Kind, Store

STORES: dict[str, Store] = {}
"""Other stores by the first part of their paths, which ends in a colon: ``s3:`` in ``s3:/bucket/a.jpg``."""


class Paths:
    """The file system."""

    def kind(self, path: Path) -> Kind:
        mode = path.stat().st_mode
        return Kind.FOLDER if stat.S_ISDIR(mode) else Kind.FILE if stat.S_ISREG(mode) else Kind.OTHER

    def state(self, path: Path) -> tuple[int, int]:
        status = path.stat()
        return status.st_size, status.st_mtime_ns

    def identity(self, folder: Path) -> tuple[int, int]:
        status = folder.stat()
        return status.st_dev, status.st_ino

    def entries(self, folder: Path) -> list[Entry]:
        with os.scandir(folder) as scan:
            return [Entry(entry.name, _kind(entry), entry.is_symlink()) for entry in scan]

    def open(self, path: Path) -> BinaryIO:
        return path.open("rb")

    def local(self, path: Path) -> AbstractContextManager[Path]:
        return utf8_name(path)

    def put(self, path: Path, write: Callable[[Path], None], *, replace: bool) -> bool:
        target = Path(os.path.realpath(path))
        make_folders(target.parent)
        # The suffix is that of the name, even where a link leads to a file of another suffix or of none.
        with parts.part(target, path.suffix) as temporary:
            with utf8_name(temporary.parent) as folder:
                _fill(folder / temporary.name, write)
            sync_file(temporary)
            size = temporary.stat().st_size
            if replace:
                temporary.replace(target)
            elif not move_new(temporary, target):
                return False
        sync_folder(target.parent)
        if path.stat().st_size != size:
            raise OutputError(path, "was written, but has another size now", "another program wrote to it; run again")
        return True


_PATHS = Paths()


def store_of(path: Path) -> Store:
    """The store that a path belongs to."""
    return STORES.get(path.parts[0], _PATHS) if STORES and path.parts else _PATHS


def is_here(path: Path) -> bool:
    """Whether a path belongs to the file system of this machine."""
    return store_of(path) is _PATHS


def is_file(path: Path) -> bool:
    """Whether a path leads to a file, and neither to a folder nor to a pipe."""
    try:
        return store_of(path).kind(path) is Kind.FILE
    except (OSError, ValueError):
        return False


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_file():
            return Kind.FILE
        if entry.is_dir():
            return Kind.FOLDER
        return Kind.NOTHING if entry.is_symlink() and not Path(entry.path).exists() else Kind.OTHER
    except OSError:
        # A link that loops or may not be followed.
        return Kind.NOTHING


def _fill(path: Path, write: Callable[[Path], None]) -> None:
    try:
        write(path)
    except OSError as error:
        # A copy that finds no room names both of its files, the source first.
        is_of_writing = error.errno in WRITING_ONLY
        if not is_of_writing and isinstance(error.filename, str | bytes) and Path(os.fsdecode(error.filename)) != path:
            raise reading_error(os.fsdecode(error.filename), error) from error
        raise
