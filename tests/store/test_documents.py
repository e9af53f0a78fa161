"""Documents of strangers: what is read, and that all else is one line."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.errors import UnreadableFile
from awbkit.store.documents import (
    MalformedText,
    decode_text,
    parse_json,
    read_json,
    read_text,
    read_toml,
    rows,
    value_at,
)

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_json_is_read_as_pythons_own_reader_does(value: object, ascii: bool, indent: int | None) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii, indent=indent)) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no JSON (expecting value at column 1) in line 1"),
        ('{"a":\n 1,}', "is no JSON"),
        ("{} x", "is no JSON (something follows the value: 'x') in line 1"),
        ('{"a": 1,\n "a": 2}', "states 'a' twice in one object in line 1"),
        ("[" * 100_000, "nests more than 100 levels"),
        ("[" * 101 + "]" * 101, "nests more than 100 levels"),
        ('{"a":' * 101 + "1" + "}" * 101, "nests more than 100 levels"),
        ("9" * 5000, "holds a number of 5000 digits in line 1"),
        ("9" * 400, "holds a number of 400 digits in line 1"),
        ("[1e999]", "holds the number 1e999, which is too large for any program in line 1"),
        ("[NaN]", "holds NaN, which is no JSON number in line 1"),
        ("[-Infinity]", "holds -Infinity, which is no JSON number in line 1"),
        ('{"\\ud800": 1}', "holds half a surrogate pair, which is no text in line 1"),
        ('["x\\udc00"]', "holds half a surrogate pair, which is no text in line 1"),
    ],
    ids=lambda value: value[:12],
)
def test_what_is_no_json(text: str, problem: str) -> None:
    with pytest.raises(MalformedText) as caught:
        parse_json(text)
    assert problem in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_json_may_hold() -> None:
    assert parse_json("[" * 100 + "]" * 100)
    assert parse_json(f"[{'[],' * 5000}[]]")
    assert parse_json("9" * 308) == int("9" * 308)
    assert parse_json('"\\ud83d\\ude00"') == "😀"
    assert parse_json('"caf\\udce9"') == "caf\udce9"
    value, end = value_at('{"a": NaN} {"b": -Infinity}', 0, with_nan=True)
    assert (math.isnan(value["a"]), end) == (True, 10)


def test_text_is_utf8_with_or_without_a_mark() -> None:
    assert decode_text("\ufeffné".encode()) == decode_text("né".encode()) == "né"
    with pytest.raises(MalformedText, match="is not UTF-8 text in line 2"):
        decode_text(b"a\n\xff")


def found(text: str, **options: Any) -> list[tuple[int, list[str]]]:
    return list(rows(io.StringIO(text, newline=""), **options))


def test_tables() -> None:
    assert found('a,"b\nc"\r\n\nd,"e""f"\n') == [(2, ["a", "b\nc"]), (3, []), (4, ["d", 'e"f'])]
    assert found("a; b", delimiter=";", skip_blanks=True) == [(1, ["a", "b"])]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('a,"b', "unexpected end of data"),
        ('a\n"b"c', "in line 2"),
        ("x" * 200_000, "field larger"),
    ],
)
def test_what_is_no_table(text: str, problem: str) -> None:
    with pytest.raises(MalformedText, match="is no table") as caught:
        found(text)
    assert problem in str(caught.value)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for read in (read_text, read_json, read_toml):
        with pytest.raises(UnreadableFile, match="no such file; check the spelling"):
            read(path)
        with pytest.raises(UnreadableFile, match="is a directory"):
            read(tmp_path)
    path.write_bytes(b"\xff")
    with pytest.raises(UnreadableFile, match="is not UTF-8 text in line 1; save it as UTF-8"):
        read_json(path)
    path.write_text("[1, 2]")
    assert read_json(path) == [1, 2]
    with pytest.raises(UnreadableFile, match="has more than 1 MB, which no such file has; mend it"):
        read_text(path, "mend it", largest=5)
    path.write_text("a = 1\n[b]\nc = 'd'\n")
    assert read_toml(path) == {"a": 1, "b": {"c": "d"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = ", "is no TOML ("),
        ("a = 1\na = 2", "is no TOML ("),
        (f"a = {'9' * 5000}", "holds a number of more than 308 digits"),
        (f"a = 0x{'f' * 5000}", "holds a number of more than 308 digits"),
        (f"a = {'[' * 100_000}", "nests more than 100 levels"),
        (f"[a{'.a' * 3000}]", "nests more than 100 levels"),
        ('a = "\\ud800"', "is no TOML ("),
        ("a = 1\x00", "is no TOML ("),
        ("#" * (2 << 20), "has more than 1 MB"),
    ],
    ids=lambda value: value[:12],
)
def test_what_is_no_toml(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(UnreadableFile) as caught:
        read_toml(path, "mend it")
    assert problem in str(caught.value)
    assert str(caught.value).endswith("; mend it")
    assert len(str(caught.value).splitlines()) == 1
