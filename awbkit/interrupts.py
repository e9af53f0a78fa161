"""Ctrl-C that no codec swallows."""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType, TracebackType

_CODECS_THAT_CALL_BACK = {"pyvips"}


class Interrupts:
    """While entered, remembers a Ctrl-C, so that it ends the run even where its exception went nowhere.

    libvips calls back into Python, to log for example. Python delivers a waiting Ctrl-C at such a moment, and there an
    exception cannot travel on: it would be printed and forgotten. So none is raised below such a call; ``check``
    raises it afterwards.
    """

    def __init__(self) -> None:
        self._pending = False
        self._installed = False

    def __enter__(self) -> Interrupts:
        # An application that handles Ctrl-C in its own way keeps doing so.
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            signal.signal(signal.SIGINT, self._note)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._installed:
            # A generator that is dropped may be closed by another thread, which may not set handlers.
            with contextlib.suppress(ValueError):
                signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was a Ctrl-C."""
        if self._pending:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._pending = True
        if not below_codec(frame):
            raise KeyboardInterrupt


def below_codec(frame: FrameType | None) -> bool:
    """Whether an exception in this frame might have to travel through a codec that swallows it."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _CODECS_THAT_CALL_BACK:
            return True
        frame = frame.f_back
    return False
