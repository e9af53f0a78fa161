"""Many work together, or one alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class Turns:
    """Many work together, or one alone."""

    def __init__(self) -> None:
        import threading

        self._change = threading.Condition()
        self._workers = 0
        self._is_alone = False

    @contextlib.contextmanager
    def work_together(self) -> Iterator[None]:
        with self._change:
            self._change.wait_for(lambda: not self._is_alone)
            self._workers += 1
        try:
            yield
        finally:
            with self._change:
                self._workers -= 1
                self._change.notify_all()

    @contextlib.contextmanager
    def work_alone(self) -> Iterator[None]:
        with self._change:
            self._change.wait_for(lambda: not self._is_alone)
            # From here on nobody starts; whoever is at work may finish.
            self._is_alone = True
            self._change.wait_for(lambda: self._workers == 0)
        try:
            yield
        finally:
            with self._change:
                self._is_alone = False
                self._change.notify_all()
