"""Strangers' text, made harmless for each thing that reads it."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.dom import minidom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.escaping import c_comment, csv_line, csv_text, file_stem, json_text, markdown, markup, printable
from tests.helpers.hostile_text import HOSTILE

ANY = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(HOSTILE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("awbnet-s 1.2 (raw)", "awbnet-s 1.2 (raw)"),
        ("a*/b", "a<U+2A><U+2F>b"),
        ("??/", "<U+3F><U+3F><U+2F>"),
        ("a\\\nb", "a<U+5C><U+0A>b"),
        ("né", "n<U+E9>"),
    ],
)
def test_a_comment_of_c(text: str, shown: str) -> None:
    assert c_comment(text) == shown


@given(ANY)
def test_nothing_in_a_comment_of_c_means_anything(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9 ._+,:;=()#~<>-]*", c_comment(text))


@given(ANY)
def test_what_is_printed_is_one_line_that_any_terminal_shows(text: str) -> None:
    shown = printable(text)
    assert all(character.isprintable() or character == "\u3000" or character.isspace() for character in shown)
    assert len(shown.splitlines()) <= 1
    shown.encode()


@given(ANY)
def test_markup_is_text_to_every_reader(text: str) -> None:
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)

        def handle_data(self, data: str) -> None:
            seen.append(data)

    reader = Reader()
    reader.feed(f"<p>{markup(text)}")
    reader.close()
    shown = "".join(seen[1:])
    assert seen[0] == "p"
    assert minidom.parseString(f'<p a="{markup(text)}"/>'.encode()).documentElement.getAttribute("a") == shown
    assert shown == text or not text.isprintable()


@given(ANY)
def test_markdown_stays_a_cell_of_its_table(text: str) -> None:
    cell = markdown(text)
    assert len(cell.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<>`]", cell)


@given(st.recursive(ANY | st.none() | st.integers() | st.booleans(), lambda inner: st.lists(inner, max_size=3)))
def test_json_means_the_same_and_is_safe_to_show(value: object) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert text.isprintable()
    text.encode()
    assert json.loads(json_text({"a": value}, indent=2)) == {"a": value}


def test_what_is_no_number_in_json_is_null() -> None:
    value = {"a": [float("nan"), (1.5, float("inf"))], "b": "\x9b"}
    assert json.loads(json_text(value)) == {"a": [None, [1.5, None]], "b": "\x9b"}


@given(st.lists(ANY, min_size=1, max_size=4).filter(lambda cells: cells != [""]))
def test_csv_is_read_back(cells: list[str]) -> None:
    line = csv_line(cells).encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")
    found = list(csv.reader(io.StringIO(line, newline=""), strict=True))
    assert [[csv_text(cell) for cell in row] for row in found] == [cells]
    assert not any(cell.startswith(("=", "@", "\t", "\r", "\n")) for row in found for cell in row)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("a.jpg", "a.jpg"),
        ("=1+1.jpg", "'=1+1.jpg"),
        ("-x.jpg", "'-x.jpg"),
        ("+1", "'+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("-", "-"),
        (-0.5, "-0.5"),
        (None, ""),
        ("a\rb", '"a\rb"'),
        ("a\nb", '"a\nb"'),
        ('a"b', '"a""b"'),
        (" a", '" a"'),
    ],
)
def test_csv_cells(cell: object, written: str) -> None:
    assert csv_line([cell, 1]) == f"{written},1\n"


@given(ANY)
def test_a_file_stem_is_one_part_of_a_path_anywhere(text: str) -> None:
    name = file_stem(text) + ".onnx"
    for kind in (PurePosixPath, PureWindowsPath):
        assert kind(name).name == name
        assert len(kind(name).parts) == 1
    assert not name.startswith((".", "-", "~", " "))
    assert len(name.encode()) < 200
    assert name.isprintable()


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("awbnet-s", "awbnet-s"),
        ("imx708_noir", "imx708_noir"),
        ("naïve (2)", "naïve (2)"),
        ("../../etc/passwd", "___.._etc_passwd"),
        ("C:\\x", "C__x"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("", "_"),
        ("a. ", "a"),
        ("-rf", "_rf"),
    ],
)
def test_file_stems(text: str, stem: str, tmp_path: Path) -> None:
    assert file_stem(text) == stem
    (tmp_path / f"{stem}.onnx").touch()


@pytest.mark.parametrize("control", ["\x00", "\x1b", "\x7f", "\x9b"])
def test_csv_quotes_control_characters(control: str) -> None:
    assert csv_line([f"a{control}b", 1]) == f'"a{control}b",1\n'
