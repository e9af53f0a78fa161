"""Ctrl-C that no codec swallows, and the signals that end a process, treated alike."""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_CODECS_THAT_CALL_BACK = {"pyvips"}

ENDING_SIGNALS = tuple(number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None)
"""The signals beside Ctrl-C that ask a process to end: by ``kill``, a scheduler, or a terminal that closes."""


class EndingSignal(KeyboardInterrupt):
    """A signal of :data:`ENDING_SIGNALS` arrived.

    Attributes:
        number: The signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def end_like_ctrl_c() -> None:
    """Let :data:`ENDING_SIGNALS` raise an exception, as Ctrl-C does, so that no temporary files stay behind.

    For the main thread of a program. A signal that the program's starter has ignored, as ``nohup`` does, stays ignored.
    """
    for number in ENDING_SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    # One signal is enough; a second one would only cut the cleanup short.
    signal.signal(number, _ignore)
    raise EndingSignal(number)


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


class Interrupts:
    """While entered, remembers a Ctrl-C or an ending signal, so that it ends the run even where its exception was lost.

    libvips calls back into Python, to log for example. Python delivers a waiting signal at such a moment, and there an
    exception cannot travel on: it would be printed and forgotten. So none is raised below such a call; ``check``
    raises it afterwards.
    """

    def __init__(self) -> None:
        self._signal: KeyboardInterrupt | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        # An application that handles them in its own way keeps doing so.
        if threading.current_thread() is threading.main_thread():
            for number, usual in (
                (signal.SIGINT, signal.default_int_handler),
                *((number, _stop) for number in ENDING_SIGNALS),
            ):
                if signal.getsignal(number) is usual:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, usual in self._before.items():
            over = number != signal.SIGINT and isinstance(self._signal, EndingSignal)
            # A generator that is dropped may be closed by another thread, which may not set handlers.
            with contextlib.suppress(ValueError):
                signal.signal(number, _ignore if over else usual)

    def check(self) -> None:
        """Raise the interrupt that arrived, if one did."""
        if self._signal:
            raise self._signal

    def _note(self, number: int, frame: FrameType | None) -> None:
        ending = number != signal.SIGINT
        if ending and self._signal:
            return
        self._signal = EndingSignal(number) if ending else KeyboardInterrupt()
        if not below_codec(frame):
            raise self._signal


def below_codec(frame: FrameType | None) -> bool:
    """Whether an exception in this frame might have to travel through a codec that swallows it."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _CODECS_THAT_CALL_BACK:
            return True
        frame = frame.f_back
    return False
