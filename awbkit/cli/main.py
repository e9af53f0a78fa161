"""The `awbkit` command: its subcommands, its exit codes, and what becomes of errors that reach the top."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from awbkit.cli import correct, estimate, methods
from awbkit.cli.output import quiet_on_broken_pipe
from awbkit.cli.terminal import printable
from awbkit.errors import AwbError

app = typer.Typer(
    name="awbkit",
    help="Camera auto white balance: estimate the light of photographs, raw or rendered, and correct it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all done, 1 some or all files failed, 2 usage, 130 interrupted, 141 the reader left.",
)
app.command("estimate")(estimate.estimate)
app.command("correct")(correct.correct)
app.command("methods")(methods.methods)


def _show_version(wanted: bool) -> None:
    if wanted:
        from awbkit import __version__

        print(f"awbkit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit."""
    with quiet_on_broken_pipe():
        try:
            app()
        except AwbError as error:
            message = printable(" ".join(str(error).split()))
            print(f"awbkit: {message}", file=sys.stderr)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            print("awbkit: interrupted; finished files are kept", file=sys.stderr)
            sys.exit(130)


if __name__ == "__main__":
    main()
