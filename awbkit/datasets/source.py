"""What the user downloaded: a folder, an archive, or a folder of archives; read where it lies, never unpacked.

An archive's members appear beside the archive, as if it had been unpacked where it is. Names that lead out of the
archive, links, devices and members that claim more than they can hold are refused, so that reading one is safe
whoever made it.
"""

from __future__ import annotations

import fnmatch
import os
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO

from awbkit.errors import UnreadableFile
from awbkit.files.find import natural_key

MAX_MEMBER_BYTES = 2 << 30
MAX_RATIO = 200
"""Images do not shrink by more; an archive member that claims to is a decompression bomb."""

_PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".7z", ".rar", ".gz", ".zip.001")


@dataclass(frozen=True)
class Member:
    """Where one file lies.

    Attributes:
        archive: The zip or tar file that holds it, or None for a plain file.
        name: Its name in the archive, or its path.
        size: Bytes.
        offset: Where its bytes begin in a tar file.
    """

    archive: str | None
    name: str
    size: int
    offset: int = 0


@dataclass(frozen=True)
class Source:
    """Files by name: their path below the source with ``/``, whatever the system.

    Attributes:
        path: The folder or archive, as the user named it.
        members: Every file by name, in natural order.
        refused: Archive members that will not be read, and why.
    """

    path: str
    members: Mapping[str, Member] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Source:
        """List what is there.

        Raises:
            UnreadableFile: If the path does not exist, or an archive in it is damaged or of a kind that cannot be
                read in place.
        """
        root = Path(path)
        members: dict[str, Member] = {}
        refused: dict[str, str] = {}
        if not root.exists():
            raise UnreadableFile(root, "no such file or folder")
        if root.is_file():
            _add_archive(root, PurePosixPath(), members, refused)
        else:
            for file in _walk(root):
                below = PurePosixPath(file.relative_to(root).as_posix())
                if is_archive(file):
                    _add_archive(file, below.parent, members, refused)
                else:
                    members[str(below)] = Member(None, str(file), file.stat().st_size)
        ordered = {name: members[name] for name in sorted(members, key=natural_key)}
        return cls(os.fspath(path), ordered, refused)

    def find(self, pattern: str) -> list[str]:
        """Names that match a shell pattern, regardless of case, in natural order; ``*`` matches ``/`` too.

        A pattern without a leading ``*`` may begin at any folder, because downloads come wrapped in folders or not.
        """
        lowered = pattern.lower()
        return [
            name
            for name in self.members
            if fnmatch.fnmatchcase(name.lower(), lowered) or fnmatch.fnmatchcase(name.lower(), f"*/{lowered}")
        ]

    def read(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            UnreadableFile: If it is not there, or its archive is damaged.
        """
        member = self.members.get(name)
        if member is None:
            raise UnreadableFile(f"{self.path}/{name}", "no such file in the source")
        try:
            if member.archive is None:
                return Path(member.name).read_bytes()
            if zipfile.is_zipfile(member.archive):
                with _zip(member.archive).open(member.name) as file:
                    data = file.read(member.size + 1)
            else:
                with Path(member.archive).open("rb") as file:
                    file.seek(member.offset)
                    data = file.read(member.size)
        except (OSError, zipfile.BadZipFile, RuntimeError, EOFError, NotImplementedError) as error:
            raise UnreadableFile(f"{self.path}/{name}", f"cannot be read ({error})", "download it again") from error
        if len(data) != member.size:
            raise UnreadableFile(f"{self.path}/{name}", "is not of the size that its archive states", "download it again")
        return data

    def text(self, name: str) -> str:
        """One small text file, UTF-8 with or without a byte-order mark.

        Raises:
            UnreadableFile: If it cannot be read.
        """
        try:
            return self.read(name).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UnreadableFile(f"{self.path}/{name}", "is not UTF-8 text") from None


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive, readable here or not."""
    return path.name.lower().endswith((".zip", ".tar", *_PACKED))


def _walk(root: Path) -> list[Path]:
    return [
        Path(folder, name)
        for folder, folders, names in os.walk(root)
        if not folders.sort()  # type: ignore[func-returns-value]
        for name in names
        if not name.startswith(".")
    ]


def _add_archive(file: Path, below: PurePosixPath, members: dict[str, Member], refused: dict[str, str]) -> None:
    raise NotImplementedError


@lru_cache(maxsize=4)
def _zip(path: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _tar(path: str) -> IO[bytes] | tarfile.TarFile:
    raise NotImplementedError
