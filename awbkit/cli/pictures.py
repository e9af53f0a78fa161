"""The pictures that a command works on: the options of every command that makes a record of each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated

from awbkit.choices import EncodingName
from awbkit.cli import options
from awbkit.cli.output import Format
from awbkit.errors import UnreadableFile, UsageError
from awbkit.store.find import FoundImage, OtherFiles, find, read_path_list
from awbkit.store.limits import MAX_PIXELS

_input_option = options.panel("Inputs")


@dataclass(frozen=True)
class Pictures:
    """Which pictures, how they are read, and how their records are written; see :func:`awbkit.cli.options.expand`."""

    recursive: Annotated[bool, _input_option("--recursive", "-r", help="Descend into subfolders.")] = False
    files_from: Annotated[
        str | None,
        _input_option("--files-from", metavar="FILE", help="Read paths from FILE, one a line; - is standard input."),
    ] = None
    null: Annotated[bool, _input_option("--null", "-0", help="Paths in lists end with NUL, as by find -print0.")] = (
        False
    )
    encoding: Annotated[
        EncodingName,
        _input_option(
            help="How rendered files store light; auto: the embedded profile, else sRGB; camera: a sensor's linear RGB."
        ),
    ] = "auto"
    max_pixels: Annotated[
        int,
        _input_option(
            metavar="N",
            min=0,
            show_default=f"2^{MAX_PIXELS.bit_length() - 1}",
            help="Refuse pictures that claim more pixels; 0: no limit.",
        ),
    ] = MAX_PIXELS
    format: Annotated[
        Format | None, options.run_option(help="Format of the results; default: a table on a terminal, else jsonl.")
    ] = None
    jobs: options.Jobs = 1
    failed_list: Annotated[Path | None, options.run_option(metavar="FILE", help="List the inputs that failed.")] = None
    fail_fast: Annotated[bool, options.run_option("--fail-fast", help="Stop at the first failure.")] = False
    quiet: options.Quiet = False
    verbose: Annotated[
        bool,
        options.run_option(
            "--verbose", "-v", help="A line for each file on standard error; failures and warnings as they come."
        ),
    ] = False

    def __post_init__(self) -> None:
        if self.null and self.files_from is None and self.failed_list is None:
            raise UsageError("-0 says how lists separate paths; give --files-from or --failed-list too")
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose exclude each other; give one of them")

    def find(self, paths: Iterable[str] | None, passed_over: OtherFiles) -> Iterator[FoundImage | UnreadableFile]:
        """The images that the command line names.

        Raises:
            UsageError: If it names none, or standard input twice, or the list cannot be read.
        """
        named = list(paths or ())
        if self.files_from is None and not named:
            raise UsageError("no picture named; give files, folders, or --files-from FILE")
        if self.files_from == "-" and "-" in named:
            raise UsageError("standard input cannot be both a picture and --files-from")
        return self._find(named, passed_over)

    def _find(self, named: list[str], passed_over: OtherFiles) -> Iterator[FoundImage | UnreadableFile]:
        with contextlib.ExitStack() as stack:
            listed: Iterable[str] = ()
            if self.files_from is not None:
                stream = stack.enter_context(options.open_input("--files-from", self.files_from))
                listed = read_path_list(stream, nul=self.null)
            yield from find(chain(named, listed), recursive=self.recursive, passed_over=passed_over)
