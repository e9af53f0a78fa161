"""What a person sees on standard error: messages, and one line of progress."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from awbkit.escaping import printable

_FIRST_SECONDS = 0.5
_REDRAW_SECONDS = 0.1
_ERASE = "\r\x1b[K"


def say(message: str) -> None:
    """Print one line on standard error."""
    print(f"awbkit: {printable(message)}", file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """A duration as 0:07, 12:34 or 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Progress:
    """A line that is redrawn in place, on a terminal only, and kept out of the way of other lines.

    It is drawn by hand, because rows of a table on standard output may share the terminal with it. Code that prints
    such rows does so within :meth:`hide`.
    """

    def __init__(self, stream: TextIO, total: int | None = None, *, enabled: bool = True, unit: str = "files") -> None:
        self._stream = stream
        self._total = total
        self._unit = unit
        self._activity = ""
        self._is_enabled = enabled and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._bar = ("━", "─") if (stream.encoding or "").lower().startswith("utf") else ("#", "-")
        self._start = time.monotonic()
        self._draw_time = self._start + _FIRST_SECONDS - _REDRAW_SECONDS
        self._is_shown = False
        self.done = 0
        self.failed = 0

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._start

    def expect(self, total: int) -> None:
        """Set the total."""
        self._total = total

    def advance(self, *, failed: bool, count: int = 1) -> None:
        """Count one more file, or several."""
        self.done += count
        self.failed += failed
        if self._is_enabled and time.monotonic() - self._draw_time >= _REDRAW_SECONDS:
            self._draw()

    def reach(self, done: int, doing: str) -> None:
        """Set how many are done in all, and the activity of the moment."""
        self.done, self._activity = done, doing
        if self._is_enabled and time.monotonic() - self._draw_time >= _REDRAW_SECONDS:
            self._draw()

    @contextlib.contextmanager
    def hide(self) -> Iterator[None]:
        """Clear the line while others write to the terminal, then put it back."""
        shown = self._is_shown
        self.erase()
        yield
        if shown:
            self._draw()

    def erase(self) -> None:
        """Clear the line."""
        if self._is_shown:
            self._stream.write(_ERASE)
            self._stream.flush()
            self._is_shown = False

    def _draw(self) -> None:
        try:
            width = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):
            width = 80
        self._draw_time = time.monotonic()
        # Set before the line is drawn, so that an interrupt in between still erases it.
        self._is_shown = True
        self._stream.write(_ERASE + self.line(width - 1))
        self._stream.flush()

    def line(self, width: int) -> str:
        """The text of the line, in at most ``width`` cells."""
        rate = self.done / max(self.seconds, 1e-3)
        parts = [f"{self.done}/{self._total}" if self._total else f"{self.done} {self._unit}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        parts.append(f"{rate:.1f}/s")
        if not self._total:
            return "  ".join([*parts, clock(self.seconds)])[:width]
        if self.done:
            parts.append(f"{clock((self._total - self.done) / rate)} left")
        if self._activity:
            parts.append(self._activity)
        text = "  ".join(parts)
        room = min(40, width - len(text) - 7)
        if room < 5:
            return text[:width]
        share = min(1.0, self.done / self._total)
        full = int(share * room)
        return f"{share:4.0%} {self._bar[0] * full}{self._bar[1] * (room - full)}  {text}"
