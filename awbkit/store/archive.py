"""Zip files and plain tar files, listed and read in place without trusting them.

PKWARE's APPNOTE 6.3.10 and POSIX.1-2017 (ustar, pax) say what the bytes mean. Members that are unsafe, or that cannot
be read as bytes at one place, are refused one by one: names that lead out, links, devices, encryption, and sizes that
no picture has.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from awbkit.errors import UnreadableFile
from awbkit.store.paths import is_file, is_here, store_of

MAX_MEMBER_BYTES = 2 << 30
"""The largest file that is read whole; images of published sets are a tenth of it."""

MAX_RATIO = 200
"""Images do not shrink by more; an archive member that claims to is a decompression bomb."""

UNPACK = "unpack it and name the folder"

_HARMLESS_BYTES = 1 << 20
"""Members up to this size may shrink by any ratio: masks and tables do."""

_AGAIN = "download it again"
_DENIED = ("permission denied", "make it readable for you")
_CLOSED_NAME = re.compile(
    r"\.(tar\.\w+|tgz|tbz2?|txz|tzst|7z|rar|gz|bz2|xz|zst|(zip|tar|tgz|gz|7z|rar)\.\d{2,3}|z\d\d)$"
)
_CLOSED_HEADS = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x28\xb5\x2f\xfd")
_DRIVE = re.compile(r"[A-Za-z]:")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, OSError, ValueError, EOFError),
    *(OverflowError, RecursionError, NotImplementedError, LookupError, struct.error),
)


@dataclass(frozen=True, slots=True)
class Member:
    """Where one file lies.

    Attributes:
        archive: The zip or tar file that holds it, or None for a plain file.
        name: Its name in the archive, or its path.
        size: Bytes.
        offset: Where its bytes begin in a tar file, or its local header in a zip file.
        packing: "stored" or "deflated" in a zip file, else empty.
        packed_size: Bytes that it takes in a zip file.
        crc: CRC-32 that a zip file states.
    """

    archive: str | None
    name: str
    size: int
    offset: int = 0
    packing: str = ""
    packed_size: int = 0
    crc: int = 0

    @property
    def path(self) -> str | None:
        """Where a plain file of this machine lies; None for what has to be copied before a codec can open it."""
        return self.name if self.archive is None and is_here(Path(self.name)) else None


class Refusal(Exception):
    """A file that is there and is not read; the message says why."""


def is_archive(name: str) -> bool:
    """Whether the name is that of an archive, readable here or not."""
    name = name.lower()
    return name.endswith((".zip", ".tar")) or _CLOSED_NAME.search(name) is not None


def safe_name(name: str) -> str:
    """A name below the archive's folder, with ``/`` between its parts; empty for a file to pass over.

    Backslashes count as separators, because old Windows programs write them.

    Raises:
        Refusal: If the name leads elsewhere, or cannot be printed on one line of UTF-8.
    """
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path):
        raise Refusal("its name is an absolute path; no honest archive has such")
    if _UNPRINTABLE.search(path):
        raise Refusal("its name is not printable UTF-8; rename it")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refusal("its name leads out of the archive with '..'; no honest archive has such")
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return ""
    return "/".join(parts)


def list_members(path: Path) -> Iterator[tuple[str, Member | Refusal]]:
    """The files in a zip or tar file, in its own order, by the name that it gives them.

    Raises:
        Refusal: If the file is no archive, or of a kind that cannot be read in place.
        UnreadableFile: If the archive is damaged or cut short.
    """
    if not is_file(path):
        raise Refusal("is a pipe or a device; name a folder, or a zip or tar archive")
    try:
        with store_of(path).open(path) as file:
            head = file.read(512)
            _check_kind(path, head)
            if head[257:262] == b"ustar":
                yield from _tar_members(path, file)
            elif head.startswith(b"PK") or zipfile.is_zipfile(file):
                yield from _zip_members(path, file)
            elif path.suffix.lower() == ".tar":
                yield from _tar_members(path, file)
            elif path.suffix.lower() == ".zip":
                raise zipfile.BadZipFile("no zip file")
            else:
                raise Refusal("is neither a folder nor a zip or tar archive; name the folder that holds the data set")
    except PermissionError:
        raise UnreadableFile(path, *_DENIED) from None
    except _DAMAGE as error:
        problem = getattr(error, "strerror", None) or error
        raise UnreadableFile(path, f"is damaged or was not downloaded in full ({problem})", _AGAIN) from error


def read_member(member: Member, where: str) -> bytes:
    """The bytes of one file; of an archive member never more than its archive states.

    Args:
        member: What :func:`list_members` found, or a plain file.
        where: Its name for messages.

    Raises:
        UnreadableFile: If the file cannot be read, or differs from what its archive states.
    """
    if member.archive is None:
        if member.size > MAX_MEMBER_BYTES:
            raise UnreadableFile(where, _too_large(member.size))
        with _catch_damage(where), _open(member) as file:
            return file.read()
    data = _unpack(member, where, member.size + 1)
    if len(data) != member.size:
        raise UnreadableFile(where, "is not of the size that its archive states", _AGAIN)
    if member.packing and zlib.crc32(data) != member.crc:
        raise UnreadableFile(where, "is damaged (its checksum does not match)", _AGAIN)
    return data


def read_head(member: Member, where: str, count: int) -> bytes:
    """The first ``count`` bytes of one file, or all if there are fewer, unchecked.

    Raises:
        UnreadableFile: If they cannot be read.
    """
    return _unpack(member, where, min(count, member.size))


def _unpack(member: Member, where: str, count: int) -> bytes:
    """At most ``count`` bytes of a file, whatever size its archive states."""
    with _catch_damage(where), _open(member) as file:
        file.seek(member.offset)
        if not member.packing:
            return file.read(min(count, member.size))
        head = file.read(30)
        if len(head) < 30 or not head.startswith(b"PK\3\4"):
            raise UnreadableFile(where, "is not where its archive says", _AGAIN)
        file.seek(sum(struct.unpack_from("<2H", head, 26)), os.SEEK_CUR)
        if member.packing == "stored":
            return file.read(min(count, member.packed_size))
        # Deflate adds a header, and a few bytes to each block that does not shrink.
        packed_size = file.read(min(member.packed_size, count + count // 1024 + 4096))
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed_size, count)


def _open(member: Member) -> BinaryIO:
    path = Path(member.archive or member.name)
    return store_of(path).open(path)


@contextmanager
def _catch_damage(where: str) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise UnreadableFile(where, *_DENIED) from None
    except FileNotFoundError:
        raise UnreadableFile(where, "is no longer there") from None
    except _DAMAGE as error:
        problem = getattr(error, "strerror", None) or error
        raise UnreadableFile(where, f"cannot be read ({problem})", _AGAIN) from error


def _check_kind(path: Path, head: bytes) -> None:
    name = path.name.lower()
    if any(is_file(path.with_suffix(suffix)) for suffix in (".z01", ".Z01")) or re.search(r"\.\d{2,3}$", name):
        raise Refusal(f"is one part of a split archive, which cannot be read in place; {UNPACK}")
    if head.startswith(_CLOSED_HEADS) or _CLOSED_NAME.search(name):
        raise Refusal(f"is an archive of a kind that cannot be read in place; {UNPACK}")


def _zip_members(path: Path, file: BinaryIO) -> Iterator[tuple[str, Member | Refusal]]:
    archive = os.fspath(path)
    with zipfile.ZipFile(file) as opened:
        infos = opened.infolist()
    for info in infos:
        name = _zip_name(info)
        if name.endswith(("/", "\\")):
            continue
        why = _zip_refusal(info)
        if why:
            yield name, Refusal(why)
        else:
            packing = "deflated" if info.compress_type == zipfile.ZIP_DEFLATED else "stored"
            yield (
                name,
                Member(archive, name, info.file_size, info.header_offset, packing, info.compress_size, info.CRC),
            )


def _zip_name(info: zipfile.ZipInfo) -> str:
    # macOS writes UTF-8 without the flag that says so; zipfile then takes it for code page 437.
    name = info.orig_filename
    if not name.isascii() and not info.flag_bits & 0x800:
        try:
            return name.encode("cp437").decode("utf-8")
        except UnicodeError:
            return name
    return name


def _zip_refusal(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    packed_size, size = info.compress_size, info.file_size
    # Bits 0, 6 and 13: encrypted, strongly so, with masked headers.
    if info.flag_bits & 0x2041:
        return "is encrypted; unpack the archive with its password"
    if kind not in (0, stat.S_IFREG):
        return "is a link" if kind == stat.S_IFLNK else "is a device or a pipe"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is compressed in a way that cannot be read in place (zip method {info.compress_type}); {UNPACK}"
    if size > MAX_MEMBER_BYTES:
        return _too_large(size)
    if size > _HARMLESS_BYTES and size > MAX_RATIO * packed_size:
        return f"claims to unfold to {size} bytes from {packed_size}; no image does"
    # Deflate adds five bytes to each 16 KiB that do not shrink.
    if packed_size != size if info.compress_type == zipfile.ZIP_STORED else packed_size > size + size // 1024 + 1024:
        return f"claims to hold {size} bytes in {packed_size}"
    return ""


def _tar_members(path: Path, file: BinaryIO) -> Iterator[tuple[str, Member | Refusal]]:
    archive, length = os.fspath(path), file.seek(0, os.SEEK_END)
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as opened:
        while (info := opened.next()) is not None:
            # TarFile would keep them all, a kilobyte each.
            opened.members.clear()  # type: ignore[attr-defined]
            if info.isdir():
                continue
            if info.offset_data + (info.size if info.isreg() and not info.issparse() else 0) > length:
                raise tarfile.ReadError("it ends within a member")
            why = _tar_refusal(info)
            yield info.name, Refusal(why) if why else Member(archive, info.name, info.size, info.offset_data)
        end = opened.offset
    file.seek(end)
    # TarFile takes a damaged header for the end.
    if file.read(512).strip(b"\0") or end >= length:
        raise tarfile.ReadError("it ends without an end mark")


def _tar_refusal(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "is a link"
    if info.isdev():
        return "is a device or a pipe"
    if not info.isreg() or info.issparse():
        return f"is not stored as plain bytes; {UNPACK}"
    return _too_large(info.size) if info.size > MAX_MEMBER_BYTES else ""


def _too_large(size: int) -> str:
    return f"is larger than any image ({size / 1e9:.1f} GB)"
