"""Tasks for workers, apart from the tests: a worker imports what holds its task, and pytest would take it longest."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from awbkit.errors import AwbError, UnreadableFile
from awbkit.work.outcome import Outcome


def double(item: int) -> int:
    return 2 * item


def slow_first(item: int) -> int:
    time.sleep(0.3 if item == 0 else 0)
    return item


def choosy(item: object) -> object:
    match item:
        case "segfault":
            ctypes.string_at(0)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "corrupt":
            raise UnreadableFile("a.jpg", "truncated", "copy it again")
        case "bug":
            raise ZeroDivisionError("one\ntwo")
        case "mute":
            raise LookupError
        case "memory":
            raise MemoryError
        case "unpicklable error":
            raise Awkward(1, 2)
        case "unpicklable result":
            return threading.Lock()
        case "prints":
            os.write(1, b"a codec's chatter\n")
            return os.read(0, 10)
    return item


class Awkward(AwbError):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def settings(_: int) -> tuple[int, str | None, str | None]:
    return os.getpid(), os.environ.get("VIPS_CONCURRENCY"), os.environ.get("OMP_NUM_THREADS")


def modules(_: int) -> set[str]:
    return {"typer", "rich", "multiprocessing", "awbkit.cli"} & set(sys.modules)


def leave_a_mark(folder: Path, item: int) -> int:
    mark = folder / str(item)
    mark.touch()
    if item == 0:
        return item
    try:
        time.sleep(60)
    finally:
        mark.unlink()
    return item


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def results(outcomes: Iterable[Outcome[object, object]]) -> list[object]:
    return [outcome.reason or outcome.result for outcome in outcomes]


@dataclass(frozen=True)
class FatalWork:
    """Work whose process ends so many times, by a signal or with an exit code, before it is let be."""

    marks: Path
    ending: int
    times: int


def ends_a_few_times(item: FatalWork) -> str:
    for number in range(item.times):
        with contextlib.suppress(FileExistsError):
            (item.marks / str(number)).touch(exist_ok=False)
            if item.ending < 0:
                os.kill(os.getpid(), -item.ending)
                # Its handler, if there is one, runs before this goes on.
                time.sleep(10)
            os._exit(item.ending)
    return "done"


def logs_when_it_is_at_work(log: Path, item: str) -> str:
    first = not log.exists() or f"begin {item}" not in log.read_text().splitlines()
    note(log, f"begin {item}")
    if item == "crasher" and first:
        while "begin other" not in log.read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "other":
        # Still at work when the crasher is started anew, were that not put off.
        time.sleep(0.3)
    note(log, f"end {item}")
    return item


def note(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(f"{line}\n")
