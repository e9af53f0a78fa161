"""The user's download: a folder, an archive, or a folder of archives; read in place, never unpacked.

An archive's members appear beside the archive, as if it had been unpacked where it is. Names that lead out of the
archive, links, devices and members that claim more than they can hold are refused, so that an archive by anyone is safe
to read. Where two files have one name, a plain file comes before a member of an archive, and of members the
last counts, as it would after unpacking; archives come in natural order.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections import deque
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from awbkit.errors import UnreadableFile
from awbkit.escaping import printable
from awbkit.store.archive import (
    UNPACK,
    Member,
    Refusal,
    is_archive,
    list_members,
    read_head,
    read_member,
    safe_name,
)
from awbkit.store.find import natural_key
from awbkit.store.parts import scratch
from awbkit.store.paths import store_of
from awbkit.store.refusals import reading_error
from awbkit.store.store import Kind

MAX_TEXT_BYTES = 32 << 20
"""Labels of half a million images are shorter; in an archive a longer text is a decompression bomb."""


@dataclass(frozen=True)
class Source:
    """Files by name: their path below the source with ``/``, whatever the system. Holds no open file; picklable.

    Attributes:
        path: The folder or archive, as the user named it.
        members: Every file by name, in natural order.
        refusals: Why a file is not read, by the file's name.
    """

    path: str
    members: Mapping[str, Member] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Source:
        """List the files; hidden files and ``__MACOSX`` are passed over.

        Links to folders are followed, but no folder is listed twice. An archive that cannot be read in place (7z,
        rar, compressed tar, split zip) is refused where there are other files, because they may be what was in it.

        Raises:
            UnreadableFile: If the path does not exist, or leads to a file that is no archive; if an archive is
                damaged; if no archive can be read in place and there are no other files.
        """
        root = Path(path)
        listing = _Listing()
        try:
            kind = store_of(root).kind(root)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            raise UnreadableFile(root, "no such file or folder", "check the spelling") from None
        except OSError as error:
            raise reading_error(root, error) from None
        try:
            if kind is Kind.FOLDER:
                listing.add_folder(root)
            else:
                listing.add_archive(root, "")
        except Refusal as error:
            raise UnreadableFile(root, str(error)) from None
        members = {name: listing.members[name] for name in sorted(listing.members, key=natural_key)}
        refusals = {name: listing.refusals[name] for name in sorted(listing.refusals, key=natural_key)}
        return cls(os.fspath(path), members, refusals)

    def find(self, pattern: str) -> list[str]:
        """Names that match a shell pattern, regardless of case, in natural order; ``*`` matches ``/`` too.

        A pattern without a leading ``*`` may begin at any folder, because downloads come wrapped in folders or not.
        """
        matches = re.compile(f"(?:.*/)?{fnmatch.translate(pattern.lower())}", re.DOTALL).match
        return [name for name in self.members if matches(name.lower())]

    def read(self, name: str) -> bytes:
        """The bytes of one file; of an archive member never more than its archive states.

        Raises:
            UnreadableFile: If the file is missing, or its archive is damaged.
        """
        return read_member(self._member(name), f"{self.path}/{name}")

    @contextmanager
    def local(self, name: str) -> Iterator[str]:
        """The path of one file, or of a copy while the context lasts, for codecs that read nothing else.

        Raises:
            UnreadableFile: As :meth:`read`.
        """
        if (path := self._member(name).path) is not None:
            yield path
            return
        with scratch() as folder:
            copy = folder / f"image{PurePosixPath(name).suffix}"
            copy.write_bytes(self.read(name))
            yield str(copy)

    def head(self, name: str, count: int) -> bytes:
        """The first bytes of one file, unchecked, without reading the rest; fewer where it is shorter.

        Raises:
            UnreadableFile: If the file is missing, or cannot be read.
        """
        return read_head(self._member(name), f"{self.path}/{name}", count)

    def text(self, name: str) -> str:
        """One small text file, UTF-8 with or without a byte-order mark.

        Raises:
            UnreadableFile: If the file cannot be read.
        """
        member = self.members.get(name)
        if member is not None and member.size > MAX_TEXT_BYTES:
            problem = f"is a text of {member.size >> 20} MiB, and no label file is so long"
            raise UnreadableFile(f"{self.path}/{name}", problem, "check what it is")
        try:
            return self.read(name).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UnreadableFile(f"{self.path}/{name}", "is not UTF-8 text", "save it as UTF-8") from None

    def _member(self, name: str) -> Member:
        member = self.members.get(name)
        if member is None:
            raise UnreadableFile(f"{self.path}/{name}", self.refusals.get(name, "no such file in the source"))
        return member


class _Listing:
    """Members and refusals, collected while the source is listed."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.refusals: dict[str, str] = {}

    def add_folder(self, root: Path) -> None:
        plain: dict[str, Member] = {}
        archives: list[tuple[str, Path]] = []
        store = store_of(root)
        for found, path, kind in self._walk(root):
            try:
                name = safe_name(found)
                if kind is Kind.NOTHING:
                    store.kind(path)  # raises the reason why it leads nowhere
                if kind is not Kind.FILE:
                    raise Refusal("is a device or a pipe")
                if is_archive(name):
                    archives.append((name, path))
                else:
                    plain[name] = Member(None, os.fspath(path), store.state(path)[0])
            except Refusal as error:
                self.refusals[printable(found)] = str(error)
            except FileNotFoundError:
                self.refusals[printable(found)] = "is a link to nothing"
            except OSError as error:
                self.refusals[printable(found)] = (error.strerror or str(error)).lower()
        closed: list[UnreadableFile] = []
        for name, path in sorted(archives, key=lambda archive: natural_key(archive[0])):
            try:
                self.add_archive(path, name.rpartition("/")[0])
            except Refusal as error:
                closed.append(UnreadableFile(path, str(error)))
                self.refusals[name] = str(error)
        self.members.update(plain)
        if closed and not self.members:
            raise closed[0]

    def add_archive(self, path: Path, below: str) -> None:
        for found, member in list_members(path):
            try:
                name = safe_name(found)
                if name and isinstance(member, Refusal):
                    raise member
                if name and is_archive(name):
                    raise Refusal(f"is an archive within an archive; {UNPACK}")
                if name and isinstance(member, Member):
                    self.members[f"{below}/{name}" if below else name] = member
            except Refusal as error:
                self.refusals[printable(f"{below}/{found}" if below else found)] = str(error)

    def _walk(self, root: Path) -> Iterator[tuple[str, Path, Kind]]:
        """All but folders, by name below ``root``. Linked folders come last, so that a file keeps its own name."""
        store = store_of(root)
        visited: set[Hashable] = set()
        links = deque([("", root)])
        while links:
            folders = [links.popleft()]
            while folders:
                below, folder = folders.pop()
                try:
                    if (identity := store.identity(folder)) in visited:
                        continue
                    visited.add(identity)
                    entries = sorted(store.entries(folder), key=lambda entry: entry.name)
                except OSError as error:
                    self.refusals[printable(below) or "."] = (error.strerror or str(error)).lower()
                    continue
                for entry in entries:
                    if entry.name.startswith(".") or entry.name == "__MACOSX":
                        continue
                    name, path = f"{below}{entry.name}", folder / entry.name
                    if entry.kind is Kind.FOLDER:
                        (links if entry.is_link else folders).append((f"{name}/", path))
                    else:
                        yield name, path, entry.kind
