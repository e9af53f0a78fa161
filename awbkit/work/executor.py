"""Who does the work of a batch: this machine's processes, or whatever else gives workers such as these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from awbkit.errors import AwbError

# What other processes and the system send; any other signal is the work of the process itself.
_OUTSIDE_SIGNALS = frozenset({"SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGXCPU", "SIGUSR1", "SIGUSR2"})


class Crash(AwbError):
    """The process ended in the middle of an item.

    Attributes:
        ending: How: an exit code or a signal's name.
        from_outside: Whether by a signal that other processes or the system send, so that the item may be innocent.
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
        """Whether it can be asked."""

    def ask(self, item: object) -> tuple[Any, AwbError | None]:
        """The task's result for one item, or the error that it cost; a :class:`Crash` if the worker ended of it.

        Raises:
            AwbError: If the worker could not even start.
        """

    def terminate(self) -> None:
        """Ask it to clean up and end."""

    def reap(self) -> None:
        """Wait for its end, which comes by force after a grace period."""

    def close(self) -> None:
        """Let it end, as there is nothing more to ask, and wait for that. For the asking thread only."""


class Executor(Protocol):
    """Gives workers."""

    @property
    def seats(self) -> int:
        """How many workers it has room for at a time."""

    def prepare(self, task: Callable[[Any], Any]) -> Callable[[], Worker]:
        """What gives a new worker for this task, any number of times."""
