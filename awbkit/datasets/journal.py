"""Results of a preparation on disk, in the order of the samples, and how many of them can be relied on."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.layout import Skipped
from awbkit.datasets.prepared import COLUMNS, Row
from awbkit.errors import OutputError
from awbkit.image import THUMBNAIL_SIZE as SIZE

_SECONDS_AT_RISK = 1.0


@dataclass(frozen=True, eq=False)
class Packed:
    """One sample as it is stored: a row of the index and of each array."""

    row: Row
    thumbnail: NDArray[np.uint16]
    valid: NDArray[np.bool_]
    local: NDArray[np.float16] | None


class Journal:
    """Arrays that grow, and lines that say how far they count.

    Attributes:
        done: How many samples are dealt with.
        kept: How many of them were not skipped.
        skipped: The others of an earlier run.
    """

    _ARRAYS = (
        ("thumbnails", "<u2", (SIZE, SIZE, 3)),
        ("valid", "|b1", (SIZE, SIZE)),
        ("local", "<f2", (SIZE, SIZE, 2)),
    )

    def __init__(self, folder: Path, plan: str) -> None:
        self._path = folder / "journal.jsonl"
        self._folder = folder
        self.done = 0
        self.kept = 0
        self.skipped: list[Skipped] = []
        self._waiting: list[str] = []
        self._synced = time.monotonic()
        if not self._path.exists() or b"\n" not in self._path.read_bytes()[:4096]:
            self._path.write_text(json.dumps({"plan": plan}) + "\n", encoding="utf-8")
        length = self._read(plan)
        self._file = self._path.open("r+b")
        self._file.truncate(length)
        self._file.seek(length)
        self._files: dict[str, IO[bytes]] = {}
        for name, _, _ in self._ARRAYS:
            if name != "local" or (folder / name).exists():
                self._open(name)

    def add(self, image: str, packed: Packed | None, reason: str) -> None:
        """Add one sample, or why it was skipped."""
        if packed is None:
            self._waiting.append(json.dumps({"skipped": image, "reason": reason}))
        else:
            if packed.local is not None and "local" not in self._files:
                self._open("local")
            parts = {"thumbnails": packed.thumbnail, "valid": packed.valid, "local": packed.local}
            for name, file in self._files.items():
                part = parts[name]
                file.write(_unknown_light() if part is None else part.tobytes())
            self._waiting.append(json.dumps({"row": packed.row.cells()}))
            self.kept += 1
        self.done += 1
        if time.monotonic() - self._synced > _SECONDS_AT_RISK:
            self.sync()

    def sync(self) -> None:
        """Bring what was added to the disk, first the arrays and then the lines that count them."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        self._file.write("".join(f"{line}\n" for line in self._waiting).encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._waiting.clear()
        self._synced = time.monotonic()

    def close(self) -> None:
        """Bring the rest to the disk."""
        if not self._file.closed and self._path.exists():
            self.sync()
        for file in (*self._files.values(), self._file):
            file.close()

    def rows(self) -> Iterator[Row]:
        """The rows of the samples that were kept."""
        for _, entry in self._lines():
            if "row" in entry:
                yield Row.of(dict(zip(COLUMNS, entry["row"], strict=True)))

    def write_arrays(self, folder: Path) -> None:
        """The arrays as .npy files."""
        for name, kind, shape in self._ARRAYS:
            grown = self._folder / name
            if not grown.exists():
                continue
            with (folder / f"{name}.npy").open("wb") as target, grown.open("rb") as source:
                header = {"descr": kind, "fortran_order": False, "shape": (self.kept, *shape)}
                np.lib.format.write_array_header_1_0(target, header)
                shutil.copyfileobj(source, target, 1 << 22)

    def _open(self, name: str) -> None:
        file = (self._folder / name).open("ab")
        size = next(np.dtype(kind).itemsize * int(np.prod(shape)) for key, kind, shape in self._ARRAYS if key == name)
        # What was written after the last line of the journal does not count; what a new array lacks is unknown.
        file.truncate(min(file.tell(), self.kept * size))
        file.seek(0, os.SEEK_END)
        for _ in range(self.kept - file.tell() // size):
            file.write(_unknown_light())
        self._files[name] = file

    def _read(self, plan: str) -> int:
        """Count what is there; the length of the journal up to its last whole line."""
        with self._path.open("rb") as file:
            head = file.readline()
            if json.loads(head) != {"plan": plan}:
                raise OutputError(
                    self._folder,
                    "holds the unfinished work of another source or other options",
                    "--restart throws it away; or name another folder with -o",
                )
        length = len(head)
        for line, entry in self._lines():
            length += len(line)
            self.done += 1
            self.kept += "row" in entry
            if "skipped" in entry:
                self.skipped.append(Skipped(entry["skipped"], entry["reason"]))
        return length

    def _lines(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        with self._path.open("rb") as file:
            for line in itertools.islice(file, 1, None):
                # A line cut short is the last thing that a killed process wrote.
                if line.endswith(b"\n"):
                    yield line, json.loads(line)


def _unknown_light() -> bytes:
    return np.full((SIZE, SIZE, 2), np.nan, np.float16).tobytes()
