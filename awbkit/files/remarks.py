"""What LibRaw has to say of damaged data: it writes to standard error and goes on, and rawpy passes nothing on."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from awbkit.errors import warn

_REMARK = re.compile(r"^.*: (Unexpected end of file|data corrupted at -?\d+)$\n?", re.MULTILINE)


@contextmanager
def heed_remarks(path: str) -> Iterator[None]:
    """Make a warning about the file of what LibRaw says meanwhile; all else still reaches standard error.

    All threads share standard error, so that only a process of one thread can tell whose words these are; with more,
    LibRaw's stay where it writes them.

    Args:
        path: The file that LibRaw reads.
    """
    if _has_company():
        yield
        return
    try:
        kept = os.dup(2)
    except OSError:
        # There is no standard error.
        yield
        return
    with tempfile.TemporaryFile() as written:
        sys.stderr.flush()
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            remark = _pass_on(written)
    if remark:
        problem = f"LibRaw finds it damaged ({remark.lower()})"
        warn(path, problem, "look at the picture, and copy the file again from its source")


def _has_company() -> bool:
    """Whether another thread of this program runs Python.

    A codec's own thread that once called back, to log a warning, is listed for good, though it may have ended.
    """
    others = (thread for thread in threading.enumerate() if thread is not threading.current_thread())
    return not all(isinstance(thread, threading._DummyThread) for thread in others)


def _pass_on(written: IO[bytes]) -> str:
    """Write what is not LibRaw's to where it was meant for; the first of LibRaw's remarks."""
    written.seek(0)
    text = written.read().decode(errors="surrogateescape")
    if others := _REMARK.sub("", text):
        os.write(2, others.encode(errors="surrogateescape"))
    first = _REMARK.search(text)
    return first[1] if first else ""
