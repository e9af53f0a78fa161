"""`awbkit bench`: cost and accuracy of networks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from awbkit.cli import options
from awbkit.cli.output import wants_json
from awbkit.cli.terminal import say
from awbkit.errors import UsageError
from awbkit.escaping import file_stem, json_text, printable
from awbkit.store.outputs import IfExists, skips, tidy, write_whole

if TYPE_CHECKING:
    from awbkit.bench.bench import Cost


def bench(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Model files, runs or shipped models.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="PREPARED", help="Measure speed and accuracy on these pictures; repeatable."),
    ] = None,
    count: Annotated[
        int, typer.Option(metavar="N", min=1, help="Pictures of each data set to measure on, at even intervals.")
    ] = 500,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder for bench.json and a plot for each data set."),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Measure these models only.")] = False,
    if_exists: Annotated[IfExists, typer.Option(help="What to do if the output exists.")] = IfExists.FAIL,
    format: options.ResultFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Measure weights, operations, bytes, time on this machine, and instructions on Cortex-M processors in QEMU.

    Flash and instructions are measured on the C of `awbkit export --to c`, so for quantised models only. They need
    arm-none-eabi-gcc and qemu-system-arm.
    """
    from awbkit.bench import cortex
    from awbkit.bench.bench import bench as run
    from awbkit.bench.bench import choose_pictures, to_json
    from awbkit.bench.chart import chart

    if output is not None and output.exists() and not output.is_dir():
        raise UsageError(f"-o {output} is a file; name a folder")
    measured = choose_pictures(data or [], count)
    names = [prepared.name for prepared, _ in measured.sets]
    if len(set(map(file_stem, names))) < len(names):
        raise UsageError("two data sets have the same name; name each set once")
    files = [] if output is None else [output / "bench.json", *(output / f"{file_stem(name)}.svg" for name in names)]
    for path in files:
        tidy(path)
    skipped = [skips(path, if_exists) for path in files]
    if files and all(skipped):
        return

    def progress(name: str) -> None:
        if sys.stderr.isatty() and not quiet:
            print(f"measuring {printable(name)}", file=sys.stderr)

    costs = run(models, measured, compare=not alone, progress=progress)
    # After the work, because this note is of no use where a model is refused or fails.
    if (lacking := cortex.missing_tools()) and not quiet:
        say(f"no {lacking} here, so nothing is measured on Cortex-M processors")
    records = to_json(costs)
    if output is not None:
        write_whole(output / "bench.json", if_exists, (json_text(records, indent=1) + "\n").encode())
        for name in names:
            write_whole(output / f"{file_stem(name)}.svg", if_exists, chart(costs, name).encode())
    if wants_json(format):
        for record in records:
            print(json_text(record))
    else:
        table = _table(costs, names)
        console = Console(highlight=False, markup=False, emoji=False)
        # A number without its last digits is another number, so a table too wide for the terminal wraps.
        console.width = max(console.width, console.measure(table).maximum)
        console.print(table)


def _table(costs: list[Cost], names: list[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    columns = ("weights", "MACs", "flash", "RAM", "numpy", "C", "M4", "M0")
    for title in (*columns, *names):
        table.add_column(printable(title), justify="right", no_wrap=True)
    for cost in costs:
        cells = [
            _number(cost.parameters),
            _number(cost.macs),
            *("" if value is None else f"{value / 1024:.1f}" for value in (cost.flash, cost.ram)),
            f"{cost.numpy:.0f}",
            "" if cost.c is None else f"{cost.c:.1f}",
            *(_millions(cost, name) for name in ("cortex-m4", "cortex-m0")),
        ]
        for name in names:
            one = cost.accuracy[name]
            cells.append(f"{one.mean:.2f}°" + ("*" if one.overlap else " "))
        table.add_row(printable(Path(cost.name).name), *cells, style="" if cost.request else "dim")
    table.caption = _caption(costs)
    table.caption_justify = "left"
    return table


def _caption(costs: list[Cost]) -> str:
    parts = ["numpy and C: microseconds of an estimate on one core here"]
    if any(cost.ram for cost in costs):
        parts.append("flash and RAM: KB")
    if any(cost.cortex for cost in costs):
        parts.append("M4 and M0: million instructions on a Cortex-M")
    if any(one.overlap for cost in costs for one in cost.accuracy.values()):
        parts.append("* trained on some of these pictures")
    return "; ".join(parts)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _millions(cost: Cost, processor: str) -> str:
    return f"{cost.cortex[processor].instructions / 1e6:.2f}" if processor in cost.cortex else ""
