"""Tables of images and their lights: which column holds what, and how a cell is read.

Ground truths and estimates by any program are such tables. The header names the columns in any order and case. Comma,
semicolon or tab separate them; with the latter two a comma may be the decimal sign.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from awbkit.choices import RGB_COMPONENTS
from awbkit.escaping import csv_text
from awbkit.store.documents import rows

IMAGE_COLUMNS = ("path", "image", "file", "filename")
"""Names of the column that names the image."""

_LIGHT_COLUMNS = {
    "illuminant": ("illuminant_{}", "{}"),
    "gains": ("gains_{}", "gain_{}"),
    "chromaticity": ("chromaticity_{}",),
}
_DELIMITERS = (",", ";", "\t")
_WORDS_FOR_UNKNOWN = frozenset(("", "-", "nan", "none", "null", "n/a", "na"))


class UnfitHeader(ValueError):
    """A header that lacks a column, or has one twice; the text continues a sentence whose subject is the header.

    Attributes:
        line: The header's line.
        remedy: How to mend it; empty where a column is lacking.
    """

    def __init__(self, problem: str, line: int, remedy: str = "") -> None:
        super().__init__(problem)
        self.line = line
        self.remedy = remedy


@dataclass(frozen=True)
class TableRow:
    """A row of a table.

    Attributes:
        line: The line that it ends in, from 1.
        problem: Why its cells may be in wrong columns, or an empty string.
    """

    line: int
    problem: str
    _cells: Sequence[str]
    _columns: Mapping[str, int]
    _decimal_comma: bool

    def cell(self, key: str) -> str:
        """The text of a cell, with the blanks around it; empty where there is none."""
        place = self._columns.get(key, len(self._cells))
        return csv_text(self._cells[place]) if place < len(self._cells) else ""

    def number(self, key: str) -> float | None:
        """The number in a cell; None where the cell is empty or says that it is not known.

        Raises:
            ValueError: If the cell says anything else.
        """
        text = self.cell(key).strip()
        if text.lower() in _WORDS_FOR_UNKNOWN:
            return None
        return float(text.replace(",", ".") if self._decimal_comma else text)


def read_table(
    lines: Iterable[str], others: Sequence[str], *, lights: Sequence[str], of_truth: bool = False
) -> Iterator[TableRow]:
    """The rows below the header that are not blank.

    The keys of their cells are "path" for the image, however its column is called, "illuminant r" and so on for each
    component of ``RGB_COMPONENTS``, and ``others``.

    Args:
        lines: The lines with their ends. They are read as the rows are taken.
        others: Names of further columns.
        lights: Those of ``RGB_COMPONENTS`` and ``others`` that state a light; the table must have one of them.
        of_truth: Where a table has several columns for one thing, take image and r, g, b, as a ground truth has them,
            and not path and illuminant_r and so on, as awbkit estimate writes them.

    Raises:
        UnfitHeader: If the table has no column for the image or the light, or a column twice.
        MalformedText: If quotes are not closed, or a cell is too long.
    """
    remaining = iter(lines)
    head: list[str] = []
    for line in remaining:
        head.append(line)
        if line.strip():
            break
    columns: dict[str, int] = {}
    width = 0
    delimiter = _delimiter_of(head[-1], others) if head else ","
    for number, cells in rows(itertools.chain(head, remaining), delimiter, skip_blanks=True):
        if not any(cell.strip() for cell in cells):
            continue
        if not columns:
            names = [cell.strip().lower() for cell in cells]
            columns, width = _columns_of(names, others, of_truth, number), len(cells)
            _check_columns(columns, names, lights, number)
            continue
        problem = ""
        if any(cell.strip() for cell in cells[width:]):
            # For example, decimal commas in a table of commas would change r, g and b.
            problem = f"has {len(cells)} cells under {width} columns; quote or separate them"
        yield TableRow(number, problem, cells, columns, delimiter != ",")
    if not columns:
        raise UnfitHeader("names no column image, r, g, b", 1)


def _delimiter_of(line: str, others: Sequence[str]) -> str:
    """The delimiter that makes most names of columns of a header, and of several the one that makes most cells."""
    known = {*IMAGE_COLUMNS, *others}
    known |= {name for kind, forms in _LIGHT_COLUMNS.items() for form in forms for name in _names(kind, form)}

    def score(delimiter: str) -> tuple[int, int]:
        try:
            # A header may go on in the next line within quotes.
            cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:
            return 0, 0
        return sum(cell.strip().lower() in known for cell in cells), len(cells)

    return max(_DELIMITERS, key=score)


def _names(kind: str, form: str) -> list[str]:
    return [form.format(component) for component in RGB_COMPONENTS[kind]]


def _columns_of(names: Sequence[str], others: Sequence[str], of_truth: bool, line: int) -> dict[str, int]:
    """The index of each known column by its key."""
    found = {key: names.index(key) for key in others if key in names}
    images = sorted(IMAGE_COLUMNS, key=lambda name: name != "image") if of_truth else IMAGE_COLUMNS
    if image := next((name for name in images if name in names), None):
        found["path"] = names.index(image)
    for kind, forms in _LIGHT_COLUMNS.items():
        for form in reversed(forms) if of_truth else forms:
            if set(wanted := _names(kind, form)) <= set(names):
                keys = [f"{kind} {component}" for component in RGB_COMPONENTS[kind]]
                found |= {key: names.index(name) for key, name in zip(keys, wanted, strict=True)}
                break
    if twice := [names[place] for place in found.values() if names.count(names[place]) > 1]:
        raise UnfitHeader(f"names two columns {twice[0]}", line, "rename one of them")
    return found


def _check_columns(columns: Mapping[str, int], names: Sequence[str], lights: Sequence[str], line: int) -> None:
    lacking = [] if "path" in columns else ["image"]
    if not any(light in columns or f"{light} r" in columns for light in lights):
        lacking += [name for name in "rgb" if name not in names]
    if lacking:
        raise UnfitHeader(f"names no column {', '.join(lacking)}", line)
