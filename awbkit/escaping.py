"""Escaping of text by strangers, one function for each target that could read it as more than text.

Names of models, cameras and images, titles of data sets, options and paths are whatever their authors wrote. None of
them may end a comment, open a tag, start a formula, steer a terminal or leave a folder.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable

_COMMENT = re.compile(r"[^A-Za-z0-9 ._+,:;=()#~-]")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&#!$])")

_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "[": "{[}",  # at the beginning of a row it would be an option of the row before
    "]": "{]}",
    "*": "{*}",
    "°": r"\textdegree{}",
    "–": r"\textendash{}",
    "−": "$-$",
}

# The texts that spreadsheets take for formulas, with the wide forms of East Asian keyboards. A sign alone is not one.
_FORMULA = re.compile(r"'*(?:[=@\t\r\n＝＠]|[+\-＋－].)", re.DOTALL)
_QUOTE_NEED = re.compile('[",\x00-\x08\x0a-\x1f\x7f-\x9f]|^\\s|\\s$')

_UNFIT = re.compile(r"[^\w.+ ()\[\]{},=~-]")
_RESERVED_NAME = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST_STEM = 120


def printable(text: str) -> str:
    """Text for a terminal or a log: controls, line breaks, direction marks and what cannot be encoded are escaped."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def c_comment(text: str) -> str:
    """Text within a comment of C, of either kind: ASCII without any sign that means something there.

    Without ``*``, ``/``, ``\\`` and ``?`` it ends no comment, joins no lines, and is no trigraph. A character that
    is left out appears as <U+2A>.
    """
    return _COMMENT.sub(lambda found: f"<U+{ord(found[0]):02X}>", text)


def markup(text: str) -> str:
    """Text for HTML, SVG or XML, within elements and quoted attributes; invisible characters are made visible."""
    import html  # here, because its table of names would slow down every start

    shown = text if text.isprintable() else "".join(map(_make_visible, text))
    return html.escape(shown, quote=True)


def _make_visible(character: str) -> str:
    return character if character.isprintable() or character == " " else f"\\u{{{ord(character):x}}}"


def markdown(text: str) -> str:
    """Text that Markdown, as GitHub extends it, shows unchanged; on one line."""
    return _MARKDOWN.sub(r"\\\1", printable(" ".join(text.split())))


def latex(text: str) -> str:
    """Text that LaTeX sets unchanged, in a table too; on one line."""
    escaped = "".join(_LATEX.get(character, character) for character in printable(" ".join(text.split())))
    # Two hyphens would become a dash, two commas a quotation mark.
    return re.sub(r"([-,])(?=\1)", r"\1{}", escaped)


def latex_comment(text: str) -> str:
    """Text behind a ``%``, which ends with the line."""
    return printable(" ".join(text.split()))


def json_text(value: object, indent: int | None = None) -> str:
    """A value as JSON in ASCII, without control characters; readers get the same value back.

    JSON has no infinite numbers and no NaN; they become null.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, indent=indent)
    return text if text.isprintable() else "".join(map(_escape_json, text))


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _escape_json(character: str) -> str:
    # Line breaks stand between values only; within text they are escaped already.
    return character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1]


def csv_line(cells: Iterable[object]) -> str:
    """One line of comma-separated values (RFC 4180), ended by LF; None is an empty cell.

    Text that a spreadsheet would take for a formula gets an apostrophe in front, which spreadsheets do not show and
    :func:`csv_text` takes off again. Numbers stay as they are.
    """
    return ",".join(map(_csv_cell, cells)) + "\n"


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = f"'{value}" if _FORMULA.match(value) else value
    return '"{}"'.format(text.replace('"', '""')) if _QUOTE_NEED.search(text) else text


def csv_text(cell: str) -> str:
    """The text that :func:`csv_line` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def file_stem(text: str) -> str:
    """The name of a file, to be followed by a suffix: one part of a path, on every system, and never hidden.

    Letters, digits and common signs stay, all else becomes ``_``; what is too long is cut.
    """
    stem = _UNFIT.sub("_", text).encode()[:_LONGEST_STEM].decode(errors="ignore").rstrip(" .")
    stem = re.sub(r"^[. ~-]+", lambda found: "_" * len(found[0]), stem)
    return f"_{stem}" if not stem or _RESERVED_NAME.match(stem) else stem
