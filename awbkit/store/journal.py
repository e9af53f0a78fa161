"""Finished work on disk as it comes, so that a killed run goes on where it stopped."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from awbkit.errors import OutputError
from awbkit.store.documents import parse_line

_SECONDS_AT_RISK = 1.0
_OPENING = b'{"plan": "'
_LONGEST_HEAD = 4096
_DAMAGE = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)


class Journal:
    """A file of JSON Lines: the plan, then an entry for each piece of work that is done; a context that closes it."""

    def __init__(
        self,
        path: Path,
        plan: str,
        take: Callable[[Any], None],
        *,
        other_plan: OutputError,
        damaged: Callable[[str], OutputError],
        before_sync: Callable[[], None] | None = None,
    ) -> None:
        """Open a journal, or begin one.

        Args:
            path: The file, in a folder that exists.
            plan: A digest of all that the entries depend on.
            take: Called with each entry of the file; an error that it raises means that the entry is damaged.
            other_plan: Raised if the file belongs to another plan, or is no journal.
            damaged: Makes the error for a damaged line, from words that name the line.
            before_sync: Brings to the disk the data that the entries describe. With it, only :meth:`sync` writes
                entries. Without it, each entry is written at once, and a loss of power costs those of the last second.

        Raises:
            OutputError: ``other_plan`` or ``damaged``.
            OSError: If the file cannot be written. The other methods raise it too.
        """
        self._before_sync = before_sync
        self._queue: list[bytes] = []
        self._sync_time = time.monotonic()
        head = _line({"plan": plan})
        if not path.exists() or _is_partial_head(path):
            path.write_bytes(head)
        with path.open("rb") as file:
            if file.read(len(head)) != head:
                raise other_plan
            length = len(head)
            for number, line in enumerate(file, 2):
                # A line cut short is the last thing that a killed process wrote.
                if not line.endswith(b"\n"):
                    break
                try:
                    take(parse_line(line))
                except _DAMAGE:
                    raise damaged(f"line {number}") from None
                length += len(line)
        self._file = path.open("r+b")
        self._file.truncate(length)
        self._file.seek(length)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, entry: Any) -> None:
        """Add an entry."""
        self._queue.append(_line(entry))
        if time.monotonic() - self._sync_time > _SECONDS_AT_RISK:
            self.sync()
        elif self._before_sync is None:
            self._write()

    def sync(self) -> None:
        """Bring all entries to the disk."""
        if self._before_sync is not None:
            self._before_sync()
        self._write()
        os.fsync(self._file.fileno())
        self._sync_time = time.monotonic()

    def _write(self) -> None:
        self._file.write(b"".join(self._queue))
        self._file.flush()
        self._queue.clear()


def _line(entry: Any) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def _is_partial_head(path: Path) -> bool:
    """Whether a process was killed while it wrote the first line."""
    if path.stat().st_size > _LONGEST_HEAD:
        return False
    # After a loss of power, a file may hold zeros in place of what was written last.
    begun = path.read_bytes().rstrip(b"\0")
    return b"\n" not in begun and (begun.startswith(_OPENING) or _OPENING.startswith(begun))
