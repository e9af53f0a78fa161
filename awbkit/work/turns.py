"""Many work together, or one alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class Turns:
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
