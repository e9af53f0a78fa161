"""The table on a terminal: rows as they come, columns of fixed width, and escaped file names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from awbkit.cli.digits import round_record
from awbkit.escaping import printable

_WIDEST = 160
_NARROWEST_NAME = 16
_FEWEST_COLUMNS = 2
_WIDE = 100
_GAP = "  "


@dataclass(frozen=True)
class _Column:
    title: str
    key: str
    width: int = 0
    decimals: int = 0
    component: int | None = None
    has_sign: bool = False


_NUMBERS = (
    _Column("R gain", "gains", 6, 3, component=0),
    _Column("B gain", "gains", 6, 3, component=2),
    _Column("CCT", "cct", 5),
    _Column("Duv", "duv", 7, 4, has_sign=True),
    _Column("± deg", "expected_error", 5, 1),
    _Column("ms", "ms", 6, 1),
)
_CORRECT_NUMBERS = tuple(column for column in _NUMBERS if column.key != "duv")
_METHOD = _Column("method", "method", 14)
_WIDE_METHOD = _Column("method", "method", 26)
_SWATCH = _Column("", "illuminant", 2)


class TableWriter:
    """A row for each record, printed at once. The row of a failure names the file; standard error says why."""

    def __init__(self, keys: Sequence[str], stream: TextIO) -> None:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
        self._keys = keys
        self._stream = stream
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._width = min(self._console.width, _WIDEST)
        swatch = (_SWATCH,) if self._console.color_system and not self._console.no_color else ()
        if "output" in keys:
            texts = (_Column("file", "path"), _Column("output", "output"))
            self._columns: tuple[_Column, ...] = (*texts, *swatch, *_CORRECT_NUMBERS)
        else:
            method = _WIDE_METHOD if self._width >= _WIDE else _METHOD
            self._columns = (_Column("file", "path"), method, *swatch, *_NUMBERS)
        # A narrow terminal loses the last columns rather than the names of the files.
        while (room := self._room()) < _NARROWEST_NAME and len(self._columns) > _FEWEST_COLUMNS:
            self._columns = self._columns[:-1]
        self._name_width = max(room, _NARROWEST_NAME)
        self._has_head = False

    def write(self, record: Mapping[str, Any]) -> None:
        """Print one row, and the head before the first."""
        if not self._has_head:
            self._has_head = True
            self._print([Text(self._fit(column, column.title)) for column in self._columns], "bold")
        values = round_record(record, self._keys)
        style = {"ok": "", "error": "red"}.get(values.get("status") or "ok", "dim")
        self._print([self._cell(column, values) for column in self._columns], style)

    def close(self) -> None:
        """Nothing is left to print."""

    def _print(self, cells: list[Text], style: str) -> None:
        line = Text(_GAP).join(cells)
        line.rstrip()
        line.style = style
        # Captured, because a console that prints for itself ends the program when its reader has left.
        with self._console.capture() as capture:
            self._console.print(line, soft_wrap=True)
        self._stream.write(capture.get())
        self._stream.flush()

    def _room(self) -> int:
        gaps = len(_GAP) * (len(self._columns) - 1)
        names = sum(not column.width for column in self._columns)
        return (self._width - gaps - sum(column.width for column in self._columns)) // names

    def _cell(self, column: _Column, values: Mapping[str, Any]) -> Text:
        status = values.get("status") or "ok"
        if column is _SWATCH:
            colour = _swatch(values)
            return Text("  ", Style(bgcolor=Color.from_rgb(*colour)) if colour and status == "ok" else "")
        value = values.get(column.key)
        if column.key in ("method", "output") and status not in ("ok", "planned"):
            value = "failed" if status == "error" else status
        if value is not None and column.component is not None:
            value = value[column.component]
        if column.width and column.key != "method" and value is not None:
            value = f"{value:{'+' if column.has_sign else ''}.{column.decimals}f}"
        return Text(self._fit(column, "" if value is None else str(value)))

    def _fit(self, column: _Column, text: str) -> str:
        width = column.width or self._name_width
        if column.width and column.key != "method":
            return text.rjust(width)
        return set_cell_size(shorten(printable(text), width), width)


def shorten(text: str, width: int) -> str:
    """The text in at most ``width`` terminal cells, an ellipsis in its middle where it is longer."""
    if cell_len(text) <= width:
        return text
    if width < 2:
        return "…"[:width]
    # The end tells more than the start: it holds the number and the suffix.
    head = _head(text, (width - 1) // 3)
    tail = _head(text[::-1], width - 1 - cell_len(head))[::-1]
    return f"{head}…{tail}"


def _head(text: str, width: int) -> str:
    if width < 1:
        return ""
    first = chop_cells(text, width)[0]
    return first if cell_len(first) <= width else ""


def _swatch(values: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """The colour of the light on the screen; for camera RGB from its CCT, since every camera sees green strongest."""
    if values.get("space") == "linear-srgb" and values.get("illuminant"):
        linear = values["illuminant"]
    elif values.get("cct"):
        linear = _planckian(values["cct"])
    else:
        return None
    brightest = max(linear)
    red, green, blue = (round(255 * max(0.0, channel / brightest) ** (1 / 2.2)) for channel in linear)
    return red, green, blue


def _planckian(cct: float) -> list[float]:
    """Linear sRGB of a black body."""
    from awbkit.colour.camera import LINEAR_SRGB
    from awbkit.colour.temperature import CCT_MAX, CCT_MIN, cct_duv_to_xy

    x, y = cct_duv_to_xy(min(max(cct, CCT_MIN), CCT_MAX))
    matrix: Any = LINEAR_SRGB.xyz_to_rgb()
    return list(map(float, matrix @ (x / y, 1, (1 - x - y) / y)))
