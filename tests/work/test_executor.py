"""A batch over workers that are threads: nothing in it counts on processes of this machine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from awbkit.errors import AwbError
from awbkit.work.batch import run
from awbkit.work.executor import Crash
from awbkit.work.outcome import attempt


class ThreadWorker:
    """One thread; a task that raises :class:`Crash` ends it."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        self._task = task
        self._thread = ThreadPoolExecutor(1)
        self.alive = True
        self.ended = False

    def ask(self, item: object) -> tuple[Any, AwbError | None]:
        outcome = self._thread.submit(attempt, self._task, item).result()
        self.alive = self.alive and not isinstance(outcome.error, Crash)
        return outcome.result, outcome.error

    def terminate(self) -> None:
        self.alive = False

    def reap(self) -> None:
        self._thread.shutdown()
        self.ended = True

    def close(self) -> None:
        self.reap()


class Threads:
    """An executor that keeps the workers it gave."""

    seats = 2

    def __init__(self) -> None:
        self.given: list[ThreadWorker] = []

    def prepare(self, task: Callable[[Any], Any]) -> Callable[[], ThreadWorker]:
        def new() -> ThreadWorker:
            self.given.append(ThreadWorker(task))
            return self.given[-1]

        return new


@pytest.fixture
def threads() -> Threads:
    return Threads()


def test_outcomes_keep_the_order_of_the_items(threads: Threads) -> None:
    # A task that no other process could be sent.
    outcomes = list(run(lambda item: item * item, range(50), jobs=2, executor=threads))
    assert [outcome.result for outcome in outcomes] == [item * item for item in range(50)]
    assert 1 <= len(threads.given) <= 2
    assert all(worker.ended for worker in threads.given)


def test_a_failure_costs_only_its_item(threads: Threads) -> None:
    outcomes = list(run(lambda item: 6 // item, [1, 0, 3], jobs=2, executor=threads))
    assert [outcome.result for outcome in outcomes] == [6, None, 2]
    assert "ZeroDivisionError" in outcomes[1].reason


@pytest.mark.parametrize(("ending", "times", "tries"), [("SIGKILL", 2, 3), ("SIGKILL", 9, 4), ("exit code 3", 9, 2)])
def test_a_worker_that_crashes_is_followed_by_another(threads: Threads, ending: str, times: int, tries: int) -> None:
    crashes: list[int] = []

    def task(item: int) -> int:
        if item == 1 and len(crashes) < times:
            crashes.append(item)
            raise Crash(ending)
        return item

    outcomes = list(run(task, range(4), jobs=2, executor=threads))
    made_good = times < tries
    assert [outcome.result for outcome in outcomes] == [0, 1 if made_good else None, 2, 3]
    assert len(crashes) == (times if made_good else tries)
    assert len(threads.given) >= tries
    assert all(worker.ended for worker in threads.given)


def test_one_job_needs_no_worker_unless_the_work_is_set_apart(threads: Threads) -> None:
    assert [outcome.result for outcome in run(abs, [-1, -2], executor=threads)] == [1, 2]
    assert not threads.given
    assert [outcome.result for outcome in run(abs, [-1, -2], isolate=True, executor=threads)] == [1, 2]
    assert len(threads.given) == 1


def test_stopping_early_ends_the_workers(threads: Threads) -> None:
    outcomes = run(abs, iter(range(-1000, 0)), isolate=True, executor=threads)
    assert next(outcomes).result == 1000
    outcomes.close()
    assert not threads.given[0].alive
    assert threads.given[0].ended
