"""Files on their way: what a killed process leaves is swept by the next one, and what is in use is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from awbkit.store import parts
from awbkit.store.outputs import IfExists, atomic_write, write_whole
from awbkit.work import batch

pytest.importorskip("fcntl", reason="nothing is swept on Windows")

STALE = ".picture.awbkit-0123abcd.part.jpg"

WRITER = """
import select, sys
from pathlib import Path
from awbkit.store.outputs import IfExists, atomic_write
from awbkit.store.parts import scratch
from awbkit.work.interrupts import end_like_ctrl_c

def half(path):
    path.write_bytes(b"half")
    print("half", flush=True)
    # A signal that comes just before a read that waits would not be heard.
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        pass
    sys.stdin.read()
    path.write_bytes(b"whole")

end_like_ctrl_c()
with scratch() as folder:
    (folder / "spool").write_bytes(b"spool")
    atomic_write(Path(sys.argv[1]), IfExists.FAIL, half)
"""


@contextmanager
def writing(output: Path, temporary: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has written half of a file, and the rest when its input ends."""
    temporary.mkdir(exist_ok=True)
    command = [sys.executable, "-c", WRITER, str(output)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        yield process


def another_writes(folder: Path, temporary: Path) -> None:
    """Let a process that starts now write to the folder."""
    code = (
        "import sys; from pathlib import Path; from awbkit.store.outputs import IfExists, write_whole\n"
        "from awbkit.store.parts import scratch\n"
        "with scratch(): write_whole(Path(sys.argv[1], 'other'), IfExists.REPLACE, b'other')"
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=environment)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_process_leaves_goes_with_the_next(tmp_path: Path) -> None:
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    with writing(out / "x.jpg", temporary) as process:
        process.kill()
    assert len(names(out)) == len(names(temporary)) == 1
    another_writes(out, temporary)
    assert names(out) == ["other"]
    assert names(temporary) == []


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    with writing(out / "x.jpg", temporary) as process:
        another_writes(out, temporary)
        assert len(names(out)) == 2
        assert len(names(temporary)) == 1
        process.communicate()
    assert (out / "x.jpg").read_bytes() == b"whole"
    assert names(out) == ["other", "x.jpg"]
    assert names(temporary) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_who_is_told_to_end_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    with writing(out / "x.jpg", temporary) as process:
        process.send_signal(number)
        process.wait()
    assert names(out) == names(temporary) == []


def age(path: Path) -> Path:
    os.utime(path, (1, 1))
    return path


@pytest.mark.parametrize(
    "name",
    [
        ".picture.part.jpg",
        "picture.awbkit-0123abcd.part.jpg",
        ".picture.awbkit-0123abcd.part.jpg.gz",
        ".picture.awbkit-0123abcg.part.jpg",
        ".picture.awbkit-0123abcd.jpg",
        ".awbkit-0123abcd.part",
    ],
)
def test_files_of_others_stay(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    age(tmp_path / name)
    parts.sweep(tmp_path)
    assert names(tmp_path) == [name]


def test_a_file_younger_than_this_process_stays(tmp_path: Path) -> None:
    (tmp_path / STALE).touch()
    parts.sweep(tmp_path)
    assert names(tmp_path) == [STALE]


def test_what_only_looks_like_one_is_not_followed(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (out / STALE).symlink_to(elsewhere)
    os.mkfifo(out / ".pipe.awbkit-0123abcd.part")
    for path in out.iterdir():
        os.utime(path, (1, 1), follow_symlinks=False)
    parts.sweep(out)
    assert names(elsewhere) == ["precious"]
    assert len(names(out)) == 2


@pytest.mark.parametrize("name", [".jpg", "a" * 40, "ü" * 40 + ".jpeg", "a.b.c", "new\nline.png", "x." + "y" * 200])
def test_every_part_is_known_by_its_name(name: str, tmp_path: Path) -> None:
    seen = []
    assert atomic_write(tmp_path / name, IfExists.FAIL, lambda path: seen.append(path.name))
    stale = tmp_path / "stale"
    stale.mkdir()
    age(tmp_path / name).rename(stale / seen[0])
    parts.sweep(stale)
    assert names(stale) == []


def write_or_be_killed(folder: Path, item: int) -> bool:
    def write(path: Path) -> None:
        path.write_bytes(b"half")
        if not (folder / "killed").exists():
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        path.write_bytes(b"whole")

    return atomic_write(folder / f"{item}.jpg", IfExists.FAIL, write)


@pytest.mark.slow
def test_a_worker_that_is_killed_while_it_writes_costs_nothing(tmp_path: Path) -> None:
    outcomes = list(batch.run(partial(write_or_be_killed, tmp_path), range(4), jobs=2))
    assert [outcome.reason or outcome.result for outcome in outcomes] == [True] * 4
    assert names(tmp_path) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "killed"]
    assert {(tmp_path / f"{item}.jpg").read_bytes() for item in range(4)} == {b"whole"}


def test_a_folder_that_may_not_be_listed_is_written_to_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    folder.chmod(0o300)
    try:
        assert write_whole(folder / "x", IfExists.FAIL, b"x")
    finally:
        folder.chmod(0o700)
