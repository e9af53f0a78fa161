"""``ground_truth.csv``: its lines, and the image files that they name."""

from __future__ import annotations

import io
import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from awbkit.colour.illuminant import Illuminant
from awbkit.errors import UnreadableFile, UsageError
from awbkit.store.documents import MalformedText
from awbkit.store.tables import TableRow, UnfitHeader, read_table

FILE = "ground_truth.csv"
OPTIONAL_COLUMNS = ("camera", "scene", "fold", "exposure")

_MOST_LETTERS = 40


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

    The image's column may also be called path, file or filename, and r, g, b illuminant_r and so on; see
    `awbkit.store.tables`.

    Args:
        text: The table.
        where: Its name, for messages.

    Raises:
        UnreadableFile: If the header lacks a column, or quotes are not closed.
    """
    try:
        for row in read_table(io.StringIO(text, newline=""), OPTIONAL_COLUMNS, lights=["illuminant"], of_truth=True):
            yield _label(row)
    except UnfitHeader as error:
        raise UnreadableFile(where, f"its first line {error}", error.remedy or "begin it with image,r,g,b") from None
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


def _label(row: TableRow) -> Label:
    def text(key: str) -> str:
        return row.cell(key).strip()

    def number(key: str) -> float:
        try:
            value = row.number(key)
        except ValueError:
            value = None
        return math.nan if value is None else value

    image = text("path").replace("\\", "/").removeprefix("./")
    light = number("illuminant r"), number("illuminant g"), number("illuminant b")
    problem = ""
    try:
        exposure = row.number("exposure")
    except ValueError:
        exposure = math.nan
    try:
        Illuminant.of(light)
    except UsageError:
        given = ", ".join(text(f"illuminant {component}")[:_MOST_LETTERS] for component in "rgb")
        problem = f"r, g, b are {given} and no light; they must be positive numbers"
    if not problem and exposure is not None and not 0 < exposure < math.inf:
        problem = f"the exposure {text('exposure')[:_MOST_LETTERS]} is no positive number; leave it empty if not known"
    if not image:
        problem = "names no image"
    problem = row.problem or problem
    return Label(row.line, image, light, text("camera"), text("scene"), text("fold"), exposure, problem)


def _stem(path: str) -> str:
    return path[: path.rindex(".")]


def _fold_case(name: str) -> str:
    # macOS stores accents apart from their letters.
    return unicodedata.normalize("NFC", name).casefold()
