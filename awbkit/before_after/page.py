"""The page of all pictures before and after, as one HTML file that needs nothing else.

Exhibits come in any number and order, and the least sure shall come first. So finished cards wait in a temporary file
until all are there; memory holds some numbers of each.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from awbkit.before_after.card import card, expected_text
from awbkit.before_after.exhibit import Exhibit
from awbkit.before_after.plane import Dot, overview, shared_drawing
from awbkit.before_after.preview import PreviewSize
from awbkit.escaping import markup
from awbkit.html.frame import begin_page, end_page, resource
from awbkit.html.svg import shorten
from awbkit.records import UNCERTAIN
from awbkit.spelling import count_text, is_or_are
from awbkit.store.outputs import IfExists, atomic_write
from awbkit.store.parts import scratch
from awbkit.store.refusals import writing_error

_SEARCH_FROM = 12
"""Fewest pictures for which a field to search for names is worth its place."""

_HOW_TO = (
    '<p class="quiet scripted-only">Drag across a picture, or use the arrow keys. Left of the edge is before, right of '
    "it after.</p>"
)

_MAX_FAILURES = 200
_MAX_NAME = 200
_MAX_REASON = 300


@dataclass(frozen=True)
class _Entry:
    """A card in the temporary file.

    Attributes:
        start: Offset in bytes.
        length: In bytes.
        expected_error: Degrees; None where none is stated.
        dot: Its mark in the chart of all lights, if its light has a place.
    """

    start: int
    length: int
    expected_error: float | None
    dot: Dot | None


class Draft:
    """A page whose pictures still come in.

    Attributes:
        size: How large previews may be.
        stated: How many pictures have an expected error.
        uncertain: How many of these are uncertain.
    """

    def __init__(self, waiting: BinaryIO, where: Path, size: PreviewSize) -> None:
        self._waiting = waiting
        self._where = where
        self.size = size
        self._entries: list[_Entry] = []
        self._failures: list[tuple[str, str]] = []
        self._failed = 0
        self.uncertain = 0
        self.stated = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, exhibit: Exhibit) -> None:
        """Take one picture.

        Raises:
            OutputError: If the temporary file cannot be written.
        """
        anchor = f"p{len(self._entries) + 1}"
        data = card(exhibit, anchor).encode()
        try:
            start = self._waiting.tell()
            self._waiting.write(data)
        except OSError as error:
            raise writing_error(self._where, error) from error
        dot = None
        if exhibit.place is not None:
            tip = f"{exhibit.before.name}: {expected_text(exhibit.expected_error)}"
            dot = Dot(exhibit.place, anchor, tip, exhibit.is_uncertain)
        self._entries.append(_Entry(start, len(data), exhibit.expected_error, dot))
        self.uncertain += exhibit.is_uncertain
        self.stated += exhibit.expected_error is not None

    def add_failure(self, name: str, reason: str) -> None:
        """Count a picture that cannot be shown; the page lists the first 200."""
        self._failed += 1
        if len(self._failures) < _MAX_FAILURES:
            self._failures.append((shorten(name, _MAX_NAME), shorten(reason, _MAX_REASON)))

    def write(self, path: Path, if_exists: IfExists) -> bool:
        """Write the page, whole or not at all.

        Returns:
            False if the file existed and was kept.

        Raises:
            OutputError: If the file exists and must not, or cannot be written.
        """
        return atomic_write(path, if_exists, partial(_fill, draft=self))

    def head(self) -> str:
        """The beginning of the page, up to the first card."""
        ordered = self._ordered()
        style = f":root {{ --card: {self.size.side}px; }}\n" + resource(__package__, "page.css")
        dots = [entry.dot for entry in reversed(ordered) if entry.dot is not None]
        chart = (
            '<figure class="overview"><figcaption>The lights on the CIE 1976 chromaticity plane: black bodies (solid), '
            f"daylight (dashed). A dot leads to its picture.</figcaption>{overview(dots)}</figure>"
            if len(dots) > 1
            else ""
        )
        title = f"Before and after: {count_text(len(self), 'picture')}"
        return (
            f"{begin_page(title, style)}<script>document.documentElement.classList.add('scripted')</script>\n"
            f'<header><div><h1>Before and after</h1><p class="lead">{self._summary()}</p>{_HOW_TO}'
            f'{self._failure_list()}</div>{chart}</header>\n{self._controls()}{shared_drawing()}\n<ol class="cards">\n'
        )

    def cards(self) -> Iterator[bytes]:
        """The cards, the least sure first; those without an expected error follow in the order they came."""
        for entry in self._ordered():
            self._waiting.seek(entry.start)
            yield self._waiting.read(entry.length)

    def _ordered(self) -> list[_Entry]:
        def doubt(entry: _Entry) -> float:
            return -1.0 if entry.expected_error is None else entry.expected_error

        return sorted(self._entries, key=doubt, reverse=True)

    def _summary(self) -> str:
        parts = [f"{count_text(len(self), 'picture')}."]
        if self.stated:
            parts.append(
                f"<b>{self.uncertain or 'None'} {is_or_are(self.uncertain)} uncertain</b>: "
                f"expected error over {UNCERTAIN:g}°. The least sure come first."
            )
        if 0 < self.stated < len(self):
            parts.append(f"{len(self) - self.stated:,} without an expected error come last.")
        elif not self.stated and len(self):
            parts.append("None has an expected error, so they keep their order.")
        return " ".join(parts)

    def _failure_list(self) -> str:
        if not self._failures:
            return ""
        items = "".join(f"<li><code>{markup(name)}</code>: {markup(reason)}</li>" for name, reason in self._failures)
        if self._failed > len(self._failures):
            items += f"<li>and {self._failed - len(self._failures):,} more</li>"
        return f"<details><summary>{self._failed:,} failed</summary><ul>{items}</ul></details>"

    def _controls(self) -> str:
        parts = []
        if 0 < self.uncertain < len(self):
            parts.append('<label><input type="checkbox" id="unsure-only"> only uncertain ones</label>')
        if len(self) >= _SEARCH_FROM:
            parts.append('<label class="scripted-only">name <input type="search" id="search"></label>')
        return f'<div class="bar">{"".join(parts)}</div>\n' if parts else ""


@contextlib.contextmanager
def open_draft(size: PreviewSize) -> Iterator[Draft]:
    """A page to add pictures to; its temporary file is gone at the end.

    Args:
        size: How large its previews may be, which decides how wide its columns are.

    Raises:
        OutputError: If there is no room for temporary files.
    """
    with scratch() as folder:
        path = folder / "cards"
        with path.open("w+b") as waiting:
            yield Draft(waiting, path, size)


def _fill(path: Path, draft: Draft) -> None:
    with path.open("wb") as page:
        page.write(draft.head().encode())
        for each in draft.cards():
            page.write(each)
        page.write(f"</ol>{end_page(resource(__package__, 'page.js'))}".encode())
