"""The table on a terminal: rows as they come, columns of fixed width, and escaped file names."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from awbkit.cli.digits import round_record
from awbkit.cli.marks import Marks
from awbkit.cli.names import Names, shorten
from awbkit.cli.outline import Outline
from awbkit.escaping import printable
from awbkit.records import UNCERTAIN

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


_CCT = _Column("CCT", "cct", 6)
_EXPECTED = _Column("± deg", "expected_error", 5, 1)
_NUMBERS = (
    _Column("R gain", "gains", 6, 3, component=0),
    _Column("B gain", "gains", 6, 3, component=2),
    _CCT,
    _Column("Duv", "duv", 7, 4, has_sign=True),
    _EXPECTED,
    _Column("ms", "ms", 6, 1),
)
_CORRECT_NUMBERS = tuple(column for column in _NUMBERS if column.key != "duv")
_METHOD = _Column("method", "method", 14)
_WIDE_METHOD = _Column("method", "method", 26)
_SWATCH = _Column("", "illuminant", 2)
_FILE = _Column("file", "path")
_OUTPUT = _Column("output", "output")


class TableWriter:
    """A row for each record, printed at once. The row of a failure names the file; standard error says why.

    What all rows share, such as the folder, is said once above them, and the marks that occur are explained below.
    """

    def __init__(self, keys: Sequence[str], stream: TextIO, outline: Outline | None = None) -> None:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
        self._keys = keys
        self._stream = stream
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._width = min(self._console.width, _WIDEST)
        self._outline = outline or Outline()
        self._marks = Marks()
        self._has_head = False
        corrects = "output" in keys
        numbers = [
            column
            for column in (_CORRECT_NUMBERS if corrects else _NUMBERS)
            if column is not _EXPECTED or self._outline.has_expected_errors
        ]
        self._names = {"path": Names(self._outline.paths), "output": Names(self._outline.outputs)}
        texts = [_FILE]
        if corrects:
            texts.append(_OUTPUT)
        elif self._outline.method is None:
            longest = max(map(cell_len, self._outline.methods), default=_WIDEST)
            method = _WIDE_METHOD if self._width >= _WIDE else _METHOD
            texts.append(replace(method, width=min(longest, method.width)))
        swatch = [_SWATCH] if self._console.color_system and not self._console.no_color else []
        self._columns = [*texts, *swatch, *numbers]
        # Where both names do not fit, the output follows from the input by a rule that is said once.
        needs = sum(names.widest for names in self._names.values())
        if corrects and self._outline.name_pattern is not None and self._room() < needs:
            self._columns.remove(_OUTPUT)
            corrects = False
        # A narrow terminal loses the last columns rather than the names of the files.
        while self._room() < _NARROWEST_NAME * (1 + corrects) and len(self._columns) > _FEWEST_COLUMNS:
            self._columns = self._columns[:-1]
        self._widths = self._name_widths()
        for key, width in self._widths.items():
            self._names[key].fit(width)

    def write(self, record: Mapping[str, Any]) -> None:
        """Print one row, and the head before the first."""
        if not self._has_head:
            self._has_head = True
            if facts := self._facts():
                self._print([Text(shorten(facts, self._width))], "dim")
            self._print([Text(self._fit(column, column.title)) for column in self._columns], "bold")
        values = round_record(record, self._keys)
        status = values.get("status") or "ok"
        style = {"ok": "", "error": "red"}.get(status, "dim")
        cells = [self._cell(column, values) for column in self._columns]
        if status not in ("ok", "planned") and not {"method", "output"} & {column.key for column in self._columns}:
            cells = [cells[0], Text("failed" if status == "error" else status)]
        self._print(cells, style)

    def close(self) -> None:
        """Print what the marks in the table mean."""
        if self._has_head and (legend := self._marks.legend()):
            for line in textwrap.wrap(legend, self._width):
                self._print([Text(line)], "dim")

    def _facts(self) -> str:
        """What holds for every row: the folders, the method."""
        folders = {key: printable(names.folder) for key, names in self._names.items()}
        facts = [f"in {folders['path']}"] if folders["path"] else []
        if folders["output"] and folders["output"] != folders["path"]:
            facts.append(f"to {folders['output']}")
        if "output" in self._keys and _OUTPUT not in self._columns:
            facts.append(f"as {printable(self._outline.name_pattern or '')}")
        if self._outline.method is not None:
            facts.append(f"method {printable(self._outline.method)}")
        return ", ".join(facts)

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
        return self._width - gaps - sum(column.width for column in self._columns)

    def _name_widths(self) -> dict[str, int]:
        """The widths of the columns of names: what the names need, and where that is too much, equal shares."""
        keys = [column.key for column in self._columns if not column.width]
        room = max(self._room(), _NARROWEST_NAME * len(keys))
        needs = {key: max(self._names[key].widest, _NARROWEST_NAME) or room for key in keys}
        if not self._outline.paths:
            return dict.fromkeys(keys, room // len(keys))
        widths: dict[str, int] = {}
        for key in sorted(keys, key=needs.__getitem__):
            widths[key] = min(needs[key], (room - sum(widths.values())) // (len(keys) - len(widths)))
        return widths

    def _cell(self, column: _Column, values: Mapping[str, Any]) -> Text:
        status = values.get("status") or "ok"
        if column is _SWATCH:
            colour = _swatch(values)
            return Text("  ", Style(bgcolor=Color.from_rgb(*colour)) if colour and status == "ok" else "")
        value = values.get(column.key)
        if column.key in ("method", "output") and status not in ("ok", "planned"):
            return Text(self._fit(column, "failed" if status == "error" else status))
        if column is _CCT:
            return Text(self._fit(column, self._marks.temperature(values)))
        if column is _EXPECTED:
            style = "yellow" if value is not None and value > UNCERTAIN else ""
            return Text(self._fit(column, self._marks.expected_error(values)), style)
        if value is not None and column.component is not None:
            value = value[column.component]
        if column.width and column.key != "method" and value is not None:
            value = f"{value:{'+' if column.has_sign else ''}.{column.decimals}f}"
        text = "" if value is None else str(value)
        if text and not column.width:
            width = self._widths[column.key]
            return Text(set_cell_size(self._names[column.key].text(text, width), width))
        return Text(self._fit(column, text))

    def _fit(self, column: _Column, text: str) -> str:
        if column.width and column.key != "method":
            return text.rjust(column.width)
        width = column.width or self._widths[column.key]
        return set_cell_size(shorten(printable(text), width), width)


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
