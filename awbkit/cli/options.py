"""Options that several subcommands share, and the inputs that they name."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from awbkit.choices import Domain, EncodingName
from awbkit.cli.output import Format
from awbkit.errors import UnreadableFile, UsageError
from awbkit.store.find import Found, PassedOver, find, read_path_list
from awbkit.store.limits import MAX_PIXELS
from awbkit.store.refusals import unreadable

if TYPE_CHECKING:
    from awbkit.estimators.registry import Method


_FEW = 4
_INPUT = "Inputs"
_RUN = "Run"

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Pictures and folders; - reads one picture from standard input."),
]
Fallback = Annotated[
    str | None,
    typer.Option(
        metavar="METHOD",
        help="Replaces the method if that expects an error over --max-expected-error, or if it is a network for raw "
        "pictures and this one is rendered, or vice versa.",
    ),
]
MaxExpectedError = Annotated[
    float | None, typer.Option(metavar="DEG", help="With --fallback: the greatest expected error to accept.")
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Descend into subfolders.", rich_help_panel=_INPUT)]
FilesFrom = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE",
        help="Read paths from FILE, one a line; - is standard input.",
        rich_help_panel=_INPUT,
    ),
]
Null = Annotated[
    bool,
    typer.Option("--null", "-0", help="Paths in lists end with NUL, as by find -print0.", rich_help_panel=_INPUT),
]
Encoding = Annotated[
    EncodingName,
    typer.Option(
        help="How rendered files store light; auto: the embedded profile, else sRGB; camera: a sensor's linear RGB.",
        rich_help_panel=_INPUT,
    ),
]
MaxPixels = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        show_default=f"2^{MAX_PIXELS.bit_length() - 1}",
        help="Refuse pictures that claim more; 0: no limit.",
        rich_help_panel=_INPUT,
    ),
]
OutputFormat = Annotated[
    Format | None,
    typer.Option("--format", help="Of the results; default a table on a terminal, else jsonl.", rich_help_panel=_RUN),
]
ResultFormat = Annotated[
    Literal["table", "json"] | None, typer.Option("--format", help="Default: a table on a terminal, else json.")
]
ModelDomain = Annotated[Domain, typer.Option("--domain", help="Variant of a shipped model.")]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", metavar="N", min=0, help="Processes; 0: as many as cores.", rich_help_panel=_RUN)
]
FailedListFile = Annotated[
    Path | None,
    typer.Option("--failed-list", metavar="FILE", help="List the inputs that failed.", rich_help_panel=_RUN),
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.", rich_help_panel=_RUN)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no summary on standard error.", rich_help_panel=_RUN)
]


def check_null(null: bool, files_from: str | None, failed_list: Path | None) -> None:
    """Refuse -0 without a list that it could be about.

    Raises:
        UsageError: If there is none.
    """
    if null and files_from is None and failed_list is None:
        raise UsageError("-0 says how lists separate paths; give --files-from or --failed-list too")


def inputs(
    paths: Iterable[str] | None, files_from: str | None, *, null: bool, recursive: bool, passed_over: PassedOver
) -> Iterator[Found | UnreadableFile]:
    """The images that the command line names.

    Raises:
        UsageError: If it names none, or standard input twice, or the list cannot be read.
    """
    named = list(paths or ())
    if files_from is None and not named:
        raise UsageError("no picture named; give files, folders, or --files-from FILE")
    if files_from == "-" and "-" in named:
        raise UsageError("standard input cannot be both a picture and --files-from")
    return _found(named, files_from, null=null, recursive=recursive, passed_over=passed_over)


def _found(
    named: list[str], files_from: str | None, *, null: bool, recursive: bool, passed_over: PassedOver
) -> Iterator[Found | UnreadableFile]:
    with contextlib.ExitStack() as stack:
        listed: Iterable[str] = ()
        if files_from == "-":
            listed = read_path_list(sys.stdin.buffer, nul=null)
        elif files_from is not None:
            from awbkit.store.streams import open_stream

            try:
                listed = read_path_list(stack.enter_context(open_stream(files_from)), nul=null)
            except OSError as error:
                raise UsageError(f"--files-from {unreadable(files_from, error)}") from None
        yield from find(_chained(named, listed), recursive=recursive, passed_over=passed_over)


def _chained(named: Iterable[str], listed: Iterable[str]) -> Iterator[str]:
    yield from named
    yield from listed


def guarded(methods: Sequence[str], fallback: str | None, limit: float | None) -> tuple[Method, ...]:
    """The methods that the command line names, each with the fallback if there is one.

    Raises:
        UsageError: If one is unknown, or the fallback and its limit do not come together or cannot be used.
    """
    from awbkit.estimators import registry

    parsed = tuple(dict.fromkeys(registry.parse(name) for name in methods))
    if (fallback is None) != (limit is None):
        raise UsageError("--fallback METHOD and --max-expected-error DEG go together; give both")
    if fallback is None or limit is None:
        return parsed
    other = registry.parse(fallback)
    return tuple(method.guarded(other, limit) for method in parsed)


def wants_json(format: str | None) -> bool:
    """Whether a result is to be JSON: if the user says so, or says nothing and no terminal shows it."""
    return (format or ("table" if sys.stdout.isatty() else "json")) == "json"


def path_of(item: object) -> Path | str:
    """The file that an item of a batch is about, itself an input or an error."""
    return getattr(item, "path", "")


def chosen_jobs(jobs: int, items: Sequence[object] | None) -> int:
    """As many as asked for; of 0, one for a few files, whose work is done before workers would have started."""
    from awbkit.work.batch import default_jobs

    return jobs or (1 if items is not None and len(items) < _FEW else default_jobs())


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Three positive numbers separated by commas.

    Raises:
        UsageError: If it is anything else.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3 or not all(0 < value < float("inf") for value in values):
        raise UsageError(f"{option} takes 3 positive numbers r,g,b, not {text!r}")
    return values
