"""Readers of JSON, TOML and tables by strangers; the message about any fault fits on a line.

JSON is RFC 8259 without what its readers understand differently: repeated names in an object, numbers that no double
holds, halves of surrogate pairs, and more than ``_DEEPEST`` levels. NaN and Infinity are no JSON, but other programs
write them, so the caller may allow them.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from awbkit.errors import UnreadableFile
from awbkit.store.refusals import reading_error
from awbkit.store.streams import open_stream

LARGEST = 64 << 20
"""Bytes of the largest document that is read; the labels of half a million pictures are shorter."""

_LARGEST_TOML = 1 << 20
_DEEPEST = 100
_MOST_DIGITS = 308
_HALF = re.compile("[\ud800-\udbff\udc00-\udc7f\udd00-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class MalformedText(ValueError):
    """Text in another form than it should have.

    Attributes:
        problem: Continues a sentence whose subject is the text.
        line: The line, from 1; None where a line says nothing.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem, line)
        self.problem = problem
        self.line = line

    def __str__(self) -> str:
        return self.problem if self.line is None else f"{self.problem} in line {self.line}"


def decode_text(data: bytes, errors: str = "strict") -> str:
    """UTF-8 with or without a byte order mark.

    Raises:
        MalformedText: If the bytes are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise MalformedText("is not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from None


def parse_json(text: str) -> Any:
    """The one value of a text of JSON.

    Raises:
        MalformedText: If the text is not JSON.
    """
    start = len(text) - len(text.lstrip(" \t\r\n"))
    value, end = value_at(text, start)
    if rest := text[end:].strip(" \t\r\n"):
        raise MalformedText(f"is no JSON (something follows the value: {rest[:20]!r})", text.count("\n", 0, end) + 1)
    return value


def parse_line(line: bytes) -> Any:
    """The value of a line that awbkit wrote, in which NaN is a number.

    Raises:
        MalformedText: If the line is damaged.
    """
    return value_at(decode_text(line).strip(), 0, with_nan=True)[0]


def value_at(text: str, start: int, *, with_nan: bool = False) -> tuple[Any, int]:
    """The value that begins at a place of a text, and the place behind it.

    Args:
        text: JSON.
        start: The place of the value's first character; no blank is skipped.
        with_nan: Whether NaN and Infinity are numbers.

    Raises:
        MalformedText: If no value begins there.
    """
    try:
        value, end = (_WITH_NAN if with_nan else _PLAIN).raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise MalformedText(f"is no JSON ({error.msg.lower()} at column {error.colno})", error.lineno) from None
    except RecursionError:
        raise MalformedText(f"nests more than {_DEEPEST} levels") from None
    except ValueError as error:
        raise MalformedText(str(error), text.count("\n", 0, start) + 1) from None
    if text.count("[", start, end) + text.count("{", start, end) > _DEEPEST and _depth(value) > _DEEPEST:
        raise MalformedText(f"nests more than {_DEEPEST} levels")
    if _ESCAPED_HALF.search(text, start, end) and any(
        # The surrogates by which Python keeps other bytes of file names are no such halves.
        isinstance(each, str) and _HALF.search(each)
        for each in _all(value)
    ):
        raise MalformedText("holds half a surrogate pair, which is no text", text.count("\n", 0, start) + 1)
    return value, end


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"states {twice[:40]!r} twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"holds a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"holds the number {digits[:40]}, which is too large for any program")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"holds {name}, which is no JSON number")


_PLAIN = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_finite, parse_constant=_refuse_constant
)
_WITH_NAN = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [inner for outer in level if isinstance(outer, dict | list) for inner in _parts(outer)]:
        depth += 1
    return depth + 1


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _all(value: Any) -> Iterator[Any]:
    """Every value within a value, names of objects too."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, dict):
            waiting += [*found, *found.values()]
        elif isinstance(found, list):
            waiting += found


def rows(lines: Iterable[str], delimiter: str = ",", *, skip_blanks: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table (RFC 4180), each with the number of the line that it ends in.

    Args:
        lines: The lines with their ends, as a file opened with ``newline=""`` gives them.
        delimiter: The character between cells.
        skip_blanks: Leave out blanks in front of a cell.

    Raises:
        MalformedText: If quotes do not close, or a cell is longer than 128 KB.
    """
    import csv

    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=skip_blanks, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise MalformedText(f"is no table ({error})", max(reader.line_num, 1)) from None


def read_text(path: str | os.PathLike[str], remedy: str = "", *, largest: int = LARGEST) -> str:
    """A file of UTF-8 text.

    Raises:
        UnreadableFile: If the file cannot be read, is larger than ``largest`` bytes, or is not UTF-8.
    """
    try:
        with open_stream(path) as file:
            data = file.read(largest + 1)
    except FileNotFoundError:
        raise UnreadableFile(path, "no such file", "check the spelling") from None
    except OSError as error:
        raise reading_error(path, error) from None
    if len(data) > largest:
        raise UnreadableFile(path, f"has more than {largest >> 20 or 1} MB, which no such file has", remedy)
    try:
        return decode_text(data)
    except MalformedText as error:
        raise UnreadableFile(path, str(error), "save it as UTF-8") from None


def read_json(path: str | os.PathLike[str], remedy: str = "") -> Any:
    """The value that a file of JSON holds.

    Raises:
        UnreadableFile: As :func:`read_text`, or if the file is no JSON.
    """
    try:
        return parse_json(read_text(path, remedy))
    except MalformedText as error:
        raise UnreadableFile(path, str(error), remedy) from None


def read_toml(path: str | os.PathLike[str], remedy: str = "") -> dict[str, Any]:
    """The table of a file of TOML 1.0.

    Raises:
        UnreadableFile: As :func:`read_text`, or if the file is no TOML.
    """
    import tomllib  # here, because only recipes are TOML

    try:
        stated = tomllib.loads(read_text(path, remedy, largest=_LARGEST_TOML))
        if _depth(stated) > _DEEPEST:
            raise RecursionError
        if any(isinstance(each, int) and abs(each) >= 10**_MOST_DIGITS for each in _all(stated)):
            raise ValueError
        return stated
    except RecursionError:
        raise UnreadableFile(path, f"nests more than {_DEEPEST} levels", remedy) from None
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFile(path, f"is no TOML ({str(error)[:200]})", remedy) from None
    except ValueError:
        raise UnreadableFile(path, f"holds a number of more than {_MOST_DIGITS} digits", remedy) from None
