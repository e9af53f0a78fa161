"""Commands that are told to end, and workers that are killed under them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.command import awbkit, write_jpeg
from tests.helpers.labelled_folder import write_labelled_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc"),
]


def start(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "awbkit", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        (("estimate",), signal.SIGTERM, 143),
        (("correct", "-d", "out"), signal.SIGTERM, 143),
        (("correct", "-d", "out"), signal.SIGHUP, 129),
        (("correct", "-d", "out"), signal.SIGINT, 130),
    ],
)
def test_who_is_told_to_end_says_so_and_leaves_nothing(
    command: tuple[str, ...],
    number: int,
    code: int,
    tmp_path: Path,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.jpg")
    (tmp_path / "tmp").mkdir()
    picture = write_jpeg(tmp_path / "noise.jpg", rng.uniform(0, 1, (600, 600, 3))).read_bytes()
    with start(*command, "pipe.jpg", TMPDIR=str(tmp_path / "tmp")) as running, open("pipe.jpg", "wb") as pipe:  # noqa: PTH123
        # More than a pipe holds, so the command has begun to copy it.
        pipe.write(picture[:300_000])
        running.send_signal(number)
        out, err = running.communicate()
    assert running.returncode == code
    assert out == b""
    assert err.decode().count("\n") == 1
    assert err.decode().endswith("; finished files are kept\n")
    assert sorted(path.name for path in tmp_path.rglob("*") if "." in path.name) == ["noise.jpg", "pipe.jpg"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_who_was_started_to_outlive_the_terminal_does(
    tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.jpg")
    picture = write_jpeg(tmp_path / "a.jpg", scene).read_bytes()
    command = f'trap "" HUP; exec {sys.executable} -m awbkit estimate pipe.jpg'
    with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE) as running, open("pipe.jpg", "wb") as pipe:  # noqa: PTH123
        running.send_signal(signal.SIGHUP)
        pipe.write(picture)
        pipe.close()
        out, _ = running.communicate()
    assert running.returncode == 0
    assert b'"ok"' in out


def test_a_terminal_that_is_closed(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system tells the command to end, which can then say nothing more."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.jpg")
    terminal, there = os.openpty()
    code = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "awbkit", "estimate", "pipe.jpg"]
    running = subprocess.Popen(command, stdin=there, stdout=there, stderr=there, start_new_session=True)
    os.close(there)
    with open("pipe.jpg", "wb") as pipe:  # noqa: PTH123
        pipe.write(write_jpeg(tmp_path / "a.jpg", scene).read_bytes())
        pipe.flush()
        os.close(terminal)
        assert running.wait() == 129


def children(parent: int) -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and fields[0] != "Z":
                found.add(int(status.parent.name))
    return found


@contextlib.contextmanager
def killing(parent: int, number: int, most: int) -> Iterator[set[int]]:
    """Send a signal to as many of the processes that another has started, each once."""
    killed: set[int] = set()
    over = threading.Event()

    def kill() -> None:
        while not over.is_set() and len(killed) < most:
            for child in list(children(parent) - killed)[: most - len(killed)]:
                killed.add(child)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, number)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_workers_that_are_killed_cost_a_data_set_nothing(tmp_path: Path) -> None:
    source = write_labelled_folder(tmp_path / "set", 12)
    assert awbkit("dataset", "prepare", "folder", source, "-o", tmp_path / "undisturbed", "-j", "1").code == 0
    with (
        start("dataset", "prepare", "folder", source, "-o", tmp_path / "out", "-j", "2", "-q") as running,
        killing(running.pid, signal.SIGTERM, 3) as killed,
    ):
        _, err = running.communicate()
    assert (running.returncode, err) == (0, b"")
    assert len(killed) == 3
    for path in (tmp_path / "undisturbed").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_a_data_set_whose_workers_are_always_killed_is_not_made_until_they_are_let_be(tmp_path: Path) -> None:
    source = write_labelled_folder(tmp_path / "set", 3)
    command = ("dataset", "prepare", "folder", source, "-o", tmp_path / "out", "-q")
    with start(*command, "-j", "2") as running, killing(running.pid, signal.SIGKILL, 1000):
        _, err = running.communicate()
    assert running.returncode == 1
    assert b"killed from outside again and again (SIGKILL)" in err
    assert b"damaged" not in err
    assert not (tmp_path / "out").exists()
    assert awbkit(*command, "-j", "1").code == 0
    assert (tmp_path / "out" / "dataset.json").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_that_are_killed_cost_no_picture(number: int, tmp_path: Path, scene: np.ndarray) -> None:
    for index in range(8):
        write_jpeg(tmp_path / "in" / f"{index}.jpg", scene)
    with (
        start("correct", tmp_path / "in", "-d", tmp_path / "out", "-j", "2", "-q") as running,
        killing(running.pid, number, 3) as killed,
    ):
        out, err = running.communicate()
    assert (running.returncode, err) == (0, b"")
    assert len(killed) == 3
    assert out.count(b'"ok"') == 8
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{index}_awb.jpg" for index in range(8)]
