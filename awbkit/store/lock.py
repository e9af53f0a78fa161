"""One process at a time in a folder."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path
from typing import IO

from awbkit.errors import OutputError

FILE = "lock"


def lock_folder(folder: Path, activity: str) -> IO[bytes]:
    """Keep other processes off a folder until the file that this returns is closed, or this process ends.

    Args:
        folder: A folder that exists.
        activity: What the message says the other process is doing, such as "preparing it".

    Raises:
        OutputError: If another process has locked the folder.
    """
    file = (folder / FILE).open("ab")
    with suppress(ImportError):  # Windows has no fcntl, and refuses to move open files by itself
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise OutputError(folder, f"another process is {activity}", "wait for it, or name another -o") from None
        except OSError as error:
            # Some network file systems have no locks, and their users take care themselves.
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
                file.close()
                raise
    return file
