"""Standard input, named pipes and a shell's ``<(command)``: read without hanging, copied within a limit."""

from __future__ import annotations

import contextlib
import io
import os
import select
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.store.limits import MAX_WHOLE_FILE
from awbkit.store.parts import scratch
from awbkit.store.refusals import catch_read_errors, writing_error
from awbkit.store.signatures import HEAD, foreign_kind, is_raw, sniff

_PATIENCE = 10.0
_CHUNK = 1 << 20
_BYTES_PER_PIXEL = 16
_METADATA_BYTES = 1 << 26
_UNKNOWN_BYTES = 1 << 26


def open_stream(path: str | os.PathLike[str], patience: float = _PATIENCE) -> BinaryIO:
    """Open a file or a pipe for reading.

    A pipe that nobody writes to is given up with :class:`UnreadableFile` while it is read. A program that has opened
    it may take as long as it likes.

    Args:
        path: The file.
        patience: Seconds to wait for a program that writes to a named pipe.

    Raises:
        OSError: If it cannot be opened.
    """
    if not hasattr(select, "poll") or not stat.S_ISFIFO(Path(path).stat().st_mode):
        return Path(path).open("rb")
    return io.BufferedReader(_Pipe(path, patience))


class _Pipe(io.RawIOBase):
    """A pipe that opens at once; whoever reads it waits for the program at its other end."""

    def __init__(self, path: str | os.PathLike[str], patience: float) -> None:
        self._path = path
        self._patience = patience
        self._source = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        self._poll = select.poll()
        self._poll.register(self._source, select.POLLIN)
        self._has_writer = self._has_waited = False

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._source.fileno()

    def close(self) -> None:
        self._source.close()
        super().close()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            # None: a program has the pipe open but has written nothing yet. 0: no program has it open.
            count: int | None = self._source.readinto(buffer)
            if count:
                self._has_writer = True
                return count
            if count is None:
                self._has_writer = True
                self._poll.poll()
            elif self._has_writer:
                return 0
            elif self._has_waited:
                problem = f"is a pipe that no program wrote to within {self._patience:g} seconds"
                raise UnreadableFile(self._path, problem, "start the program that writes it, or name a file")
            else:
                events = self._poll.poll(self._patience * 1000)
                self._has_writer = any(event & select.POLLHUP for _, event in events)
                self._has_waited = True


@contextlib.contextmanager
def spool_stream(path: Path, is_stdin: bool, max_pixels: int | None) -> Iterator[Path]:
    """A temporary file with the content of a stream.

    A stream that is clearly no picture is refused before it is copied, and the size of the copy is bounded.

    Args:
        path: The stream.
        is_stdin: Whether it is standard input.
        max_pixels: Bounds the copy to the bytes of a picture with this many pixels; None for no bound.

    Raises:
        UnreadableFile: If the stream cannot be read, or holds more than a picture can.
        UnsupportedImage: If its first bytes are those of another kind of file.
        OutputError: If there is no room for the copy.
    """
    with contextlib.ExitStack() as stack:
        with catch_read_errors(path):
            source = sys.stdin.buffer if is_stdin else stack.enter_context(open_stream(path))
        yield stack.enter_context(spool(path, source, max_pixels))


@contextlib.contextmanager
def spool(name: str | os.PathLike[str], source: BinaryIO, max_pixels: int | None) -> Iterator[Path]:
    """:func:`spool_stream` of a stream that is open; ``name`` is what messages call it."""
    with scratch() as folder:
        path = folder / "spool"
        try:
            with path.open("wb") as sink:
                _copy(name, source, sink, max_pixels)
        except OSError as error:
            raise writing_error(folder.parent, error) from error
        yield path


def _copy(path: str | os.PathLike[str], source: BinaryIO, spool: IO[bytes], max_pixels: int | None) -> None:
    with catch_read_errors(path):
        head = source.read(HEAD)
    picture = sniff(head)
    known = picture is not None or is_raw(head)
    if not known and (foreign := foreign_kind(head)) is not None:
        raise UnsupportedImage(path, f"is {foreign}", "awbkit reads pictures: JPEG, PNG, TIFF, WebP, HEIF, AVIF, raw")
    limit: float = _UNKNOWN_BYTES
    if known:
        limit = float("inf") if max_pixels is None else max_pixels * _BYTES_PER_PIXEL + _METADATA_BYTES
        if picture not in (None, "tiff"):
            limit = min(limit, MAX_WHOLE_FILE)
    spool.write(head)
    copied = len(head)
    for block in _blocks(path, source):
        copied += len(block)
        if copied > limit:
            problem = f"goes on after {int(limit) >> 20} MiB" + ("" if known else " and begins like no picture")
            raise UnreadableFile(path, problem, "name a file, or a stream that ends")
        spool.write(block)


def _blocks(path: str | os.PathLike[str], source: BinaryIO) -> Iterator[bytes]:
    with catch_read_errors(path):
        while block := source.read(_CHUNK):
            yield block
