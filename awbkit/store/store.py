"""The interface of a place of files, through which everything above reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from enum import Enum
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol


class Kind(Enum):
    """What a name leads to."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "pipe or device"
    NOTHING = "link to nothing"


class Entry(NamedTuple):
    """A name in a folder.

    Attributes:
        name: The name alone.
        kind: What the name leads to, links followed.
        is_link: Whether it is a link.
    """

    name: str
    kind: Kind
    is_link: bool = False


class Store(Protocol):
    """Files by path. Every method raises OSError where there is no such file, or it cannot be reached."""

    def kind(self, path: Path) -> Kind:
        """What is there, links followed."""

    def state(self, path: Path) -> tuple[int, int | str]:
        """A file's size in bytes, and a value that changes with its bytes, such as a time or a version."""

    def identity(self, folder: Path) -> Hashable:
        """A value that is the same for all paths to one folder."""

    def entries(self, folder: Path) -> list[Entry]:
        """The names in a folder, in any order."""

    def open(self, path: Path) -> BinaryIO:
        """A file's bytes, for reading anywhere in it."""

    def local(self, path: Path) -> AbstractContextManager[Path]:
        """A file of this machine with the same bytes and suffix, for codecs; as long as the context lasts."""

    def put(self, path: Path, write: Callable[[Path], None], *, replace: bool) -> bool:
        """Have ``write`` fill a file of this machine, and give it that name in one step, whole or not at all.

        Args:
            path: The final name; missing folders are created.
            write: Writes to the path that it is given, which has the same suffix; its errors pass through.
            replace: Whether an existing file may be replaced.

        Returns:
            False where an existing file was kept.
        """
