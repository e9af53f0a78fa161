"""Streams: read to their end, waited for, and given up with one line where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

import awbkit as package
from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.store.limits import MAX_WHOLE_FILE
from awbkit.store.streams import open_stream, spool_stream
from tests.helpers.command import awbkit

JPEG = b"\xff\xd8\xff\xe0"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


class TestPipe:
    def test_what_is_written_is_read(self, pipe: Path) -> None:
        content = os.urandom(300_000)
        writer = threading.Thread(target=pipe.write_bytes, args=(content,))
        writer.start()
        with open_stream(pipe) as stream:
            assert stream.read() == content
        writer.join()

    def test_a_writer_may_pause(self, pipe: Path) -> None:
        with open_stream(pipe, patience=0.01) as stream:
            writer = os.open(pipe, os.O_WRONLY)

            def finish() -> None:
                os.write(writer, b"b")
                os.close(writer)

            os.write(writer, b"a")
            assert stream.read(1) == b"a"
            later = threading.Timer(0.1, finish)
            later.start()
            assert stream.read() == b"b"

    def test_a_writer_may_be_there_without_a_word(self, pipe: Path) -> None:
        with open_stream(pipe, patience=0.01) as stream:
            writer = os.open(pipe, os.O_WRONLY)

            def speak() -> None:
                os.write(writer, b"late")
                os.close(writer)

            threading.Timer(0.1, speak).start()
            assert stream.read() == b"late"

    def test_a_writer_may_have_nothing_to_say(self, pipe: Path) -> None:
        with open_stream(pipe) as stream:
            os.close(os.open(pipe, os.O_WRONLY))
            assert stream.read() == b""

    def test_nobody_writes(self, pipe: Path) -> None:
        with open_stream(pipe, patience=0.01) as stream, pytest.raises(UnreadableFile, match="no program wrote to"):
            stream.read()

    def test_what_is_no_pipe_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"text")
        with open_stream(tmp_path / "a") as stream:
            assert stream.read() == b"text"


@pytest.mark.slow
def test_a_shells_pipe_is_a_picture(tmp_path: Path) -> None:
    Image.radial_gradient("L").convert("RGB").save(tmp_path / "a.png")
    script = f"{sys.executable} -m awbkit estimate -m gray-world <(cat a.png) --format csv"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ",ok,gray-world," in done.stdout


def test_a_pipe_in_a_folder_is_passed_over(pipe: Path) -> None:
    assert "no image found" in awbkit("estimate", pipe.parent).complaint


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_a_device_without_end_is_one_line(device: str) -> None:
    ran = awbkit("estimate", device, "-q")
    assert ran.code == 1
    assert ran.complaint == (
        f"awbkit: {device}: goes on after 64 MiB and begins like no picture; name a file, or a stream that ends"
    )


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero")
@pytest.mark.parametrize("null", [(), ("-0",)])
def test_a_list_without_end_is_one_line(null: tuple[str, ...]) -> None:
    ran = awbkit("estimate", "--files-from", "/dev/zero", *null)
    assert ran.code == 2
    assert "without a path" in ran.err


class _Endless:
    """Standard input that never ends, after a few first bytes."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.given = 0

    def read(self, size: int) -> bytes:
        self.given += size
        head, self.head = self.head, b""
        return head or bytes(size)


@pytest.mark.parametrize(
    ("head", "max_pixels", "most"),
    [(JPEG, 1000, 66), (b"II*\0", 1 << 20, 81), (b"\0MRM", 1 << 20, 81), (b"no picture", None, 65), (JPEG, None, 1025)],
    ids=["jpeg", "tiff", "raw", "unknown", "jpeg without a limit"],
)
def test_how_much_of_a_stream_is_copied(
    head: bytes, max_pixels: int | None, most: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if max_pixels is None and head == JPEG:
        monkeypatch.setattr("awbkit.store.streams.MAX_WHOLE_FILE", MAX_WHOLE_FILE >> 4)
        most = most >> 4
    stream = _Endless(head)
    monkeypatch.setattr("sys.stdin", type("Input", (), {"buffer": stream}))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(UnreadableFile, match="goes on after"), spool_stream(Path("-"), True, max_pixels):
        pass
    assert stream.given >> 20 <= most + 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("head", "kind"), [(b"\0\0\0\x18ftypmp42", "a video"), (b"\x1f\x8b\x08", "a gzip archive"), (b"%PDF", "a PDF")]
)
def test_what_is_no_picture_is_not_copied(head: bytes, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Endless(head.ljust(64, b"\1"))
    monkeypatch.setattr("sys.stdin", type("Input", (), {"buffer": stream}))
    with pytest.raises(UnsupportedImage, match=f"is {kind}"), spool_stream(Path("-"), True, None):
        pass
    assert stream.given == 64


def test_python_does_not_wait_for_a_pipe(pipe: Path) -> None:
    with pytest.raises(UnreadableFile, match="is a pipe or a device"):
        package.open(pipe)
