"""A reader under test: what is handed to it, and how it is used."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.contract import Broken, complaint_fault
from tests.helpers.command import awbkit

Step = Callable[[], object]
"""One use; what it returns is ignored."""


@dataclass(frozen=True)
class Target:
    """Readers that are used together.

    Attributes:
        name: Short, for file names and messages.
        readers: The functions that this covers, as module:function.
        seeds: Sound inputs by name; the suffix counts.
        use: The steps for a file (or, with a tree, for the folder that holds it) and a folder for outputs.
        tree: Makes the folder of which each input replaces one file; None where the input stands alone.
    """

    name: str
    readers: tuple[str, ...]
    seeds: Callable[[], dict[str, bytes]]
    use: Callable[[Path, Path], Iterable[Step]]
    tree: Callable[[], Path] | None = None

    def lay(self, folder: Path, name: str, data: bytes) -> Path:
        """Put an input where it belongs; the path to be used."""
        folder.mkdir(parents=True)
        file = folder / name
        if self.tree is not None:
            _link_tree(self.tree(), folder)
            file.unlink(missing_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file if self.tree is None else folder


def small_files(folder: Path, largest: int = 40_000) -> dict[str, bytes]:
    """The files of a tree that are worth damaging, by their path in it."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size <= largest]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def chosen(data: bytes, count: int) -> int:
    """A number below ``count`` that depends on the content alone, so that a fault comes back with its file."""
    return int.from_bytes(hashlib.sha256(data).digest()[:4], "big") % count


def command(*arguments: object, stdin: bytes = b"") -> None:
    """Run the command line in this process and hold it to its contract.

    Raises:
        Broken: If it ends with another exit code than its own, or says anything but lines that it begins itself.
    """
    ran = awbkit(*arguments, stdin=stdin)
    if ran.code not in (0, 1, 2, 3):
        raise Broken(f"exit code {ran.code}: {ran.err}")
    if ran.code and not ran.err.strip():
        raise Broken(f"exit code {ran.code} without a word")
    for line in ran.err.splitlines():
        if not line.startswith("awbkit: "):
            raise Broken(f"a line that is not awbkit's: {line!r} in {ran.err[:500]!r}")
        if fault := complaint_fault(line):
            raise Broken(fault)


def _link_tree(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(exist_ok=True)
        else:
            os.link(path, place)
