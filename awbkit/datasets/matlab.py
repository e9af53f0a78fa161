"""A safe reader of MATLAB files of level 5 (``save -v6`` and ``-v7``), which hold the truths of some data sets.

The format is that of The MathWorks, "MAT-File Format". Only the types of published truths are read: numbers, texts,
cells and structures. scipy.io reads more, but crashes on damaged files, and some downloads are damaged. Here every
element must lie within its parent, depth and decompressed size are bounded, and nothing in a file is executed.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import UnreadableFile

Value: TypeAlias = "NDArray[Any] | str | list[Any] | dict[str, list[Any]] | None"
"""Numbers as stored, with their shape; a text; a list of cells or of lines of text; the fields of a list of
structures; None for anything else."""

_HEADER = 128
_INT8, _UINT16, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 4, 5, 6, 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_ENCODINGS = {2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCTURE, _TEXT, _FIRST_NUMERIC, _LAST_NUMERIC = 1, 2, 4, 6, 15

_MAX_BYTES = 16 << 20
"""Limit of the decompressed size; published truths take less than one megabyte."""

_MAX_DEPTH = 8
_SAVE_AGAIN = "open it in MATLAB or Octave and save it with -v7"
_DOWNLOAD_AGAIN = "download it again"


def read_mat(data: bytes, where: str) -> dict[str, Value]:
    """Read the variables of a MATLAB file of level 5.

    Args:
        data: The whole file.
        where: Its name, for messages.

    Raises:
        UnreadableFile: If it is damaged, of another level, or unfolds to more than 16 MB.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if data.startswith(b"MATLAB 7.3") or b"\x89HDF\r\n\x1a\n" in data[: 8 * _HEADER]:
        raise UnreadableFile(where, "is a MATLAB file of level 7.3 (HDF5)", _SAVE_AGAIN)
    if order is None or len(data) <= _HEADER:
        raise UnreadableFile(where, "is no MATLAB file of level 5", f"{_DOWNLOAD_AGAIN}, or {_SAVE_AGAIN}")
    variables: dict[str, Value] = {}
    left = _MAX_BYTES
    try:
        file = _Parts(data, order, _HEADER, len(data))
        while file.at < file.stop:
            kind, part = file.next(pads=False)
            if kind == _COMPRESSED:
                part = zlib.decompressobj().decompress(part, left + 1)
            left -= len(part)
            if left < 0:
                raise UnreadableFile(where, f"unfolds to more than {_MAX_BYTES >> 20} MB, and no truth is that large")
            if kind == _COMPRESSED:
                kind, part = _Parts(part, order, 0, len(part)).next()
            name, value = _matrix(kind, part, order, 0)
            variables[name] = value
    except (_Damage, zlib.error):
        raise UnreadableFile(where, "is a damaged MATLAB file", _DOWNLOAD_AGAIN) from None
    return variables


def numbers(variables: Mapping[str, Value], name: str, columns: int, where: str) -> NDArray[np.float64]:
    """A variable that is a table of numbers, float64 (N, columns).

    Raises:
        UnreadableFile: If there is no such variable, or it has another shape.
    """
    value = _variable(variables, name, where)
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.shape[1] != columns:
        shape = " x ".join(map(str, value.shape)) if isinstance(value, np.ndarray) else "not numeric"
        raise UnreadableFile(where, f"its variable {name} ({shape}) is no table of {columns} columns of numbers")
    return value.astype(np.float64)


def number(variables: Mapping[str, Value], name: str, where: str) -> float:
    """A variable that is one number.

    Raises:
        UnreadableFile: If there is no such variable, or it is anything else.
    """
    table = numbers(variables, name, 1, where)
    if len(table) != 1:
        raise UnreadableFile(where, f"its variable {name} is not one number but {len(table)}")
    return float(table[0, 0])


def cells(variables: Mapping[str, Value], name: str, where: str) -> list[Any]:
    """The contents of a variable that is a list of cells, or the field ``name`` of one that is a list of structures.

    Raises:
        UnreadableFile: If there is no such variable, or it is no list.
    """
    value = _variable(variables, name, where)
    if isinstance(value, dict):
        value = value.get("name")
    if not isinstance(value, list):
        raise UnreadableFile(where, f"its variable {name} is neither a list of cells nor of structures with names")
    # A text may be wrapped into one more cell.
    return [cell[0] if isinstance(cell, list) and len(cell) == 1 else cell for cell in value]


def _variable(variables: Mapping[str, Value], name: str, where: str) -> Value:
    if name not in variables:
        others = ", ".join(sorted(variables)[:8]) or "nothing"
        raise UnreadableFile(where, f"holds no variable {name}, but {others}", _DOWNLOAD_AGAIN)
    return variables[name]


class _Damage(Exception):
    """The bytes do not follow the format."""


@dataclass
class _Parts:
    """Iterate over the tagged elements between two offsets."""

    data: bytes
    order: str
    at: int
    stop: int

    def next(self, *, pads: bool = True) -> tuple[int, bytes]:
        """Kind and contents of the next element; only top-level elements lack the padding to eight bytes."""
        if self.at + 8 > self.stop:
            raise _Damage
        kind, size = struct.unpack_from(f"{self.order}II", self.data, self.at)
        body = self.at + 8
        if kind >> 16:
            # A small element: kind and size share four bytes, and the next four are its contents.
            kind, size, body = kind & 0xFFFF, kind >> 16, self.at + 4
            self.at += 8
            if size > 4:
                raise _Damage
        else:
            self.at = body + ((size + 7) // 8 * 8 if pads else size)
            if size > self.stop - body:
                raise _Damage
        return kind, self.data[body : body + size]

    def numbers(self, *kinds: int) -> NDArray[Any]:
        """The next element as numbers, of one of these storage types or of any."""
        kind, part = self.next()
        if kind not in (kinds or _NUMBERS):
            raise _Damage
        dtype = np.dtype(self.order + _NUMBERS[kind])
        if len(part) % dtype.itemsize:
            raise _Damage
        return np.frombuffer(part, dtype).astype(dtype.newbyteorder("="))


def _matrix(kind: int, body: bytes, order: str, depth: int) -> tuple[str, Value]:
    """Name and value of one matrix, MATLAB's term for every value."""
    if kind != _MATRIX or depth > _MAX_DEPTH:
        raise _Damage
    if not body:
        return "", np.empty((0, 0))
    parts = _Parts(body, order, 0, len(body))
    flags = parts.numbers(_UINT32)
    what = int(flags[0]) & 0xFF if len(flags) else 0
    if what > _LAST_NUMERIC:
        # Function handles and objects have no shape, and no truth is one.
        return "", None
    shape = [int(length) for length in parts.numbers(_INT32)]
    count = math.prod(shape)
    if len(shape) < 2 or len(shape) > 32 or min(shape) < 0 or count > len(body):
        raise _Damage
    name = parts.numbers(_INT8).tobytes().decode("ascii", "replace")
    if what == _CELL:
        return name, [_matrix(*parts.next(), parts.order, depth + 1)[1] for _ in range(count)]
    if what == _STRUCTURE:
        return name, _structures(parts, count, depth)
    if what == _TEXT:
        return name, _text(parts, shape)
    if what < _FIRST_NUMERIC:
        return name, None
    values = parts.numbers()
    if len(values) != count:
        raise _Damage
    return name, values.reshape(shape, order="F")


def _structures(parts: _Parts, count: int, depth: int) -> dict[str, list[Any]]:
    """The values of each field, structure by structure."""
    widths = parts.numbers(_INT32)
    names = parts.numbers(_INT8).tobytes()
    width = int(widths[0]) if len(widths) else 0
    if width < 1 or len(names) % width:
        raise _Damage
    fields = [names[at : at + width].split(b"\0")[0].decode("ascii", "replace") for at in range(0, len(names), width)]
    values: dict[str, list[Any]] = {field: [] for field in fields}
    for _ in range(count if fields else 0):
        for field in fields:
            values[field].append(_matrix(*parts.next(), parts.order, depth + 1)[1])
    return values


def _text(parts: _Parts, shape: list[int]) -> str | list[str]:
    """A text, or the lines of a table of letters, which are stored column by column."""
    kind, body = parts.next()
    if kind not in _ENCODINGS or len(shape) != 2:
        raise _Damage
    suffix = {"<": "-le", ">": "-be"}[parts.order] if kind in (_UINT16, 17, 18) else ""
    letters = body.decode(_ENCODINGS[kind] + suffix, "replace")
    if shape[0] < 2:
        return letters
    return [letters[line :: shape[0]].rstrip() for line in range(shape[0])]
