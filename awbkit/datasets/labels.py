"""``ground_truth.csv``: its lines, and the image files that they name."""

from __future__ import annotations

import io
import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from awbkit.colour.illuminant import Illuminant
from awbkit.errors import UnreadableFile, UsageError
from awbkit.escaping import csv_text
from awbkit.store.documents import MalformedText, rows

FILE = "ground_truth.csv"
REQUIRED_COLUMNS = ("image", "r", "g", "b")
OPTIONAL_COLUMNS = ("camera", "scene", "fold", "exposure")

_DELIMITERS = (",", ";", "\t")
_MOST_LETTERS = 40
_WORDS_FOR_UNKNOWN = frozenset(("", "-", "nan", "none", "null", "n/a", "na"))


@dataclass(frozen=True)
class Label:
    """One label.

    Attributes:
        line: Number of the line; the header is line 1.
        image: As written, but for ``\\`` and leading ``./``.
        illuminant: r, g, b as written, NaN where no number is.
        camera: As written, or an empty string.
        scene: Name as written, or an empty string.
        fold: Name as written, or an empty string.
        exposure: A positive number; None if not stated.
        problem: Why the line cannot be used, or an empty string.
    """

    line: int
    image: str
    illuminant: tuple[float, float, float]
    camera: str
    scene: str
    fold: str
    exposure: float | None
    problem: str


def read_labels(text: str, where: str) -> Iterator[Label]:
    """Read the lines of a table, except blank ones.

    The header names the columns in any order and case; columns are separated by comma, semicolon or tab, and with the
    latter two a comma may be the decimal sign.

    Args:
        text: The table.
        where: Its name, for messages.

    Raises:
        UnreadableFile: If the header lacks a column, or quotes are not closed.
    """
    lines = io.StringIO(text, newline="")
    first = next((line for line in lines if line.strip()), "")
    delimiter, columns = _header(first, where)
    # A new reader, so that line numbers are those of the file.
    lines.seek(0)
    found = rows(lines, delimiter, skip_blanks=True)
    try:
        filled = ((line, row) for line, row in found if any(cell.strip() for cell in row))
        width = len(next(filled, (1, []))[1])
        for line, row in filled:
            cells = {name: csv_text(row[place].strip()) if place < len(row) else "" for name, place in columns.items()}
            label = _label(line, cells, delimiter != ",")
            if any(cell.strip() for cell in row[width:]):
                # For example, decimal commas in a table of commas would change r, g and b.
                label = replace(label, problem=f"has {len(row)} cells under {width} columns; quote or separate them")
            yield label
    except MalformedText as error:
        raise UnreadableFile(where, str(error), "check quotes") from None


class Files:
    """An index of the image files below one folder, by the names in a table."""

    def __init__(self, folder: str, names: Iterable[str]) -> None:
        """Index files.

        Args:
            folder: Ends with ``/``, or is empty.
            names: Names of files with a suffix, all of which begin with ``folder``.
        """
        self._folder = folder
        self._names = [name[len(folder) :] for name in names]
        self._indices: dict[int, dict[str, list[str]]] = {}

    def find(self, image: str) -> str:
        """Find the one file of this name: at this path, else below ``images``, else anywhere, regardless of case.

        Raises:
            LookupError: If no file or several match; the message says which.
        """
        wanted = _fold_case(image)
        for parts, path in ((0, wanted), (0, f"images/{wanted}"), (wanted.count("/") + 1, wanted)):
            found = self._index(parts).get(path, [])
            if len(found) > 1:
                exact = [
                    name
                    for name in found
                    if f"/{name}".endswith(f"/{image}") or f"/{_stem(name)}".endswith(f"/{image}")
                ]
                if len(exact) != 1:
                    some = ", ".join(found[:3]) + (", ..." if found[3:] else "")
                    raise LookupError(f"{image} could be any of {some}; write the path below the table")
                found = exact
            if found:
                return self._folder + found[0]
        raise LookupError(f"there is no image file {image}")

    def _index(self, parts: int) -> dict[str, list[str]]:
        """Index names by this number of last parts, or by all parts for 0, each with and without suffix."""
        if parts not in self._indices:
            index: dict[str, list[str]] = defaultdict(list)
            for name in self._names:
                for form in dict.fromkeys((_fold_case(name), _fold_case(_stem(name)))):
                    index["/".join(form.split("/")[-parts:]) if parts else form].append(name)
            self._indices[parts] = dict(index)
        return self._indices[parts]


def _header(line: str, where: str) -> tuple[str, dict[str, int]]:
    found: list[str] = []
    for delimiter in _DELIMITERS:
        try:
            _, cells = next(rows([line], delimiter, skip_blanks=True), (1, []))
        except MalformedText:
            continue
        names = [cell.strip().lower() for cell in cells]
        if set(REQUIRED_COLUMNS) <= set(names):
            wanted = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)
            twice = [name for name in wanted if names.count(name) > 1]
            if twice:
                raise UnreadableFile(where, f"has two columns {twice[0]}", "rename one of them")
            return delimiter, {name: names.index(name) for name in wanted if name in names}
        found = max(found, names, key=len)
    lacking = ", ".join(name for name in REQUIRED_COLUMNS if name not in found)
    remedy = f"begin it with {','.join(REQUIRED_COLUMNS)}"
    raise UnreadableFile(where, f"its first line names no column {lacking}", remedy)


def _label(line: int, cells: dict[str, str], decimal_comma: bool) -> Label:
    def number(name: str) -> float:
        text = cells.get(name, "")
        try:
            return float(text.replace(",", ".") if decimal_comma else text)
        except ValueError:
            return math.nan

    image = cells["image"].replace("\\", "/").removeprefix("./")
    light = number("r"), number("g"), number("b")
    exposure = None if cells.get("exposure", "").lower() in _WORDS_FOR_UNKNOWN else number("exposure")
    problem = ""
    try:
        Illuminant.of(light)
    except UsageError:
        given = ", ".join(cells[name][:_MOST_LETTERS] for name in "rgb")
        problem = f"r, g, b are {given} and no light; they must be positive numbers"
    if not problem and exposure is not None and not 0 < exposure < math.inf:
        problem = f"the exposure {cells['exposure'][:_MOST_LETTERS]} is no positive number; leave it empty if not known"
    if not image:
        problem = "names no image"
    camera, scene, fold = (cells.get(name, "") for name in ("camera", "scene", "fold"))
    return Label(line, image, light, camera, scene, fold, exposure, problem)


def _stem(path: str) -> str:
    return path[: path.rindex(".")]


def _fold_case(name: str) -> str:
    # macOS stores accents apart from their letters.
    return unicodedata.normalize("NFC", name).casefold()
