"""Workers that crash or are killed: what is tried again, and what costs its item."""

from __future__ import annotations

import functools
import signal
from pathlib import Path

import pytest

from awbkit.work.batch import run
from awbkit.work.executor import Crash
from tests.helpers.worker_tasks import (
    FatalWork,
    choosy,
    ends_a_few_times,
    entries,
    logs_when_it_is_at_work,
    results,
)

pytestmark = pytest.mark.slow

CRASHES = [
    ("segfault", "the process at work on it crashed (SIGSEGV); a file that does this is likely damaged, copy it again"),
    (
        "killed",
        "the process at work on it was killed from outside again and again (SIGKILL); out of memory? "
        "run fewer jobs at a time with -j, or free some memory",
    ),
    ("exit", "the process at work on it crashed (exit code 3); a file that does this is likely damaged, copy it again"),
    ("unpicklable result", "unexpected TypeError: cannot pickle '_thread.lock' object; please report this"),
]


def test_a_crash_costs_only_its_item() -> None:
    items = [item for name, _ in CRASHES for item in (name, "a", "b", "c")]
    expected = [item for _, reason in CRASHES for item in (reason, "a", "b", "c")]
    assert results(run(choosy, items, jobs=2)) == expected


MADE_GOOD = [(-signal.SIGKILL, 3), (-signal.SIGTERM, 1), (-signal.SIGHUP, 1), (-signal.SIGSEGV, 1), (0, 1)]


@pytest.mark.parametrize(("ending", "times"), MADE_GOOD)
def test_a_crash_that_need_not_be_the_items_fault_is_made_good(ending: int, times: int, tmp_path: Path) -> None:
    items = [FatalWork(tmp_path, ending, times), *(FatalWork(tmp_path, 0, 0) for _ in range(3))]
    outcomes = list(run(ends_a_few_times, items, jobs=2))
    assert [outcome.reason or outcome.result for outcome in outcomes] == ["done"] * 4
    assert len(entries(tmp_path)) == times


@pytest.mark.parametrize(("ending", "times"), [(-signal.SIGKILL, 4), (-signal.SIGSEGV, 2), (3, 2)])
def test_what_crashes_alone_is_not_tried_for_ever(ending: int, times: int, tmp_path: Path) -> None:
    items = [FatalWork(tmp_path, ending, 99), FatalWork(tmp_path, 0, 0)]
    first, second = run(ends_a_few_times, items, jobs=2)
    assert isinstance(first.error, Crash)
    assert second.result == "done"
    assert len(entries(tmp_path)) == times


def test_nothing_else_is_worked_on_while_a_crash_is_tried_again(tmp_path: Path) -> None:
    items = ["crasher", "other", *map(str, range(20))]
    log = tmp_path / "log"
    assert results(run(functools.partial(logs_when_it_is_at_work, log), items, jobs=3)) == items
    lines = log.read_text().splitlines()
    again = len(lines) - 1 - lines[::-1].index("begin crasher")
    assert lines[again + 1] == "end crasher"
    before = lines[:again]
    assert "end other" in before
    assert sorted(line[6:] for line in before if line.startswith("begin") and line != "begin crasher") == sorted(
        line[4:] for line in before if line.startswith("end")
    )
