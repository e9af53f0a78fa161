"""Many items, several workers: order kept, failures kept apart, memory flat."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sized

from awbkit.errors import AwbError
from awbkit.work.executor import Executor
from awbkit.work.interrupts import Interrupts
from awbkit.work.outcome import Outcome, R, T, attempt
from awbkit.work.pool import Pool
from awbkit.work.worker import THIS_MACHINE


def default_jobs() -> int:
    """The number of cores that this process may use."""
    return THIS_MACHINE.seats


def run(
    task: Callable[[T], R],
    items: Iterable[T | AwbError],
    *,
    jobs: int = 1,
    fail_fast: bool = False,
    local: Callable[[T], bool] | None = None,
    isolate: bool = False,
    executor: Executor = THIS_MACHINE,
) -> Generator[Outcome[T, R], None, None]:
    """Outcomes in the order of the items, each as soon as it and all before it are there.

    An item that is itself an ``AwbError`` comes back as a failure in its place. One job, or one item, runs in this
    process. With more, an item whose worker crashes is tried again in a fresh worker, while no other item is worked on:
    an item fails only if it crashes alone, and is said to be damaged only if nothing from outside ended the worker.
    Close the iterator (or leave a ``contextlib.closing`` block) to stop the workers early.

    Args:
        task: A function of a module, or a ``functools.partial`` of one, so that workers can import it.
        items: The items, drawn by a small window ahead, and from another thread if there are several jobs.
        jobs: How many workers.
        fail_fast: Take up no further items once one has failed; those under way are still finished and given.
        local: Which items only this process can handle, such as an image on standard input.
        isolate: Run all other items in workers, even with one job, because they could take this process down.
        executor: Provides the workers.
    """
    if not isolate and (jobs <= 1 or (isinstance(items, Sized) and len(items) <= 1)):
        return _run_here(task, items, fail_fast)
    pool = Pool(executor, task, items, max(1, jobs), fail_fast=fail_fast, local=local, isolate=isolate)
    return _run_in_workers(pool)


def _run_here(
    task: Callable[[T], R], items: Iterable[T | AwbError], fail_fast: bool
) -> Generator[Outcome[T, R], None, None]:
    with Interrupts() as interrupts:
        for item in items:
            outcome = attempt(task, item)
            yield outcome
            interrupts.check()
            if fail_fast and outcome.error is not None:
                return


def _run_in_workers(pool: Pool[T, R]) -> Generator[Outcome[T, R], None, None]:
    with Interrupts() as interrupts:
        pool.start()
        try:
            for outcome in pool.outcomes():
                yield outcome
                interrupts.check()
        finally:
            pool.stop()
