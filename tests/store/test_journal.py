"""A journal on disk: what is read again, what a killed process wrote last, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from awbkit.errors import OutputError
from awbkit.store.journal import Journal

HEAD = b'{"plan": "p"}\n'


def begin(path: Path, plan: str = "p", before_sync: Callable[[], None] | None = None) -> tuple[Journal, list[int]]:
    found: list[int] = []
    journal = Journal(
        path,
        plan,
        lambda entry: found.append(entry["number"]),
        other_plan=OutputError(path, "is of another plan"),
        damaged=lambda line: OutputError(path, f"is damaged: {line}"),
        before_sync=before_sync,
    )
    return journal, found


def test_entries_are_read_again_in_order(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    for expected in ([], [0], [0, 1]):
        journal, found = begin(path)
        with journal:
            assert found == expected
            journal.add({"number": len(found)})
    assert path.read_bytes() == HEAD + b'{"number": 0}\n{"number": 1}\n{"number": 2}\n'


@pytest.mark.parametrize("torn", [b'{"number": 1', b"\0" * 20, b'{"number": 1}'])
def test_a_line_cut_short_does_not_count(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(HEAD + b'{"number": 0}\n' + torn)
    journal, found = begin(path)
    with journal:
        journal.add({"number": 7})
    assert found == [0]
    assert path.read_bytes() == HEAD + b'{"number": 0}\n{"number": 7}\n'


@pytest.mark.parametrize("begun", [b"", HEAD[:4], HEAD[:-1], HEAD[:4] + b"\0" * 10, b'{"plan": "another'])
def test_a_first_line_cut_short_begins_anew(tmp_path: Path, begun: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(begun)
    journal, found = begin(path)
    with journal:
        assert found == []
    assert path.read_bytes() == HEAD


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"plan": "q"}\n', "is of another plan"),
        (b"somebody's diary", "is of another plan"),
        (b"\0" * 5000, "is of another plan"),
        (HEAD + b"garbage\n", "is damaged: line 2"),
        (HEAD + b'{"number": 0}\n{"numbre": 1}\n', "is damaged: line 3"),
        (HEAD + b"[" * 100_000 + b"\n", "is damaged: line 2"),
    ],
)
def test_what_is_refused_stays_as_it_is(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "journal"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=problem):
        begin(path)
    assert path.read_bytes() == content


def test_entries_wait_for_what_they_count_on(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    lines: list[int] = []
    journal, _ = begin(path, before_sync=lambda: lines.append(path.read_bytes().count(b"\n")))
    with journal:
        journal.add({"number": 0})
        journal.sync()
    assert lines[-1] == 1
    assert [json.loads(line) for line in path.read_bytes().splitlines()[1:]] == [{"number": 0}]
