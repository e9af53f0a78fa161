"""The plan of all outputs, made before any work starts; and files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from awbkit.choices import OUTPUT_SUFFIXES
from awbkit.errors import FileError, OutputError, UsageError
from awbkit.store import parts
from awbkit.store.find import IMAGE_SUFFIXES, STDIN, FoundImage, identifier
from awbkit.store.paths import store_of
from awbkit.store.refusals import writing_error
from awbkit.store.signatures import kind_of
from awbkit.store.store import Kind

DEFAULT_NAME = "{stem}_awb{ext}"
RAW_OUTPUT_SUFFIX = ".tif"

_FIELDS = {
    "stem": "the input's name without a picture's suffix",
    "name": "the input's name with its suffix",
    "parent": "the name of the input's folder",
    "ext": "the output's suffix with its dot",
}


class IfExists(StrEnum):
    """What to do where the output exists already."""

    FAIL = "fail"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class PlannedOutput:
    """One input and where its result goes."""

    source: FoundImage
    output: Path


def plan_outputs(
    items: Sequence[FoundImage | FileError],
    *,
    suffix: Callable[[Path], str],
    output: Path | None = None,
    directory: Path | None = None,
    name: str = DEFAULT_NAME,
) -> list[PlannedOutput | FileError]:
    """An output for every input, beside it unless ``output`` or ``directory`` says otherwise.

    Results of an earlier run that a folder walk found among the inputs are left out of the plan. Errors among the
    items keep their place.

    Args:
        items: What ``find`` gave.
        suffix: From an input to the suffix of its output, with the dot.
        output: The one output of one input.
        directory: The folder for all outputs; the tree under each folder argument is mirrored in it.
        name: The template of output names; its fields are {stem}, {name}, {parent} and {ext}.

    Raises:
        UsageError: If two inputs would go to one output, an output is an input, or the options do not fit.
        OutputError: If the system refuses to say whether an output exists.
    """
    if output is not None and directory is not None:
        raise UsageError("-o names one file and -d a folder for many; give one of them")
    try:
        if output is not None:
            _check_single(output, len(items))
        if directory is not None and directory.exists() and not directory.is_dir():
            raise UsageError(f"-d {directory} is a file; name a folder")
    except OSError as error:
        raise writing_error(output or directory or "", error) from error
    check_template(name)
    everything: list[PlannedOutput | FileError] = [
        item if isinstance(item, FileError) else PlannedOutput(item, output or _place(item, suffix, directory, name))
        for item in items
    ]
    identify = identifier()
    kept = _without_previous_results(everything, identify)
    _check_collisions([item for item in kept if isinstance(item, PlannedOutput)], identify)
    return kept


def check_template(name: str) -> None:
    """Refuse a template of output names that is not one plain file name.

    Raises:
        UsageError: Naming the fields that there are.
    """
    valid = ", ".join(f"{{{field}}} ({meaning})" for field, meaning in _FIELDS.items())
    try:
        parts = list(string.Formatter().parse(name))
    except ValueError as error:
        raise UsageError(f"--name {name!r}: {error}; the fields are {valid}") from None
    for _, field, specification, conversion in parts:
        if field is not None and (field not in _FIELDS or specification or conversion):
            raise UsageError(f"--name {name!r}: no field {{{field}}} of that form; the fields are {valid}")
    literal = "".join(text for text, *_ in parts)
    if re.search(r"[/\\\0]", literal) or not name.strip():
        raise UsageError(f"--name {name!r} must be a file name without folders; -d names the folder")
    if not any(field in ("stem", "name", "parent") for _, field, *_ in parts) and name.strip() in {".", "..", "{ext}"}:
        raise UsageError(f"--name {name!r} leaves no file name; add {{stem}}")


def suffix_by_content(source: Path) -> str:
    """The suffix of the output of a file whose own name has none, or one that no output can have, such as .mpo."""
    return OUTPUT_SUFFIXES.get(kind_of(source) or "", (RAW_OUTPUT_SUFFIX,))[0]


def skips(path: Path, if_exists: IfExists) -> bool:
    """Whether the output exists and is to stay as it is; asked before an image is decoded in vain.

    Raises:
        OutputError: If the output exists and must not, is no regular file, or cannot be examined.
    """
    try:
        kind = store_of(path).kind(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise writing_error(path, error) from error
    if kind is not Kind.FILE:
        raise OutputError(path, "the output is not a regular file", "name another output")
    if if_exists is IfExists.FAIL:
        raise _exists(path)
    return if_exists is IfExists.SKIP


def tidy(path: Path) -> None:
    """Remove the temporary files of killed processes from an output's folder."""
    with suppress(OSError):
        parts.sweep(Path(os.path.realpath(path)).parent)


def write_whole(path: Path, if_exists: IfExists, content: bytes | str) -> bool:
    """:func:`atomic_write` of what lies in memory, text as UTF-8."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    return atomic_write(path, if_exists, partial(_write_bytes, data=data))


def atomic_write(path: Path, if_exists: IfExists, write: Callable[[Path], None]) -> bool:
    """Have ``write`` fill a temporary file in the same folder, then move that into place in one step, and for good.

    A symbolic link is written through: the file it points to is created or replaced, the link stays. Missing
    folders are created. Permissions are those of any new file under the umask.

    Args:
        path: The output.
        if_exists: Applied at the last moment too, so that a file that appeared meanwhile is not lost.
        write: Writes the whole file to the path it is given, which ends in the output's suffix.

    Returns:
        False where the output existed and was left alone.

    Raises:
        OutputError: If the output exists and must not, or cannot be written. Other errors of ``write`` pass
            through. The temporary file is gone either way.
        UnreadableFile: If ``write`` fails to open another file.
    """
    tidy(path)
    if skips(path, if_exists):
        return False
    try:
        if store_of(path).put(path, write, replace=if_exists is IfExists.REPLACE):
            return True
    except OutputError as error:
        # Encoders know only the temporary file's name.
        raise OutputError(path, error.problem, error.remedy) from error
    except OSError as error:
        raise writing_error(path, error) from error
    if skips(path, if_exists):
        return False
    raise OutputError(path, "was there when it was to be written, and is gone", "another program removed it; run again")


def _check_single(output: Path, inputs: int) -> None:
    if inputs != 1:
        raise UsageError(f"-o names the output of one input, but there are {inputs}; name a folder with -d")
    if output == STDIN:
        raise UsageError("an image cannot be written to standard output; name a file with -o")
    if output.is_dir():
        raise UsageError(f"-o {output} is a folder; name it with -d, or a file in it with -o")


def _stem(path: Path) -> str:
    """The name without a picture's suffix. Other suffixes stay, or x.mpo and x.jpg would have the same output."""
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def _place(found: FoundImage, suffix: Callable[[Path], str], directory: Path | None, name: str) -> Path:
    source = Path("stdin") if found.is_stdin else found.path
    fields = {
        "stem": _stem(source),
        "name": source.name,
        "parent": source.absolute().parent.name,
        "ext": suffix(found.path),
    }
    file_name = name.format_map(fields)
    if file_name in {"", ".", ".."} or "/" in file_name:
        raise UsageError(f"--name {name!r} makes {file_name!r} of {found.path}, which is no file name; add {{stem}}")
    if directory is None:
        return source.parent / file_name
    below = found.path.relative_to(found.root).parent if found.root is not None else Path()
    return directory / below / file_name


def _without_previous_results(
    items: list[PlannedOutput | FileError], identify: Callable[[Path], str]
) -> list[PlannedOutput | FileError]:
    maker: dict[str, Path] = {}
    for item in items:
        if isinstance(item, PlannedOutput):
            maker.setdefault(identify(item.output), item.source.path)

    def is_result(item: PlannedOutput | FileError) -> bool:
        if isinstance(item, FileError) or item.source.root is None:
            return False
        made_from = maker.get(identify(item.source.path))
        # A result of the same name as its source could as well be an original, such as a raw file's camera JPEG.
        return made_from is not None and _stem(made_from).casefold() != _stem(item.source.path).casefold()

    return [item for item in items if not is_result(item)]


def _check_collisions(items: list[PlannedOutput], identify: Callable[[Path], str]) -> None:
    inputs = {identify(item.source.path): item.source.path for item in items if not item.source.is_stdin}
    files = {_file_number(item.source.path): item.source.path for item in items if not item.source.is_stdin}
    files.pop(None, None)
    taken: dict[str, PlannedOutput] = {}
    for item in items:
        identity = identify(item.output)
        # The file number catches what the name does not: another case on a case-blind file system, a hard link.
        clash = inputs.get(identity) or files.get(_file_number(item.output))
        if clash is not None:
            raise UsageError(
                f"{item.source.path} would be written to {item.output}, which is the input {clash}; inputs are never "
                f"changed, so choose another --name or -d"
            )
        other = taken.setdefault(identity, item)
        if other is not item:
            raise UsageError(
                f"{other.source.path} and {item.source.path} would both be written to {item.output}; tell them apart "
                f"with --name '{{name}}_awb{{ext}}' or '{{parent}}_{{stem}}{{ext}}', or run them one by one"
            )


def _file_number(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _exists(path: Path) -> OutputError:
    return OutputError(path, "the output exists already", "--if-exists replace or skip settles it")


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
