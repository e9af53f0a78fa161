"""`awbkit export`: a network for a device."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from awbkit.cli import options
from awbkit.cli.options import ResultFormat
from awbkit.cli.terminal import printable
from awbkit.errors import UsageError
from awbkit.files.outputs import IfExists, skips, write_whole


class Target(StrEnum):
    """What a network can be exported to."""

    C = "c"


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model that `awbkit quantize` made.")],
    to: Annotated[Target, typer.Option(help="c: one C99 header and one source, without floating point or heap.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Takes the files.")] = None,
    check: Annotated[
        list[Path] | None,
        typer.Option(metavar="PREPARED", help="Compare on these pictures too; repeatable."),
    ] = None,
    if_exists: Annotated[IfExists, typer.Option(help="What to do where the output exists.")] = IfExists.FAIL,
    format: Annotated[ResultFormat | None, typer.Option(help="Default: a table on a terminal, else json.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a network for a device, and compare what was written with the reference at once.

    C is compiled with this machine's compiler and must give the same bits; exit code 3 tells that it does not. Where
    there is no compiler a line says that nothing was compared.
    """
    from awbkit.export.c.check import check as compared
    from awbkit.export.c.check import compiler
    from awbkit.export.c.emit import emit
    from awbkit.export.cases import of_prepared, synthetic
    from awbkit.network.integer.model import IntegerModel
    from awbkit.network.models import load

    if output is None:
        raise UsageError("no output named; give a folder with -o")
    if output.exists() and not output.is_dir():
        raise UsageError(f"-o {output} is a file; name a folder")
    quantised = load(model)
    if not isinstance(quantised, IntegerModel):
        raise UsageError(f"{model} is of floating point; quantise it first: awbkit quantize {model} PREPARED -o FILE")
    sources = emit(quantised)
    skipped = [skips(output / name, if_exists) for name in sources]
    if all(skipped):
        return
    cases = [*synthetic(), *(case for folder in check or [] for case in of_prepared(folder))]
    cc = compiler()
    number = 0 if cc is None else compared(sources, quantised, cases, cc)
    for name, text in sources.items():
        write_whole(output / name, if_exists, text)
    if cc is None and not quiet:
        print("awbkit: no C compiler here (cc, gcc or clang), so the C was not compared", file=sys.stderr)
    _report(output, quantised.name, {name: len(text) for name, text in sources.items()}, number, format)


def _report(output: Path, name: str, sizes: dict[str, int], number: int, format: ResultFormat | None) -> None:
    record: dict[str, Any] = {
        "schema": 1,
        "model": name,
        "target": Target.C.value,
        "output": str(output),
        "files": sizes,
        "compared": number,
        "apart": 0.0 if number else None,
    }
    chosen = format or (ResultFormat.TABLE if sys.stdout.isatty() else ResultFormat.JSON)
    if chosen is ResultFormat.JSON:
        print(json.dumps(record, ensure_ascii=False))
        return
    print(f"{'model':<12}{printable(name)}")
    print(f"{'files':<12}{printable(', '.join(str(output / file) for file in sizes))}")
    print(f"{'compared':<12}" + (f"the same bits on {number} pictures" if number else "not"))
