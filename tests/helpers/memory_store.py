"""A store that is a dictionary, for what must not count on the file system."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from awbkit.store.parts import scratch
from awbkit.store.store import Entry, Kind


class MemoryStore:
    """Files by path.

    Attributes:
        files: Their bytes.
    """

    def __init__(self) -> None:
        self.files: dict[Path, bytes] = {}

    def kind(self, path: Path) -> Kind:
        if path in self.files:
            return Kind.FILE
        if any(path in file.parents for file in self.files):
            return Kind.FOLDER
        raise FileNotFoundError(2, "No such object", str(path))

    def state(self, path: Path) -> tuple[int, str]:
        self.kind(path)
        return len(self.files[path]), hashlib.sha256(self.files[path]).hexdigest()

    def identity(self, folder: Path) -> Path:
        return folder

    def entries(self, folder: Path) -> list[Entry]:
        names = {file.relative_to(folder).parts[0] for file in self.files if folder in file.parents}
        return [Entry(name, self.kind(folder / name)) for name in names]

    def open(self, path: Path) -> BinaryIO:
        self.kind(path)
        return io.BytesIO(self.files[path])

    @contextlib.contextmanager
    def local(self, path: Path) -> Iterator[Path]:
        with scratch() as folder:
            copy = folder / f"copy{path.suffix}"
            copy.write_bytes(self.open(path).read())
            yield copy

    def put(self, path: Path, write: Callable[[Path], None], *, replace: bool) -> bool:
        with scratch() as folder:
            write(folder / f"new{path.suffix}")
            if path in self.files and not replace:
                return False
            self.files[path] = (folder / f"new{path.suffix}").read_bytes()
        return True
