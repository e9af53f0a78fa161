"""Result streams: one record for each file, as JSON Lines, a JSON array, CSV or a table."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from awbkit.choices import RGB_COMPONENTS
from awbkit.cli.digits import round_record
from awbkit.escaping import csv_line, json_text, printable

if TYPE_CHECKING:
    from awbkit.cli.outline import Outline

ESTIMATE_KEYS = (
    *("schema", "path", "status", "method", *RGB_COMPONENTS, "cct", "duv", "expected_error"),
    *("spread", "space", "camera", "width", "height", "ms", "fallback_for", "error", "warning"),
)
CORRECT_KEYS = (*ESTIMATE_KEYS[:2], "output", *ESTIMATE_KEYS[2:])

# 128 + SIGPIPE, as a shell reports any program that its reader has left.
BROKEN_PIPE_EXIT_CODE = 141


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"
    JSON = "json"


class Writer(Protocol):
    """Takes records one by one; ``close`` completes the stream."""

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one record and flush it."""

    def close(self) -> None:
        """Write the end of the data; the stream itself stays open."""


def open_writer(
    format: Format, keys: Sequence[str], stream: TextIO, outline: Outline | None = None
) -> contextlib.closing[Writer]:
    """A context that gives a writer, and completes the stream however the context ends.

    Args:
        format: How to write.
        keys: The keys of every record, in order. A missing value is written as unknown.
        stream: Where to write, usually standard output.
        outline: What is known of the records of a table before they come.
    """
    if format is Format.TABLE:
        from awbkit.cli.table import TableWriter

        return contextlib.closing(TableWriter(keys, stream, outline))
    if hasattr(stream, "reconfigure"):
        # Data is UTF-8 whatever the locale; in CSV, a file name that is not UTF-8 keeps its bytes.
        stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    writers = {Format.JSONL: _JsonLinesWriter, Format.JSON: _JsonWriter, Format.CSV: _CsvWriter}
    return contextlib.closing(writers[format](keys, stream))


class _JsonLinesWriter:
    """One JSON object a line."""

    def __init__(self, keys: Sequence[str], stream: TextIO) -> None:
        self._keys = keys
        self._stream = stream

    def write(self, record: Mapping[str, Any]) -> None:
        self._put(json_text(round_record(record, self._keys)) + "\n")

    def close(self) -> None:
        self._stream.flush()

    def _put(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class _JsonWriter(_JsonLinesWriter):
    """One JSON array, written as the records come."""

    _before = "[\n"

    def write(self, record: Mapping[str, Any]) -> None:
        self._put(self._before + json_text(round_record(record, self._keys)))
        self._before = ",\n"

    def close(self) -> None:
        self._put("[]\n" if self._before == "[\n" else "\n]\n")


class _CsvWriter(_JsonLinesWriter):
    """Comma-separated values, quoted as RFC 4180 has it, lines ended by LF; lists take a column each component."""

    def __init__(self, keys: Sequence[str], stream: TextIO) -> None:
        super().__init__(keys, stream)
        names = (
            f"{key}_{component}" if component else key for key in keys for component in RGB_COMPONENTS.get(key, ("",))
        )
        stream.write(csv_line(names))

    def write(self, record: Mapping[str, Any]) -> None:
        cells: list[object] = []
        for key, value in round_record(record, self._keys).items():
            components = RGB_COMPONENTS.get(key)
            cells += [value] if components is None else value or [None] * len(components)
        self._put(csv_line(cells))


def wants_json(format: str | None) -> bool:
    """Whether to print a result as JSON: on request, and by default where standard output is no terminal."""
    return (format or ("table" if sys.stdout.isatty() else "json")) == "json"


def print_result(record: Mapping[str, Any], rows: Mapping[str, str], format: str | None) -> None:
    """Print the result of a whole run on standard output: the record as JSON, or the rows that are not empty."""
    if wants_json(format):
        print(json_text(record))
        return
    for name, text in rows.items():
        if text:
            print(f"{name:<12}{printable(text)}")


@contextlib.contextmanager
def quiet_on_broken_pipe() -> Iterator[None]:
    """Leave without a word, with exit code 141, when the reader of standard output has gone (``| head``)."""
    try:
        try:
            yield
        except KeyboardInterrupt:
            # A terminal that closes sends a signal and breaks its pipe too; the signal decides the exit code.
            try:
                sys.stdout.flush()
            except OSError:
                abandon(sys.stdout)
            raise
        finally:
            # A command ends by raising its exit code, and some output may still be buffered.
            sys.stdout.flush()
    except BrokenPipeError:
        abandon(sys.stdout)
        raise SystemExit(BROKEN_PIPE_EXIT_CODE) from None


def abandon(stream: TextIO) -> None:
    """Discard the text in a stream's buffer, so that the interpreter does not fail to write it again at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
