"""Renames of files and folders in one step that survive a loss of power."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_NEW, _EXCHANGE = 1, 2
_HERE = -100
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
_NO_SYNC = {errno.EACCES, errno.EPERM, errno.EBADF, errno.EISDIR, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def sync_file(path: Path) -> None:
    """Bring a file's content to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk."""
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        # Windows opens no folders, some file systems sync none, and a writable folder may be unreadable.
        if error.errno not in _NO_SYNC:
            raise


def make_folders(folder: Path) -> None:
    """Create a folder and those above it, where they are missing."""
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def move_new(source: Path, target: Path) -> bool:
    """Move a file to a free name; False where the name is taken."""
    try:
        if os.name == "nt":
            source.rename(target)
        elif not _rename(source, target, _NEW):
            _link(source, target)
    except FileExistsError:
        return False
    return True


def exchange(first: Path, second: Path) -> bool:
    """Let two folders swap their names; False where the system cannot do so in one step."""
    return _rename(first, second, _EXCHANGE)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # FAT and some network file systems have no links: claim the name, then put the file over the claim.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            source.replace(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    else:
        source.unlink()


def _rename(source: Path, target: Path, how: int) -> bool:
    rename = _renameat2()
    if rename is None:
        return False
    failure = rename(os.fsencode(source), os.fsencode(target), how)
    if failure == errno.EEXIST:
        raise FileExistsError(failure, os.strerror(failure), str(target))
    return failure == 0


@cache
def _renameat2() -> Callable[[bytes, bytes, int], int] | None:
    """The system call of Linux, with modes that POSIX lacks; it returns the error's number, or 0."""
    if sys.platform != "linux":
        return None
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        call = ctypes.CDLL(None, use_errno=True).renameat2
        call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        return lambda source, target, how: call(_HERE, source, _HERE, target, how) and ctypes.get_errno()
    return None
