"""Reports of a run over many files: records on standard output, failures on standard error, a list to retry."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awbkit.cli.failures import Failures
from awbkit.cli.output import Format, Writer, abandon, open_writer
from awbkit.cli.terminal import Progress, say
from awbkit.errors import UsageError
from awbkit.store.find import IMAGE_SUFFIXES, OtherFiles
from awbkit.store.outputs import IfExists, write_whole
from awbkit.store.refusals import writing_error
from awbkit.store.signatures import sniff

if TYPE_CHECKING:
    from awbkit.cli.outline import Outline
    from awbkit.cli.pictures import Pictures


class FailedList:
    """The inputs that failed, as a list that --files-from reads back.

    It replaces an earlier list in one step and only at the end, so a run may retry the very list that it rewrites.
    """

    def __init__(self, path: Path, *, nul: bool = False) -> None:
        folder = path.absolute().parent
        if (path.exists() and not path.is_file()) or not folder.is_dir() or not os.access(folder, os.W_OK):
            raise UsageError(f"--failed-list {path}: cannot be written; name a file in a folder that can")
        # In ``--failed-list *.jpg`` the list was forgotten, and the shell has put a picture in its place.
        if path.suffix.lower() in IMAGE_SUFFIXES or not _is_list(path):
            raise UsageError(f"--failed-list {path}: is no list that awbkit wrote; name a new file, such as failed.txt")
        self._path = path
        self._end = b"\0" if nul else b"\n"
        self._entries: list[bytes] = []

    def add(self, path: str) -> bool:
        """Add one path; False where only a NUL-separated list could hold it."""
        entry = os.fsencode(path)
        if self._end == b"\n" and (b"\n" in entry or entry.endswith(b"\r")):
            return False
        self._entries.append(entry + self._end)
        return True

    def close(self) -> None:
        """Write the list, even if it is empty."""
        write_whole(self._path, IfExists.REPLACE, b"".join(self._entries))


def _is_list(path: Path) -> bool:
    """Whether this is a list of paths, or nothing yet."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return sniff(head) is None and not any(byte < 32 and byte not in b"\0\t\n\r" for byte in head)


class Report:
    """Takes every record of a run in order."""

    def __init__(
        self,
        writer: Writer,
        progress: Progress,
        failed_list: FailedList | None,
        failures: Failures | None = None,
        *,
        verbose: bool = False,
    ) -> None:
        self._writer = writer
        self._progress = progress
        self._failed_list = failed_list
        self._failures = failures or Failures(at_once=True)
        self._is_verbose = verbose
        self._skips = 0
        self._plans = 0
        self._uncertain = 0

    @property
    def exit_code(self) -> int:
        """1 if anything failed, else 0."""
        return 1 if self._progress.failed else 0

    def add(self, *records: Mapping[str, Any]) -> None:
        """Write the records of one file, and report its warning; report and list its failure."""
        from awbkit.records import is_uncertain

        failures = [record for record in records if record.get("status") == "error"]
        self._skips += all(record.get("status") == "skipped" for record in records)
        self._plans += all(record.get("status") == "planned" for record in records)
        self._uncertain += any(is_uncertain(record.get("expected_error")) for record in records)
        with self._progress.hide():
            for record in records:
                self._write(record)
                if self._is_verbose and record.get("status") != "error":
                    say(details(record))
            warned = next((record for record in records if record.get("warning")), None)
            if warned is not None:
                self._failures.add(warned, str(warned["warning"]), "warning: ")
            for record in failures:
                self._failures.add(record, str(record.get("error") or "failed"))
            if failures and self._failed_list is not None and not self._failed_list.add(str(failures[0]["path"])):
                problem = "not in the failed list because of the line break in its name; -0 lists such names"
                self._failures.add({"path": failures[0]["path"]}, problem)
        self._progress.advance(failed=bool(failures))

    def _write(self, record: Mapping[str, Any]) -> None:
        try:
            self._writer.write(record)
        except BrokenPipeError:
            raise
        except OSError as error:
            abandon(sys.stdout)
            raise writing_error("standard output", error) from error

    def summary(self) -> str:
        """Such as ``128 files, 126 done, 2 failed, 14.2 s``."""
        done, failed = self._progress.done, self._progress.failed
        parts = [f"{done} file{'' if done == 1 else 's'}"]
        if self._plans:
            parts.append(f"{self._plans} would be written, nothing was")
        else:
            parts.append(f"{done - failed - self._skips} done")
        if self._skips:
            parts.append(f"{self._skips} skipped")
        if failed:
            parts.append(f"{failed} failed")
        if self._uncertain:
            from awbkit.records import UNCERTAIN

            parts.append(f"{self._uncertain} uncertain (± over {UNCERTAIN:g} deg)")
        return ", ".join([*parts, f"{self._progress.seconds:.1f} s"])


def details(record: Mapping[str, Any]) -> str:
    """What --verbose says of a file: what was read, what answered, and how long it took."""
    name = "standard input" if str(record["path"]) == "-" else record["path"]
    if record.get("width") is None:
        return f"{name}: {record.get('status')}, {record.get('output')}"
    space = "sRGB primaries"
    if record["space"] == "camera":
        space = f"RGB of {record.get('camera') or 'a camera without a name'}"
    parts = [f"{record['width']} x {record['height']} pixels", space, f"light by {record['method']}"]
    if record.get("fallback_for"):
        parts.append(f"in place of {record['fallback_for']}")
    if record.get("output"):
        parts.append(f"{'would be written' if record['status'] == 'planned' else 'written'} to {record['output']}")
    return f"{name}: {', '.join(parts)}, {record['ms']:.1f} ms"


@contextlib.contextmanager
def open_report(
    pictures: Pictures,
    keys: Sequence[str],
    total: int | None,
    passed_over: OtherFiles,
    outline: Outline | None = None,
) -> Iterator[Report]:
    """A report on standard output and standard error, completed however the context ends.

    Args:
        pictures: Says how records are written and where failures are listed.
        keys: The keys of every record, in order.
        total: The number of files; None where it is not known beforehand.
        passed_over: The files that are no pictures; the report ends with them.
        outline: What is known of the records before they come.
    """
    quiet = pictures.quiet
    failed_list = FailedList(pictures.failed_list, nul=pictures.null) if pictures.failed_list is not None else None
    failures = Failures(at_once=pictures.verbose)
    progress = Progress(sys.stderr, total, enabled=not quiet)
    format = pictures.format or (Format.TABLE if sys.stdout.isatty() else Format.JSONL)
    try:
        with open_writer(format, keys, sys.stdout, outline) as writer:
            report = Report(writer, progress, failed_list, failures, verbose=pictures.verbose)
            try:
                yield report
            finally:
                progress.erase()
    finally:
        if failed_list is not None:
            failed_list.close()
        # Interrupted runs say what has failed so far; a reader that has left wants no more lines.
        if not isinstance(sys.exception(), BrokenPipeError):
            failures.flush()
    if not quiet and passed_over.folders:
        say(str(passed_over))
    # One file needs no summary: its record, or its failure, says it all.
    if not quiet and progress.done != 1:
        say(report.summary())
