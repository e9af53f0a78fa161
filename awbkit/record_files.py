"""Files of records by awbkit or other programs, as JSON Lines, JSON or a table.

All commands read estimates through this module, so that a file means the same everywhere.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from awbkit.choices import RGB_COMPONENTS
from awbkit.errors import UsageError
from awbkit.records import SCHEMA, Record
from awbkit.store.documents import LARGEST, MalformedText, decode_text, value_at
from awbkit.store.tables import IMAGE_COLUMNS, TableRow, UnfitHeader, read_table

FORM = (
    'give JSON Lines with "path" and "illuminant": [r, g, b], as awbkit estimate writes them, or CSV with the columns '
    "image,r,g,b"
)

_NUMBERS = ("cct", "duv", "expected_error", "schema")
_WORDS = ("method", "status", "error", "space")
_LONGEST_LINE = 1 << 20
_VISIBLE = re.compile(r"\S")
_BLANK = b" \t\r\n\xef\xbb\xbf"
_SPACES = " \t\r\n\v\f"
"""A cell of these is empty. Other blanks, such as U+001C or U+00A0, may be a file's name."""


@dataclass(frozen=True)
class RecordEntry:
    """A file's statement on one picture.

    Attributes:
        where: File and line, for messages.
        record: The record as read. ``path`` is a text that is not empty. These may be None or absent: ``illuminant``,
            ``gains`` and ``chromaticity``, lists of 3, 3 and 2 numbers; the texts ``method``, ``status``, ``error`` and
            ``space``; ``expected_error``, a number that is not negative. Other keys are not checked.
    """

    where: str
    record: Record


def read_records(stream: BinaryIO, name: str) -> Iterator[RecordEntry]:
    """Read the records of a file, in order.

    A file that begins with ``{`` or ``[`` is JSON: a sequence of objects, each on one line or several, or arrays of
    objects. Any other file is a table; see `awbkit.store.tables`.

    Args:
        stream: UTF-8. Lines are read as they arrive; an array, or an object over several lines, is read as a whole. A
            table may have file names that are no UTF-8.
        name: Name of the file in messages.

    Raises:
        UsageError: If the file is malformed, with the line.
    """
    for number in itertools.count(1):
        line = _read_line(stream, LARGEST, f"{name}, line {number}")
        if not line:
            return
        if begin := line.strip(_BLANK)[:1]:
            read = _read_json if begin in (b"{", b"[") else _read_table
            yield from read(line, stream, name, number)
            return


def _read_line(stream: BinaryIO, longest: int, where: str) -> bytes:
    try:
        line = stream.readline(longest + 1)
    except OSError as error:
        raise UsageError(f"{where}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(line) > longest:
        raise UsageError(f"{where}: longer than {longest >> 20} MB, too long for a record; {FORM}")
    return line


def _read_json(line: bytes, stream: BinaryIO, name: str, number: int) -> Iterator[RecordEntry]:
    while line:
        try:
            found = list(_values(line, name, number))
        except MalformedText:
            # A value may continue on the next lines.
            rest = stream.read(LARGEST - len(line) + 1)
            if len(line) + len(rest) > LARGEST:
                where = f"{name}, line {number}"
                raise UsageError(f"{where}: begins a value of more than {LARGEST >> 20} MB; {FORM}") from None
            try:
                yield from _values(line + rest, name, number)
            except MalformedText as error:
                where = f"{name}, line {number - 1 + (error.line or 1)}"
                raise UsageError(f"{where}: {error.problem}; {FORM}") from None
            return
        yield from found
        number += 1
        line = _read_line(stream, LARGEST, f"{name}, line {number}")


def _values(data: bytes, name: str, line: int) -> Iterator[RecordEntry]:
    """The values in some lines; ``line`` is the number of the first."""
    text, end = decode_text(data), 0
    while (begin := _VISIBLE.search(text, end)) is not None:
        line += text.count("\n", end, begin.start())
        value, end = value_at(text, begin.start(), with_nan=True)
        if isinstance(value, list):
            for number, record in enumerate(value, 1):
                yield _entry_of_json(record, f"{name}, record {number}")
        else:
            yield _entry_of_json(value, f"{name}, line {line}")
        line += text.count("\n", begin.start(), end)


def _entry_of_json(value: object, where: str) -> RecordEntry:
    if not isinstance(value, dict):
        raise UsageError(f"{where}: not a record but {_shorten(value)}; {FORM}")
    path = next((value[key] for key in IMAGE_COLUMNS if value.get(key)), None)
    if not isinstance(path, str):
        raise UsageError(f'{where}: names no picture under "path" or "image"; {FORM}')
    record = {**value, "path": path}
    if not any(key in record for key in (*RGB_COMPONENTS, "cct", "status")):
        light = record.get("rgb", [record[c] for c in "rgb"] if {*"rgb"} <= record.keys() else None)
        if light is None:
            raise UsageError(f'{where}: states no light under "illuminant", "gains" or "r", "g" and "b"; {FORM}')
        record["illuminant"] = light
    return _check(record, where)


def _check(record: Record, where: str) -> RecordEntry:
    for key, components in RGB_COMPONENTS.items():
        value, count = record.get(key), len(components)
        if value is not None and not (isinstance(value, list) and len(value) == count and all(map(_is_number, value))):
            numbers = "three numbers" if count == 3 else "two numbers"
            raise UsageError(f"{where}: {key} must be {numbers} or null, not {_shorten(value)}")
    for key in _WORDS:
        if not isinstance(record.get(key), str | int | float | None):
            raise UsageError(f"{where}: {key} must be a text, not {_shorten(record[key])}")
    expected = record.get("expected_error")
    if expected is not None and not (_is_number(expected) and 0 <= expected < math.inf):
        raise UsageError(f"{where}: expected_error must be a number of degrees, not {_shorten(expected)}")
    if record.get("schema") not in (None, SCHEMA):
        raise UsageError(f"{where}: a record of schema {_shorten(record['schema'])}; this awbkit reads schema {SCHEMA}")
    words = {key: str(record[key]) for key in _WORDS if record.get(key) is not None}
    return RecordEntry(where, {**record, **words})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_table(line: bytes, stream: BinaryIO, name: str, number: int) -> Iterator[RecordEntry]:
    before = number - 1
    others = (*_WORDS, *_NUMBERS)
    try:
        for row in read_table(_table_lines(line, stream, name, number), others, lights=(*RGB_COMPONENTS, "cct")):
            where = f"{name}, line {before + row.line}"
            if row.problem:
                raise UsageError(f"{where}: {row.problem}")
            yield _entry_of_row(row, where)
    except UnfitHeader as error:
        raise UsageError(f"{name}, line {before + error.line}: the header {error}; {error.remedy or FORM}") from None
    except MalformedText as error:
        raise UsageError(f"{name}, line {before + (error.line or 1)}: {error.problem}; check its quotes") from None


def _table_lines(line: bytes, stream: BinaryIO, name: str, number: int) -> Iterator[str]:
    while line:
        if len(line) > _LONGEST_LINE:
            raise UsageError(
                f"{name}, line {number}: longer than {_LONGEST_LINE >> 20} MB, too long for a record; {FORM}"
            )
        yield decode_text(line, "surrogateescape")
        number += 1
        line = _read_line(stream, _LONGEST_LINE, f"{name}, line {number}")


def _entry_of_row(row: TableRow, where: str) -> RecordEntry:
    def number(key: str) -> float | None:
        try:
            return row.number(key)
        except ValueError:
            raise UsageError(f"{where}: {key} is {_shorten(row.cell(key).strip())}, not a number") from None

    # Blanks may belong to a file's name.
    path = row.cell("path")
    if not path.strip(_SPACES):
        raise UsageError(f"{where}: names no picture")
    record: Record = {"path": path}
    record |= {key: row.cell(key).strip() or None for key in _WORDS}
    record |= {key: number(key) for key in _NUMBERS}
    for key, components in RGB_COMPONENTS.items():
        values = [number(f"{key} {component}") for component in components]
        record[key] = None if None in values else values
    return _check(record, where)


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
