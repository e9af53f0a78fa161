"""Many items: order, failures, crashes, laziness and interruption, in this process and in workers."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from awbkit.errors import AwbError, UnreadableFile
from awbkit.work.batch import default_jobs, run
from awbkit.work.outcome import Outcome
from tests.helpers.worker_tasks import choosy, double, entries, leave_a_mark, modules, results, settings, slow_first

pytestmark = pytest.mark.slow

HERE = str(Path(__file__).parents[2])


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_outcomes_keep_the_order_of_the_items(jobs: int) -> None:
    outcomes = list(run(slow_first, range(100), jobs=jobs))
    assert outcomes == [Outcome(item, item, None) for item in range(100)]


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("count", [0, 1])
def test_few_items_are_done_in_this_process(jobs: int, count: int) -> None:
    assert [o.result[0] for o in run(settings, iter(range(count)), jobs=jobs) if o.result] == [os.getpid()] * count
    assert [o.result[0] for o in run(settings, range(count), jobs=jobs) if o.result] == [os.getpid()] * count


@pytest.mark.parametrize("items", [[0], range(3)])
def test_items_that_could_take_this_process_down_are_done_apart(items: Sequence[int]) -> None:
    processes = {o.result[0] for o in run(settings, items, jobs=1, isolate=True) if o.result}
    assert len(processes) == 1
    assert os.getpid() not in processes


FAILURES = [
    ("corrupt", "truncated; copy it again"),
    ("bug", "unexpected ZeroDivisionError: one two; please report this"),
    ("mute", "unexpected LookupError; please report this"),
    ("memory", "not enough memory; run fewer jobs at a time with -j"),
    ("unpicklable error", "1 and 2"),
]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failure_costs_only_its_item(jobs: int) -> None:
    items = [item for name, _ in FAILURES for item in (name, "fine")]
    assert results(run(choosy, items, jobs=jobs)) == [item for _, reason in FAILURES for item in (reason, "fine")]


def test_our_errors_keep_their_type() -> None:
    (outcome, _) = run(choosy, ["corrupt", "fine"], jobs=2)
    assert isinstance(outcome.error, UnreadableFile)
    assert outcome.error.path == "a.jpg"


def test_what_a_codec_prints_does_not_disturb_the_answers(capfd: pytest.CaptureFixture[str]) -> None:
    assert results(run(choosy, ["prints", "prints", "fine"], jobs=2)) == [b"", b"", "fine"]
    assert capfd.readouterr() == ("", "a codec's chatter\n" * 2)


def test_items_that_failed_before_come_back_in_their_place() -> None:
    error = UnreadableFile("gone.jpg", "no such file or folder")
    items: list[int | AwbError] = [1, error, 3]
    for jobs in (1, 2):
        outcomes = list(run(double, items, jobs=jobs))
        assert [outcome.result for outcome in outcomes] == [2, None, 6]
        assert outcomes[1].error is error
        assert outcomes[1].reason == "no such file or folder"


def test_local_items_stay_in_this_process() -> None:
    outcomes = list(run(settings, range(6), jobs=2, local=lambda item: item % 3 == 0))
    assert [outcome.result[0] == os.getpid() for outcome in outcomes if outcome.result] == [True, False, False] * 2


def test_workers_run_single_threaded_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIPS_CONCURRENCY", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert {outcome.result[1:] for outcome in run(settings, range(4), jobs=2) if outcome.result} == {("1", "4")}


def test_workers_do_not_load_the_command_line() -> None:
    assert [outcome.result for outcome in run(modules, range(2), jobs=2)] == [set(), set()]


@pytest.mark.parametrize("jobs", [1, 2])
def test_items_are_drawn_no_further_than_a_window_ahead(jobs: int) -> None:
    drawn = 0

    def items() -> Iterator[int]:
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    outcomes = run(double, items(), jobs=jobs)
    for _ in range(200):
        next(outcomes)
    time.sleep(0.2)
    assert 200 <= drawn <= 200 + 16 * jobs
    outcomes.close()


def test_an_outcome_does_not_wait_for_the_next_item() -> None:
    gate = threading.Event()

    def items() -> Iterator[int]:
        yield from range(3)
        gate.wait(20)
        yield 3

    outcomes = run(double, items(), jobs=2)
    assert [next(outcomes).result for _ in range(3)] == [0, 2, 4]
    assert not gate.is_set()
    gate.set()
    assert [outcome.result for outcome in outcomes] == [6]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_the_items_comes_after_the_outcomes_before_it(jobs: int) -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise KeyError("broken list")

    outcomes = run(double, items(), jobs=jobs)
    assert [next(outcomes).result for _ in range(5)] == [0, 2, 4, 6, 8]
    with pytest.raises(KeyError, match="broken list"):
        next(outcomes)


@pytest.mark.parametrize("jobs", [1, 2])
def test_fail_fast_takes_up_nothing_more(jobs: int) -> None:
    items: list[object] = ["a", "corrupt", *range(1000)]
    outcomes = results(run(choosy, items, jobs=jobs, fail_fast=True))
    assert outcomes[:2] == ["a", "truncated; copy it again"]
    assert 2 <= len(outcomes) < 100
    assert outcomes[2:] == items[2 : len(outcomes)]


def test_a_task_that_workers_cannot_import_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("of_this_process_alone")
    exec("def task(item): return item", module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(AwbError, match="a worker process could not start: ModuleNotFoundError"):
        list(run(module.task, [1, 2], jobs=2))


def test_a_worker_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(AwbError, match=r"a worker process could not start \(exit code 1\); -j 1 does without"):
        list(run(double, [1, 2], jobs=2))


def test_stopping_early_lets_workers_clean_up(tmp_path: Path) -> None:
    outcomes = run(functools.partial(leave_a_mark, tmp_path), [0, 1, 2], jobs=2)
    assert next(outcomes).result == 0
    while len(entries(tmp_path)) < 3:
        time.sleep(0.01)
    # One that does not clean up in time is killed, and its mark stays.
    outcomes.close()
    assert entries(tmp_path) == ["0"]


SCRIPT = """
import contextlib, sys
from functools import partial
from pathlib import Path
from awbkit.work.batch import run
from awbkit.store.find import read_path_list
from tests.helpers.worker_tasks import leave_a_mark
items = map(int, read_path_list(sys.stdin.buffer))
try:
    with contextlib.closing(run(partial(leave_a_mark, Path(sys.argv[1])), items, jobs=2)) as outcomes:
        for outcome in outcomes:
            print(outcome.result, flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


def start_script(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env={**os.environ, "PYTHONPATH": HERE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )


@pytest.mark.parametrize("items", [b"0\n0\n", b"0\n1\n2\n"])
def test_ctrl_c_ends_everything_quietly(items: bytes, tmp_path: Path) -> None:
    with start_script(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # The list stays open, so a thread still waits for more of it at the end.
        process.stdin.write(items)
        process.stdin.flush()
        assert process.stdout.readline() == b"0\n"
        while len(entries(tmp_path)) < len(set(items.split())):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == b""
    assert entries(tmp_path) == ["0"]


def test_workers_leave_when_the_parent_is_gone(tmp_path: Path) -> None:
    with start_script(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"0\n0\n0\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"0\n"
        process.kill()
        # The workers hold standard error too: it ends when they do.
        assert process.stderr.read() == b""


def test_jobs_follow_the_cores_that_may_be_used() -> None:
    code = "import os; os.sched_setaffinity(0, {0}); from awbkit.work.batch import default_jobs; print(default_jobs())"
    assert subprocess.check_output([sys.executable, "-c", code]) == b"1\n"
    assert default_jobs() >= 1
