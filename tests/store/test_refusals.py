"""What the system refuses: reading is told apart from writing, with a remedy that fits."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from awbkit.errors import OutputError, UnreadableFile
from awbkit.store.outputs import IfExists, atomic_write
from awbkit.store.refusals import catch_read_errors, reading_error, writing_error
from tests.helpers.command import awbkit, write_jpeg


def failure(code: int) -> OSError:
    return OSError(code, os.strerror(code))


@pytest.mark.parametrize(
    ("code", "of_reading", "of_writing"),
    [
        (errno.ENOENT, "check the spelling", "its folder is gone"),
        (errno.EACCES, "make it readable", "ask for write access"),
        (errno.EISDIR, "name a file in it", "a folder has that name"),
        (errno.ENAMETOOLONG, "no file has so long a name", "a shorter name"),
        (errno.ELOOP, "lead in a circle", "lead in a circle"),
        (errno.EIO, "the disk or its connection fails", "the disk or its connection fails"),
        (errno.ESTALE, "mount it again", "mount it again"),
        (errno.EMFILE, "ulimit -n", "ulimit -n"),
        (errno.EROFS, "", "mount it for writing"),
        (errno.ENOSPC, "", "free some space"),
        (errno.EDQUOT, "", "free some space"),
        (errno.EFBIG, "", "ulimit -f"),
    ],
)
def test_words(code: int, of_reading: str, of_writing: str) -> None:
    read, written = reading_error("a", failure(code)), writing_error("a", failure(code))
    assert isinstance(read, UnreadableFile)
    assert isinstance(written, OutputError)
    # Where no file is, it says it all.
    beginning = "" if code in (errno.ENOENT, errno.EISDIR) else "cannot be read: "
    assert read.problem == beginning + os.strerror(code).lower()
    assert written.problem == f"cannot be written: {os.strerror(code).lower()}"
    assert of_reading in read.remedy
    assert of_writing in written.remedy


def test_a_source_that_fails_while_its_result_is_written_is_what_cannot_be_read(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_bytes((tmp_path / "gone").read_bytes())

    with pytest.raises(UnreadableFile, match="gone: no such file"):
        atomic_write(tmp_path / "x", IfExists.FAIL, write)

    def write_from_a_broken_disk(path: Path) -> None:
        with catch_read_errors("in.jpg"):
            raise failure(errno.EIO)

    with pytest.raises(UnreadableFile, match=r"in\.jpg: cannot be read: input/output error; the disk"):
        atomic_write(tmp_path / "x", IfExists.FAIL, write_from_a_broken_disk)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS])
def test_a_copy_without_room_is_a_fault_of_the_output(tmp_path: Path, code: int) -> None:
    def copy(path: Path) -> None:
        raise OSError(code, os.strerror(code), str(tmp_path / "in.tif"), None, str(path))

    with pytest.raises(OutputError, match=r"out\.tif: cannot be written: "):
        atomic_write(tmp_path / "out.tif", IfExists.FAIL, copy)
    assert list(tmp_path.iterdir()) == []


LOOP = "cannot be read: too many levels of symbolic links; the links lead in a circle; mend them"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="links that loop")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("estimate", "loop.jpg"), LOOP),
        (("estimate", "a.jpg", "-m", "loop.safetensors"), LOOP),
        (("estimate", "a.jpg", "-m", f"{'x' * 300}.safetensors"), "cannot be read: file name too long; check"),
        (("estimate", "--files-from", "loop.jpg"), f"--files-from loop.jpg: {LOOP}"),
        (("correct", "--from", "loop.jpg", "-d", "out"), f"--from loop.jpg: {LOOP}"),
        (("evaluate", "loop.jpg"), LOOP),
        (("dataset", "inspect", "loop.jpg"), LOOP),
        (("quantize", "loop.safetensors", "set", "-o", "out.safetensors"), LOOP),
        (("export", "loop.safetensors", "--to", "c", "-o", "out"), LOOP),
        (("correct", "a.jpg", "-o", "loop.jpg"), "loop.jpg: cannot be written: too many levels of symbolic links; "),
        (("correct", "a.jpg", "-o", "loop.jpg/x.jpg"), "loop.jpg/x.jpg: cannot be written: too many levels"),
        (("correct", "a.jpg", "-d", "loop.jpg"), "loop.jpg/a_awb.jpg: cannot be written: too many levels"),
        (
            ("correct", "a.jpg", "-o", f"{'x' * 300}.jpg"),
            "cannot be written: file name too long; choose a shorter name",
        ),
        (("correct", "a.jpg", "-o", "pipe.jpg"), "pipe.jpg: the output is not a regular file; name another output"),
        (("correct", "a.jpg", "-o", "null.jpg", "--if-exists", "skip"), "null.jpg: the output is not a regular file"),
        (("estimate", "a.jpg", "--failed-list", "pipe.jpg"), "--failed-list pipe.jpg: cannot be written; name a file"),
        (
            ("estimate", "a.jpg", "--failed-list", "/dev/full"),
            "--failed-list /dev/full: cannot be written; name a file",
        ),
        (("dataset", "prepare", "rendered:count=1,lamps=no", "-o", "loop.jpg"), "cannot be written: too many levels"),
    ],
)
def test_commands(
    arguments: tuple[str, ...], says: str, tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_jpeg(tmp_path / "a.jpg", scene)
    Path("loop.jpg").symlink_to("loop.jpg")
    Path("loop.safetensors").symlink_to("loop.jpg")
    Path("null.jpg").symlink_to("/dev/null")
    os.mkfifo("pipe.jpg")
    before = names(tmp_path)
    ran = awbkit(*arguments)
    assert ran.code in (1, 2)
    assert says in ran.complaint
    assert "unexpected" not in ran.err
    assert names(tmp_path) == before


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file whose reading fails")
def test_a_disk_that_fails_is_no_damaged_file() -> None:
    ran = awbkit("estimate", "/proc/self/mem")
    assert ran.code == 1
    assert "cannot be read: input/output error; the disk or its connection fails" in ran.complaint


def test_a_link_to_where_nothing_is_yet_is_written_through(
    tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_jpeg(tmp_path / "a.jpg", scene)
    Path("x.jpg").symlink_to("new/folder/y.jpg")
    ran = awbkit("correct", "a.jpg", "-o", "x.jpg")
    assert ran.record["status"] == "ok"
    assert Path("x.jpg").is_symlink()
    assert Path("new/folder/y.jpg").read_bytes() == Path("x.jpg").read_bytes() != b""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a folder that is removed under a process")
@pytest.mark.parametrize("arguments", ["correct {} -o x.jpg", "correct {} -d x", "dataset prepare folder {} -o x"])
def test_the_folder_that_one_is_in_is_gone(arguments: str, tmp_path: Path, scene: np.ndarray) -> None:
    source = write_jpeg(tmp_path / "a.jpg", scene)
    (tmp_path / "here").mkdir()
    command = f"cd here && rmdir ../here && exec {sys.executable} -m awbkit {arguments.format(source)}"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "awbkit: the folder that you are in is gone; change to another\n"


def may_mount() -> bool:
    return (
        bool(shutil.which("unshare"))
        and subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or not may_mount(), reason="mounts need user namespaces")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("ro", "cannot be written: read-only file system; write elsewhere, or mount it for writing"),
        ("size=4k", "cannot be written: no space left on device; free some space, or write to another disk"),
    ],
)
def test_a_file_system_that_takes_nothing(options: str, says: str, tmp_path: Path, rng: np.random.Generator) -> None:
    source = write_jpeg(tmp_path / "a.jpg", rng.uniform(0, 1, (128, 128, 3)))
    (tmp_path / "disk").mkdir()
    correct = f"{sys.executable} -m awbkit correct {source} -o disk/x.jpg -q --format csv"
    command = f"mount -t tmpfs -o {options} none disk && {{ {correct}; code=$?; ls -A disk; exit $code; }}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"awbkit: {source}: disk/x.jpg: {says}\n"
    assert done.stdout.splitlines()[-1].startswith("1,")
