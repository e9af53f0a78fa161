"""Many items, several processes: order kept, failures kept apart, memory flat.

Workers are fresh interpreters that talk to this process over pipes. They are never forked, because LibRaw and libvips
run threads that a fork would leave in pieces; and they are not started by ``multiprocessing``, because that makes
every worker import the main script, and with it the whole command line, before it does anything.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from awbkit.errors import AwbError, FileError
from awbkit.work.interrupts import Interrupts
from awbkit.work.worker import Crash, Worker, described

T = TypeVar("T")
R = TypeVar("R")

_ITEMS_AHEAD_PER_JOB = 16
_TRIES_ALONE = 3
"""How often an item whose process is killed from outside is tried once more."""


@dataclass(frozen=True)
class Outcome(Generic[T, R]):
    """What became of one item: a result, or the error that it cost.

    Attributes:
        item: The item itself.
        result: What the task returned; None where there is an error.
        error: Why there is no result.
    """

    item: T | AwbError
    result: R | None
    error: AwbError | None

    @property
    def reason(self) -> str:
        """Problem and remedy on one line, without the path; empty where there is no error."""
        if self.error is None:
            return ""
        return self.error.reason if isinstance(self.error, FileError) else " ".join(str(self.error).split())


def default_jobs() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    task: Callable[[T], R],
    items: Iterable[T | AwbError],
    *,
    jobs: int = 1,
    fail_fast: bool = False,
    local: Callable[[T], bool] | None = None,
    apart: bool = False,
) -> Generator[Outcome[T, R], None, None]:
    """Outcomes in the order of the items, each as soon as it and all before it are there.

    An item that is itself an ``AwbError`` comes back as a failure in its place. One job, or one item, runs in this
    process. With more, an item whose worker crashes is tried again in a fresh one, while no other item is worked on:
    only what fails alone costs its item, and only what crashes by itself is said to be damaged. Close the iterator
    (or leave a ``contextlib.closing`` block) to stop the workers early.

    Args:
        task: A function of a module, or a ``functools.partial`` of one, so that workers can import it.
        items: Drawn no further ahead than a small window, from another thread if there are several jobs.
        jobs: How many processes.
        fail_fast: Take up no further items once one has failed; those under way are still finished and given.
        local: Which items only this process can handle, such as an image on standard input.
        apart: Run none of the others in this process, not even with one job, because they could take it down.
    """
    if not apart and (jobs <= 1 or (isinstance(items, Sized) and len(items) <= 1)):
        return _run_here(task, items, fail_fast)
    return _run_in_workers(task, items, max(1, jobs), fail_fast, local, apart)


def _run_here(
    task: Callable[[T], R], items: Iterable[T | AwbError], fail_fast: bool
) -> Generator[Outcome[T, R], None, None]:
    with Interrupts() as interrupts:
        for item in items:
            outcome = _attempt(task, item)
            yield outcome
            interrupts.check()
            if fail_fast and outcome.error is not None:
                return


def _attempt(task: Callable[[T], R], item: T | AwbError) -> Outcome[T, R]:
    if isinstance(item, AwbError):
        return Outcome(item, None, item)
    try:
        return Outcome(item, task(item), None)
    except Exception as error:
        return Outcome(item, None, described(error))


def _run_in_workers(
    task: Callable[[T], R],
    items: Iterable[T | AwbError],
    jobs: int,
    fail_fast: bool,
    local: Callable[[T], bool] | None,
    apart: bool,
) -> Generator[Outcome[T, R], None, None]:
    pool = _Pool(task, items, jobs, fail_fast, local, apart)
    with Interrupts() as interrupts:
        pool.start()
        try:
            for outcome in pool.outcomes():
                yield outcome
                interrupts.check()
        finally:
            pool.stop()


class _Here(Generic[T]):
    """Stands in the queue of outcomes for an item that the main thread has to work on."""

    def __init__(self, item: T) -> None:
        self.item = item


class _Pool(Generic[T, R]):
    """One thread for each worker process; a thread draws an item, sends it, and waits for the answer."""

    def __init__(
        self,
        task: Callable[[T], R],
        items: Iterable[T | AwbError],
        jobs: int,
        fail_fast: bool,
        local: Callable[[T], bool] | None,
        apart: bool,
    ) -> None:
        import pickle
        import threading

        self._task = task
        self._pickled_task = pickle.dumps(task)
        self._items = enumerate(items)
        self._fail_fast = fail_fast
        self._local = local
        self._apart = apart
        self._drawing = threading.Lock()
        self._several = threading.Event()
        self._window = threading.Semaphore(jobs * _ITEMS_AHEAD_PER_JOB)
        self._turns = _Turns()
        self._changed = threading.Condition()
        # All below is read and written under _changed only.
        self._done: dict[int, Outcome[T, R] | _Here[T] | BaseException] = {}
        self._drawn = 0
        self._exhausted = False
        self._stopping = False
        self._workers: set[Worker] = set()
        self._threads = [threading.Thread(target=self._handle, daemon=True) for _ in range(jobs)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def outcomes(self) -> Iterator[Outcome[T, R]]:
        """The outcomes in order, until the items are used up."""
        index = 0
        while True:
            with self._changed:
                # The timeout lets Ctrl-C through where a wait without one could not be interrupted.
                while index not in self._done and not (self._exhausted and index >= self._drawn):
                    self._changed.wait(1.0)
                if index not in self._done:
                    return
                done = self._done.pop(index)
            if isinstance(done, BaseException):
                raise done
            if isinstance(done, _Here):
                done = _attempt(self._task, done.item)
                self._note(done)
            self._window.release()
            yield done
            index += 1

    def stop(self) -> None:
        """End the workers: those that wait at once, those that work as soon as they have cleaned up."""
        with self._changed:
            self._stopping = self._exhausted = True
            workers = list(self._workers)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.reap()
        for _ in self._threads:
            self._window.release()

    def _handle(self) -> None:
        # Workers inherit the mask, so that Ctrl-C reaches this process alone, which then ends them in good order.
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        seat = _Seat()
        while (drawn := self._draw()) is not None:
            index, item = drawn
            done: Outcome[T, R] | _Here[T] | BaseException
            try:
                if isinstance(item, AwbError):
                    done = Outcome(item, None, item)
                elif self._belongs_here(index, item):
                    done = _Here(item)
                else:
                    done = Outcome(item, *self._answer(item, seat))
            except BaseException as error:
                done = error
            with self._changed:
                self._done[index] = done
                self._changed.notify()
            self._note(done)
        self._dismiss(seat)

    def _answer(self, item: T, seat: _Seat) -> tuple[Any, AwbError | None]:
        with self._turns.together():
            if seat.worker is None or not seat.worker.alive:
                self._hire(seat)
            result, failure = seat.ask(item)
        if not isinstance(failure, Crash) or self._stopping:
            return result, failure
        # The crash need not be the item's fault: others at work may have eaten the memory, or somebody killed it.
        with self._turns.alone():
            for _ in range(_TRIES_ALONE):
                self._hire(seat)
                result, failure = seat.ask(item)
                if not (isinstance(failure, Crash) and failure.from_outside) or self._stopping:
                    break
        return result, failure

    def _draw(self) -> tuple[int, T | AwbError] | None:
        self._window.acquire()
        with self._drawing:
            if self._exhausted:
                self._window.release()
                return None
            try:
                index, item = next(self._items)
            except StopIteration:
                failure = None
            except BaseException as error:
                failure = error
            else:
                with self._changed:
                    self._drawn = index + 1
                if index:
                    self._several.set()
                return index, item
            with self._changed:
                if failure is not None:
                    self._done[self._drawn] = failure
                self._exhausted = True
                self._changed.notify()
            self._several.set()
            self._window.release()
            return None

    def _belongs_here(self, index: int, item: T) -> bool:
        if self._local is not None and self._local(item):
            return True
        # A single item is done sooner here than a worker starts; wait a moment to see whether it stays single.
        if not self._apart and index == 0 and self._several.wait(0.05):
            with self._changed:
                return self._exhausted and self._drawn == 1
        return False

    def _note(self, done: object) -> None:
        failed = isinstance(done, BaseException) or (isinstance(done, Outcome) and done.error is not None)
        if failed and (self._fail_fast or isinstance(done, BaseException)):
            with self._changed:
                self._exhausted = True
                self._changed.notify()

    def _hire(self, seat: _Seat) -> None:
        self._dismiss(seat)
        worker = seat.worker = Worker(self._pickled_task)
        with self._changed:
            self._workers.add(worker)
            stopping = self._stopping
        if stopping:
            worker.terminate()

    def _dismiss(self, seat: _Seat) -> None:
        if seat.worker is not None:
            seat.worker.close()
            with self._changed:
                self._workers.discard(seat.worker)
            seat.worker = None


class _Seat:
    """A thread's own worker, if it has one at present."""

    worker: Worker | None = None

    def ask(self, item: object) -> tuple[Any, AwbError | None]:
        assert self.worker is not None
        return self.worker.ask(item)


class _Turns:
    """Many work together, or one alone."""

    def __init__(self) -> None:
        import threading

        self._changed = threading.Condition()
        self._together = 0
        self._alone = False

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            # From here on nobody starts; whoever is at work may finish.
            self._alone = True
            self._changed.wait_for(lambda: self._together == 0)
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
