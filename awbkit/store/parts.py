"""Unfinished files: each has a temporary name, is locked by the process that writes it, and is removed at the end.

A process that is killed cannot clean up. Its files then have such a name and no lock, so the next process that writes
to the same folder finds and removes them.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from awbkit.errors import OutputError

# Windows has none. Nothing is swept there, since nothing shows which files are still in use.
_HAS_LOCKS = find_spec("fcntl") is not None
_NAME = re.compile(r"\..*\.awbkit-[0-9a-f]{8}\.part(\.[^.]{1,15})?", re.DOTALL)
_LONGEST_SUFFIX = 16
_START = time.time()
_own_parts: set[Path] = set()
_swept_folders: set[Path] = set()


@contextlib.contextmanager
def part(target: Path, suffix: str | None = None) -> Iterator[Path]:
    """A new, empty file beside another, to be filled and then moved over it; gone at the end unless it was moved.

    Args:
        target: The final file, in a folder that exists. Files of killed processes in that folder are removed.
        suffix: The suffix of the new file, by which encoders choose the format; None for that of ``target``.

    Raises:
        OSError: If the file cannot be created.
    """
    sweep(target.parent)
    path = target.with_name(_name(target.stem, target.suffix if suffix is None else suffix))
    # Noted before it exists, so that it is removed whenever this process ends.
    _own_parts.add(path)
    lock = None
    try:
        # Created here, not by the encoder, so that the name is surely new; the umask decides the permissions.
        lock = _create(path)
        yield path
    finally:
        # Where the folder can no longer be written to, that error is on its way to the user already.
        with contextlib.suppress(OSError):
            path.unlink()
        _own_parts.discard(path)
        if lock is not None:
            os.close(lock)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A new folder in the system's temporary folder, gone at the end with all that it holds.

    Raises:
        OutputError: If the folder cannot be created.
    """
    import tempfile

    try:
        home = Path(tempfile.gettempdir())
        sweep(home)
        path = home / _name("scratch", "")
        _own_parts.add(path)
        path.mkdir(0o700)
    except OSError as error:
        problem = f"no temporary folder can be made: {(error.strerror or str(error)).lower()}"
        raise OutputError(
            error.filename or "TMPDIR", problem, "set TMPDIR to a folder that can be written to"
        ) from error
    lock = None
    try:
        lock = _lock(os.open(path, os.O_RDONLY)) if _HAS_LOCKS else None
        yield path
    finally:
        _remove(path)
        _own_parts.discard(path)
        if lock is not None:
            os.close(lock)


def sweep(folder: Path) -> None:
    """Remove the unfinished files of ended processes from a folder; once for each process and folder.

    Such a file has a temporary name of awbkit's, is older than this process, and is locked by nobody. On a file system
    without locks, which some networks have, nothing is removed.
    """
    folder = folder.absolute()
    if not _HAS_LOCKS or folder in _swept_folders:
        return
    _swept_folders.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove_if_stale(Path(entry.path))


def discard_all() -> None:
    """Remove all unfinished files of this process, for a process that must end at once."""
    for path in list(_own_parts):
        _remove(path)


def is_part(path: Path) -> bool:
    """Whether a path has the name of an unfinished file."""
    return _NAME.fullmatch(path.name) is not None


def _name(stem: str, suffix: str) -> str:
    short = stem[:32].encode(errors="ignore").decode()
    return f".{short}.awbkit-{os.urandom(4).hex()}.part{suffix if len(suffix) <= _LONGEST_SUFFIX else ''}"


def _create(path: Path) -> int | None:
    while True:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        if not _HAS_LOCKS:
            os.close(file)  # Windows moves no file that is open
            return None
        if _is(path, _lock(file)):
            return file
        # Another process removed the file in the instant before it was locked.
        os.close(file)


def _lock(file: int) -> int:
    """Lock a file for as long as it is open, where the file system can."""
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _remove_if_stale(path: Path) -> None:
    import fcntl

    status = path.lstat()
    if status.st_mtime >= _START or not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return
    # Some network file systems lock only files that are open for writing, which folders never are.
    file = os.open(path, (os.O_RDONLY if stat.S_ISDIR(status.st_mode) else os.O_RDWR) | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is(path, file):
            _remove(path)
    finally:
        os.close(file)


def _is(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir():
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
