"""LibRaw's remarks on damaged data: it writes them to standard error and goes on, and rawpy does not report them."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from awbkit.errors import warn

_REMARK = re.compile(r"^.*: (Unexpected end of file|data corrupted at -?\d+)$\n?", re.MULTILINE)


@contextmanager
def heed_remarks(path: str) -> Iterator[None]:
    """Turn LibRaw's remarks within this block into a warning about the file; other text still reaches standard error.

    All threads share standard error, so only a process of one thread can assign a remark to a file. With more threads,
    LibRaw's remarks stay on standard error.

    Args:
        path: The file that LibRaw reads.
    """
    if _has_company():
        yield
        return
    import tempfile

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

    A codec's own thread that has called back once, to log a warning, stays listed, though it may have ended.
    """
    others = (thread for thread in threading.enumerate() if thread is not threading.current_thread())
    return not all(isinstance(thread, threading._DummyThread) for thread in others)


def _pass_on(written: IO[bytes]) -> str:
    """Write text other than LibRaw's remarks to standard error; return the first remark, or \"\" without one."""
    written.seek(0)
    text = written.read().decode(errors="surrogateescape")
    if others := _REMARK.sub("", text):
        os.write(2, others.encode(errors="surrogateescape"))
    first = _REMARK.search(text)
    return first[1] if first else ""
