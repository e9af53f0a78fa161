"""File names in a column of a table: without their common folder, shortened, no two equal."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import takewhile

from rich.cells import cell_len, chop_cells

from awbkit.escaping import printable

_HEAD_SHARES = (1 / 3, 2 / 3, 0.0)
"""The share of a shortened name that its beginning takes, in order of preference."""
_CONTEXT = 3
_MOST_COMPARED = 500


class Names:
    """The names of one column, known before its first row.

    Attributes:
        folder: The folder that all of them lie in; empty where there is none, and for a single name.
        widest: The cells that the longest name takes without that folder.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.folder = _common_folder(names)
        short = {printable(self._below(name)) for name in names}
        names_in_order = sorted(short)
        # Of very many names, the ends show how both neighbours and names far apart differ.
        self._names = names_in_order
        if len(names_in_order) > 2 * _MOST_COMPARED:
            self._names = names_in_order[:_MOST_COMPARED] + names_in_order[-_MOST_COMPARED:]
        self.widest = max(map(cell_len, short), default=0)
        self._shorten: Callable[[str, int], str] = shorten

    def _below(self, name: str) -> str:
        if not self.folder:
            return name
        # Faster than relpath, which paths that are spelt another way need.
        start = self.folder + os.sep
        return name[len(start) :] if name.startswith(start) else os.path.relpath(name, self.folder)

    def fit(self, width: int) -> None:
        """Choose how names are shortened to this width, so that as many as possible differ."""
        ways: list[Callable[[str, int], str]] = [_with_head(share) for share in _HEAD_SHARES]
        ways.append(_from(self._names))
        self._shorten = max(ways, key=lambda way: len({way(name, width) for name in self._names}))

    def text(self, name: str, width: int) -> str:
        """One of the names as the table shows it."""
        return self._shorten(printable(self._below(name)), width)


def _common_folder(names: Sequence[str]) -> str:
    if len(set(names)) < 2 or "-" in names:
        return ""
    try:
        folder = os.path.commonpath([os.path.dirname(name) for name in names])  # noqa: PTH120
    except ValueError:
        # Absolute and relative paths have no folder in common.
        return ""
    return "" if folder == os.sep else folder


def shorten(text: str, width: int, head_share: float = _HEAD_SHARES[0]) -> str:
    """The text in at most ``width`` terminal cells, an ellipsis in its middle where it is longer."""
    if cell_len(text) <= width:
        return text
    if width < 2:
        return "…"[:width]
    # By default the end tells more than the start: it holds the number and the suffix.
    head = _head(text, int((width - 1) * head_share))
    tail = _head(text[::-1], width - 1 - cell_len(head))[::-1]
    return f"{head}…{tail}"


def _with_head(share: float) -> Callable[[str, int], str]:
    return lambda text, width: shorten(text, width, share)


def _from(names: Sequence[str]) -> Callable[[str, int], str]:
    """For sorted names that differ in their middle only: from where they begin to differ."""
    ends = zip(names[0], names[-1], strict=False) if names else ()
    start = max(0, sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends)) - _CONTEXT)

    def way(text: str, width: int) -> str:
        if cell_len(text) <= width or width < 2:
            return shorten(text, width)
        rest = text[start:]
        if not start or cell_len(rest) < width:
            return shorten(text, width, 1.0 if not start else 0.0)
        return f"…{_head(rest, width - 2)}…"

    return way


def _head(text: str, width: int) -> str:
    if width < 1:
        return ""
    first = chop_cells(text, width)[0]
    return first if cell_len(first) <= width else ""
