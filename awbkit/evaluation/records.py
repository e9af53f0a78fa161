"""Estimates as other programs write them: records from JSON Lines, JSON or CSV, each with its place in the file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awbkit.errors import UsageError

_VISIBLE = re.compile(r"\S")
_DELIMITERS = (",", ";", "\t")
_NAMES = ("path", "image", "file", "filename")
_LIGHTS = {"illuminant": (("illuminant_{}", "{}"), "rgb"), "gains": (("gains_{}", "gain_{}"), "rgb")}
_UNKNOWN = frozenset(("", "-", "none", "null", "n/a", "na"))

FORM = (
    'give JSON Lines with "path" and "illuminant": [r, g, b], as awbkit estimate writes them, or CSV with the columns '
    "image,r,g,b"
)


@dataclass(frozen=True)
class Stated:
    """What a file says of one image.

    Attributes:
        where: File and line, for messages.
        image: The image, as written.
        record: The keys that are known: "illuminant" and "gains" (three values each), "method", "expected_error",
            "status", "error", "space". Values are as JSON has them; in CSV numbers are floats.
    """

    where: str
    image: str
    record: Mapping[str, Any]


def read_stated(data: bytes, name: str) -> Iterator[Stated]:
    """Everything that a file of estimates says, in its order.

    Args:
        data: The file, UTF-8. What begins with ``{`` or ``[`` is JSON, anything else a table.
        name: What messages call it.

    Raises:
        UsageError: With the line at which it is not what it should be.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}, line {line}: not UTF-8; {FORM}") from None
    if text.lstrip()[:1] in ("{", "["):
        return _read_json(text, name)
    return _read_table(text, name)


def _read_json(text: str, name: str) -> Iterator[Stated]:
    """Objects one after the other, a line each or over several, or arrays of them."""
    decoder = json.JSONDecoder()
    line, end = 1, 0
    while (begin := _VISIBLE.search(text, end)) is not None:
        place = begin.start()
        line += text.count("\n", end, place)
        try:
            value, end = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{name}, line {error.lineno}: not JSON ({error.msg.lower()} at column {error.colno}); {FORM}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name}, line {line}: not a record ({error}); {FORM}") from None
        if isinstance(value, list):
            for number, record in enumerate(value, 1):
                yield _of_json(record, f"{name}, record {number}")
        else:
            yield _of_json(value, f"{name}, line {line}")
        line += text.count("\n", place, end)


def _of_json(record: object, where: str) -> Stated:
    if not isinstance(record, dict):
        raise UsageError(f"{where}: not a record but {_short(record)}; {FORM}")
    image = next((record[key] for key in _NAMES if record.get(key)), None)
    if not isinstance(image, str):
        raise UsageError(f'{where}: names no image under "path" or "image"; {FORM}')
    if not any(key in record for key in ("illuminant", "gains", "status")):
        light = record.get("rgb", [record[c] for c in "rgb"] if {*"rgb"} <= record.keys() else None)
        if light is None:
            raise UsageError(f'{where}: states no light under "illuminant", "gains" or "r", "g" and "b"; {FORM}')
        record = {**record, "illuminant": light}
    return Stated(where, image, record)


def _read_table(text: str, name: str) -> Iterator[Stated]:
    lines = io.StringIO(text, newline="")
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    lines.seek(0)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    columns: dict[str, int] = {}
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not columns:
                columns = _header(cells, f"{name}, line {reader.line_num}")
            else:
                yield _of_cells(cells, columns, f"{name}, line {reader.line_num}", delimiter != ",")
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num}: no line of a table ({error}); check its quotes") from None
    if not columns:
        raise UsageError(f"{name} is empty; {FORM}")


def _header(cells: Sequence[str], where: str) -> dict[str, int]:
    """The place of each column that means something, by the key of a record or that and a component."""
    names = [cell.lower() for cell in cells]
    found: dict[str, int] = {}
    for key in ("method", "expected_error", "status", "error", "space"):
        if key in names:
            found[key] = names.index(key)
    image = next((key for key in _NAMES if key in names), None)
    if image is not None:
        found["image"] = names.index(image)
    for key, (forms, components) in _LIGHTS.items():
        for form in forms:
            wanted = [form.format(component) for component in components]
            if set(wanted) <= set(names):
                found |= {f"{key} {c}": names.index(column) for c, column in zip(components, wanted, strict=True)}
                break
    if twice := [names[place] for place in found.values() if names.count(names[place]) > 1]:
        raise UsageError(f"{where}: two columns are called {twice[0]!r}; rename one")
    if "image" not in found or not any(key in found for key in ("illuminant r", "gains r")):
        lacking = "image" if "image" not in found else "r,g,b"
        raise UsageError(f"{where}: the header names no column {lacking}; {FORM}")
    return found


def _of_cells(cells: Sequence[str], columns: Mapping[str, int], where: str, decimal_comma: bool) -> Stated:
    def cell(key: str) -> str:
        place = columns.get(key, len(cells))
        return cells[place] if place < len(cells) else ""

    def number(key: str) -> float | None:
        text = cell(key)
        if text.lower() in _UNKNOWN:
            return None
        try:
            return float(text.replace(",", ".") if decimal_comma else text)
        except ValueError:
            raise UsageError(f"{where}: {key} is {_short(text)} and no number") from None

    if not cell("image"):
        raise UsageError(f"{where}: names no image")
    record: dict[str, Any] = {key: cell(key) or None for key in ("method", "status", "error", "space")}
    record["expected_error"] = number("expected_error")
    for key, (_, components) in _LIGHTS.items():
        values = [number(f"{key} {component}") for component in components]
        record[key] = None if None in values else values
    return Stated(where, cell("image"), record)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
