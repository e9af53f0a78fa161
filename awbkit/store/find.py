"""From what the user names (files, folders, lists, standard input) to the images to work on."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from awbkit.errors import UnreadableFile, UsageError
from awbkit.spelling import count_text
from awbkit.store.paths import is_file, store_of
from awbkit.store.refusals import reading_error
from awbkit.store.signatures import kind_of
from awbkit.store.store import Kind

STDIN = Path("-")

RENDERED_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", ".hif", ".avif"]
)
RAW_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("3fr", "arw", "bay", "cap", "cr2", "cr3", "crw", "dcr", "dng", "eip", "erf", "fff", "gpr", "iiq", "k25"),
        *("kdc", "mef", "mos", "mrw", "nef", "nrw", "orf", "pef", "ptx", "raf", "raw", "rw2", "rwl", "sr2", "srf"),
        *("srw", "x3f"),
    )
)
IMAGE_SUFFIXES = RENDERED_SUFFIXES | RAW_SUFFIXES

# Files that file managers, network drives and operating systems keep beside pictures, such as thumbnails and deleted
# files. Names that start with a dot are passed over anyway.
_SYSTEM_FILES = frozenset(
    (
        *("@eadir", "@recycle", "@recently-snapshot", "@tmp", "#recycle", "#snapshot", "$recycle.bin", "recycler"),
        *("system volume information", "lost+found", "__macosx", "icon\r"),
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini"),
    )
)
_DIGITS = re.compile("([0-9]+)")
_SHOWN = 6
_CHUNK = 65536
_LONGEST = 1 << 20
# Linux takes 4096 bytes; Windows, 32767 characters at most.
_LONGEST_PATH = 1 << 15 if os.name == "nt" else 1 << 12


@dataclass(frozen=True)
class FoundImage:
    """One image to work on.

    Attributes:
        path: As the user named it, or below a folder that the user named; ``-`` is standard input.
        root: The folder argument in which the walk found it; None for an image that the user named.
    """

    path: Path
    root: Path | None = None

    @property
    def is_stdin(self) -> bool:
        """Whether the image comes from standard input."""
        return self.path == STDIN

    @property
    def is_stream(self) -> bool:
        """Whether only this process can read it: standard input, a named pipe, a shell's ``<(command)``."""
        return self.is_stdin or not is_file(self.path)


@dataclass
class OtherFiles:
    """The files in folders that are no pictures, by suffix."""

    folders: set[str] = field(default_factory=set)
    suffixes: Counter[str] = field(default_factory=Counter)

    def add(self, root: Path, path: Path) -> None:
        """Count one more file that was found below ``root``."""
        self.folders.add(os.fspath(root))
        self.suffixes[path.suffix.lower() or "without a suffix"] += 1

    def __str__(self) -> str:
        """Such as ``12 files in photos are no pictures that awbkit reads (9 .mp4, 3 .txt); they were passed over``."""
        number = self.suffixes.total()
        where = next(iter(self.folders)) if len(self.folders) == 1 else f"{len(self.folders)} folders"
        common = self.suffixes.most_common(_SHOWN)
        kinds = [f"{count} {suffix}" for suffix, count in common]
        if others := number - sum(count for _, count in common):
            kinds.append(count_text(others, "other"))
        they = "is no picture" if number == 1 else "are no pictures"
        was = "it was" if number == 1 else "they were"
        files = count_text(number, "file")
        return f"{files} in {where} {they} that awbkit reads ({', '.join(kinds)}); {was} passed over"


def natural_key(name: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    """A sort key that puts img2 before img10, regardless of case; equal only for equal names."""
    parts = _DIGITS.split(name.casefold())
    # Digits compare by length, then text: int() refuses very long runs, and file names may hold them.
    key = tuple(
        (len(number := part.lstrip("0")), number) if position % 2 else part for position, part in enumerate(parts)
    )
    return key, name


def find(
    paths: Iterable[str], *, recursive: bool = False, passed_over: OtherFiles | None = None
) -> Iterator[FoundImage | UnreadableFile]:
    """The images that ``paths`` name, lazily, each once.

    Arguments keep their order. A folder gives its image files in natural order and, with ``recursive``, then those
    of its subfolders; hidden entries are passed over, and so is what systems keep beside pictures. A file without a
    picture's suffix is taken where it begins as a picture does; a file that the user names is taken in any case.
    An argument that cannot be taken becomes an error in its place, so that it does not stop the others.

    Args:
        paths: Files, folders, or ``-`` for one image on standard input.
        recursive: Whether to descend into subfolders.
        passed_over: Counts the files in folders that are no pictures.
    """
    passed_over = passed_over or OtherFiles()
    identities: set[str] = set()
    identify = identifier()
    for name in paths:
        if name == "-":
            candidates: Iterator[FoundImage | UnreadableFile] = iter((FoundImage(STDIN),))
        else:
            candidates = _expand(name, recursive, passed_over)
        for candidate in candidates:
            if isinstance(candidate, FoundImage):
                identity = "-" if candidate.is_stdin else identify(candidate.path)
                if identity in identities:
                    continue
                identities.add(identity)
            yield candidate


def identifier() -> Callable[[Path], str]:
    """A function from a path to the file it leads to, the same for all its names; it resolves each folder once."""
    folders: dict[str, str] = {}

    def identity(path: Path) -> str:
        text = os.fspath(path)
        folder, name = os.path.split(text)
        if path.is_symlink() or name in {"", ".", ".."}:
            return os.path.normcase(os.path.realpath(text))
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        return os.path.normcase(f"{folders[folder]}{os.sep}{name}")

    return identity


def read_path_list(stream: BinaryIO, *, nul: bool = False) -> Iterator[str]:
    """The paths that a list holds, each as soon as it has arrived; empty entries are passed over.

    Args:
        stream: One path a line, ended by LF or CRLF.
        nul: Whether paths end with NUL instead, which is the only way to list names that hold line breaks.

    Raises:
        UsageError: If a mebibyte holds no end of a path, so that the stream is no list.
    """
    # The unbuffered layer has no lock, so a thread waiting here cannot stall the interpreter's exit.
    source = getattr(stream, "raw", stream)
    separator = b"\0" if nul else b"\n"
    begun: list[bytes] = []
    barren = 0
    while chunk := source.read(_CHUNK):
        ended, *complete = chunk.split(separator)
        begun.append(ended)
        barren += len(chunk)
        if complete:
            ended = b"".join(begun)
            begun = [complete.pop()]
            for path in _decode_paths([ended, *complete], nul):
                barren = len(begun[0])
                yield path
        if barren > _LONGEST:
            ending = "NUL; without -0 paths end with a line break" if nul else "line break; with -0 paths end with NUL"
            raise UsageError(f"the list of files goes on for {barren} bytes without a path that ends with a {ending}")
    yield from _decode_paths([b"".join(begun)], nul)


def _decode_paths(entries: Iterable[bytes], nul: bool) -> Iterator[str]:
    for entry in entries:
        path = entry if nul else entry.removesuffix(b"\r")
        if path:
            yield os.fsdecode(path)


def _expand(name: str, recursive: bool, passed_over: OtherFiles) -> Iterator[FoundImage | UnreadableFile]:
    if not name:
        yield UnreadableFile(name, "the path is empty", "look for an unset variable in the command")
        return
    if len(name) > _LONGEST_PATH:
        begun = f"{name[:60]}..."
        yield UnreadableFile(begun, f"is {len(name)} characters long, and no path is", "see what the list holds")
        return
    path = Path(name)
    try:
        kind = store_of(path).kind(path)
    except ValueError:
        yield UnreadableFile(name, "the path holds a NUL character", "read a NUL-separated list with -0")
        return
    except OSError as error:
        yield _find_error(name, error)
        return
    if kind is not Kind.FOLDER:
        # Only standard input may be called "-", so a file of that name in the current folder gets its full path.
        yield FoundImage(path.absolute() if path == STDIN else path)
        return
    empty = True
    for candidate in _walk(path, path, recursive, set(), passed_over):
        empty = False
        yield candidate
    if empty:
        remedy = "" if recursive else "-r descends into its subfolders"
        yield UnreadableFile(name, "no image found in this folder", remedy)


def _walk(
    folder: Path, root: Path, recursive: bool, visited: set[Hashable], passed_over: OtherFiles
) -> Iterator[FoundImage | UnreadableFile]:
    store = store_of(folder)
    try:
        if (identity := store.identity(folder)) in visited:
            return
        visited.add(identity)
        entries = sorted((e for e in store.entries(folder) if _is_visible(e.name)), key=lambda e: natural_key(e.name))
    except OSError as error:
        yield _find_error(os.fspath(folder), error)
        return
    for entry in entries:
        path = folder / entry.name
        named = path.suffix.lower() in IMAGE_SUFFIXES
        if entry.kind is Kind.FILE:
            if named or kind_of(path) is not None:
                yield FoundImage(path, root)
            else:
                passed_over.add(root, path)
        elif named and entry.kind is Kind.NOTHING:
            yield UnreadableFile(path, "the link points to nothing", "mend or remove the link")
    if recursive:
        for entry in entries:
            if entry.kind is Kind.FOLDER:
                yield from _walk(folder / entry.name, root, recursive, visited, passed_over)


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _SYSTEM_FILES


def _find_error(path: str, error: OSError) -> UnreadableFile:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UnreadableFile(path, "no such file or folder", "check the spelling")
    return reading_error(path, error)
