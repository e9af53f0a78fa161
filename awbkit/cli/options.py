"""Options that several subcommands share, and the inputs that they name."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal, TypeAlias, get_type_hints

import typer

from awbkit.choices import Domain
from awbkit.errors import UsageError
from awbkit.store.refusals import reading_error

if TYPE_CHECKING:
    from awbkit.estimators.registry import Method


_FEW = 4


def panel(title: str) -> Callable[..., Any]:
    """``typer.Option`` for the options that the help shows under this title."""
    return partial(typer.Option, rich_help_panel=title)


run_option = panel("Run")

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Pictures and folders; - reads one picture from standard input."),
]
Fallback = Annotated[
    str | None,
    typer.Option(
        metavar="METHOD",
        help="Method that answers where --method expects an error over --max-expected-error, and where --method is a "
        "network for raw pictures and the picture is rendered, or vice versa.",
    ),
]
MaxExpectedError = Annotated[
    float | None, typer.Option(metavar="DEG", help="With --fallback: the greatest expected error to accept.")
]
_TableOrJson: TypeAlias = Literal["table", "json"] | None
_FORMAT_HELP = "Default: a table on a terminal, else json."
ResultFormat = Annotated[_TableOrJson, typer.Option("--format", help=_FORMAT_HELP)]
RunFormat = Annotated[_TableOrJson, run_option("--format", help=_FORMAT_HELP)]
ModelDomain = Annotated[Domain, typer.Option("--domain", help="Variant of a shipped model.")]
Jobs = Annotated[int, run_option("--jobs", "-j", metavar="N", min=0, help="Processes; 0: as many as cores.")]
Quiet = Annotated[bool, run_option("--quiet", "-q", help="No progress and no summary on standard error.")]


def choose_methods(methods: Sequence[str], fallback: str | None, limit: float | None) -> tuple[Method, ...]:
    """The methods that the command line names, each with the fallback if there is one.

    Raises:
        UsageError: If a method is unknown, the fallback cannot be used, or one of fallback and limit is missing.
    """
    from awbkit.estimators import registry

    parsed = tuple(_probe(method) for method in dict.fromkeys(registry.parse(name) for name in methods))
    if (fallback is None) != (limit is None):
        raise UsageError("--fallback METHOD and --max-expected-error DEG go together; give both")
    if fallback is None or limit is None:
        return parsed
    other = _probe(registry.parse(fallback))
    return tuple(method.with_fallback(other, limit) for method in parsed)


def _probe(method: Method) -> Method:
    if not method.is_own:
        return method
    from awbkit.own_code import probe

    return probe(method)


def expand(command: Callable[..., None]) -> Callable[..., None]:
    """The command as the parser needs it: the fields of dataclasses of options become parameters of their own."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        if not is_dataclass(parameter.annotation):
            parameters.append(parameter)
            continue
        groups[name] = parameter.annotation
        hints = get_type_hints(groups[name], include_extras=True)
        parameters += [
            parameter.replace(name=field.name, default=field.default, annotation=hints[field.name])
            for field in fields(groups[name])
        ]

    @wraps(command)
    def expanded(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    expanded.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


@contextlib.contextmanager
def open_input(option: str, name: str) -> Iterator[BinaryIO]:
    """The bytes of the file that an option names, or of standard input for ``-``.

    Raises:
        UsageError: If the file cannot be opened.
    """
    if name == "-":
        yield sys.stdin.buffer
        return
    from awbkit.store.streams import open_stream

    try:
        stream = open_stream(name)
    except OSError as error:
        raise UsageError(f"{option} {reading_error(name, error)}") from None
    with stream:
        yield stream


def path_of(item: object) -> Path | str:
    """The path of a batch's item, which is an input or an error."""
    return getattr(item, "path", "")


def count_jobs(jobs: int, items: Sequence[object] | None) -> int:
    """The number of processes. 0 means one for each core, but a few files are done before workers would start."""
    from awbkit.work.batch import default_jobs

    return jobs or (1 if items is not None and len(items) < _FEW else default_jobs())


def split_numbers(option: str, text: str) -> tuple[float, ...]:
    """Three positive numbers separated by commas.

    Raises:
        UsageError: If the text is anything else.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3 or not all(0 < value < float("inf") for value in values):
        raise UsageError(f"{option} takes 3 positive numbers r,g,b, not {text!r}")
    return values
