"""Errors of the system as errors of awbkit, with the remedy for reading or for writing."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from awbkit.errors import OutputError, UnreadableFile

_EITHER = {
    errno.ELOOP: "the links lead in a circle; mend them",
    errno.EMFILE: "raise the limit on open files (ulimit -n), or run fewer jobs with -j",
    errno.ENFILE: "close other programs; the system has no room for more open files",
    errno.EIO: "the disk or its connection fails; look after it before anything else",
    errno.ESTALE: "the network share was exported anew; mount it again",
    errno.ENOTCONN: "the network share does not answer; mount it again",
    errno.ETIMEDOUT: "the network share does not answer; try again",
    errno.EHOSTDOWN: "the network share does not answer; try again",
}
WRITING_ONLY = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))
"""Errors that only writing ends in, whatever file they name."""

_READING = {
    **_EITHER,
    errno.ENOENT: "check the spelling and the folder",
    errno.ENOTDIR: "a folder of that path is a file; check the spelling",
    errno.EACCES: "make it readable for you",
    errno.EPERM: "make it readable for you",
    errno.EISDIR: "name a file in it",
    errno.ENAMETOOLONG: "check the spelling; no file has so long a name",
}
_WRITING = {
    **_EITHER,
    errno.ENOSPC: "free some space, or write to another disk",
    errno.EDQUOT: "free some space, or write to another disk",
    errno.EFBIG: "it is over the limit of the file system or of ulimit -f; raise that, or write to another disk",
    errno.EROFS: "write elsewhere, or mount it for writing",
    errno.EACCES: "write elsewhere, or ask for write access",
    errno.EPERM: "write elsewhere, or ask for write access",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "a folder of that path is a file; write elsewhere",
    errno.EEXIST: "a folder of that path is a file; write elsewhere",
    errno.EISDIR: "a folder has that name; write elsewhere",
    errno.ENOENT: "its folder is gone; write elsewhere",
}


def reading_error(path: str | os.PathLike[str], error: OSError) -> UnreadableFile:
    """The error for an input that the system does not let us read, with the remedy that fits."""
    said = _message(error) if error.errno in (errno.ENOENT, errno.EISDIR) else f"cannot be read: {_message(error)}"
    return UnreadableFile(path, said, _READING.get(error.errno or 0, ""))


def writing_error(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """The error for an output that the system does not let us write, with the remedy that fits."""
    return OutputError(path, f"cannot be written: {_message(error)}", _WRITING.get(error.errno or 0, ""))


@contextlib.contextmanager
def catch_read_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Report every error of the system within the context as a failure to read one file.

    Raises:
        UnreadableFile: In place of any OSError.
    """
    try:
        yield
    except OSError as error:
        raise reading_error(path, error) from error


def _message(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
