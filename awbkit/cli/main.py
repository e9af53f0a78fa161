"""The `awbkit` command: its subcommands, its exit codes, and what becomes of errors that reach the top."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from awbkit.cli.commands import SUMMARIES, load
from awbkit.cli.output import abandon, quiet_on_broken_pipe
from awbkit.cli.terminal import say
from awbkit.errors import AwbError, AwbWarning
from awbkit.store.refusals import writing_error
from awbkit.work.interrupts import EndingSignal, end_like_ctrl_c

# The parent of all the parser's errors; typer exports only this child of it.
_ParserError: Any = typer.BadParameter.__base__
_OF_OUTPUT = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF, errno.EINVAL, errno.EAGAIN}


@contextlib.contextmanager
def _exit_codes() -> Iterator[None]:
    """Turn the exception that ends a command into one line on standard error and an exit code."""
    try:
        with quiet_on_broken_pipe():
            yield
    except AwbError as error:
        _leave(str(error), error.exit_code)
    except _ParserError as error:
        message = error.format_message().removesuffix(".")
        command = error.ctx.command_path if error.ctx else "awbkit"
        _leave(f"{message[:1].lower()}{message[1:]}; {command} --help lists what there is", 2)
    except EndingSignal as ending:
        _leave("ended by a signal; finished files are kept", 128 + ending.number)
    except KeyboardInterrupt:
        _leave("interrupted; finished files are kept", 130)
    except OSError as error:
        # Code that opens a file reports its errors with a remedy; the others are errors of the output stream.
        if error.filename is None and error.errno in _OF_OUTPUT:
            abandon(sys.stdout)
            _leave(str(writing_error("standard output", error)), 1)
        if error.filename is None and isinstance(error, FileNotFoundError):
            _leave("the folder that you are in is gone; change to another", 1)
        _leave(f"{error.filename or 'a file'}: cannot be read or written: {(error.strerror or str(error)).lower()}", 1)


def _leave(message: str, code: int) -> NoReturn:
    try:
        say(" ".join(message.split()))
    except OSError:
        # The terminal itself may be gone.
        abandon(sys.stderr)
    sys.exit(code)


class _Commands(TyperGroup):
    """The subcommands by name and summary, which are all that help and completion show of them; one is loaded to run.

    :meth:`get_command` gives the summary, :meth:`resolve_command` the command.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in SUMMARIES.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, summary, rest = super().resolve_command(ctx, args)
        return name, load(name) if summary and name else None, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    # Here and not around the whole, because typer has its own exit codes for a broken pipe and for Ctrl-C.
    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _exit_codes():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _exit_codes():
            return super().invoke(ctx)


app = typer.Typer(
    name="awbkit",
    cls=_Commands,
    help="Camera auto white balance: estimate the light of photographs, raw or rendered, and correct it.",
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    # Rich takes longer to load than all the rest, so the help of the subcommands alone is drawn with it.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all done, 1 some or all files failed, 2 usage, 3 a check failed, 129, 130, 143 ended "
    "by SIGHUP, Ctrl-C, SIGTERM, 141 the reader of the output left.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from awbkit.version import VERSION

        print(f"awbkit {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def _show_warning(message: Warning | str, *where: Any, **how: Any) -> None:
    """One line for awbkit's own warnings; those of others, which are for developers, as Python shows them."""
    if isinstance(message, AwbWarning):
        say(f"warning: {message}")
    else:
        _show_others_warning(message, *where, **how)


_show_others_warning = warnings.showwarning


def main() -> None:
    """Run the command line and exit."""
    warnings.showwarning = _show_warning
    # A caller may have closed any of these. Opened in this order, each gets its own number back.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115
    with _exit_codes():
        end_like_ctrl_c()
        app()


if __name__ == "__main__":
    main()
