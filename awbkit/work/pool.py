"""Workers side by side: items are drawn within a window, crashed items are tried again alone, outcomes keep order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic

from awbkit.errors import AwbError
from awbkit.work.executor import Crash, Executor, Worker
from awbkit.work.outcome import Outcome, R, T, attempt
from awbkit.work.turns import Turns

_ITEMS_AHEAD_PER_JOB = 16
_TRIES_ALONE = 3
"""How often an item is tried again if its process is killed from outside."""


class _Here(Generic[T]):
    """Stands in the queue of outcomes for an item that the main thread has to work on."""

    def __init__(self, item: T) -> None:
        self.item = item


class Pool(Generic[T, R]):
    """One thread for each worker; a thread draws an item, sends it, and waits for the answer."""

    def __init__(
        self,
        executor: Executor,
        task: Callable[[T], R],
        items: Iterable[T | AwbError],
        jobs: int,
        *,
        fail_fast: bool,
        local: Callable[[T], bool] | None,
        isolate: bool,
    ) -> None:
        """Plan the work; the arguments are those of :func:`awbkit.work.batch.run`."""
        import threading

        self._task = task
        self._new_worker = executor.prepare(task)
        self._items = enumerate(items)
        self._fail_fast = fail_fast
        self._local = local
        self._isolate = isolate
        self._draw_lock = threading.Lock()
        self._second_item = threading.Event()
        self._window = threading.Semaphore(jobs * _ITEMS_AHEAD_PER_JOB)
        self._turns = Turns()
        self._change = threading.Condition()
        # All below is read and written under _changed only.
        self._done: dict[int, Outcome[T, R] | _Here[T] | BaseException] = {}
        self._draws = 0
        self._is_exhausted = False
        self._is_stopping = False
        self._workers: set[Worker] = set()
        self._threads = [threading.Thread(target=self._handle, daemon=True) for _ in range(jobs)]

    def start(self) -> None:
        """Begin to draw items."""
        for thread in self._threads:
            thread.start()

    def outcomes(self) -> Iterator[Outcome[T, R]]:
        """The outcomes in order, until the items are used up."""
        index = 0
        while True:
            with self._change:
                # The timeout lets Ctrl-C through where a wait without one could not be interrupted.
                while index not in self._done and not (self._is_exhausted and index >= self._draws):
                    self._change.wait(1.0)
                if index not in self._done:
                    return
                done = self._done.pop(index)
            if isinstance(done, BaseException):
                raise done
            if isinstance(done, _Here):
                done = attempt(self._task, done.item)
                self._note(done)
            self._window.release()
            yield done
            index += 1

    def stop(self) -> None:
        """End the workers: those that wait at once, those that work as soon as they have cleaned up."""
        with self._change:
            self._is_stopping = self._is_exhausted = True
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
            with self._change:
                self._done[index] = done
                self._change.notify()
            self._note(done)
        self._dismiss(seat)

    def _answer(self, item: T, seat: _Seat) -> tuple[Any, AwbError | None]:
        with self._turns.work_together():
            worker = seat.worker if seat.worker is not None and seat.worker.alive else self._hire(seat)
            result, failure = worker.ask(item)
        if not isinstance(failure, Crash) or self._is_stopping:
            return result, failure
        # The crash need not be the item's fault: others at work may have eaten the memory, or somebody killed it.
        with self._turns.work_alone():
            for _ in range(_TRIES_ALONE):
                result, failure = self._hire(seat).ask(item)
                if not (isinstance(failure, Crash) and failure.from_outside) or self._is_stopping:
                    break
        return result, failure

    def _draw(self) -> tuple[int, T | AwbError] | None:
        self._window.acquire()
        with self._draw_lock:
            if self._is_exhausted:
                self._window.release()
                return None
            try:
                index, item = next(self._items)
            except StopIteration:
                failure = None
            except BaseException as error:
                failure = error
            else:
                with self._change:
                    self._draws = index + 1
                if index:
                    self._second_item.set()
                return index, item
            with self._change:
                if failure is not None:
                    self._done[self._draws] = failure
                self._is_exhausted = True
                self._change.notify()
            self._second_item.set()
            self._window.release()
            return None

    def _belongs_here(self, index: int, item: T) -> bool:
        if self._local is not None and self._local(item):
            return True
        # A single item is done sooner here than a worker starts; wait a moment to see whether it stays single.
        if not self._isolate and index == 0 and self._second_item.wait(0.05):
            with self._change:
                return self._is_exhausted and self._draws == 1
        return False

    def _note(self, done: object) -> None:
        failed = isinstance(done, BaseException) or (isinstance(done, Outcome) and done.error is not None)
        if failed and (self._fail_fast or isinstance(done, BaseException)):
            with self._change:
                self._is_exhausted = True
                self._change.notify()

    def _hire(self, seat: _Seat) -> Worker:
        self._dismiss(seat)
        worker = seat.worker = self._new_worker()
        with self._change:
            self._workers.add(worker)
            stopping = self._is_stopping
        if stopping:
            worker.terminate()
        return worker

    def _dismiss(self, seat: _Seat) -> None:
        if seat.worker is not None:
            seat.worker.close()
            with self._change:
                self._workers.discard(seat.worker)
            seat.worker = None


class _Seat:
    """A thread's own worker, if it has one at present."""

    worker: Worker | None = None
