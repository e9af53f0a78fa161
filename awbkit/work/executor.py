"""The interfaces of executors and workers, which do the work of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from awbkit.errors import AwbError

# Signals that other processes and the system send; a process causes any other signal itself.
_OUTSIDE_SIGNALS = frozenset({"SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGXCPU", "SIGUSR1", "SIGUSR2"})


class Crash(AwbError):
    """The process ended in the middle of an item.

    Attributes:
        ending: An exit code or a signal's name.
        from_outside: Whether other processes or the system send this signal, so that the item may be innocent.
    """

    def __init__(self, ending: str) -> None:
        super().__init__(ending)
        self.ending = ending
        self.from_outside = ending in _OUTSIDE_SIGNALS

    def __str__(self) -> str:
        if self.from_outside:
            return (
                f"the process at work on it was killed from outside again and again ({self.ending}); out of memory? "
                f"run fewer jobs at a time with -j, or free some memory"
            )
        return (
            f"the process at work on it crashed ({self.ending}); a file that does this is likely damaged, copy it again"
        )


class Worker(Protocol):
    """Does one item after another. One thread asks; any thread may end it."""

    @property
    def alive(self) -> bool:
        """Whether it can take an item."""

    def ask(self, item: object) -> tuple[Any, AwbError | None]:
        """The task's result for one item, or its error; the error is a :class:`Crash` if the worker ended.

        Raises:
            AwbError: If the worker could not even start.
        """

    def terminate(self) -> None:
        """Ask it to clean up and end."""

    def reap(self) -> None:
        """Wait for its end, which comes by force after a grace period."""

    def close(self) -> None:
        """Let it end after its last item, and wait for its end. For the asking thread only."""


class Executor(Protocol):
    """Provides workers."""

    @property
    def seats(self) -> int:
        """How many workers it has room for at a time."""

    def prepare(self, task: Callable[[Any], Any]) -> Callable[[], Worker]:
        """A function that starts a new worker for this task, any number of times."""
