"""What every reader owes to whoever hands it a file, and the judge who watches one at it.

A reader returns, or raises an ``AwbError`` whose message is one line. Nothing else: no other exception, no warning but
``AwbWarning``, not a word on standard error from a library below, no change of the file, no temporary file left behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from awbkit.errors import AwbError, AwbWarning

LONGEST = 20_000
"""Characters of a message: a path may have 4096, each of which takes four where it is not to be printed."""


@dataclass(frozen=True)
class Verdict:
    """What came of one use of a reader.

    Attributes:
        told: What it answered, without names and numbers, so that answers of one kind are equal.
        fault: How it broke the contract; an empty string where it kept it.
    """

    told: str
    fault: str


class Broken(Exception):
    """The contract is broken in a way that is no exception by itself; the message says how."""


def judge(use: Callable[[Path, Path], Iterable[Callable[[], object]]], given: Path, outputs: Path) -> Verdict:
    """Use a reader, step by step; the verdict is about the first step that breaks the contract.

    Args:
        use: Takes the path of what to read and an empty folder for what it writes; gives the steps.
        given: A file, or a folder of files, that must not change.
        outputs: A folder for this use alone.
    """
    before = _state(given.parent)
    told: list[str] = []
    fault = ""
    caught: list[tuple[Warning | str, str]] = []

    def take(message: Warning | str, *_: object, **__: object) -> None:
        caught.append((message, "".join(traceback.format_stack()[:-1])))

    with _diverted_stderr() as noise, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = take
        for step in use(given, outputs):
            try:
                step()
            except AwbError as error:
                told.append(str(error))
                fault = fault or complaint_fault(str(error))
            except Broken as error:
                fault = fault or str(error)
            except Exception:
                fault = fault or traceback.format_exc()
        said = noise()
    for message, stack in caught:
        if isinstance(message, AwbWarning):
            told.append(message.reason)
            fault = fault or complaint_fault(message.reason)
        else:
            fault = fault or f"{stack}{type(message).__name__}: {message}"
    if said:
        fault = fault or f"standard error says: {said}"
    if _state(given.parent) != before:
        fault = fault or "the input was changed, or something was left beside it"
    if left := [path.name for path in outputs.rglob("*") if ".part" in path.suffixes]:
        fault = fault or f"left behind: {left}"
    if left := [path.name for path in Path(tempfile.gettempdir()).iterdir()]:
        fault = fault or f"left in the folder of temporary files: {left}"
    return Verdict(" | ".join(dict.fromkeys(map(_kind, told))), fault)


def complaint_fault(message: str) -> str:
    """What is wrong with an error's text."""
    if not message.strip():
        return "an error says nothing"
    if len(message.splitlines()) > 1:
        return f"an error of several lines: {message!r}"
    if "please report" in message or re.search(r"unexpected \w+(Error|Exception)", message):
        return f"an error that nobody foresaw: {message}"
    if len(message) > LONGEST:
        return f"an error of {len(message)} characters: {message[:200]}"
    return ""


def _state(folder: Path) -> dict[str, bytes]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def _kind(told: str) -> str:
    """A message without what differs from file to file."""
    told = re.sub(r"\S*/\S*", "PATH", told)
    return re.sub(r"'[^']*'|\"[^\"]*\"|[\d.+-]+", "#", told)[:160]


@contextlib.contextmanager
def _diverted_stderr() -> Iterator[Callable[[], str]]:
    """What is written to the process' standard error meanwhile, by whatever library."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield lambda: _content(noise.fileno())
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _content(descriptor: int) -> str:
    sys.stderr.flush()
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, min(size, 2000), 0).decode(errors="replace").strip()
