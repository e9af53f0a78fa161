"""Records out and back, the table on a real terminal, failures, progress, and readers that leave early."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from awbkit.cli.digits import round_record
from awbkit.cli.names import shorten
from awbkit.cli.output import CORRECT_KEYS, ESTIMATE_KEYS, Format, open_writer
from awbkit.cli.report import FailedList
from awbkit.cli.terminal import Progress, clock
from awbkit.errors import UsageError
from awbkit.escaping import printable
from awbkit.store.find import read_path_list

OK: dict[str, Any] = {
    "schema": 1,
    "path": "a.jpg",
    "status": "ok",
    "method": "shades-of-gray",
    "illuminant": np.array([0.60000004, 0.7, 0.3], dtype=np.float32),
    "gains": (1.23456789, 1, 2.5),
    "chromaticity": [0.375, 0.4375],
    "cct": np.float64(5003.4),
    "duv": -0.000001,
    "expected_error": float("nan"),
    "space": "linear-srgb",
    "width": np.int64(640),
    "height": 480,
    "ms": 12.345,
}
FAILED = {"schema": 1, "path": "b.jpg", "status": "error", "error": "truncated; copy it again"}


def write(format: Format, *records: dict[str, Any], keys: tuple[str, ...] = ESTIMATE_KEYS) -> bytes:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    with open_writer(format, keys, stream) as writer:
        for record in records:
            writer.write(record)
    return buffer.getvalue()


def test_a_record_has_fixed_keys_and_digits() -> None:
    (line,) = write(Format.JSONL, OK).decode().splitlines()
    record = json.loads(line)
    assert tuple(record) == ESTIMATE_KEYS
    assert record["illuminant"] == [0.6, 0.7, 0.3]
    assert '"gains": [1.234568, 1.0, 2.5]' in line
    assert '"cct": 5003, "duv": 0.0, "expected_error": null' in line
    assert '"width": 640, "height": 480, "ms": 12.3, "fallback_for": null, "error": null, "warning": null' in line


def test_a_key_that_the_stream_does_not_have() -> None:
    with pytest.raises(ValueError, match="output"):
        round_record({"output": "x"}, ESTIMATE_KEYS)
    assert tuple(round_record({"output": Path("x")}, CORRECT_KEYS))[:3] == ("schema", "path", "output")


def test_a_list_with_an_unknown_component_is_unknown() -> None:
    assert round_record({"gains": [1, float("inf"), 2]}, ["gains"]) == {"gains": None}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array(count: int) -> None:
    assert [record["path"] for record in json.loads(write(Format.JSON, *[OK] * count))] == ["a.jpg"] * count


def test_json_is_whole_after_an_interruption() -> None:
    buffer = io.StringIO()
    with contextlib.suppress(KeyboardInterrupt), open_writer(Format.JSON, ["path"], buffer) as writer:
        writer.write({"path": "a.jpg"})
        raise KeyboardInterrupt
    assert json.loads(buffer.getvalue()) == [{"path": "a.jpg"}]


def test_csv_is_flat() -> None:
    head, ok, failed = csv.reader(io.StringIO(write(Format.CSV, OK, {**FAILED, "path": 'a,"b"\n.jpg'}).decode()))
    assert head[4:11] == [f"illuminant_{c}" for c in "rgb"] + [f"gains_{c}" for c in "rgb"] + ["chromaticity_r"]
    assert len(head) == len(ok) == len(failed) == 24
    assert dict(zip(head, ok, strict=True))["gains_b"] == "2.5"
    assert failed[:5] == ["1", 'a,"b"\n.jpg', "error", "", ""]
    assert dict(zip(head, failed, strict=True))["error"] == "truncated; copy it again"


def test_csv_keeps_the_bytes_of_a_name() -> None:
    assert b",caf\xe9.jpg," in write(Format.CSV, {**OK, "path": os.fsdecode(b"caf\xe9.jpg")})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.jpg", "plain name.jpg"),
        ("日本語　né.jpg", "日本語　né.jpg"),
        ("\x1b[31mred\r\n", "\\x1b[31mred\\r\\n"),
        ("\x9b2J\u202egpj.exe\u2028", "\\x9b2J\\u202egpj.exe\\u2028"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
    ],
)
def test_a_terminal_obeys_no_file_name(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(max_size=40), st.integers(0, 30))
def test_shortened_text_fits(text: str, width: int) -> None:
    short = shorten(text, width)
    assert cell_len(short) <= max(width, 0)
    assert short == text or "…" in short or width == 0


def test_shortening_keeps_both_ends() -> None:
    assert shorten("holiday/2024/IMG_0012.CR2", 16) == "holid…G_0012.CR2"


RUN = """
import sys
from pathlib import Path
from awbkit.cli.output import CORRECT_KEYS, ESTIMATE_KEYS, Format, quiet_on_broken_pipe
from awbkit.cli.pictures import Pictures
from awbkit.cli.report import open_report
from awbkit.store.find import OtherFiles
ok = dict(schema=1, status="ok", method="gray-world", illuminant=[.5, .6, .4], gains=[1.2, 1., 1.5], cct=4321.4,
          duv=-.00123, expected_error=2.5, space="linear-srgb", ms=7.77)
failed = dict(schema=1, status="error", error="truncated\\x1b[2J; copy it again")
arguments = dict(argument.split("=") for argument in sys.argv[1:])
count = int(arguments.get("count", 1))
keys = CORRECT_KEYS if "output" in arguments else ESTIMATE_KEYS
names = ["[bold]a.jpg", "\\x1b[31m.jpg", "日本語" * 20 + ".jpg", "a\\nb.jpg"]
pictures = Pictures(
    failed_list=Path(arguments["list"]) if "list" in arguments else None, null="nul" in arguments,
    format=Format(arguments["format"]) if "format" in arguments else None, quiet="quiet" in arguments,
)
with quiet_on_broken_pipe(), open_report(pictures, keys, count, OtherFiles()) as report:
    for n in range(count):
        record = dict(failed if n % 4 == 3 else ok, path=names[n % 4])
        if "output" in arguments:
            record["output"] = "out/" + names[n % 4]
        report.add(record)
sys.exit(report.exit_code)
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def run_on_terminal(*arguments: str, columns: int = 80, **environment: str) -> str:
    import fcntl
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUTF8": "1"}
    inherited = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**inherited, **variables, **environment},
    ) as process:
        os.close(follower)
        output = b""
        while True:
            try:
                output += os.read(leader, 65536)
            except OSError:
                break
        process.wait(10)
    os.close(leader)
    return output.decode()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("arguments", [["count=4"], ["count=4", "output=yes"]])
def test_the_table_fits_its_terminal(columns: int, arguments: list[str]) -> None:
    output = run_on_terminal(*arguments, columns=columns)
    # On a busy machine the line of progress is drawn and erased between rows.
    shown = re.sub(r"[^\n]*\r\x1b\[K", "", output)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "").splitlines()
    assert all(cell_len(line) <= columns for line in lines[:5])
    corrects = "output=yes" in arguments
    head = "file output R gain B gain CCT ± deg ms" if corrects else "file method R gain B gain CCT Duv ± deg ms"
    assert head.startswith(" ".join(lines[0].split()))
    assert lines[0].endswith("ms") == (columns >= (80 if corrects else 84))
    assert lines[1].startswith("[bold]a.jpg ")
    assert lines[4].split() == ["a\\nb.jpg", "failed"]
    if lines[0].split()[-2:] == ["±", "deg"] or lines[0].endswith("ms"):
        assert lines.pop(5) == "± deg: the error that the method expects"
    assert lines[5].startswith("awbkit: a\\nb.jpg: truncated\\x1b[2J; copy it again")
    assert re.fullmatch(r"awbkit: 4 files, 3 done, 1 failed, \d+\.\d s", lines[-1])
    # The columns are where they are, however wide the characters of the name.
    assert columns < 60 or len({cell_len(line.rstrip()) for line in lines[:4]}) == 1


@pytest.mark.slow
def test_colour_shows_the_light_and_only_where_it_is_welcome() -> None:
    assert "\x1b[48;2;" in run_on_terminal()
    plain = run_on_terminal("count=4", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*[34]8;", plain)
    assert "\x1b[31m" not in plain.replace("\x1b[1m", "")


def test_a_pipe_gets_json_lines_and_standard_error_the_failures() -> None:
    done = run("count=4")
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["ok", "ok", "ok", "error"]
    failure, summary = done.stderr.splitlines()
    assert failure == "awbkit: a\\nb.jpg: truncated\\x1b[2J; copy it again"
    assert summary.startswith("awbkit: 4 files, 3 done, 1 failed, ")
    assert done.returncode == 1


def test_one_file_and_quiet_runs_have_no_summary() -> None:
    assert run("count=1").stderr == ""
    assert run("count=3", "quiet=yes").stderr == ""


def test_data_is_utf8_whatever_the_locale() -> None:
    done = run("count=3", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout.splitlines()[2])["path"] == "日本語" * 20 + ".jpg"
    assert run("count=3", "format=table", PYTHONIOENCODING="ascii").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("format", list(Format))
def test_a_reader_that_leaves_ends_the_run_quietly(format: Format) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "count=100000", f"format={format}", "quiet=yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = [line for line in process.stderr if not line.startswith(b"awbkit: a\\nb.jpg: ")]
        assert errors == []
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", RUN]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    told = "standard output: cannot be written: no space left on device; free some space, or write to another disk"
    assert done.stderr.splitlines()[-1] == f"awbkit.errors.OutputError: {told}"


@pytest.mark.parametrize("nul", [True, False])
def test_the_failed_list_feeds_the_next_run(nul: bool, tmp_path: Path) -> None:
    path = tmp_path / "failed.txt"
    path.write_text("an earlier list")
    failures = FailedList(path, nul=nul)
    names = ["a b.jpg", os.fsdecode(b"caf\xe9.jpg"), " c ", "-"]
    assert all(failures.add(name) for name in names)
    assert failures.add("a\nb") == nul
    assert path.read_text() == "an earlier list"
    failures.close()
    with path.open("rb") as stream:
        assert list(read_path_list(stream, nul=nul)) == [*names, *(["a\nb"] if nul else [])]


def test_the_failed_list_is_there_even_if_it_is_empty(tmp_path: Path) -> None:
    assert run("count=3", f"list={tmp_path}/failed.txt").returncode == 0
    assert (tmp_path / "failed.txt").read_bytes() == b""
    assert run("count=4", f"list={tmp_path}/failed.txt", "nul=yes").returncode == 1
    assert (tmp_path / "failed.txt").read_bytes() == b"a\nb.jpg\0"
    assert "not in the failed list" in run("count=4", f"list={tmp_path}/failed.txt").stderr


@pytest.mark.parametrize("path", [".", "nowhere/failed.txt"])
def test_a_failed_list_that_cannot_be_written_is_refused_at_once(path: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--failed-list .*: cannot be written; name a file in a folder that can"):
        FailedList(tmp_path / path)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")])
def test_durations(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize("total", [None, 0, 7, 1_000_000])
@pytest.mark.parametrize("width", [10, 40, 79, 200])
def test_progress_fits_one_line(total: int | None, width: int) -> None:
    progress = Progress(io.StringIO(), total)
    for failed in (False, True, False):
        progress.advance(failed=failed)
        assert len(progress.line(width)) <= width
    if width == 79:
        assert "1 failed" in progress.line(width)


def test_progress_is_for_terminals_only() -> None:
    stream = io.StringIO()
    progress = Progress(stream, 2)
    progress.advance(failed=False)
    with progress.hide():
        pass
    progress.erase()
    assert stream.getvalue() == ""
